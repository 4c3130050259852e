/**
 * Reading the objects of this folder by their kind.
 */

import { rejectArgument, type Result } from '../errors.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import { parseCapsule, type Capsule } from './capsule.ts'
import { parseCapsuleFragment, type CapsuleFragment } from './capsule-fragment.ts'
import { parseReEncryptedCapsule, type ReEncryptedCapsule } from './re-encrypt.ts'
import { parseReEncryptionKey, type ReEncryptionKey } from './re-key.ts'
import { parseReKeyFragment, type ReKeyFragment } from './re-key-fragment.ts'

/** Objects by their kind. */
export interface PreObjects {
  readonly capsule: Capsule
  readonly 're-encryption-key': ReEncryptionKey
  readonly 're-encrypted-capsule': ReEncryptedCapsule
  readonly 're-key-fragment': ReKeyFragment
  readonly 'capsule-fragment': CapsuleFragment
}

const parsers: { readonly [K in keyof PreObjects]: (bytes: Uint8Array) => Result<PreObjects[K], CodecErrorCode> } = {
  capsule: parseCapsule,
  're-encryption-key': parseReEncryptionKey,
  're-encrypted-capsule': parseReEncryptedCapsule,
  're-key-fragment': parseReKeyFragment,
  'capsule-fragment': parseCapsuleFragment,
}

/**
 * Reads an object of the named kind from foreign bytes. Total. Form only, so that refusing what is too long or of another
 * kind costs no curve arithmetic: points are decoded, and everything is checked, where the object is used.
 *
 * @param kind - what it should be; one kind is never read as another
 * @param bytes - as the member `bytes` of such an object
 * @returns the object, or a failure of the codec: `ERR_CODEC_VERSION` for another suite or kind
 */
export function parsePreObject<K extends keyof PreObjects>(
  kind: K,
  bytes: Uint8Array,
): Result<PreObjects[K], CodecErrorCode> {
  if (!Object.hasOwn(parsers, kind)) rejectArgument('kind', 'a kind of object of this module', kind)
  return parsers[kind](bytes)
}
