import {
  createGenesis,
  createLedger,
  type AppliedBlock,
  type Genesis,
  type Ledger,
  type LedgerPorts,
} from '../../src/chain/index.ts'
import type { Identity } from '../../src/identity/index.ts'
import {
  createKeyRing,
  extendEpoch,
  rotateEpoch,
  type EpochOptions,
  type KeyDrafts,
  type KeyRing,
  type Recipient,
} from '../../src/keys/index.ts'
import type { Did } from '../../src/primitives/did.ts'
import { createRecordId, hashBlock, RAW_CODEC, type RecordId } from '../../src/primitives/content-id.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import type { Member } from '../../src/primitives/member.ts'
import { createLabeler } from '../../src/primitives/label.ts'
import {
  createTransaction,
  encodeTransaction,
  signTransaction,
  type Draft,
  type Transaction,
} from '../../src/transactions/index.ts'
import { party, seededRandom } from './parties.ts'

export const START_MS = 1_763_600_000_000
export const HOUR_MS = 3_600_000
const KINDS = [
  'register',
  'delegate',
  'iot',
  'key',
  'diagnosis',
  'access',
  'data',
  'transfer',
  'acknowledge',
  'complaint',
  'config',
  'rekey',
  'conversion',
]

/** A ledger of one and those who write to it. */
export interface ChainWorld {
  readonly genesis: Genesis
  readonly ledger: Ledger
  /** Signs with the next nonce that this world knows of. */
  sign(
    by: Identity,
    draft: Draft,
    options?: { readonly nonce?: number; readonly delegate?: number; readonly sender?: Did },
  ): Transaction
  /** Applies transactions as one block. */
  block(transactions: readonly Transaction[], options?: { readonly atMs?: number }): AppliedBlock
  /** Signs and applies one transaction alone; its receipt's code, or why it was skipped. */
  send(
    by: Identity,
    draft: Draft,
    options?: { readonly atMs?: number; readonly delegate?: number; readonly sender?: Did },
  ): string | null
  readonly rings: Map<Did, KeyRing>
  ringOf(identity: Identity): KeyRing
  rotate(by: Identity, options?: EpochOptions): Promise<string | null>
  extend(by: Identity, options: EpochOptions): Promise<string | null>
  recipient(identity: Identity, dataTypes: Recipient['dataTypes']): Recipient
  nowMs: number
}

export const labeler = createLabeler()
export const heartRate = 'http://loinc.org|8867-4'
export const glucose = 'http://loinc.org|15074-8'
let records = 0
export const freshRecord = (): RecordId => createRecordId(hashBlock(RAW_CODEC, toUtf8(`record ${records++}`)))

export function createChainWorld(
  options: LedgerPorts & {
    readonly kinds?: readonly string[]
    readonly registrars?: readonly Did[]
    readonly quotaPerMinute?: number
    readonly balances?: Genesis['balances']
    readonly members?: readonly Member[]
  } = {},
): ChainWorld {
  const {
    kinds = KINDS,
    registrars = [],
    quotaPerMinute = 600,
    balances = [],
    members = [{ did: party('node').did }],
  } = options
  const genesis = createGenesis(
    {
      preset: 'consortium',
      kinds,
      members,
      timeMs: START_MS,
      registrars,
      balances,
      parameters: { quotaPerMinute },
    },
    seededRandom('genesis'),
  )
  const ledger = createLedger({ ...options, genesis })
  const { chainId } = genesis
  const nonces = new Map<string, number>()
  const accounts: Did[] = []
  const rings = new Map<Did, KeyRing>()
  const history: AppliedBlock[] = []
  const directory = {
    indexOf: (did: Did) => (accounts.includes(did) ? accounts.indexOf(did) : undefined),
    accountAt: (index: number) => accounts[index],
  }
  const world: ChainWorld = {
    genesis,
    ledger,
    rings,
    nowMs: START_MS,
    sign(by, draft, { delegate = 0, sender = by.did, nonce = nonces.get(`${sender} ${delegate}`) ?? 0 } = {}) {
      nonces.set(`${sender} ${delegate}`, nonce + 1)
      const unsigned = createTransaction({ ...draft, sender, delegate, nonce, issuedAtMs: world.nowMs })
      return signTransaction(unsigned, { chainId, signer: by.signer })
    },
    block(transactions, { atMs = world.nowMs } = {}) {
      world.nowMs = Math.max(world.nowMs, atMs)
      const applied = ledger.applyBatch({ transactions: transactions.map(encodeTransaction), timeMs: atMs })
      history.push(applied)
      for (const [index, transaction] of applied.transactions.entries()) {
        if (applied.block.receipts[index]?.code !== null) continue
        if (
          transaction.kind === 'register' &&
          transaction.operation === 'add' &&
          !accounts.includes(transaction.subject)
        )
          accounts.push(transaction.subject)
        if (transaction.kind === 'key') for (const ring of rings.values()) void ring.apply(transaction)
      }
      return applied
    },
    send(by, draft, { atMs, ...as } = {}) {
      const transaction = world.sign(by, draft, as)
      const { block, skipped } = world.block([transaction], atMs === undefined ? {} : { atMs })
      const [skip] = skipped
      if (skip !== undefined) {
        nonces.set(`${transaction.sender} ${transaction.delegate}`, transaction.nonce)
        return skip.because
      }
      return block.receipts[0]?.code ?? null
    },
    ringOf(identity) {
      const known = rings.get(identity.did)
      if (known !== undefined) return known
      const ring = createKeyRing({ identity, chainId, directory, labeler })
      rings.set(identity.did, ring)
      return ring
    },
    recipient: (identity, dataTypes) => ({
      keys: identity.keys,
      index: directory.indexOf(identity.did) ?? 9_999,
      dataTypes,
    }),
    rotate: async (by, epoch = {}) =>
      publish(by, await rotateEpoch(world.ringOf(by), epoch, seededRandom(`rotate ${records++}`))),
    extend: async (by, epoch) =>
      publish(by, await extendEpoch(world.ringOf(by), epoch, seededRandom(`extend ${records++}`))),
  }
  function publish(by: Identity, { drafts }: KeyDrafts): string | null {
    for (const draft of drafts) {
      const code = world.send(by, { ...draft, previous: world.ringOf(by).latest(by.did) })
      if (code !== null) return code
    }
    return null
  }
  return world
}

/** Registers identities, each by itself. */
export function registerAll(world: ChainWorld, ...identities: readonly Identity[]): void {
  for (const { did, keys, ...rest } of identities) {
    const code = world.send(
      { did, keys, ...rest },
      { kind: 'register', operation: 'add', subject: did, keys, credentials: [], previousSignature: null },
    )
    if (code !== null) throw new Error(`registration: ${code}`)
  }
}
