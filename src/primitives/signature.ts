/**
 * ECDSA signatures over secp256k1, behind the ports `Signer` and `Verifier`.
 *
 * The message is a tagged digest; the curve signs SHA-256 of it (prehash on, since OpenSSL cannot verify an unhashed
 * digest). A signature is 65 bytes r | s | hint. Validity is r and s alone, with 0 < r < n and 0 < s <= n/2. The hint
 * (recovery 0 to 3, any other byte means unknown) helps a later verification of whole blocks and is never a reason to
 * accept or refuse; it stays outside of every digest.
 *
 * Signing is hedged RFC 6979: deterministic nonces with fresh randomness mixed in, so that neither a weak random source
 * nor a fault repeated on one message gives the key away. JavaScript is not constant time; the arithmetic is noble's,
 * which aims at algorithmic constant time for secrets.
 */

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import type { Brand, Bytes } from './bytes.ts'
import type { CborValue } from './codec.ts'
import { createDid, parseDid, toPublicKey, type Did } from './did.ts'
import { sha256, taggedHash, type Digest32 } from './hash.ts'
import { drawBytes, randomBytes, type RandomSource } from './random.ts'
import { createRecentMap, type RecentMap } from './recent.ts'
import {
  deriveSigningKey,
  isSigningSecret,
  parseEcdsaPair,
  parseSigningPoint,
  signHash,
  verifyHash,
  withTable,
  type EcdsaPair,
  type SigningPoint,
} from './secp256k1.ts'
import type { Tag } from './tags.ts'

/** 65 bytes r | s | hint. */
export type Signature = Brand<Bytes, 'Signature'>

/** Bytes of a signature on the wire. */
export const SIGNATURE_BYTES = 65
/** The hint that says nothing. */
export const HINT_UNKNOWN = 0xff

/** Port: signs tagged tuples, never bare digests, so that a signature always names its purpose. */
export interface Signer {
  readonly did: Did
  /** Returns a signature over the tagged hash of the fields. */
  sign(tag: Tag, fields: readonly CborValue[]): Signature
}

/** What a verifier judges. */
export interface SignedDigest {
  readonly signer: Did
  readonly digest: Digest32
  readonly signature: Signature
}

/** Port: tells whether signatures hold. Total: a malformed key or signature is a `false`. */
export interface Verifier {
  /** Tells whether the signature over the digest is the signer's. */
  verify(item: SignedDigest): boolean
  /** As many answers as items, in order; may be faster than one by one. */
  verifyBatch?(items: readonly SignedDigest[]): boolean[]
}

/** Keys kept decoded: about 0.6 KiB each. */
const KEYS_MAX = 1_024
/** Signers for whom a table of multiples is kept: 77 KiB each, 5 MiB together. */
const TABLES_MAX = 64
/**
 * Verifications of a known key before it gets a table. The table costs as much as 4 verifications; waiting for 32 keeps
 * what a crowd of signers in turn can waste, each losing its table before using it, below an eighth.
 */
const USES_BEFORE_TABLE = 32

/** Returns 65 bytes as a signature, or undefined when the length is another. */
export function toSignature(bytes: Uint8Array): Signature | undefined {
  return bytes.length === SIGNATURE_BYTES ? (Uint8Array.from(bytes) as Signature) : undefined
}

/**
 * Reads a signing key from its 33 bytes: compressed, and a point on the curve. Total.
 *
 * `parseDid` and `createDid` look at the form only, so that they need no curve; a key that is registered passes here.
 * Cost: about 0.06 ms.
 *
 * @returns the did, `ERR_CODEC_MALFORMED` for another form, or `ERR_CRYPTO_INVALID_POINT`
 */
