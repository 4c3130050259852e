/**
 * did:key of a secp256k1 signing key: how parties are named outside of the wire (DID Key Method, multicodec 0xe7).
 *
 * Form only, no curve code, so that the policy module stays small: what is no point on the curve never verifies.
 */

import { base58btc } from 'multiformats/bases/base58'

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { concatBytes, copyBytes, toHex, type Brand, type Bytes } from './bytes.ts'
import { createRecentMap } from './recent.ts'

/** `did:key:zQ3s...` of a compressed secp256k1 key. */
export type Did = Brand<string, 'Did'>

/** `system|code`, as in FHIR search: `http://loinc.org|8867-4`. */
export type DataType = `${string}|${string}`

/** Bytes of a compressed secp256k1 key, the papers' address. */
export const SIGNING_KEY_BYTES = 33

const DID_KEY = 'did:key:'
const SECP256K1_MULTICODEC = Uint8Array.of(0xe7, 0x01)
/** `did:key:`, the letter of base58 and 48 digits; told before decoding, since base58 costs the square of its length. */
const DID_LENGTH = 57
/** Parties that are remembered, about 0.3 KiB each. */
const DIDS_MAX = 4_096

function hasKeyForm(key: Uint8Array): boolean {
  return key instanceof Uint8Array && key.length === SIGNING_KEY_BYTES && (key[0] === 2 || key[0] === 3)
}

/**
 * Returns the did:key of a compressed signing key.
 *
 * @param publicKey - 33 bytes, first 2 or 3
 * @throws When the bytes have another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createDid(publicKey: Uint8Array): Did {
  if (!hasKeyForm(publicKey)) rejectArgument('publicKey', '33 bytes of a compressed key', 'something else')
  const name = toHex(publicKey)
  const known = texts.get(name)
  if (known !== undefined) return known
  const did = `${DID_KEY}${base58btc.encode(concatBytes(SECP256K1_MULTICODEC, publicKey))}` as Did
  texts.set(name, did)
  return did
}

/** Both directions of what was converted lately: base58 costs more than anything else about a small object. */
const texts = /* @__PURE__ */ createRecentMap<string, Did>(DIDS_MAX)
const keys = /* @__PURE__ */ createRecentMap<string, Bytes>(DIDS_MAX)

function decodeDid(text: string): Bytes | undefined {
  if (typeof text !== 'string' || text.length !== DID_LENGTH || !text.startsWith(DID_KEY)) return undefined
  const known = keys.get(text)
  if (known !== undefined) return copyBytes(known)
  const key = decodeKey(text)
  if (key === undefined) return undefined
  keys.set(text, key)
  return copyBytes(key)
}

function decodeKey(text: string): Bytes | undefined {
  try {
    const bytes = base58btc.decode(text.slice(DID_KEY.length))
    const key = bytes.subarray(2)
    if (bytes[0] !== SECP256K1_MULTICODEC[0] || bytes[1] !== SECP256K1_MULTICODEC[1]) return undefined
    return hasKeyForm(key) ? copyBytes(key) : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads a did:key of a secp256k1 key. Total; form only.
 *
 * @returns the did, or `ERR_CODEC_MALFORMED`
 */
export function parseDid(text: string): Result<Did, 'ERR_CODEC_MALFORMED'> {
  if (decodeDid(text) !== undefined) return succeed(text as Did)
  const expected = 'did:key:zQ3s... of a compressed secp256k1 key'
  return fail('ERR_CODEC_MALFORMED', `did: expected ${expected}`, { path: 'did', details: { byteOffset: 0, expected } })
}

/**
 * Returns the compressed signing key that a did names, 33 bytes.
 *
 * @throws When the text is no did of this library (a cast, for example): `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function toPublicKey(did: Did): Bytes {
  return decodeDid(did) ?? rejectArgument('did', 'did:key of a secp256k1 key', 'something else')
}
