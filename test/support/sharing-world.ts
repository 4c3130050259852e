/** Ledgers with the sharing contract and those who take part: money, deadlines and parties, with or without real proofs. */

import { balanceOf, escrowOf, type LedgerPorts } from '../../src/chain/index.ts'
import {
  createCredential,
  createKeyRecord,
  issueCredential,
  signKeyRotation,
  type Identity,
} from '../../src/identity/index.ts'
import { secureSharingKinds, secureSharingRules } from '../../src/presets/index.ts'
import { generatorOfG1, generatorOfG2 } from '../../src/primitives/bls12-381-group.ts'
import type { G1Point, G2Point } from '../../src/primitives/bls12-381.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import type { Did } from '../../src/primitives/did.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import type { Role } from '../../src/primitives/roles.ts'
import {
  claimShape,
  sharesLeftShape,
  sharingKeys,
  witnessKey,
  type SharingRulesOptions,
} from '../../src/sharing/index.ts'
import type { Draft, PublishBody, ShareBody } from '../../src/transactions/index.ts'
import { encodeZkObject, type Setup, type VerifyingKey } from '../../src/zk/index.ts'
import { createVerifyingKey } from '../../src/zk/groth16/verifying-key.ts'
import { digest, emptySignature, registration } from './chain-fast.ts'
import { createChainWorld, registerAll, START_MS } from './chain-world.ts'
import { party } from './parties.ts'

export { START_MS }
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000
export const [institute, hospital, clinic, proxy, ann, bob, payee] = [
  party('institute'),
  party('hospital'),
  party('clinic'),
  party('proxy'),
  party('ann'),
  party('bob'),
  party('payee'),
]
export const BUDGET = 1_000
export const END_MS = START_MS + DAY_MS

/** A key with six inputs that binds some circuit; nobody has a proof under it. */
export function createTestKey(setup: Setup = 'verifier', seed = 2n): VerifyingKey {
  const first = (scalar: bigint) => generatorOfG1().multiply(scalar) as G1Point
  const second = (scalar: bigint) => generatorOfG2().multiply(scalar) as G2Point
  const key = createVerifyingKey(digest('a circuit'), setup, {
    alpha: first(seed),
    beta: second(seed + 1n),
    gamma: second(seed + 2n),
    delta: second(seed + 3n),
    inputs: Array.from({ length: 7 }, (_, i) => first(seed + 4n + BigInt(i))),
  })
  if (!key.ok) throw new Error(key.message)
  return key.value
}

/** An hour to convert, two to answer, three to judge. */
export const DEADLINES = { convertWithinMs: HOUR_MS, answerWithinMs: 2 * HOUR_MS, judgeWithinMs: 3 * HOUR_MS }

const ascending = <T>(items: readonly T[], nameOf: (item: T) => string): T[] =>
  [...items].sort((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1))

/** A listing of two shares at 100, that ends in a day, with steps of an hour, two and three. */
export function publication(more: Partial<PublishBody> = {}): Draft<'requirement'> {
  return {
    kind: 'requirement',
    step: 'publish',
    study: digest('a study'),
    requirement: digest('a requirement'),
    schema: digest('a schema'),
    text: null,
    issuers: ascending([hospital.did, clinic.did], (did) => did),
    ageMsMax: null,
    checksWithdrawal: false,
    keywords: [],
    verifyingKey: encodeZkObject(createTestKey()),
    witnesses: [],
    price: 100,
    sharesMax: 2,
    exclusiveForMs: null,
    expiresAtMs: END_MS,
    deadlines: DEADLINES,
    ...more,
  }
}

/** A claim with a proof that only a rule that believes takes. */
export function claimOn(listing: TransactionId, more: Partial<Draft<'claim'>> = {}): Draft<'claim'> {
  return {
    kind: 'claim',
    listing,
    issuer: hospital.did,
    commitment: digest('a commitment'),
    attestedAtMs: START_MS,
    attestation: emptySignature,
    studyNullifier: digest('ann in the study'),
    recordNullifier: null,
    proof: new Uint8Array(192),
    expiresAtMs: END_MS,
    payee: payee.did,
    proxy: proxy.did,
    reKey: digest('a re-key'),
    share: digest('a share'),
    ...more,
  }
}

