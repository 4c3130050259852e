/**
 * Proofs and keys as bytes, by the name of their kind.
 */

import type { Result } from '../../errors.ts'
import type { Bytes } from '../../primitives/bytes.ts'
import { encodeKeyAudit, parseKeyAudit, type KeyAudit } from '../groth16/key-audit.ts'
import { parseProof, type Proof } from '../groth16/proof.ts'
import { encodeProvingKey, parseProvingKey, type ProvingKey } from '../groth16/proving-key.ts'
import {
  encodeVerifyingKey,
  parseVerifyingKey,
  type KeyErrorCode,
  type VerifyingKey,
} from '../groth16/verifying-key.ts'

/** The objects by the name of their kind. */
export interface ZkObjects {
  readonly proof: Proof
  readonly 'verifying-key': VerifyingKey
  readonly 'proving-key': ProvingKey
  readonly 'key-audit': KeyAudit
}

/** Returns the bytes of a proof (192), a verifying key (672 of points and 40 around them, for a requirement) or a proving key. */
export function encodeZkObject(value: ZkObjects[keyof ZkObjects]): Bytes {
  switch (value.kind) {
    case 'proof':
      return Uint8Array.from(value.bytes)
    case 'verifying-key':
      return encodeVerifyingKey(value)
    case 'proving-key':
      return encodeProvingKey(value)
    case 'key-audit':
      return encodeKeyAudit(value)
  }
}

/**
 * Reads a proof or a key. Total; every point is checked, except that the subgroups of a proving key are left to its
 * validation.
 *
 * @returns the object, or a code that says whether the form, a point or a check refused it
 */
export function parseZkObject<K extends keyof ZkObjects>(
  kind: K,
  bytes: Uint8Array,
): Result<ZkObjects[K], KeyErrorCode> {
  const parsers: { readonly [N in keyof ZkObjects]: (bytes: Uint8Array) => Result<ZkObjects[N], KeyErrorCode> } = {
    proof: parseProof,
    'verifying-key': parseVerifyingKey,
    'proving-key': parseProvingKey,
    'key-audit': parseKeyAudit,
  }
  return parsers[kind](bytes)
}
