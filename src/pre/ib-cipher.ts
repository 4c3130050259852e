/**
 * Encrypt, ReKeyGen, ReEncrypt and Decrypt of the identity-based scheme.
 *
 *     ReKeyGen   kx sealed to the delegatee on the level of re-keys; y = H(kx, ...); rk = Derive(sk, type)^y
 *     ReEncrypt  T = e(C0, rk0) / (e(C1, rk1) * e(C2, rk2)) = K^y
 *     Decrypt    K = e(C0, d0) / e(C1, d1), or K = T^(1/y)
 *
 * A re-key is signed by its owner with AuthSign, so that a proxy takes none from anybody else. A proxy and a delegatee
 * together get the key of that identity and type, and nothing of another type.
 */

import { fail, rejectArgument, succeed, unwrap, VitalsealError, type Result } from '../errors.ts'
import { AEAD_TAG_BYTES, openAead, sealAead } from '../primitives/aead.ts'
import type { BlsScalar } from '../primitives/bls12-381.ts'
import { copyBytes, equalBytes, toHex, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor, type CodecErrorCode } from '../primitives/codec.ts'
import { GT_BYTES } from '../primitives/gt.ts'
import { sha256, taggedHash, type Digest32 } from '../primitives/hash.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import { codecLimits, FRAME_BYTES_MAX, type CodecLimits } from '../primitives/limits.ts'
import type { G2Element, GtElement, PreparedG2 } from '../primitives/pairing-groups.ts'
import { drawBytes, type RandomSource } from '../primitives/random.ts'
import { createRecentMap, type RecentMap } from '../primitives/recent.ts'
import { bytesOf, bytesUpTo, encodeShape, identifier, parseShape, tuple, type ShapeType } from '../primitives/shape.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import {
  checkIb,
  factFields,
  IB_CORE_BYTES,
  IB_MESSAGE_BYTES,
  openIb,
  pointsOf,
  sealIb,
  typeScalar,
  type IbFacts,
  type IbSealed,
} from './ib-kem.ts'
import {
  checkIdentity,
  deriveLevelKey,
  isSignedAs,
  secretOfIdentity,
  signAs,
  type IbSecretWithLines,
} from './ib-keys.ts'
import type { IbBytes, IbDecoded } from './ib-parameters.ts'
import { invertScalar } from './scalar.ts'
import { header, headerOf, SUITES } from './suite.ts'

/** Data of one ciphertext. */
export const IB_DATA_BYTES_MAX: number = FRAME_BYTES_MAX
const SIGNATURE_BYTES_MAX = 512

const limits: CodecLimits = {
  ...codecLimits,
  bytesMax: IB_DATA_BYTES_MAX + 8_192,
  stringBytesMax: IB_DATA_BYTES_MAX + AEAD_TAG_BYTES,
}

const ciphertextFields = {
  identity: identifier,
  type: identifier,
  core: bytesOf(IB_CORE_BYTES),
  salt: bytesOf(32),
  commitment: bytesOf(32),
  ciphertext: bytesUpTo(IB_DATA_BYTES_MAX + AEAD_TAG_BYTES),
}

const ciphertextShape = tuple({ ...header('ibpre', 'ibCiphertext'), ...ciphertextFields })
const reEncryptedShape = tuple({
  ...header('ibpre', 'ibReEncryptedCiphertext'),
  ...ciphertextFields,
  toIdentity: identifier,
  sealedBlinding: bytesOf(IB_CORE_BYTES),
  element: bytesOf(GT_BYTES),
})
const reKeyFields = {
  identity: identifier,
  type: identifier,
  toIdentity: identifier,
  sealedBlinding: bytesOf(IB_CORE_BYTES),
  k0: bytesOf(96),
  k1: bytesOf(96),
  k2: bytesOf(96),
}
const unsignedReKeyShape = tuple({ ...header('ibpre', 'ibReKey'), ...reKeyFields })
const reKeyShape = tuple({
  ...header('ibpre', 'ibReKey'),
  ...reKeyFields,
  signature: bytesUpTo(SIGNATURE_BYTES_MAX),
})