/** The terms of an exclusive listing: a key of a ceremony, with its witnesses. */
export function exclusively(
  world: Pick<SharingWorld, 'chainId'>,
  exclusiveForMs: number,
  { key = createTestKey('ceremony'), witnesses = [clinic, bob] } = {},
): Pick<PublishBody, 'exclusiveForMs' | 'verifyingKey' | 'witnesses'> {
  const { chainId } = world
  return {
    exclusiveForMs,
    verifyingKey: encodeZkObject(key),
    witnesses: ascending(
      witnesses.map(({ signer }) => witnessKey(key, { signer, chainId })),
      ({ account }) => account,
    ),
  }
}

/** What became of a transaction. */
export interface Sent {
  readonly id: TransactionId
  readonly code: string | null
  readonly untilMs: number | null
  readonly owner: Did
  readonly signature: Bytes
}

/** A ledger with everybody registered, and the institution's money. */
export function createSharingWorld(
  options: SharingRulesOptions &
    Pick<LedgerPorts, 'verifier'> & {
      readonly registrars?: readonly Did[]
      readonly people?: readonly Identity[]
      readonly budget?: number
    } = {},
) {
  const { people = [institute, hospital, clinic, proxy, ann, bob, payee], budget = BUDGET } = options
  const { registrars = [], verifier } = options
  const chain = createChainWorld({
    kinds: secureSharingKinds,
    rules: secureSharingRules(options),
    balances: [{ account: institute.did, amount: budget }],
    registrars,
    verifier,
    quotaPerMinute: 100_000,
  })
  if (registrars.length === 0) registerAll(chain, ...people)
  const { state } = chain.ledger
  const world = {
    chain,
    state,
    chainId: chain.genesis.chainId,
    /** Signs and applies one transaction in a block of its own; throws when it stays out. */
    submit(by: Identity, draft: Draft, atMs = chain.nowMs, sender = by.did): Sent {
      const transaction = chain.sign(by, draft, { sender })
      const { block, owners, skipped } = chain.block([transaction], { atMs })
      const [receipt] = block.receipts
      if (receipt === undefined) throw new Error(`skipped: ${skipped[0]?.because}`)
      const { code, untilMs } = receipt
      return { id: transaction.id, code, untilMs, owner: owners[0] as Did, signature: transaction.signature }
    },
    /** Publishes a listing that must be taken. */
    publish(more: Partial<PublishBody> = {}, atMs = chain.nowMs): TransactionId {
      return taken(world.submit(institute, publication(more), atMs)).id
    },
    /** Claims; must be taken. */
    claim(listing: TransactionId, more: Partial<Draft<'claim'>> = {}, by = ann): Sent {
      return taken(world.submit(by, claimOn(listing, more)))
    },
    /** Takes a step; its code. */
    step(by: Identity, body: ShareBody, atMs = chain.nowMs): string | null {
      return world.submit(by, { kind: 'share', ...body }, atMs).code
    },
    /** Gives an account another signing key. */
    rotateKey(who: Identity, next: Identity, present = who): void {
      const record = createKeyRecord({ did: who.did, agreement: next.keys.agreement }, { signer: next.signer })
      const previousSignature = signKeyRotation({ record, chainId: world.chainId }, { signer: present.signer })
      const draft = registration(who, { operation: 'rotate-key', keys: record, previousSignature })
      taken(world.submit(present, draft, chain.nowMs, who.did))
    },
    entryOf: (claim: TransactionId) => state.get(sharingKeys.claim(claim), claimShape),
    sharesLeft: (listing: TransactionId) => state.get(sharingKeys.sharesLeft(listing), sharesLeftShape),
    balance: (of: Pick<Identity, 'did'>) => balanceOf(state, of.did),
    escrow: (of: TransactionId) => escrowOf(state, of),
  }
  return world
}

/** Registers somebody through a registrar, with a role until a time. */
export function registerCertified(
  world: Pick<SharingWorld, 'submit' | 'chainId'>,
  registrar: Identity,
  { did, keys }: Identity,
  role?: Role,
  notAfterMs = END_MS + DAY_MS,
): void {
  const { chainId } = world
  const stated = { kind: 'E-Cert', issuer: registrar.did, subject: did, organisation: 'x.example' } as const
  const credentials =
    role === undefined
      ? []
      : [
          issueCredential(createCredential({ ...stated, role, notBeforeMs: START_MS, notAfterMs }), {
            chainId,
            signer: registrar.signer,
          }),
        ]
  taken(
    world.submit(registrar, {
      kind: 'register',
      operation: 'add',
      subject: did,
      keys,
      credentials,
      previousSignature: null,
    }),
  )
}

export type SharingWorld = ReturnType<typeof createSharingWorld>

function taken(sent: Sent): Sent {
  if (sent.code !== null) throw new Error(sent.code)
  return sent
}
