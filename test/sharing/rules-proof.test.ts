import { beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Identity } from '../../src/identity/index.ts'
import { fromHex, toHex, type Bytes, type Verified } from '../../src/primitives/bytes.ts'
import { toPublicKey } from '../../src/primitives/did.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { deriveRecordSerial, deriveStudy, statementOfClaim, type ListedTerms } from '../../src/sharing/index.ts'
import type { Draft, PublishBody } from '../../src/transactions/index.ts'
import {
  attestCommitment,
  commitPerson,
  commitValues,
  compileRequirement,
  createRequirement,
  createSchema,
  deriveStudyNullifier,
  encodeRequirement,
  encodeSchema,
  encodeZkObject,
  generatePersonSecret,
  generateProofKeys,
  prove,
  type Opening,
  type ProvingKey,
} from '../../src/zk/index.ts'
import { FIELD_ORDER } from '../../src/zk/field.ts'
import { provingPoints, createProvingKey, trustProvingKey } from '../../src/zk/groth16/proving-key.ts'
import { createVerifyingKey, verifyingPoints } from '../../src/zk/groth16/verifying-key.ts'
import { digest } from '../support/chain-fast.ts'
import {
  ann,
  bob,
  claimOn,
  clinic,
  createSharingWorld,
  END_MS,
  exclusively,
  hospital,
  HOUR_MS,
  institute,
  payee,
  proxy,
  START_MS,
  type SharingWorld,
} from '../support/sharing-world.ts'
import { party } from '../support/parties.ts'

const PRICE = 100
/** One attribute: the smallest circuit that there is, proved in a second. */
const schema = createSchema('glucose', { glucose: { kind: 'int', bits: 8 } })
const requirement = createRequirement(schema, (r) => r.gte('glucose', 7), { issuers: [hospital.did, clinic.did] })
const circuit = compileRequirement(requirement)
const personSecret = generatePersonSecret()
const person = commitPerson(personSecret)
const record = new TextEncoder().encode('the exact bytes of a record')
/** The same person as ann, under the pseudonym of another study. */
const annToo = party('ann, in another study')

const open = (subject: Identity, recordSerial = deriveRecordSerial(record)) =>
  commitValues(schema, { glucose: 8 }, { subject: subject.did, issuedAtMs: START_MS, person, recordSerial })
const openings = { ann: open(ann), annToo: open(annToo) }

/** A world in which both listings are published; each time the same, so that proofs hold in each. */
interface World extends SharingWorld {
  readonly terms: Partial<PublishBody>
  readonly first: ListedTerms
  readonly second: ListedTerms
}

let licence: ReturnType<typeof exclusively> | undefined
let provingKey: Verified<ProvingKey>
let claims: { readonly first: Draft<'claim'>; readonly second: Draft<'claim'> }
let world: World

function createWorld(): World {
  const made = createSharingWorld({ people: [institute, hospital, clinic, proxy, ann, bob, payee, annToo] })
  const terms: Partial<PublishBody> = {
    requirement: requirement.digest,
    schema: schema.id,
    text: { schema: encodeSchema(schema), requirement: encodeRequirement(requirement) },
    // Signed once: a signature is another one each time, and so would be the id of the listing.
    ...(licence ??= exclusively(made, HOUR_MS, { key: provingKey.verifyingKey })),
  }
  const list = (name: string): ListedTerms => {
    const study = digest(name)
    const id = made.publish({ ...terms, study })
    return {
      chainId: made.chainId,
      id,
      institution: institute.did,
      study,
      schema: schema.id,
      price: PRICE,
      exclusiveForMs: HOUR_MS,
    }
  }
  return { ...made, terms, first: list('first'), second: list('second') }
}

/** The claim of the person with her record, attested by somebody. */
async function proveClaim(
  listing: ListedTerms,
  of: { readonly opening: Opening; readonly issuer: Identity; readonly claimant: Identity; readonly untilMs: number },
): Promise<Draft<'claim'>> {
  const { opening, issuer, claimant, untilMs } = of
  const attestation = attestCommitment(opening, { signer: issuer.signer, chainId: listing.chainId })
  const draft = claimOn(listing.id, {
    issuer: issuer.did,
    commitment: opening.commitment,
    attestation: attestation.signature,
    expiresAtMs: untilMs,
  })
  const statement = statementOfClaim(listing, draft, claimant.did)
  const { proof, nullifiers } = await prove(provingKey, { circuit, statement, opening, personSecret })
  return {
    ...draft,
    studyNullifier: nullifiers.study,
    recordNullifier: nullifiers.record,
    proof: encodeZkObject(proof),
  }
}

beforeAll(async () => {
  const keys = await generateProofKeys(circuit, { trust: 'single-verifier' })
  // The points of a key do not say who made it: for a ledger it is what witnesses sign that it is.
  const ceremony = createVerifyingKey(circuit.id, 'ceremony', verifyingPoints(keys.verifyingKey))
  if (!ceremony.ok) throw new Error(ceremony.message)
  provingKey = trustProvingKey(createProvingKey(ceremony.value, provingPoints(keys.provingKey)))
  const { first, second } = createWorld()
  const untilMs = START_MS + HOUR_MS
  claims = {
    first: await proveClaim(first, { opening: openings.ann, issuer: hospital, claimant: ann, untilMs }),
    second: await proveClaim(second, { opening: openings.annToo, issuer: clinic, claimant: annToo, untilMs: END_MS }),
  }
}, 60_000)

beforeEach(() => {
  world = createWorld()
})

/** x + r, which stands for the same element and is refused. */
function aliasOf(element: Uint8Array): Bytes {
  const sum = BigInt(`0x${toHex(element)}`) + FIELD_ORDER
  return fromHex(sum.toString(16).padStart(64, '0'))
}

