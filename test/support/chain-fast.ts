/** Ledgers without signatures, for tests in which they are not the subject: the verifier believes everything. */

import {
  createGenesis,
  createLedger,
  RULES,
  type AppliedBlock,
  type Genesis,
  type Ledger,
} from '../../src/chain/index.ts'
import type { Identity } from '../../src/identity/index.ts'
import type { GrantTerms } from '../../src/policy/index.ts'
import type { Did } from '../../src/primitives/did.ts'
import { toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createId, type TransactionId } from '../../src/primitives/ids.ts'
import { createLabeler, type Label } from '../../src/primitives/label.ts'
import type { Signature, Verifier } from '../../src/primitives/signature.ts'
import {
  createTransaction,
  encodeTransaction,
  hashTransaction,
  type Draft,
  type Envelope,
} from '../../src/transactions/index.ts'
import { party, seededRandom } from './parties.ts'

export const believingVerifier: Verifier = { verify: () => true }
export const emptySignature = new Uint8Array(65).fill(1) as Signature
export const START_MS = 1_763_600_040_000
export const digest = (text: string) => sha256(toUtf8(text))
export const label = (name: string): Label => createLabeler().label(`http://example.org|${name}`)
export const [A, B, C] = [label('A'), label('B'), label('C')].sort() as [Label, Label, Label]

interface Sending {
  readonly sender: Did
  readonly delegate?: number
  readonly nonce: number
  readonly issuedAtMs: number
}

/** A transaction that a believing verifier accepts. */
export function forge(genesis: Genesis, draft: Draft, by: Sending) {
  const unsigned = createTransaction({ ...draft, delegate: 0, ...by })
  const id: TransactionId = createId('transaction', hashTransaction(unsigned, { chainId: genesis.chainId }))
  const bytes: Bytes = encodeTransaction({ ...unsigned, signature: emptySignature })
  return { bytes, id }
}

/** A genesis with one member and every kind. */
export const createTestGenesis = (fields: Partial<Parameters<typeof createGenesis>[0]> = {}): Genesis => {
  const node = { did: party('node').did }
  const defaults = { preset: 'test', kinds: Object.keys(RULES), members: [node], timeMs: START_MS }
  return createGenesis({ ...defaults, ...fields }, seededRandom('fast'))
}

export const believe = (genesis: Genesis): Ledger => createLedger({ genesis, verifier: believingVerifier })

/** The draft of a registration. */
export const registration = (
  { did, keys }: Pick<Identity, 'did' | 'keys'>,
  more: Partial<Extract<Draft, { kind: 'register' }>> = {},
): Draft => ({
  kind: 'register',
  operation: 'add',
  subject: did,
  keys,
  credentials: [],
  previousSignature: null,
  ...more,
})

/** The terms of a permit to read and write, for an hour. */
export const terms = (
  dataTypes: readonly Label[] | 'all',
  more: Partial<GrantTerms<Label>> & { readonly forMs?: number } = {},
): GrantTerms<Label> => {
  const { forMs = 3_600_000, ...rest } = more
  return {
    dataTypes,
    actions: ['access', 'write'],
    purposes: ['TREAT'],
    access: { fromMs: START_MS, untilMs: START_MS + forMs },
    ...rest,
  }
}

/** An envelope that nobody can open; the ledger does not look inside. */
export const envelope = (index: number, more: Partial<Envelope> = {}): Envelope => ({
  index,
  enc: digest('enc'),
  ciphertext: digest('ciphertext'),
  commitment: digest(`doctor ${index}`),
  handed: [],
  ...more,
})

/** The draft of a tx_key of some epoch. */
export const keyDraft = (
  fields: Partial<Extract<Draft, { kind: 'key' }>> & {
    readonly epoch: number
    readonly listed?: readonly Label[]
    readonly own?: readonly number[]
  },
): Draft => {
  const { listed = [], own = [0], ...rest } = fields
  return {
    kind: 'key',
    mode: 'rotate',
    previous: null,
    labels: listed.map((each) => ({ label: each, commitment: digest(`${each} ${fields.epoch}`) })),
    envelopes: [],
    ownEnvelopes: own.map((delegate) => ({ delegate, enc: digest('enc'), ciphertext: digest('ciphertext') })),
    escrow: null,
    ...rest,
  }
}

/** A ledger that believes all signatures, and its senders' nonces. */
export function createFastWorld(
  options: Partial<Parameters<typeof createGenesis>[0]> & { readonly people?: readonly Identity[] } = {},
) {
  const { people = [party('ann'), party('bob'), party('carol')], ...fields } = options
  const genesis = createTestGenesis(fields)
  const ledger = believe(genesis)
  const ids: TransactionId[] = []
  const world = {
    genesis,
    ledger,
    nowMs: START_MS,
    /** Ids of everything that was sent, in order. */
    ids,
    last: () => ids.at(-1) as TransactionId,
    forge: (sender: Did, draft: Draft, more: { readonly delegate?: number; readonly nonce?: number } = {}) => {
      const { delegate = 0, nonce = ledger.nonceNext({ sender, delegate }) } = more
      return forge(genesis, draft, { sender, delegate, nonce, issuedAtMs: world.nowMs })
    },
    block: (transactions: readonly { readonly bytes: Uint8Array }[]): AppliedBlock =>
      ledger.applyBatch({ transactions: transactions.map(({ bytes }) => bytes), timeMs: world.nowMs }),
    /** One transaction in a block of its own: the code of its receipt, or why it stayed out. */
    send: (
      sender: Did,
      draft: Draft,
      more: { readonly delegate?: number; readonly nonce?: number } = {},
    ): string | null => {
      const made = world.forge(sender, draft, more)
      ids.push(made.id)
      const { block, skipped } = world.block([made])
      const [skip] = skipped
      return skip === undefined ? (block.receipts[0]?.code ?? null) : skip.because
    },
  }
  if (genesis.registrars.length === 0) for (const each of people) world.send(each.did, registration(each))
  return world
}

export type FastWorld = ReturnType<typeof createFastWorld>
