import { beforeAll, describe, expect, it } from 'vitest'

import { preKeysOf } from '../../src/actors/capsules.ts'
import { unwrap } from '../../src/errors.ts'
import { generateIdentity, type PreIdentity } from '../../src/identity/index.ts'
import {
  createEpochSealer,
  encapsulate,
  parsePreObject,
  reEncrypt,
  verifyCapsule,
  verifyReEncryptionKey,
  type ReEncryptedCapsule,
} from '../../src/pre/index.ts'
import { equalBytes, toHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import { encodeCbor } from '../../src/primitives/codec.ts'
import { sha256, type Digest32 } from '../../src/primitives/hash.ts'
import { codecLimits } from '../../src/primitives/limits.ts'
import { parseId, type TransactionId } from '../../src/primitives/ids.ts'
import {
  attestRecord,
  conditionOfClaim,
  contextOfClaim,
  createEvidence,
  deriveRecordSerial,
  deriveStudy,
  judgeShare,
  openAttested,
  openListing,
  openShare,
  openShareDelivery,
  openShareWith,
  parseShareBlock,
  proveClaim,
  publishRequirement,
  sealShare,
  sealShareDelivery,
  SHARE_RECORD_BYTES_MAX,
  shareCondition,
  type Attested,
  type ClaimHistory,
  type DisputeCase,
  type Listing,
  type OpenListing,
  type SealedShare,
  type SharedClaim,
} from '../../src/sharing/index.ts'
import {
  commitPerson,
  compileRequirement,
  createRequirement,
  createSchema,
  deriveStudyNullifier,
  encodeOpening,
  type VerifyingKey,
} from '../../src/zk/index.ts'
import { createVerifyingKey, verifyingPoints } from '../../src/zk/groth16/verifying-key.ts'
import {
  clinicIdentity,
  DAY_MS,
  hospitalIdentity,
  instituteIdentity,
  person,
  record,
  requirement,
  schema,
  secretOf,
  START_MS,
  values,
} from '../support/share-story.ts'
import { createTestRandom } from '../zk/fixtures.ts'
import { createTestKey } from '../support/sharing-world.ts'

const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown
const refused = (path: string) => expect.objectContaining({ ok: false, code: 'ERR_SHARING_CONTENT', path }) as unknown
const chainId = unwrap(parseId('chain', '33'.repeat(32)))
const id = '44'.repeat(32) as unknown as TransactionId
const ann = person(1)
const personSecret = secretOf(1)
const clerk = generateIdentity()

/** A key that says to be of the requirement's circuit. */
const verifyingKey = relabel(createTestKey(), 'verifier')
function relabel(key: VerifyingKey, setup: 'verifier' | 'ceremony'): VerifyingKey {
  return unwrap(createVerifyingKey(compileRequirement(requirement).id, setup, verifyingPoints(key)))
}

const terms = {
  requirement,
  verifyingKey,
  study: 'glucose 2026',
  price: 100,
  sharesMax: 2,
  expiresAtMs: START_MS + DAY_MS,
}

function listingOf(more: Partial<Parameters<typeof publishRequirement>[0]> = {}): Listing {
  const draft = publishRequirement({ ...terms, ...more })
  if (draft.step !== 'publish') throw new Error('a listing')
  return { ...draft, chainId, id, institution: instituteIdentity.did, publishedAtMs: START_MS }
}

const listing = listingOf()
const study = deriveStudy(listing)

function attest(
  of: { readonly bytes?: Bytes; readonly glucose?: `${number}`; readonly by?: PreIdentity } = {},
): Attested {
  const { bytes = record, glucose = '6.3', by = hospitalIdentity } = of
  const { sealed } = attestRecord({
    schema,
    values: { ...values, glucose },
    record: bytes,
    subject: ann.keys,
    person: commitPerson(personSecret),
    issuedAtMs: START_MS,
    signer: by.signer,
    chainId,
  })
  return unwrap(openAttested(sealed, { subject: ann.did, agreement: ann.agreement, schema, chainId }))
}

const attested = attest()
const sealOptions = {
  listing,
  record,
  opening: attested.opening,
  personSecret,
  keys: preKeysOf(ann, 'delegator'),
  signer: ann.signer,
  institution: instituteIdentity.keys,
  expiresAtMs: START_MS + 3_600_000,
}

const claimOf = (share: SealedShare, { opening } = attested): SharedClaim => ({
  claimant: ann.did,
  commitment: opening.commitment,
  studyNullifier: deriveStudyNullifier(personSecret, study),
  reKey: share.reKey.id,
  share: share.digest,
})

function convert({ block, reKey }: Pick<SealedShare, 'block' | 'reKey'>): ReEncryptedCapsule {
  const { capsule } = unwrap(parseShareBlock(block))
  const key = unwrap(parsePreObject('re-encryption-key', reKey.bytes))
  const isGood = verifyCapsule(capsule) && verifyReEncryptionKey(key, { signer: ann.did, nowMs: START_MS })
  if (!isGood) throw new Error('not convertible')
  return reEncrypt(capsule, key)
}

const keys = preKeysOf(instituteIdentity, 'delegatee')
const shareLimits = { ...codecLimits, bytesMax: 1_048_576, stringBytesMax: 1_048_576 }
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))