const send = (by: Identity, claim: Draft<'claim'>, atMs?: number) => world.submit(by, claim, atMs).code

describe('a claim with its proof', () => {
  it('is taken of its claimant until the last millisecond in which it counts', () => {
    expect(send(ann, claims.first, START_MS + HOUR_MS - 1)).toBe(null)
  })

  it('is refused when it is over', () => {
    expect(send(ann, claims.first, START_MS + HOUR_MS)).toBe('ERR_SHARING_PROOF')
    expect(send(ann, { ...claims.first, expiresAtMs: END_MS }, START_MS + HOUR_MS)).toBe('ERR_SHARING_PROOF')
  })

  it('is refused of anyone else, also with an attestation of his own for the same commitment', () => {
    expect(send(bob, claims.first)).toBe('ERR_SHARING_PROOF')
    const { chainId } = world
    const own = attestCommitment({ ...openings.ann, subject: bob.did }, { signer: hospital.signer, chainId })
    expect(send(bob, { ...claims.first, attestation: own.signature })).toBe('ERR_SHARING_PROOF')
    // Nothing of the theft is held against her.
    expect(send(ann, claims.first)).toBe(null)
  })

  it('is refused for another listing, also of the same institution and study', () => {
    const again = world.publish({ ...world.terms, study: world.first.study, price: PRICE })
    expect(send(ann, { ...claims.first, listing: again })).toBe('ERR_SHARING_PROOF')
    expect(send(ann, { ...claims.first, listing: world.second.id })).toBe('ERR_SHARING_PROOF')
  })

  it('is refused on another ledger', () => {
    const other = createSharingWorld({ budget: 999 })
    const listing = other.publish({
      ...world.terms,
      study: world.first.study,
      ...exclusively(other, HOUR_MS, { key: provingKey.verifyingKey }),
    })
    expect(other.chainId).not.toBe(world.chainId)
    expect(other.submit(ann, { ...claims.first, listing }).code).toBe('ERR_SHARING_PROOF')
  })

  it('is refused with anything in it changed, and no worse for it', () => {
    const { first, second } = claims
    const changes: Record<string, Partial<Draft<'claim'>>> = {
      'another payee': { payee: bob.did },
      'another proxy': { proxy: bob.did },
      'another re-key': { reKey: digest('another') },
      'another share': { share: digest('another') },
      'another end': { expiresAtMs: START_MS + HOUR_MS - 1 },
      'another commitment': { commitment: openings.annToo.commitment },
      'another time of attestation': { attestedAtMs: START_MS - 1 },
      'another issuer': { issuer: clinic.did },
      'another nullifier of the study': { studyNullifier: new Uint8Array(32).fill(1) },
      'a second name of its nullifier': { studyNullifier: aliasOf(first.studyNullifier) },
      'another nullifier of the record': { recordNullifier: new Uint8Array(32).fill(1) },
      'zero in place of a nullifier': { recordNullifier: new Uint8Array(32) },
      'a proof of zeros': { proof: new Uint8Array(192) },
      'the proof of another claim': { proof: second.proof },
    }
    for (const [name, change] of Object.entries(changes)) {
      expect(send(ann, { ...first, ...change }), name).toBe('ERR_SHARING_PROOF')
    }
    expect(send(ann, first)).toBe(null)
  })

  it('is refused without its nullifier of the record', () => {
    expect(send(ann, { ...claims.first, recordNullifier: null })).toBe('ERR_SHARING_LISTING')
  })
})

describe('an issuer who changed its key', () => {
  it('vouches with the present one', () => {
    const next = party('the next key of the hospital')
    world.rotateKey(hospital, next)
    expect(send(ann, claims.first)).toBe('ERR_SHARING_PROOF')
    const { commitment, issuedAtMs } = openings.ann
    const signed = next.signer.sign('vitalseal/zk/attestation/v1', [
      toDigest(world.chainId),
      toPublicKey(hospital.did),
      commitment,
      toPublicKey(ann.did),
      schema.id,
      issuedAtMs,
    ])
    expect(send(ann, { ...claims.first, attestation: signed })).toBe(null)
  })
})

describe('the person behind the claims', () => {
  it('is known by her nullifier in the study, whatever account she takes', () => {
    const { chainId, institution, study } = world.first
    expect(claims.first.studyNullifier).toEqual(
      deriveStudyNullifier(personSecret, deriveStudy({ chainId, institution, study })),
    )
    expect(send(ann, claims.first)).toBe(null)
    const again = { ...claims.second, listing: world.first.id, studyNullifier: claims.first.studyNullifier }
    expect(send(annToo, again)).toBe('ERR_SHARING_CLAIMED')
  })

  it('sells a record exclusively once, until the licence ends: also by the word of another issuer', () => {
    expect(claims.second.recordNullifier).toEqual(claims.first.recordNullifier)
    expect(claims.second.studyNullifier).not.toEqual(claims.first.studyNullifier)
    expect(send(ann, claims.first)).toBe(null)
    expect(send(annToo, claims.second, START_MS + HOUR_MS - 1)).toBe('ERR_SHARING_EXCLUSIVE')
    expect(send(annToo, claims.second, START_MS + HOUR_MS)).toBe(null)
  })

  it('claims again, and sells again, what nobody converted', () => {
    const claim = world.submit(ann, claims.first)
    expect(send(ann, claims.first)).toBe('ERR_SHARING_CLAIMED')
    expect(world.step(bob, { step: 'close', claim: claim.id }, START_MS + HOUR_MS)).toBe(null)
    expect(send(annToo, claims.second)).toBe(null)
  })
})
