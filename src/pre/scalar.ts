/**
 * Inverses of scalars.
 */

import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import type { BlsScalar } from '../primitives/bls12-381.ts'

/** Returns the inverse modulo r by Fermat: the same steps for every scalar. */
export function invertScalar(scalar: bigint): BlsScalar {
  let result = 1n
  for (const bit of (BLS_GROUP_ORDER - 2n).toString(2)) {
    result = (result * result) % BLS_GROUP_ORDER
    if (bit === '1') result = (result * scalar) % BLS_GROUP_ORDER
  }
  return result as BlsScalar
}