const CIPHERTEXT = { object: 'ibCiphertext', limits }
const RE_ENCRYPTED = { object: 'ibReEncryptedCiphertext', limits }
const RE_KEY = { object: 'ibReKey' }
function dataInfo(): Bytes {
  return encodeCbor([PRE_TAGS.ibData, SUITES.ibpre])
}

function assertType(type: string): void {
  checkIdentity(type, 'type')
  if (type.startsWith('#')) rejectArgument('type', 'a type that does not begin with #', 'one that does')
}

/** Seals a fresh message; `boundTo`, data or a secret, keeps messages apart where the random source repeats itself. */
function seal(
  parameters: IbDecoded,
  facts: IbFacts,
  { boundTo, random }: { readonly boundTo: Uint8Array; readonly random: RandomSource },
): IbSealed {
  for (;;) {
    const drawn = drawBytes(random, IB_MESSAGE_BYTES)
    const message = taggedHash(PRE_TAGS.ibSealedMessage, drawn, ...factFields(parameters, facts), boundTo)
    const sealed = sealIb(parameters, facts, message)
    if (sealed !== undefined) return sealed
  }
}

/** Encrypt. */
export async function encryptTo(
  parameters: IbDecoded,
  data: Uint8Array,
  input: { readonly identity: string; readonly type: string; readonly random: RandomSource },
): Promise<Bytes> {
  const { identity, type, random } = input
  checkIdentity(identity, 'identity')
  assertType(type)
  if (!(data instanceof Uint8Array) || data.length > IB_DATA_BYTES_MAX) {
    rejectArgument('data', `at most ${IB_DATA_BYTES_MAX} bytes`, 'something else')
  }
  const plaintext = copyBytes(data)
  const { core, key } = seal(parameters, { identity, level: { type } }, { boundTo: plaintext, random })
  const sealed = await sealAead({ secret: key, info: dataInfo(), plaintext }, random)
  return encodeShape(
    { ...headerOf('ibpre', 'ibCiphertext'), identity, type, core, ...sealed },
    ciphertextShape,
    CIPHERTEXT,
  )
}

/** y, from what is sealed to the delegatee. */
function blindingOf(
  { digest }: IbDecoded,
  kx: Uint8Array,
  terms: { readonly identity: string; readonly type: string; readonly toIdentity: string },
): BlsScalar {
  return hashToScalar(PRE_TAGS.ibBlinding, SUITES.ibpre, kx, digest, terms.identity, terms.type, terms.toIdentity)
}

function reKeyMessage(body: Uint8Array): Bytes {
  return encodeCbor([PRE_TAGS.ibReKey, body])
}

/** ReKeyGen. */
export function makeIbReKey(
  parameters: IbDecoded,
  secret: IbSecretWithLines,
  input: { readonly toIdentity: string; readonly type: string; readonly random: RandomSource },
): IbBytes<'ReKey'> {
  const { groups } = parameters
  const { identity } = secret
  const { toIdentity, type, random } = input
  checkIdentity(toIdentity, 'toIdentity')
  assertType(type)
  if (toIdentity === identity) rejectArgument('toIdentity', 'the identity of somebody else', "the owner's own")
  const facts: IbFacts = { identity: toIdentity, level: { reKeyOf: identity, type } }
  const boundTo = groups.encodeG2(secret.d0)
  const { core: sealedBlinding, key: kx } = seal(parameters, facts, { boundTo, random })
  const blinding = blindingOf(parameters, kx, { identity, type, toIdentity })
  const levelKey = deriveLevelKey(parameters, secret, { level: typeScalar(type), random })
  const [k0, k1, k2] = levelKey.map((element) => groups.encodeG2(groups.multiplyG2(element, blinding))) as [
    Bytes,
    Bytes,
    Bytes,
  ]
  const unsigned = { ...headerOf('ibpre', 'ibReKey'), identity, type, toIdentity, sealedBlinding, k0, k1, k2 }
  const message = reKeyMessage(encodeShape(unsigned, unsignedReKeyShape, RE_KEY))
  const signature = signAs(parameters, secret, { message, random })
  return encodeShape({ ...unsigned, signature }, reKeyShape, RE_KEY) as IbBytes<'ReKey'>
}

