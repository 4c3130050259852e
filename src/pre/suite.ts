/**
 * Suites and kinds of objects of this folder: numbers on the wire, and in every transcript that is hashed.
 *
 * Every object is the strict DAG-CBOR tuple `[version, suite, object, ...fields]`; a secret object has another number than
 * any public one, so that neither is taken for the other.
 */

import { constant, type Shape } from '../primitives/shape.ts'

/** Version of the objects. */
const VERSION = 1

/** Suites. Numbers on the wire: append only. */
export const SUITES = {
  /** PRE-BLS12381-CPRE-SHA256-AES256GCM-v1: conditional, without a key centre. */
  cpre: 1,
  /** PRE-BLS12381-IB-BB1-SHA256-AES256GCM-v1: identity-based. */
  ibpre: 2,
  /** HPKE-X25519-SHA256-AES256GCM: the owner opens and seals again. */
  rewrap: 3,
} as const

/** Objects. Numbers on the wire: append only. */
export const OBJECTS = {
  capsule: 1,
  reEncryptedCapsule: 2,
  reEncryptionKey: 3,
  reKeyFragment: 4,
  capsuleFragment: 5,
  sealedRecord: 6,
  wrappedKey: 7,
  ibParameters: 16,
  ibMasterKey: 17,
  ibSecretKey: 18,
  ibCiphertext: 19,
  ibReKey: 20,
  ibReEncryptedCiphertext: 21,
  ibSignature: 22,
  ibMasterShare: 23,
  ibKeyShare: 24,
} as const

/** The first three fields of an object. */
export function header<S extends keyof typeof SUITES, O extends keyof typeof OBJECTS>(
  suite: S,
  object: O,
): {
  readonly version: Shape<typeof VERSION>
  readonly suite: Shape<(typeof SUITES)[S]>
  readonly object: Shape<(typeof OBJECTS)[O]>
} {
  return { version: constant(VERSION), suite: constant(SUITES[suite]), object: constant(OBJECTS[object]) }
}

/** The values of these fields, for writing. */
export function headerOf<S extends keyof typeof SUITES, O extends keyof typeof OBJECTS>(
  suite: S,
  object: O,
): { readonly version: typeof VERSION; readonly suite: (typeof SUITES)[S]; readonly object: (typeof OBJECTS)[O] } {
  return { version: VERSION, suite: SUITES[suite], object: OBJECTS[object] }
}
