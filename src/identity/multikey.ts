/**
 * Multikey: a public key as text that names its kind (W3C Controlled Identifiers, section 2.2.2: `publicKeyMultibase`).
 *
 * The text is `z` and base58btc of a multicodec prefix and the key. Behind `did:key:` it is the DID of the key; parties
 * are named by secp256k1 keys only (`primitives/did.ts`). Form only, no curve code: a key from here is checked where it is
 * used.
 */

import { base58btc } from 'multiformats/bases/base58'

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { concatBytes, copyBytes, type Bytes } from '../primitives/bytes.ts'

/** Kinds of keys that have a Multikey text here. */
export type MultikeyType = 'secp256k1' | 'x25519' | 'bls12-381-g1' | 'bls12-381-g2'

interface KeyForm {
  /** Multicodec code as an unsigned varint. */
  readonly prefix: Uint8Array
  readonly byteCount: number
  readonly expected: string
  /** What the first byte of the key must satisfy; encodings that say nothing there have no rule. */
  readonly isFirst: (byte: number) => boolean
}

function compressed(code: number, byteCount: number, group: string): KeyForm {
  const isFirst = (byte: number) => (byte & 0x80) !== 0
  return {
    prefix: Uint8Array.of(code, 1),
    byteCount,
    expected: `${byteCount} bytes of a compressed point of ${group}`,
    isFirst,
  }
}

const FORMS = {
  secp256k1: {
    prefix: Uint8Array.of(0xe7, 1),
    byteCount: 33,
    expected: '33 bytes of a compressed secp256k1 key',
    isFirst: (byte: number) => byte === 2 || byte === 3,
  },
  x25519: { prefix: Uint8Array.of(0xec, 1), byteCount: 32, expected: '32 bytes of an X25519 key', isFirst: () => true },
  'bls12-381-g1': compressed(0xea, 48, 'G1'),
  'bls12-381-g2': compressed(0xeb, 96, 'G2'),
} satisfies { readonly [T in MultikeyType]: KeyForm }

/** A public key and its kind. */
export interface Multikey {
  readonly type: MultikeyType
  /** secp256k1: 33 bytes compressed; X25519: 32; G1: 48; G2: 96. */
  readonly publicKey: Bytes
}

/** `z` and base58 of 98 bytes; told before decoding, since base58 costs the square of its length. */
const TEXT_LENGTH_MAX = 136

function hasForm(form: KeyForm, key: Uint8Array): boolean {
  return key.length === form.byteCount && form.isFirst(key[0] as number)
}

/**
 * Returns the Multikey text of a public key: `zQ3s...` for secp256k1, `z6LS...` for X25519, `z3tEF...` for G1, `zUC7...`
 * for G2.
 *
 * @throws When the kind is unknown or the bytes have another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeMultikey(key: { readonly type: MultikeyType; readonly publicKey: Uint8Array }): string {
  const { type, publicKey } = key
  if (!Object.hasOwn(FORMS, type)) rejectArgument('type', Object.keys(FORMS).join(', '), 'another text')
  const form = FORMS[type]
  if (!(publicKey instanceof Uint8Array) || !hasForm(form, publicKey)) {
    rejectArgument('publicKey', form.expected, 'other bytes')
  }
  return base58btc.encode(concatBytes(form.prefix, publicKey))
}

function decodeMultikey(text: string): Multikey | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined
  try {
    const bytes = base58btc.decode(text)
    const key = bytes.subarray(2)
    for (const [type, form] of Object.entries(FORMS)) {
      if (bytes[0] !== form.prefix[0] || bytes[1] !== form.prefix[1]) continue
      return hasForm(form, key) ? { type: type as MultikeyType, publicKey: copyBytes(key) } : undefined
    }
    return undefined
  } catch {
    return undefined
  }
}

/**
 * Reads a Multikey text. Total; form only.
 *
 * @param text - from anywhere, without `did:key:`
 * @returns kind and key, or `ERR_CODEC_MALFORMED`
 */
export function parseMultikey(text: string): Result<Multikey, 'ERR_CODEC_MALFORMED'> {
  const key = typeof text === 'string' ? decodeMultikey(text) : undefined
  if (key !== undefined) return succeed(key)
  const expected = 'a Multikey text of secp256k1, X25519 or BLS12-381'
  return fail('ERR_CODEC_MALFORMED', `multikey: expected ${expected}`, {
    path: 'multikey',
    details: { byteOffset: 0, expected },
  })
}
