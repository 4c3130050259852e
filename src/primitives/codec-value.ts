/**
 * The values of strict DAG-CBOR.
 */

import type { CID } from 'multiformats/cid'

/**
 * What strict DAG-CBOR can hold. Integers beyond the safe range are `bigint`, up to 64 bits; a smaller `bigint` is
 * accepted for encoding and comes back as a number. Text holds no lone surrogate and begins with no byte order mark.
 */
export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CID
  | readonly CborValue[]
  | { readonly [key: string]: CborValue }