let share: SealedShare
let converted: Bytes
beforeAll(async () => {
  share = await sealShare(sealOptions)
  converted = convert(share).bytes
})

describe('what a claim binds', () => {
  it('names study and serial the same way for ever', () => {
    expect(toHex(deriveRecordSerial(toUtf8('a record')))).toBe(
      'd65425fb05b5a60b6f9472a19638f9c12d2b21468a4e6de20fa1e1c633225458',
    )
    const of = { chainId, institution: clinicIdentity.did, study: new Uint8Array(32).fill(7) }
    expect(toHex(deriveStudy(of))).toBe('aa4a9f9297fee73c55b6329118e2351d3c06999f3d872a633daa94fd9b9381fc')
    expect(equalBytes(deriveStudy(of), deriveStudy({ ...of, institution: ann.did }))).toBe(false)
  })

  it('puts every term under the proof', () => {
    const claim = {
      payee: ann.did,
      proxy: clerk.did,
      reKey: sha256(toUtf8('re-key')),
      share: sha256(toUtf8('share')),
      expiresAtMs: START_MS,
    }
    const { terms: plain, ...context } = contextOfClaim(listing, claim)
    expect(context).toMatchObject({ chainId, verifier: listing.institution, isExclusive: false, expiresAtMs: START_MS })
    const others = [
      contextOfClaim({ ...listing, price: 101 }, claim),
      contextOfClaim({ ...listing, exclusiveForMs: 0 }, claim),
      contextOfClaim({ ...listing, id: '45'.repeat(32) as unknown as TransactionId }, claim),
      contextOfClaim(listing, { ...claim, payee: clerk.did }),
      contextOfClaim(listing, { ...claim, proxy: ann.did }),
      contextOfClaim(listing, { ...claim, reKey: claim.share }),
      contextOfClaim(listing, { ...claim, share: claim.reKey }),
    ]
    const all = [plain, ...others.map((other) => other.terms)].map((digest) => toHex(digest as Digest32))
    expect(new Set(all).size).toBe(8)
    expect(others[1]?.isExclusive).toBe(true)
  })
})

