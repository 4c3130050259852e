/** Everybody of a sharing story over a ledger in memory: real accounts, real blocks of data, real proofs. */

import {
  createInstitution,
  createIssuer,
  createLocalConsortium,
  createParticipant,
  createProxy,
  createRegistrar,
  type Institution,
  type Issuer,
  type Participant,
  type Proxy,
} from '../../src/actors/index.ts'
import { createGenesis, createLocalLedger, type LedgerClient } from '../../src/chain/index.ts'
import { unwrap } from '../../src/errors.ts'
import {
  createAgreementProof,
  createPreKeyMaker,
  createPreKeyVerifier,
  deriveIdentity,
  generateIdentity,
  type Identity,
  type PreIdentity,
} from '../../src/identity/index.ts'
import { secureSharing, secureSharingRules } from '../../src/presets/index.ts'
import { toUtf8, type Bytes, type Verified } from '../../src/primitives/bytes.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import type { Role } from '../../src/primitives/roles.ts'
import {
  findListings,
  openListing,
  publishRequirement,
  witnessKey,
  type Attested,
  type OpenListing,
  type RequirementTerms,
} from '../../src/sharing/index.ts'
import { createMemoryBlockstore, type MemoryBlockstore } from '../../src/storage/index.ts'
import {
  compileRequirement,
  createRequirement,
  createSchema,
  generateProofKeys,
  parsePersonSecret,
  type PersonSecret,
  type ProofKeys,
  type ProvingKey,
  type VerifyingKey,
} from '../../src/zk/index.ts'
import { createProvingKey, provingPoints, trustProvingKey } from '../../src/zk/groth16/proving-key.ts'
import { createVerifyingKey, verifyingPoints } from '../../src/zk/groth16/verifying-key.ts'

export const START_MS = 1_763_600_000_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
export const PRICE = 100
export const BUDGET = 1_000

const pre = createPreKeyMaker()
export const person = (byte: number, circle = 'study'): PreIdentity =>
  deriveIdentity({ seed: new Uint8Array(32).fill(byte), circle, pre })
/** A secret of its own for each person. */
export const secretOf = (byte: number): PersonSecret => unwrap(parsePersonSecret(new Uint8Array(32).fill(byte)))

export const hospitalIdentity = person(11, 'hospital')
export const clinicIdentity = person(12, 'clinic')
export const instituteIdentity = person(13, 'institute')

export const schema = createSchema('diabetes-2026', {
  glucose: { kind: 'decimal', bits: 16, scale: 1, unit: 'mmol/L' },
  age: { kind: 'int', bits: 8 },
})
export const requirement = createRequirement(schema, (r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)), {
  issuers: [hospitalIdentity.did, clinicIdentity.did],
  ageMsMax: 30 * DAY_MS,
  checksWithdrawal: true,
})

export const record = toUtf8('{"resourceType":"Observation","valueQuantity":{"value":6.3,"unit":"mmol/L"}}')
export const values = { glucose: '6.3', age: 81 } as const

/** A key as a ceremony would give it; a real one takes minutes. */
function relabel({ verifyingKey, provingKey }: ProofKeys): {
  readonly verifyingKey: VerifyingKey
  readonly provingKey: Verified<ProvingKey>
} {
  const key = unwrap(createVerifyingKey(verifyingKey.circuit, 'ceremony', verifyingPoints(verifyingKey)))
  return { verifyingKey: key, provingKey: trustProvingKey(createProvingKey(key, provingPoints(provingKey))) }
}

let made: Promise<ProofKeys> | undefined

/** Keys of the requirement: one pair for all tests of a file. */
export function keysOf(setup: 'verifier' | 'ceremony' = 'verifier') {
  made ??= generateProofKeys(compileRequirement(requirement), { trust: 'single-verifier' })
  return made.then((keys) => (setup === 'ceremony' ? relabel(keys) : keys))
}

/** Who takes part, and what they share. */
export interface ShareStory {
  readonly ledger: LedgerClient
  readonly blocks: MemoryBlockstore
  readonly shared: {
    readonly ledger: LedgerClient
    readonly blocks: MemoryBlockstore
    readonly clock: () => number
  }
  readonly institute: Institution
  readonly hospital: Issuer
  readonly clinic: Issuer
  readonly proxy: Proxy
  readonly ann: Participant
  readonly provingKey: Verified<ProvingKey>
  readonly stateRoots: () => readonly string[]
  /** Lets time pass. */
  readonly pass: (ms: number) => void
  readonly publish: (terms?: Partial<RequirementTerms>) => Promise<OpenListing>
  /** What the hospital attests for somebody, as she opens it. */
  readonly attest: (to?: Participant, more?: { readonly record?: Bytes; readonly by?: Issuer }) => Promise<Attested>
  readonly join: (byte: number, circle?: string) => Promise<Participant>
  /** A claim by the story's proxy. */
  readonly claimed: (listing: OpenListing, by?: Participant) => ReturnType<Participant['claim']>
}

