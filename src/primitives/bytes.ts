/**
 * Byte strings: types, text forms and comparison.
 *
 * Arguments accept any `Uint8Array`; results are `Uint8Array<ArrayBuffer>`, so that they go to Web Crypto and `fetch`
 * without a cast.
 */

import { bytesToUtf8 as nobleToUtf8, equalBytes as nobleEqual } from '@noble/ciphers/utils.js'
import { bytesToHex, concatBytes as nobleConcat, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'

import { rejectArgument } from '../errors.ts'

declare const brand: unique symbol

/** A type that shares its shape with others but must not be mixed with them. One function gives each brand, by checking. */
export type Brand<T, N extends string> = T & { readonly [brand]: { readonly [K in N]: true } }

/** This process has checked the signature or proof of the value; it cannot be decoded into being. */
export type Verified<T> = Brand<T, 'Verified'>

/** What the library returns: bytes over an `ArrayBuffer` of their own. */
export type Bytes = Uint8Array<ArrayBuffer>

/** Returns a copy of the bytes. */
export function copyBytes(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes)
}

/** Returns the parts joined. */
export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  return nobleConcat(...parts)
}

/** Returns the parts joined, however many: as arguments of a call they would have to fit on the stack. */
export function joinBytes(parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** Returns lower-case hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes)
}

/**
 * Returns a text that only equal bytes share, as a key of maps and sets; not for people.
 *
 * Cost: a quarter of hexadecimal text. At most a few hundred bytes: each is an argument of one call.
 */
export function toKey(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

/**
 * Returns the bytes of hexadecimal text, of either case.
 *
 * @throws When the text has odd length or other characters: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function fromHex(text: string): Bytes {
  // The text may be a secret, and what the decoder throws would quote it.
  if (typeof text !== 'string' || !/^(?:[0-9a-f]{2})*$/i.test(text)) {
    rejectArgument('text', 'hexadecimal digits in pairs', 'something else')
  }
  return hexToBytes(text)
}

/**
 * Tells whether text comes back unchanged from its UTF-8 encoding: a lone surrogate would be replaced by the encoder, a
 * leading byte order mark dropped by the decoder.
 */
export function isPortableText(text: string): boolean {
  return !/\p{Surrogate}/u.test(text) && !text.startsWith('\uFEFF')
}

/** Returns the UTF-8 encoding of well-formed text; a lone surrogate becomes U+FFFD. */
export function toUtf8(text: string): Bytes {
  return utf8ToBytes(text)
}

/** Returns the text of UTF-8 bytes; malformed sequences become U+FFFD, a leading byte order mark is dropped. */
export function fromUtf8(bytes: Uint8Array): string {
  return nobleToUtf8(bytes)
}

/**
 * Tells whether two byte strings are equal, in time that depends on their lengths only, as far as JavaScript allows.
 */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return nobleEqual(left, right)
}

/** Orders byte strings as unsigned numbers from the left; the shorter first when one begins the other. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const common = Math.min(left.length, right.length)
  for (let i = 0; i < common; i++) {
    const difference = (left[i] as number) - (right[i] as number)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