describe('publishing', () => {
  it('writes what is asked, in one spelling, with deadlines', () => {
    const draft = listingOf({ keywords: ['Glucose', ' diabetes', 'GLUCOSE '] })
    expect(draft).toMatchObject({
      keywords: ['diabetes', 'glucose'],
      deadlines: { convertWithinMs: 3 * DAY_MS, answerWithinMs: 7 * DAY_MS, judgeWithinMs: 14 * DAY_MS },
      exclusiveForMs: null,
      witnesses: [],
    })
    expect(unwrap(openListing(draft)).asked.digest).toEqual(requirement.digest)
    expect(listingOf({ study: 'another' }).study).not.toEqual(listing.study)
  })

  it('does not guess: not a study, not words, and least of all who may read it', () => {
    for (const more of [
      { study: undefined },
      { study: '' },
      { study: 7 },
      { keywords: 'diabetes' },
      { visibility: 'private' },
    ])
      expect(() => listingOf(more as never)).toThrow(code('ERR_ARGUMENT_INVALID'))
    expect(() => deriveRecordSerial('a text' as never)).toThrow(code('ERR_ARGUMENT_INVALID'))
  })

  it('refuses a key of another requirement, and exclusive licences without ceremony and witnesses', () => {
    expect(() => publishRequirement({ ...terms, verifyingKey: createTestKey() })).toThrow(code('ERR_ZK_KEY_MISMATCH'))
    const exclusive = { ...terms, exclusiveForMs: DAY_MS }
    expect(() => publishRequirement(exclusive)).toThrow(code('ERR_ARGUMENT_INVALID'))
    const key = relabel(createTestKey(), 'ceremony')
    expect(() => publishRequirement({ ...exclusive, verifyingKey: key })).toThrow(code('ERR_ARGUMENT_INVALID'))
  })

  it('gives by digest what only the institution shows', () => {
    const hidden = listingOf({ visibility: 'digest' })
    expect(hidden.text).toBe(null)
    expect(openListing(hidden)).toMatchObject({ ok: false, code: 'ERR_SHARING_LISTING' })
    expect(openListing(hidden, requirement)).toMatchObject({ ok: true, value: { asked: requirement } })
    const other = createRequirement(schema, (r) => r.gte('age', 40), { issuers: requirement.issuers })
    expect(openListing(hidden, other)).toMatchObject({ ok: false, code: 'ERR_SHARING_LISTING' })
    // Nor does a listing open that was put together by hand.
    const open = listingOf()
    for (const wrong of [
      { issuers: [hospitalIdentity.did] },
      { ageMsMax: null },
      { checksWithdrawal: false },
      { schema: open.requirement },
      { text: { ...open.text!, requirement: new Uint8Array(3) } },
      { text: { ...open.text!, schema: new Uint8Array(3) } },
      { verifyingKey: new Uint8Array(3) },
    ]) {
      expect(openListing({ ...open, ...wrong })).toMatchObject({ ok: false, code: 'ERR_SHARING_LISTING' })
    }
  })
})

describe('an attested record', () => {
  it('opens for its subject, schema and ledger alone', () => {
    const order = {
      schema,
      values,
      record,
      subject: ann.keys,
      person: commitPerson(personSecret),
      issuedAtMs: START_MS,
      signer: hospitalIdentity.signer,
      chainId,
    }
    const { sealed, attestation } = attestRecord(order)
    const of = { subject: ann.did, agreement: ann.agreement, schema, chainId }
    const opened = unwrap(openAttested(sealed, of))
    expect(opened.attestation).toEqual(attestation)
    expect(opened.opening.recordSerial).toEqual(deriveRecordSerial(record))
    const other = createSchema('other', { age: { kind: 'int', bits: 8 } })
    for (const wrong of [
      { ...of, subject: clerk.did },
      { ...of, agreement: clerk.agreement },
      { ...of, schema: other },
      { ...of, chainId: unwrap(parseId('chain', '55'.repeat(32))) },
    ]) {
      expect(openAttested(sealed, wrong)).toMatchObject({ ok: false, code: 'ERR_DECRYPTION_FAILED' })
    }
    for (const at of [0, 3, 40, sealed.length - 1])
      expect(openAttested(flip(sealed, at), of)).toMatchObject({ ok: false, code: 'ERR_DECRYPTION_FAILED' })
    // Signed by nobody that it names.
    const forged = attestRecord({ ...order, signer: { ...clerk.signer, did: hospitalIdentity.did } }).sealed
    expect(openAttested(forged, of)).toMatchObject({ ok: false, code: 'ERR_DECRYPTION_FAILED' })
  })
})