/** A re-key that its owner signed, with lines; as long as the caller's bytes have this digest. */
interface CheckedReKey {
  readonly digest: Digest32
  readonly parameters: IbDecoded
  readonly identity: string
  readonly type: string
  readonly toIdentity: string
  readonly sealedBlinding: Bytes
  readonly lines: readonly PreparedG2[]
}

const checkedReKeys = new WeakMap<object, CheckedReKey>()

type ReKeyErrorCode = CodecErrorCode | 'ERR_CRYPTO_INVALID_POINT' | 'ERR_SIGNATURE_INVALID'

/** Reads a re-key and checks its signature, once for each byte array. */
export function readIbReKey(bytes: Uint8Array, parameters: IbDecoded): Result<CheckedReKey, ReKeyErrorCode> {
  const known = checkedReKeys.get(bytes)
  if (known?.parameters === parameters && equalBytes(known.digest, sha256(bytes))) return succeed(known)
  checkedReKeys.delete(bytes)
  const parsed = parseShape(bytes, reKeyShape, RE_KEY)
  if (!parsed.ok) return parsed
  const { identity, type, toIdentity, sealedBlinding, k0, k1, k2, signature } = parsed.value
  const elements = [k0, k1, k2].map((element) => parameters.groups.parseG2(element))
  if (elements.includes(undefined)) {
    return fail('ERR_CRYPTO_INVALID_POINT', 'ibReKey: expected points of G2', { details: { group: 'G2' } })
  }
  const message = reKeyMessage(encodeShape(parsed.value, unsignedReKeyShape, RE_KEY))
  if (!isSignedAs(parameters, { identity, message, signature })) {
    return fail('ERR_SIGNATURE_INVALID', 'ibReKey.signature: expected the signature of the identity that delegates', {
      path: 'ibReKey.signature',
      details: { signer: 'the identity that delegates' },
    })
  }
  const lines = elements.map((element) => parameters.groups.prepareG2(element as G2Element))
  const checked = { digest: sha256(bytes), parameters, identity, type, toIdentity, sealedBlinding, lines }
  checkedReKeys.set(bytes, checked)
  return succeed(checked)
}

/** ReEncrypt. */
export function reEncryptIb(parameters: IbDecoded, ciphertext: Uint8Array, reKey: IbBytes<'ReKey'>): Bytes {
  const { groups } = parameters
  const checked = unwrap(readIbReKey(reKey, parameters))
  const wire = unwrap(parseShape(ciphertext, ciphertextShape, CIPHERTEXT))
  if (wire.identity !== checked.identity || wire.type !== checked.type) {
    throw new VitalsealError('ERR_PRE_CONDITION_MISMATCH', 'the re-key is for another identity or type', {
      details: {},
    })
  }
  const points = checkIb(parameters, { identity: wire.identity, level: { type: wire.type } }, wire.core)
  if (points === undefined) return rejectArgument('ciphertext', 'one whose proof holds', 'another')
  const [c0, c1, c2] = points
  const [k0, k1, k2] = checked.lines as readonly [PreparedG2, PreparedG2, PreparedG2]
  const element = groups.pair([
    [c0, k0],
    [groups.negateG1(c1), k1],
    [groups.negateG1(c2), k2],
  ])
  if (element === undefined) return rejectArgument('ciphertext', 'one whose proof holds', 'another')
  const { toIdentity, sealedBlinding } = checked
  return encodeShape(
    {
      ...wire,
      ...headerOf('ibpre', 'ibReEncryptedCiphertext'),
      toIdentity,
      sealedBlinding,
      element: groups.encodeGt(element),
    },
    reEncryptedShape,
    RE_ENCRYPTED,
  )
}