export function parseSigningKey(
  publicKey: Uint8Array,
): Result<Did, 'ERR_CODEC_MALFORMED' | 'ERR_CRYPTO_INVALID_POINT'> {
  const path = 'publicKey'
  if (!(publicKey instanceof Uint8Array) || publicKey.length !== 33 || (publicKey[0] !== 2 && publicKey[0] !== 3)) {
    const expected = '33 bytes of a compressed key'
    return fail('ERR_CODEC_MALFORMED', `${path}: expected ${expected}`, { path, details: { byteOffset: 0, expected } })
  }
  if (parseSigningPoint(publicKey) !== undefined) return succeed(createDid(publicKey))
  return fail('ERR_CRYPTO_INVALID_POINT', `${path}: expected a point of secp256k1`, {
    path,
    details: { group: 'secp256k1' },
  })
}

/**
 * Signs a digest. Kept inside the library: known answers run against it with `entropy` false.
 *
 * @param digest - 32 bytes; the curve signs SHA-256 of it
 * @param secretKey - 32 bytes, a scalar in range; secret
 * @param entropy - 32 fresh bytes, or false for plain RFC 6979
 */
export function signDigest(digest: Uint8Array, secretKey: Uint8Array, entropy: Uint8Array | false): Signature {
  return signHash(sha256(digest), secretKey, entropy) as Signature
}

/**
 * Returns a signer that keeps a copy of the secret key.
 *
 * Cost: about 0.3 ms a signature. The object prints without the key.
 *
 * @param secretKey - 32 bytes, a scalar in [1, n - 1]; secret
 * @param random - 32 bytes a signature; without them nothing is signed
 * @throws When the bytes are no such scalar: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createSigner(secretKey: Uint8Array, random: RandomSource = randomBytes): Signer {
  if (!isSigningSecret(secretKey)) rejectArgument('secretKey', '32 bytes of a scalar in range', 'other bytes')
  const key = Uint8Array.from(secretKey)
  return Object.freeze({
    did: createDid(deriveSigningKey(key)),
    sign: (tag: Tag, fields: readonly CborValue[]) =>
      signDigest(taggedHash(tag, ...fields), key, drawBytes(random, 32)),
  })
}

/**
 * Returns r and s where the form of what is to be verified is right: the question that comes first in every verifier of
 * the library, so that all refuse the same.
 */
export function parseSigned({ digest, signature }: SignedDigest): EcdsaPair | undefined {
  if (!(digest instanceof Uint8Array) || digest.length !== 32) return undefined
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES) return undefined
  return parseEcdsaPair(signature)
}

interface KeyMemory {
  readonly keys: RecentMap<Did, { readonly point: SigningPoint; uses: number }>
  readonly tables: RecentMap<Did, SigningPoint>
}

let memory: KeyMemory | undefined

/** One memory for all verifiers of the process, so that its bound holds however many are made. */
function keyMemory(): KeyMemory {
  return (memory ??= { keys: createRecentMap(KEYS_MAX), tables: createRecentMap(TABLES_MAX) })
}

/** The point of a signer without a table; makes the table when the signer has been seen often enough. */
function recallPoint(signer: Did): SigningPoint | undefined {
  const { keys, tables } = keyMemory()
  let known = keys.get(signer)
  if (known === undefined) {
    const point = parseDid(signer).ok ? parseSigningPoint(toPublicKey(signer)) : undefined
    if (point === undefined) return undefined
    known = { point, uses: 0 }
    keys.set(signer, known)
  }
  known.uses++
  if (known.uses === USES_BEFORE_TABLE) {
    known.uses = 0
    tables.set(signer, withTable(known.point))
  }
  return known.point
}

function verifySignature(item: SignedDigest): boolean {
  const pair = parseSigned(item)
  if (pair === undefined) return false
  const withMultiples = keyMemory().tables.get(item.signer)
  const point = withMultiples ?? recallPoint(item.signer)
  return point !== undefined && verifyHash(sha256(item.digest), pair, point, withMultiples !== undefined)
}

/**
 * Returns the verifier that runs everywhere.
 *
 * Cost: about 0.9 ms a signature; 0.4 ms for the 64 busiest signers of the process, whose tables of multiples are kept
 * (5 MiB at most, and 0.6 MiB for 1,024 decoded keys). What is remembered changes the time, never the answer.
 */
export function createVerifier(): Verifier {
  return Object.freeze({ verify: verifySignature })
}