describe('a share', () => {
  it('opens for the institution and tells record and opening', async () => {
    const claim = claimOf(share)
    const opened = unwrap(await openShare(share.block, converted, { claim, schema, keys }))
    expect(opened.record).toEqual(record)
    expect(opened.opening.leaves).toEqual([63n, 81n])
    const { capsule } = unwrap(parseShareBlock(share.block))
    const condition = shareCondition({ chainId, study, studyNullifier: claim.studyNullifier })
    expect(capsule.conditions).toEqual([condition])
    expect(conditionOfClaim(listing, claim.studyNullifier)).toEqual(condition)
    expect(condition).toEqual({ type: 'share', epoch: toHex(study), extra: [toHex(claim.studyNullifier), chainId] })
    const reKey = unwrap(parsePreObject('re-encryption-key', share.reKey.bytes))
    expect(reKey.expiresAtMs).toBe(sealOptions.expiresAtMs + listing.deadlines.convertWithinMs)
  })

  it('is not made of another record, schema or institution than were attested and listed', async () => {
    const other = toUtf8('{}')
    await expect(sealShare({ ...sealOptions, record: other })).rejects.toThrow(code('ERR_SHARING_CONTENT'))
    const elsewhere = { ...listing, schema: listing.requirement }
    await expect(sealShare({ ...sealOptions, listing: elsewhere })).rejects.toThrow(code('ERR_SHARING_CONTENT'))
    const institution = clinicIdentity.keys
    await expect(sealShare({ ...sealOptions, institution })).rejects.toThrow(code('ERR_ARGUMENT_INVALID'))
    const plain = { ...sealOptions, institution: clerk.keys, listing: { ...listing, institution: clerk.did } }
    await expect(sealShare(plain)).rejects.toThrow(code('ERR_IDENTITY_INVALID'))
    const most = new Uint8Array(SHARE_RECORD_BYTES_MAX)
    const { block } = await sealShare({ ...sealOptions, record: most, opening: attest({ bytes: most }).opening })
    expect(parseShareBlock(block).ok).toBe(true)
    const long = new Uint8Array(SHARE_RECORD_BYTES_MAX + 1)
    const tooLong = sealShare({ ...sealOptions, record: long, opening: attest({ bytes: long }).opening })
    await expect(tooLong).rejects.toThrow(code('ERR_ARGUMENT_INVALID'))
  })

  it('does not tell how long its record is, but for a power of two', async () => {
    const lengths = []
    for (const byteCount of [0, 77, 1_023, 1_024, 2_047, 2_048]) {
      const bytes = new Uint8Array(byteCount)
      const { opening } = attest({ bytes })
      const made = await sealShare({ ...sealOptions, record: bytes, opening })
      const claim = { ...claimOf(made), commitment: opening.commitment }
      expect(unwrap(await openShare(made.block, convert(made).bytes, { claim, schema, keys })).record).toEqual(bytes)
      lengths.push(made.block.length - share.block.length)
    }
    expect(lengths).toEqual([0, 0, 0, 1_024, 1_024, 3_072])
  })

  it.each([
    ['without its mark', new Uint8Array(1_024)],
    ['of another length', Uint8Array.of(...record, 0x80)],
    ['longer than it must be', new Uint8Array(2_048).fill(0x80, 0, 1)],
  ])('is refused with a padding %s', async (_, padded) => {
    const { publicKey } = sealOptions.keys
    const sealer = createEpochSealer({
      to: publicKey,
      condition: conditionOfClaim(listing, claimOf(share).studyNullifier),
    })
    const parts = [await sealer.seal('record', padded), await sealer.seal('opening', padded)]
    const block = encodeCbor([1, sealer.capsule.bytes, ...parts])
    const claim = { ...claimOf(share), share: sha256(block) }
    const conversion = convert({ block, reKey: share.reKey }).bytes
    expect(await openShare(block, conversion, { claim, schema, keys })).toEqual(refused('share'))
  })

  it('is refused with any part exchanged', async () => {
    const claim = claimOf(share)
    const open = (block: Uint8Array, conversion: Uint8Array, of: Partial<SharedClaim> = {}) =>
      openShare(block, conversion, { claim: { ...claim, ...of }, schema, keys })
    const twin = await sealShare(sealOptions)
    const twinConverted = convert(twin).bytes
    // The block by its digest, the conversion by the re-key, the capsule by the block.
    expect(await open(flip(share.block, share.block.length - 1), converted)).toEqual(refused('share'))
    expect(await open(twin.block, twinConverted)).toEqual(refused('share'))
    expect(await open(share.block, twinConverted)).toEqual(refused('converted'))
    expect(await open(share.block, convert({ block: twin.block, reKey: share.reKey }).bytes)).toEqual(
      refused('converted'),
    )
    expect(await open(share.block, convert({ block: share.block, reKey: twin.reKey }).bytes)).toEqual(
      refused('converted'),
    )
    expect(await open(share.block, share.block)).toEqual(refused('converted'))
    expect(await open(share.block, flip(converted, converted.length - 1))).toEqual(refused('converted'))
    const stranger = { claim, schema, keys: preKeysOf(clinicIdentity, 'delegatee') }
    expect(await openShare(share.block, converted, stranger)).toEqual(refused('converted'))
    expect(await open(share.block, converted, { claimant: clerk.did })).toEqual(refused('converted'))
    // The opening by h, the record by its serial.
    expect(await open(share.block, converted, { commitment: attest().opening.commitment })).toEqual(refused('opening'))
    const other = createSchema('other', { age: { kind: 'int', bits: 8 } })
    expect(await openShare(share.block, converted, { claim, schema: other, keys })).toEqual(refused('opening'))
  })

  it('is refused where record and opening do not belong together, by whoever has the key', async () => {
    const condition = conditionOfClaim(listing, claimOf(share).studyNullifier)
    const { key } = encapsulate({ to: sealOptions.keys.publicKey, condition })
    const claim = claimOf(share)
    expect(await openShareWith(key, share.block, { claim, schema })).toEqual(refused('share'))
    // The attested opening beside another record.
    const sealer = createEpochSealer({ to: sealOptions.keys.publicKey, condition })
    const padded = (data: Bytes) => Uint8Array.of(...data, 0x80, ...new Uint8Array(1_023 - data.length))
    const beside = [padded(toUtf8('{"other":1}')), padded(encodeOpening(attested.opening))] as const
    const parts = [await sealer.seal('record', beside[0]), await sealer.seal('opening', beside[1])]
    const block = encodeCbor([1, sealer.capsule.bytes, ...parts])
    const crafted = { block, digest: sha256(block), reKey: share.reKey }
    expect(await openShare(block, convert(crafted).bytes, { claim: claimOf(crafted), schema, keys })).toEqual(
      refused('record'),
    )
    // Honest in form: another record under the attested opening.
    const lie = attest({ bytes: toUtf8('{"other":1}') })
    const mixed = { ...lie.opening, recordSerial: attested.opening.recordSerial }
    const made = await sealShare({ ...sealOptions, opening: mixed })
    const of = { claim: claimOf(made, lie), schema, keys }
    expect(await openShare(made.block, convert(made).bytes, of)).toEqual(refused('opening'))
  })

  it('has one encoding, of pinned bytes', async () => {
    const { block } = share
    for (let length = 0; length < block.length; length++) expect(parseShareBlock(block.slice(0, length)).ok).toBe(false)
    expect(parseShareBlock(Uint8Array.of(...block, 0))).toMatchObject({ code: 'ERR_CODEC_TRAILING_BYTES' })
    const { capsule, record: sealed, opening } = unwrap(parseShareBlock(block))
    expect(encodeCbor([1, capsule.bytes, sealed, opening])).toEqual(block)
    expect(parseShareBlock(encodeCbor([2, capsule.bytes, sealed, opening])).ok).toBe(false)
    expect(parseShareBlock(encodeCbor([1, sealed, sealed, opening])).ok).toBe(false)
    const longest = new Uint8Array(SHARE_RECORD_BYTES_MAX + 1_025)
    expect(parseShareBlock(block).ok).toBe(true)
    expect(parseShareBlock(encodeCbor([1, capsule.bytes, longest, opening], shareLimits)).ok).toBe(true)
    const longer = new Uint8Array(SHARE_RECORD_BYTES_MAX + 1_026)
    expect(parseShareBlock(encodeCbor([1, capsule.bytes, longer, opening], shareLimits)).ok).toBe(false)

    const random = createTestRandom('share')
    const opened = { ...attested.opening, secret: new Uint8Array(32).fill(1) }
    const pinned = await sealShare({ ...sealOptions, opening: opened }, random)
    expect(toHex(pinned.digest)).toBe('0ce5a52192a4e0b7e594476a2da93e3bd97b68b7a054a514cc21ee19bf320ccf')
    const delivery = sealShareDelivery({ chainId, claim: id, reKey: new Uint8Array(9) }, { proxy: ann.keys }, random)
    expect(toHex(sha256(delivery))).toBe('b0dc605d76b7ecd47a4c35631e68be8626bb9ffc69823a084e0259e61fe914a1')
  })

  it('is delivered to the proxy of one claim', () => {
    const to = { proxy: clerk.keys }
    const bytes = sealShareDelivery({ chainId, claim: id, reKey: share.reKey.bytes }, to)
    const of = { chainId, proxy: clerk.did, agreement: clerk.agreement }
    const delivered = openShareDelivery(bytes, of)
    expect(delivered?.claim).toBe(id)
    expect(delivered?.reKey.id).toBe(toHex(share.reKey.id))
    expect(openShareDelivery(bytes, { ...of, proxy: ann.did })).toBe(undefined)
    expect(openShareDelivery(bytes, { ...of, agreement: ann.agreement })).toBe(undefined)
    // The claim in it is bound, although it is in the clear.
    for (let at = 0; at < bytes.length; at += 7) expect(openShareDelivery(flip(bytes, at), of)).toBe(undefined)
    const nothing = sealShareDelivery({ chainId, claim: id, reKey: new Uint8Array(9) }, to)
    expect(openShareDelivery(nothing, of)).toBe(undefined)
  })
})

