/**
 * The sealed share: the exact bytes of a record and the opening of its commitment, under a capsule that one proxy converts
 * for one institution (PS steps 5 to 8).
 *
 * The digest of the block is under the proof of the claim, the re-key exists before the claim that names it, and the
 * condition of both is the study and the claimant's nullifier, never one of care. So nothing can be exchanged afterwards:
 * not the record, by the serial in the opening; not the opening, by h on the ledger; not the conversion, by the re-key's id.
 */

import { fail, isVitalsealError, rejectArgument, succeed, VitalsealError, type Result } from '../errors.ts'
import { hashKeyRecord, type KeyRecord } from '../identity/index.ts'
import {
  createEpochOpener,
  createEpochSealer,
  createReEncryptionKey,
  decapsulate,
  parsePreObject,
  RECORD_BYTES_MAX,
  type Capsule,
  type Condition,
  type PreKeyPair,
  type ReEncryptedCapsule,
} from '../pre/index.ts'
import type { ClaimBody } from '../transactions/index.ts'
import { equalBytes, fromHex, toHex, type Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { sha256, type Digest32 } from '../primitives/hash.ts'
import type { ChainId } from '../primitives/ids.ts'
import { codecLimits, TIME_MS_MAX } from '../primitives/limits.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { bytesUpTo, encodeShape, mapped, Mismatch, parseShape, versioned, type Shape } from '../primitives/shape.ts'
import type { Signer } from '../primitives/signature.ts'
import {
  deriveStudyNullifier,
  encodeOpening,
  parseOpening,
  type Opening,
  type PersonSecret,
  type Schema,
} from '../zk/index.ts'
import type { Listing } from './listing.ts'
import { deriveRecordSerial, deriveStudy } from './terms.ts'

/** Longest record that can be shared: 256 KiB with the byte that marks its end. */
export const SHARE_RECORD_BYTES_MAX: number = RECORD_BYTES_MAX - 1
/** Longest block of a share: record and opening, sealed. */
export const SHARE_BLOCK_BYTES_MAX: number = 2 * RECORD_BYTES_MAX + 8_192
/** Longest converted capsule; one has less than 1 KiB. */
export const CONVERTED_SHARE_BYTES_MAX = 2_048

const CAPSULE_BYTES_MAX = 2_048
const OPENED_AS = { record: 'record', opening: 'opening' } as const
const OBJECT = 'share'
/** First byte of a padding. */
const PADDING_MARKER = 0x80
const PADDED_BYTES_MIN = 1_024

/** A share as it lies in a store; sealed. */
export interface ShareBlock {
  readonly capsule: Capsule
  readonly record: Bytes
  readonly opening: Bytes
}

/** What a claim names, and a proxy needs. */
export interface SealedShare {
  /** For the store that institution and proxy read. */
  readonly block: Bytes
  /** SHA-256 of the block. */
  readonly digest: Digest32
  /** For the proxy alone: {@link sealShareDelivery}. */
  readonly reKey: { readonly id: Digest32; readonly bytes: Bytes }
}

/** What a share is made of. */
export interface SealShareOptions {
  readonly listing: Listing
  /** The exact bytes that the issuer attested; less than 256 KiB. */
  readonly record: Uint8Array
  /** Secret. */
  readonly opening: Opening
  /** Secret. */
  readonly personSecret: PersonSecret
  /** The claimant's. */
  readonly keys: PreKeyPair<'delegator'>
  /** Signs for the claimant. */
  readonly signer: Signer
  /** The institution's key record, from the ledger. */
  readonly institution: KeyRecord
  /** Until when the claim counts; the re-key ends when the time to convert has passed after that. */
  readonly expiresAtMs: number
}

/** What an institution got. Holds a patient's data. */
export interface OpenedShare {
  /** The exact bytes that the issuer attested. */
  readonly record: Bytes
  readonly opening: Opening
}

/** Facts of a claim on the ledger that its share must agree with. */
export interface SharedClaim extends Pick<ClaimBody, 'commitment' | 'studyNullifier' | 'reKey' | 'share'> {
  readonly claimant: Did
}

const part = bytesUpTo(RECORD_BYTES_MAX + 1_024)
const limits = { ...codecLimits, bytesMax: SHARE_BLOCK_BYTES_MAX, stringBytesMax: RECORD_BYTES_MAX + 1_024 }

const blockShape: Shape<ShareBlock> = mapped(
  versioned(1, { capsule: bytesUpTo(CAPSULE_BYTES_MAX), record: part, opening: part }),
  {
    parse({ capsule, record, opening }) {
      const parsed = parsePreObject('capsule', capsule)
      return parsed.ok ? { capsule: parsed.value, record, opening } : new Mismatch('a capsule').within('capsule', 1)
    },
    format: ({ capsule, record, opening }) => ({ capsule: capsule.bytes, record, opening }),
  },
)

/** Reads the block of a share. Total; form only. */
export function parseShareBlock(bytes: Uint8Array): Result<ShareBlock, CodecErrorCode> {
  return parseShape(bytes, blockShape, { object: OBJECT, limits })
}

/**
 * Returns the one condition under which a share is sealed: study and nullifier, on this ledger. A re-key for it converts
 * nothing else of this person, here or in another study.
 */
export function shareCondition(of: {
  readonly chainId: ChainId
  readonly study: Uint8Array
  readonly studyNullifier: Uint8Array
}): Condition {
  return { type: 'share', epoch: toHex(of.study), extra: [toHex(of.studyNullifier), of.chainId] }
}

/** The condition of a claim to a listing. */
export function conditionOfClaim(listing: Listing, studyNullifier: Uint8Array): Condition {
  return shareCondition({ chainId: listing.chainId, study: deriveStudy(listing), studyNullifier })
}

/**
 * Followed by 0x80 and zeros up to a power of two: the length of a record would link the shares of it, and the copy in care.
 */
function pad(data: Uint8Array): Bytes {
  if (data.length > SHARE_RECORD_BYTES_MAX) rejectArgument('record', 'less than 256 KiB', 'more')
  const padded = new Uint8Array(Math.max(PADDED_BYTES_MIN, 2 ** (32 - Math.clz32(data.length))))
  padded.set(data)
  padded[data.length] = PADDING_MARKER
  return padded
}

/** What was padded; undefined where nothing was. */
function unpad(padded: Bytes): Bytes | undefined {
  const end = padded.findLastIndex((byte) => byte !== 0)
  return padded[end] === PADDING_MARKER && pad(padded.subarray(0, end)).length === padded.length
    ? padded.slice(0, end)
    : undefined
}

function failContent(what: string): never {
  throw new VitalsealError('ERR_SHARING_CONTENT', `"${what}" expected what the issuer attested, found something else`, {
    path: what,
    details: {},
  })
}

function delegateeOf({ did, pre }: KeyRecord): Uint8Array {
  if (pre !== undefined) return pre.delegatee.publicKey
  throw new VitalsealError('ERR_IDENTITY_INVALID', `${did} has no keys for re-encryption on this ledger`, {
    details: { expected: 'a key record with PRE keys' },
  })
}

/**
 * Seals a record and its opening for a listing's institution, and makes the re-key that lets a proxy convert it.
 *
 * Run by the claimant, before the claim. Cost: about 30 ms. Nobody opens the block before the conversion but herself.
 *
 * @throws When the record is not the one behind the opening, or of another schema: `ERR_SHARING_CONTENT`; when it is not
 *   shorter than 256 KiB or the key record is another's: `ERR_ARGUMENT_INVALID`; when the institution registered no PRE keys:
 *   `ERR_IDENTITY_INVALID`. {@link VitalsealError}
 * @see privacy-preserving-secure-sharing, 4.2.4 to 4.2.6
 */
export async function sealShare(options: SealShareOptions, random: RandomSource = randomBytes): Promise<SealedShare> {
  const { listing, record, opening, personSecret, keys, signer, institution } = options
  if (!equalBytes(deriveRecordSerial(record), opening.recordSerial)) failContent('record')
  if (!equalBytes(opening.schema, listing.schema)) failContent('opening')
  if (institution.did !== listing.institution) rejectArgument('institution', 'the key record of the listing', 'another')
  const to = { publicKey: delegateeOf(institution), did: institution.did, keyRecord: hashKeyRecord(institution) }
  const condition = conditionOfClaim(listing, deriveStudyNullifier(personSecret, deriveStudy(listing)))
  const sealer = createEpochSealer({ to: keys.publicKey, condition }, random)
  const block = encodeShape(
    {
      capsule: sealer.capsule,
      record: await sealer.seal(OPENED_AS.record, pad(record)),
      opening: await sealer.seal(OPENED_AS.opening, pad(encodeOpening(opening))),
    },
    blockShape,
    { object: OBJECT, limits },
  )
  const expiresAtMs = Math.min(options.expiresAtMs + listing.deadlines.convertWithinMs, TIME_MS_MAX)
  const account = opening.subject
  const reKey = createReEncryptionKey({ keys, to, condition, signer, account, expiresAtMs }, random)
  return {
    block,
    digest: sha256(block),
    reKey: { id: fromHex(reKey.id) as unknown as Digest32, bytes: reKey.bytes },
  }
}

/** The block that a claim names. */
function readShare(block: Uint8Array, { share }: SharedClaim): ShareBlock | undefined {
  const parsed = equalBytes(sha256(block), share) ? parseShareBlock(block) : undefined
  return parsed?.ok === true ? parsed.value : undefined
}

/** The conversion of that capsule by the re-key that the claim names. */
function readConverted(bytes: Uint8Array, capsule: Capsule, claim: SharedClaim): ReEncryptedCapsule | undefined {
  const parsed = parsePreObject('re-encrypted-capsule', bytes)
  if (!parsed.ok) return undefined
  const { reKeyId, delegatorAccount } = parsed.value
  const isOfClaim = reKeyId === toHex(claim.reKey) && delegatorAccount === claim.claimant
  return isOfClaim && parsed.value.capsule.id === capsule.id ? parsed.value : undefined
}

/** What does not throw is what was sealed. */
async function openPart(block: ShareBlock, key: Uint8Array, name: keyof typeof OPENED_AS): Promise<Bytes | undefined> {
  try {
    return unpad(await createEpochOpener(key).open(OPENED_AS[name], block[name]))
  } catch (error) {
    if (isVitalsealError(error, 'ERR_DECRYPTION_FAILED')) return undefined
    throw error
  }
}

function refuse(what: string): Result<never, 'ERR_SHARING_CONTENT'> {
  return fail('ERR_SHARING_CONTENT', `${what}: expected what the claim and its issuer say, found something else`, {
    path: what,
    details: {},
  })
}

/**
 * Opens a share with the key of its capsule, and compares the whole of it with what the issuer attested: h from the opening,
 * the serial from the bytes of the record. Total in everything but the key.
 *
 * Run by whoever has the key: institution, issuer in a dispute, claimant. {@link openShare} is the institution's way.
 */
export async function openShareWith(
  key: Uint8Array,
  block: Uint8Array,
  of: { readonly claim: SharedClaim; readonly schema: Schema },
): Promise<Result<OpenedShare, 'ERR_SHARING_CONTENT'>> {
  const share = readShare(block, of.claim)
  if (share === undefined) return refuse('share')
  const [record, sealedOpening] = [await openPart(share, key, 'record'), await openPart(share, key, 'opening')]
  if (record === undefined || sealedOpening === undefined) return refuse('share')
  const opening = parseOpening(sealedOpening, of.schema)
  if (!opening.ok || !equalBytes(opening.value.commitment, of.claim.commitment)) return refuse('opening')
  if (opening.value.subject !== of.claim.claimant) return refuse('opening')
  if (!equalBytes(deriveRecordSerial(record), opening.value.recordSerial)) return refuse('record')
  return succeed({ record, opening: opening.value })
}

/**
 * Opens a converted share.
 *
 * Run by the institution. Cost: about 15 ms, and the hashes of the commitment. Nothing of it is used before all of it is
 * what the claim says: the block by its digest, the conversion by the re-key's id, the opening by h, the record by its
 * serial.
 *
 * @param converted - from the proxy, as the ledger has its digest
 * @returns or `ERR_SHARING_CONTENT` with the part as path: acknowledge the first, dispute the second
 * @see privacy-preserving-secure-sharing, 4.2.9
 */
export async function openShare(
  block: Uint8Array,
  converted: Uint8Array,
  of: { readonly claim: SharedClaim; readonly schema: Schema; readonly keys: PreKeyPair<'delegatee'> },
): Promise<Result<OpenedShare, 'ERR_SHARING_CONTENT'>> {
  const share = readShare(block, of.claim)
  if (share === undefined) return refuse('share')
  const capsule = readConverted(converted, share.capsule, of.claim)
  const key = capsule === undefined ? undefined : keyOf(capsule, of.keys)
  if (key === undefined) return refuse('converted')
  return openShareWith(key, block, of)
}

function keyOf(capsule: Capsule | ReEncryptedCapsule, keys: PreKeyPair): Bytes | undefined {
  try {
    return decapsulate(capsule, keys)
  } catch (error) {
    if (isVitalsealError(error, 'ERR_DECRYPTION_FAILED')) return undefined
    throw error
  }
}
