/**
 * Authenticated encryption that commits to its key and its context: AES-256-GCM under keys derived for one use.
 *
 * HKDF-SHA256 of (secret, a fresh salt of exactly 32 bytes, info) gives, in this order, a 32-byte commitment, the
 * AES-256-GCM key and the nonce; the additional data of GCM stay empty. GCM alone does not commit: one ciphertext can be
 * built that opens under two keys to two plaintexts. Here the commitment travels beside the ciphertext and is compared
 * before anything is decrypted, so that a second opening would need a collision of SHA-256. The salt has one length,
 * since HMAC pads short keys with zeros and hashes long ones, which would let two salts give one key.
 *
 * Long messages go in frames (the STREAM construction): the nonce of a frame is 7 derived bytes, its index as u32 and a
 * flag on the last one, so that frames cannot be dropped, repeated, moved or cut off.
 *
 * `info` must name everything that a message claims about itself. Opening has one failure, without a reason. WebCrypto
 * does the bulk work where the runtime has it, noble everything else; both give the same bytes. Not promised: constant
 * time of AES in JavaScript, where WebCrypto is absent or the message is short.
 *
 * @see Hoang, Reyhanitabar, Rogaway and Vizár 2015 (STREAM); Dodis, Grubbs, Ristenpart and Woodage 2018 (commitment)
 */

import { gcm } from '@noble/ciphers/aes.js'

import { rejectArgument } from '../errors.ts'
import { equalBytes, type Bytes } from './bytes.ts'
import { hkdf } from './kdf.ts'
import { drawBytes, randomBytes, type RandomSource } from './random.ts'
import { subtleCrypto, unshared } from './web-crypto.ts'

/** Bytes of a salt, no more and no fewer. */
export const AEAD_SALT_BYTES = 32
/** Bytes of a commitment. */
export const AEAD_COMMITMENT_BYTES = 32
/** Bytes by which a ciphertext is longer than its plaintext. */
export const AEAD_TAG_BYTES = 16

const KEY_BYTES = 32
const NONCE_BYTES = 12
/** Derived part of a frame's nonce; u32 index and final flag fill it up. */
const FRAME_NONCE_BYTES = 7
/** From this length on WebCrypto is faster, its key import and thread change included: about 4 KiB measured, more in browsers. */
const WEB_CRYPTO_BYTES_MIN = 8_192

/** What both sides know: the secret, and what the message is. */
export interface AeadContext {
  /** At least 32 bytes, uniformly distributed; secret. */
  readonly secret: Uint8Array
  /** Canonical encoding of everything that the message claims. */
  readonly info: Uint8Array
}

/** What travels beside a ciphertext; neither part is secret. */
export interface AeadHeader {
  /** 32 bytes, fresh for each message. */
  readonly salt: Uint8Array
  /** 32 bytes. */
  readonly commitment: Uint8Array
}

/** A sealed message. */
export interface AeadMessage {
  readonly salt: Bytes
  readonly commitment: Bytes
  /** 16 bytes longer than the plaintext. */
  readonly ciphertext: Bytes
}

/** Seals the frames of one message in order; owns the index, so that no nonce is used twice. */
export interface FrameSealer {
  readonly salt: Bytes
  readonly commitment: Bytes
  /** Seals the next frame; the index is taken when called, so that calls may overlap. */
  seal(plaintext: Uint8Array): Promise<Bytes>
}

/** Opens the frames of one message, in any order. */
export interface FrameOpener {
  /** Returns the plaintext of the frame at that index; undefined when it does not open. */
  open(ciphertext: Uint8Array, index: number): Promise<Bytes | undefined>
}

/** AES-256-GCM with 12-byte nonces, 16-byte tags and no additional data. */
export interface AesGcm {
  /** Encrypts; the caller answers for the nonce. */
  encrypt(plaintext: Uint8Array, nonce: Bytes): Promise<Bytes>
  /** Decrypts; undefined when the tag does not hold. */
  decrypt(ciphertext: Uint8Array, nonce: Bytes): Promise<Bytes | undefined>
}

/**
 * Returns plain AES-256-GCM under one key. It does not commit to the key: use {@link sealAead}.
 *
 * @param key - 32 bytes; kept until the object is dropped
 */
export function createAesGcm(key: Bytes): AesGcm {
  let imported: Promise<object> | undefined
  const bulk = (byteCount: number) => {
    const subtle = byteCount < WEB_CRYPTO_BYTES_MIN ? undefined : subtleCrypto()
    if (subtle === undefined) return undefined
    imported ??= subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt'])
    return { subtle, imported }
  }
  const parameters = (iv: Bytes) => ({ name: 'AES-GCM', iv, tagLength: 128 }) as const
  return {
    async encrypt(plaintext, nonce) {
      const web = bulk(plaintext.length)
      if (web === undefined) return gcm(key, nonce).encrypt(plaintext)
      return new Uint8Array(await web.subtle.encrypt(parameters(nonce), await web.imported, unshared(plaintext)))
    },
    async decrypt(ciphertext, nonce) {
      try {
        const web = bulk(ciphertext.length)
        if (web === undefined) return gcm(key, nonce).decrypt(ciphertext)
        return new Uint8Array(await web.subtle.decrypt(parameters(nonce), await web.imported, unshared(ciphertext)))
      } catch {
        return undefined
      }
    },
  }
}