describe('a dispute', () => {
  /** The ledger's part of it. */
  function history(claim: SharedClaim, evidence: Uint8Array, digest = sha256(converted)): ClaimHistory {
    const steps = [
      { step: 'convert', converted: digest },
      { step: 'dispute', evidence: sha256(evidence) },
    ]
    return {
      claimed: { transaction: { ...claim, sender: claim.claimant, id } },
      steps: steps.map((transaction) => ({ transaction })),
      listing,
    } as unknown as ClaimHistory
  }

  async function judge(more: Partial<DisputeCase> = {}, claim = claimOf(share), shownFor = converted) {
    const evidence = createEvidence({ claim: id, facts: claim, converted: shownFor, keys })
    const blocks = { block: share.block, converted }
    const institution = instituteIdentity.keys
    return judgeShare({ history: history(claim, evidence), schema, evidence, institution, ...blocks, ...more })
  }

  it('is judged by what opens: an honest share is as attested, whatever else the institution shows', async () => {
    expect(await judge()).toBe('as-attested')
    const claim = claimOf(share)
    const nothing = createEvidence({ claim: id, facts: claim, converted: undefined, keys })
    expect(await judge({ evidence: nothing, history: history(claim, nothing) })).toBe('as-attested')
    expect(await judge({ evidence: nothing })).toBe('as-attested')
    const good = createEvidence({ claim: id, facts: claim, converted, keys })
    for (const at of [12, 60, good.length - 1]) {
      const evidence = flip(good, at)
      expect(await judge({ evidence, history: history(claim, evidence) })).toBe('as-attested')
    }
    const junk = toUtf8('junk')
    expect(await judge({ evidence: junk, history: history(claim, junk) })).toBe('as-attested')
    // Nothing opens under another schema: that says nothing about the patient.
    const other = createSchema('diabetes-2027', { glucose: { kind: 'int', bits: 8 } })
    await expect(judge({ schema: other })).rejects.toThrow(code('ERR_ARGUMENT_INVALID'))
  })

  it('finds what is missing, of another re-key, or does not open, not converted, and what opens to something else a lie', async () => {
    expect(await judge({ block: undefined })).toBe('not-converted')
    expect(await judge({ converted: undefined })).toBe('not-converted')
    expect(await judge({ converted: flip(converted, 9) })).toBe('not-converted')
    const claim = claimOf(share)
    const spoilt = flip(converted, converted.length - 1)
    const evidence = createEvidence({ claim: id, facts: claim, converted: spoilt, keys })
    const recorded = history(claim, evidence, sha256(spoilt))
    expect(await judge({ converted: spoilt, evidence, history: recorded })).toBe('not-converted')
    // Evidence other than that of the dispute, or of another claim, is not heard.
    const unheard = { converted: spoilt, evidence }
    expect(await judge({ ...unheard, history: history(claim, spoilt, sha256(spoilt)) })).toBe('as-attested')
    const elsewhere = createEvidence({ claim: '46'.repeat(32) as never, facts: claim, converted: spoilt, keys })
    const misled = { converted: spoilt, evidence: elsewhere, history: history(claim, elsewhere, sha256(spoilt)) }
    expect(await judge(misled)).toBe('as-attested')
    // A capsule of the proxy's own making, rightly converted by the re-key of the claim.
    const twin = await sealShare(sealOptions)
    const crafted = convert({ block: twin.block, reKey: share.reKey }).bytes
    const seen = createEvidence({ claim: id, facts: claim, converted: crafted, keys })
    const said = history(claim, seen, sha256(crafted))
    expect(await judge({ converted: crafted, evidence: seen, history: said })).toBe('not-converted')
    // Another record's opening under a share that opens.
    const other = { ...claim, commitment: attest().opening.commitment }
    expect(await judge({}, other)).toBe('not-as-attested')
    // A re-key for somebody else's key.
    expect(await judge({ institution: clinicIdentity.keys })).toBe('not-converted')
  })
})

