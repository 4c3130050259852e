/**
 * The only file that names `globalThis.crypto`, by a structural type: pure folders know neither DOM nor Node.
 */

import { copyBytes, type Bytes } from './bytes.ts'

/** The part of Web Crypto that the library uses. */
export interface WebCrypto {
  getRandomValues(array: Uint8Array): unknown
  readonly subtle?: SubtleCrypto
}

/** The part of `SubtleCrypto` that the library uses; absent on insecure origins. */
export interface SubtleCrypto {
  digest(algorithm: 'SHA-256', data: Bytes): Promise<ArrayBuffer>
  importKey(
    format: 'raw',
    key: Bytes,
    algorithm: 'AES-GCM',
    extractable: false,
    usages: readonly string[],
  ): Promise<object>
  encrypt(algorithm: AesGcmParams, key: object, data: Bytes): Promise<ArrayBuffer>
  decrypt(algorithm: AesGcmParams, key: object, data: Bytes): Promise<ArrayBuffer>
}

/** Parameters of AES-GCM in Web Crypto. */
export interface AesGcmParams {
  readonly name: 'AES-GCM'
  readonly iv: Bytes
  readonly additionalData?: Bytes
  readonly tagLength: 128
}

/** Returns Web Crypto where the runtime has it. */
export function webCrypto(): WebCrypto | undefined {
  return (globalThis as { readonly crypto?: WebCrypto }).crypto
}

/** Returns `SubtleCrypto` where the runtime has it. */
export function subtleCrypto(): SubtleCrypto | undefined {
  return webCrypto()?.subtle
}

/** Returns the bytes, copied where their memory is shared: WebCrypto and `fetch` take no shared memory. */
export function unshared(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : copyBytes(bytes)
}