interface Derived {
  readonly commitment: Bytes
  readonly cipher: AesGcm
  readonly nonce: Bytes
}

function derive(context: AeadContext, salt: Uint8Array, nonceBytes: number): Derived {
  const { secret, info } = context
  if (!(secret instanceof Uint8Array) || secret.length < KEY_BYTES) {
    rejectArgument('secret', `at least ${KEY_BYTES} bytes`, `${secret?.length} bytes`)
  }
  if (salt.length !== AEAD_SALT_BYTES) rejectArgument('salt', `${AEAD_SALT_BYTES} bytes`, `${salt.length} bytes`)
  const keyEnd = AEAD_COMMITMENT_BYTES + KEY_BYTES
  const bytes = hkdf({ secret, salt, info }, keyEnd + nonceBytes)
  return {
    commitment: bytes.slice(0, AEAD_COMMITMENT_BYTES),
    cipher: createAesGcm(bytes.slice(AEAD_COMMITMENT_BYTES, keyEnd)),
    nonce: bytes.slice(keyEnd),
  }
}

/** Returns the keys of a message whose commitment holds; otherwise nothing is decrypted. */
function deriveCommitted(context: AeadContext, header: AeadHeader, nonceBytes: number): Derived | undefined {
  if (header.salt.length !== AEAD_SALT_BYTES) return undefined
  const derived = derive(context, header.salt, nonceBytes)
  return equalBytes(derived.commitment, header.commitment) ? derived : undefined
}

/**
 * Seals one message under a key of its own.
 *
 * Cost: HKDF (about 40 microseconds) and AES-GCM. The plaintext must not change before the promise resolves.
 *
 * @param input - secret, info and the plaintext
 * @param random - gives the salt
 * @throws When the secret is too short: `ERR_ARGUMENT_INVALID`; without randomness: `ERR_CRYPTO_NO_RANDOM`. {@link VitalsealError}
 */
export async function sealAead(
  input: AeadContext & { readonly plaintext: Uint8Array },
  random: RandomSource = randomBytes,
): Promise<AeadMessage> {
  const salt = drawBytes(random, AEAD_SALT_BYTES)
  const { commitment, cipher, nonce } = derive(input, salt, NONCE_BYTES)
  return { salt, commitment, ciphertext: await cipher.encrypt(input.plaintext, nonce) }
}

/**
 * Opens one message; undefined when secret, info, salt, commitment or ciphertext is another, without saying which.
 *
 * The commitment is compared first, in constant time.
 *
 * @throws When the secret is too short: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export async function openAead(
  input: AeadContext & AeadHeader & { readonly ciphertext: Uint8Array },
): Promise<Bytes | undefined> {
  const derived = deriveCommitted(input, input, NONCE_BYTES)
  return derived?.cipher.decrypt(input.ciphertext, derived.nonce)
}

function frameNonce(prefix: Bytes, index: number, frameCount: number): Bytes {
  const nonce = new Uint8Array(NONCE_BYTES)
  nonce.set(prefix)
  new DataView(nonce.buffer).setUint32(FRAME_NONCE_BYTES, index)
  nonce[NONCE_BYTES - 1] = index === frameCount - 1 ? 1 : 0
  return nonce
}

function isIndex(index: number, count: number): boolean {
  return Number.isSafeInteger(index) && index >= 0 && index < count && count <= 2 ** 32
}

/**
 * Returns a sealer for the frames of one message.
 *
 * @param input - secret, info (which names the number and size of the frames) and that number, at most 2^32
 * @param random - gives the salt
 * @throws When the secret is too short or a frame is one too many: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createFrameSealer(
  input: AeadContext & { readonly frameCount: number },
  random: RandomSource = randomBytes,
): FrameSealer {
  const salt = drawBytes(random, AEAD_SALT_BYTES)
  const { commitment, cipher, nonce } = derive(input, salt, FRAME_NONCE_BYTES)
  const { frameCount } = input
  let indexNext = 0
  return Object.freeze({
    salt,
    commitment,
    async seal(plaintext: Uint8Array) {
      const index = indexNext++
      if (!isIndex(index, frameCount)) rejectArgument('frameCount', `more than ${index} frames`, `${frameCount}`)
      return cipher.encrypt(plaintext, frameNonce(nonce, index, frameCount))
    },
  })
}

/**
 * Returns an opener for the frames of one message, or undefined when the commitment does not hold.
 *
 * @param input - secret, info, header and the number of frames that info names
 * @throws When the secret is too short: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createFrameOpener(
  input: AeadContext & AeadHeader & { readonly frameCount: number },
): FrameOpener | undefined {
  const derived = deriveCommitted(input, input, FRAME_NONCE_BYTES)
  if (derived === undefined) return undefined
  const { cipher, nonce } = derived
  const { frameCount } = input
  return Object.freeze({
    async open(ciphertext: Uint8Array, index: number) {
      return isIndex(index, frameCount) ? cipher.decrypt(ciphertext, frameNonce(nonce, index, frameCount)) : undefined
    },
  })
}