describe('what the ledger would refuse is refused before it is proved', () => {
  const open = unwrap(openListing(listing))
  // Never looked at: whatever comes first is refused first.
  const provingKey = { kind: 'proving-key', circuit: verifyingKey.circuit, verifyingKey } as never
  const claim = (more: Partial<Parameters<typeof proveClaim>[1]> = {}, of: Partial<OpenListing> = {}) =>
    proveClaim(
      { ...open, ...of },
      { claimant: ann.did, ...attested, personSecret, provingKey, proxy: clerk.did, share, atMs: START_MS, ...more },
    )

  it('each with its code', async () => {
    const refuses = async (wanted: string, ...by: Parameters<typeof claim>) =>
      expect(claim(...by)).rejects.toThrow(code(wanted))
    await refuses('ERR_SHARING_LISTING', { atMs: listing.expiresAtMs })
    await refuses('ERR_ARGUMENT_INVALID', { proxy: ann.did })
    await refuses('ERR_ARGUMENT_INVALID', { proxy: listing.institution })
    await refuses('ERR_ARGUMENT_INVALID', {}, { institution: ann.did })
    await refuses('ERR_SHARING_PROOF', { claimant: person(9).did })
    await refuses('ERR_SHARING_PROOF', { opening: attest().opening })
    await refuses('ERR_SHARING_LISTING', attest({ by: person(9) }))
    await refuses('ERR_SHARING_LISTING', {}, { schema: listing.requirement })
    await refuses('ERR_SHARING_PROOF', { atMs: START_MS - 1 })
    const late = START_MS + requirement.ageMsMax! + 1
    await refuses('ERR_SHARING_PROOF', { atMs: late }, { expiresAtMs: late + 1 })
    await refuses('ERR_SHARING_PROOF', { expiresAtMs: START_MS, atMs: START_MS })
    await refuses('ERR_SHARING_PROOF', { expiresAtMs: NaN })
    const { attestation } = attested
    const forged = { ...attestation, signature: attest().attestation.signature }
    await refuses('ERR_SHARING_PROOF', { attestation: forged })
    const other = { ...(provingKey as object), verifyingKey: createTestKey() } as never
    await refuses('ERR_ZK_KEY_MISMATCH', { provingKey: other })
    await refuses('ERR_ZK_REQUIREMENT_NOT_MET', attest({ glucose: '6.0' }))
    // A key that was not validated is not used.
    await refuses('ERR_ZK_INSECURE_KEY')
  })
})