/** K = e(C0, d0) / e(C1, d1); undefined where the points are none. */
function sharedByKey(parameters: IbDecoded, secret: IbSecretWithLines, core: Uint8Array): GtElement | undefined {
  const { groups } = parameters
  const points = pointsOf(parameters, core)
  if (points === undefined) return undefined
  const [d0, d1] = (secret.lines ??= [groups.prepareG2(secret.d0), groups.prepareG2(secret.d1)])
  return groups.pair([
    [points[0], d0],
    [groups.negateG1(points[1]), d1],
  ])
}

function openByKey(parameters: IbDecoded, secret: IbSecretWithLines, facts: IbFacts, core: Uint8Array) {
  const shared = facts.identity === secret.identity ? sharedByKey(parameters, secret, core) : undefined
  return shared === undefined ? undefined : openIb(parameters, facts, { core, shared })
}

/** Re-keys of a delegatee whose 1/y is kept, 0.1 KiB each. */
const BLINDINGS_KEPT = 256
const blindings = new WeakMap<object, RecentMap<string, BlsScalar>>()

type ReEncrypted = ShapeType<typeof reEncryptedShape>

/** 1/y of a converted ciphertext; undefined when it is not sealed to this key. */
function inverseBlinding(
  parameters: IbDecoded,
  secret: IbSecretWithLines,
  wire: Pick<ReEncrypted, 'identity' | 'type' | 'toIdentity' | 'sealedBlinding'>,
): BlsScalar | undefined {
  let known = blindings.get(secret)
  if (known === undefined) blindings.set(secret, (known = createRecentMap(BLINDINGS_KEPT)))
  const { identity, type, toIdentity, sealedBlinding } = wire
  const name = toHex(encodeCbor([parameters.digest, identity, type, sealedBlinding]))
  const found = known.get(name)
  if (found !== undefined) return found
  const facts: IbFacts = { identity: toIdentity, level: { reKeyOf: identity, type } }
  const opened = openByKey(parameters, secret, facts, sealedBlinding)
  if (opened === undefined) return undefined
  const inverse = invertScalar(blindingOf(parameters, opened.key, wire))
  known.set(name, inverse)
  return inverse
}

function openConverted(parameters: IbDecoded, secret: IbSecretWithLines, wire: ReEncrypted): IbSealed | undefined {
  const { groups } = parameters
  if (wire.toIdentity !== secret.identity) return undefined
  // Membership in GT comes before any power with a secret.
  const element = groups.parseGt(wire.element)
  const inverse = element === undefined ? undefined : inverseBlinding(parameters, secret, wire)
  if (element === undefined || inverse === undefined) return undefined
  const facts: IbFacts = { identity: wire.identity, level: { type: wire.type } }
  // Opening computes Z^r and the mask under it again, and so compares K with Z^r.
  return openIb(parameters, facts, { core: wire.core, shared: groups.powerGt(element, inverse) })
}

/** Decrypt, for the owner and for the delegatee. */
export async function decryptIb(
  parameters: IbDecoded,
  ciphertext: Uint8Array,
  secretKey: IbBytes<'SecretKey'>,
): Promise<Bytes> {
  const secret = secretOfIdentity(secretKey, parameters.groups)
  const original = parseShape(ciphertext, ciphertextShape, CIPHERTEXT)
  const converted = original.ok ? original : parseShape(ciphertext, reEncryptedShape, RE_ENCRYPTED)
  if (converted.ok) {
    const wire = converted.value
    const opened = original.ok
      ? openByKey(parameters, secret, { identity: wire.identity, level: { type: wire.type } }, wire.core)
      : openConverted(parameters, secret, wire as ReEncrypted)
    const data = opened === undefined ? undefined : await openAead({ secret: opened.key, info: dataInfo(), ...wire })
    if (data !== undefined) return data
  }
  throw new VitalsealError('ERR_DECRYPTION_FAILED', 'the ciphertext does not open with this key', { details: {} })
}