/** Everybody, registered, on a ledger of one member or of several. */
export async function createShareStory(
  options: {
    readonly replicas?: number
    readonly budget?: number
    /** Whether a registrar admits everybody, with a certificate; otherwise each registers himself. */
    readonly hasRegistrar?: boolean
  } = {},
): Promise<ShareStory> {
  const { replicas = 1, budget = BUDGET, hasRegistrar = false } = options
  const nodes = Array.from({ length: replicas }, () => generateIdentity())
  let nowMs = START_MS
  const clock = () => nowMs
  const balances = [{ account: instituteIdentity.did, amount: budget }]
  const members = nodes.map(({ did }) => ({ did }))
  const clerk = generateIdentity()
  const registrars = hasRegistrar ? [clerk.did] : []
  const genesis = createGenesis(secureSharing({ members, timeMs: START_MS, balances, registrars }))
  const ports = { genesis, clock, preKeyVerifier: createPreKeyVerifier(), rules: secureSharingRules() }
  const group =
    replicas === 1 ? undefined : createLocalConsortium({ ...ports, signers: nodes.map(({ signer }) => signer) })
  const ledger = group ?? createLocalLedger({ ...ports, signer: nodes[0]!.signer })
  const blocks = createMemoryBlockstore()
  const shared = { ledger, blocks, clock }
  const registrar = hasRegistrar ? await createRegistrar({ identity: clerk, ...shared }) : undefined

  /** The registrar sees who it is, and gives a patient a certificate that says so to nobody else. */
  async function admit(identity: Identity, role: Role): Promise<Identity> {
    if (registrar === undefined) return identity
    const { did: subject, keys, agreement } = identity
    const challenge = registrar.challenge()
    const answered = { record: keys, chainId: ledger.chainId, challenge }
    const proof = createAgreementProof(answered, { agreement, registrar: clerk.keys.agreement })
    const valid = { fromMs: START_MS, untilMs: START_MS + 90 * DAY_MS }
    const who = role === 'patient' ? { pseudonym: true } : { organisation: `${role}.example` }
    await registrar.admit({ keys, proof, challenge }, [registrar.certify({ subject, role, valid, ...who })])
    return identity
  }

  await admit(instituteIdentity, 'institution')
  await admit(hospitalIdentity, 'issuer')
  await admit(clinicIdentity, 'issuer')
  const institute = await createInstitution({ identity: instituteIdentity, ...shared })
  const hospital = await createIssuer({ identity: hospitalIdentity, ...shared })
  const clinic = await createIssuer({ identity: clinicIdentity, ...shared })
  const proxy = await createProxy({ identity: await admit(person(14, 'proxy'), 'proxy'), ...shared })
  const join = async (byte: number, circle?: string) => {
    const identity = person(byte, circle)
    await admit(identity, 'patient')
    return createParticipant({ identity, personSecret: secretOf(byte), ...shared })
  }
  const ann = await join(1)
  const { verifyingKey, provingKey } = await keysOf()

  const story: ShareStory = {
    ledger,
    blocks,
    shared,
    institute,
    hospital,
    clinic,
    proxy,
    ann,
    provingKey,
    stateRoots: () => group?.stateRoots() ?? [],
    pass: (ms) => void (nowMs += ms),
    async publish(terms = {}) {
      const { id } = await institute.submit(
        publishRequirement({
          requirement,
          verifyingKey,
          study: 'glucose 2026',
          keywords: ['diabetes'],
          price: PRICE,
          sharesMax: 2,
          expiresAtMs: nowMs + DAY_MS,
          ...terms,
        }),
      )
      const listings = findListings(await ledger.view(), { atMs: nowMs })
      return unwrap(
        openListing(
          listings.find((listing) => listing.id === id)!,
          requirement,
        ),
      )
    },
    async attest(to = ann, { record: bytes = record, by = hospital } = {}) {
      const { sealed } = await by.attest({ schema, values, record: bytes, subject: to.did, person: to.person })
      return to.openAttested(sealed, { schema })
    },
    join,
    async claimed(listing, by = ann) {
      const attested = await story.attest(by)
      return by.claim(listing, { ...attested, record, provingKey, proxy: proxy.did })
    },
  }
  return story
}

/** A witness of a ceremony. */
export function witnesses(story: ShareStory, key: VerifyingKey) {
  const { chainId } = story.ledger
  return [hospitalIdentity, clinicIdentity].map(({ signer }) => witnessKey(key, { signer, chainId }))
}

/** Transactions of shares in their order, as `step` or its refusal. */
export async function stepsOf({ ledger }: ShareStory, claim: TransactionId): Promise<readonly string[]> {
  const view = await ledger.view()
  return [...view.transactions({ kind: 'share' })].flatMap(({ transaction }) =>
    transaction.claim === claim ? [transaction.step] : [],
  )
}
