/**
 * Who signed, as one bit per member: member i is bit i mod 8, counted from the lowest, of byte i div 8.
 *
 * One set of signers has one encoding: exactly ceil(n / 8) bytes, unused bits zero.
 */

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import type { Bytes } from './bytes.ts'

/**
 * Returns the bitmap of the members with these indexes.
 *
 * @param indexes - from 0 to memberCount - 1, in any order, each at most once
 * @returns ceil(memberCount / 8) bytes
 * @throws When an index is out of range or repeated: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeSignerBitmap(indexes: readonly number[], memberCount: number): Bytes {
  const bitmap = new Uint8Array(Math.ceil(memberCount / 8))
  for (const index of indexes) {
    if (!Number.isSafeInteger(index) || index < 0 || index >= memberCount) {
      rejectArgument('indexes', `integers from 0 to ${memberCount - 1}`, `${index}`)
    }
    if (isSet(bitmap, index)) rejectArgument('indexes', 'each member at most once', `${index} twice`)
    bitmap[index >> 3] = (bitmap[index >> 3] as number) | (1 << (index & 7))
  }
  return bitmap
}

/**
 * Reads who signed. Total.
 *
 * @returns the indexes, ascending and at least one, or `ERR_CODEC_MALFORMED`
 */
export function parseSignerBitmap(
  bitmap: Uint8Array,
  memberCount: number,
): Result<readonly number[], 'ERR_CODEC_MALFORMED'> {
  const byteCount = Math.ceil(memberCount / 8)
  if (!(bitmap instanceof Uint8Array) || bitmap.length !== byteCount) return malformed(`${byteCount} bytes`)
  const indexes: number[] = []
  for (let index = 0; index < 8 * byteCount; index++) if (isSet(bitmap, index)) indexes.push(index)
  const last = indexes.at(-1)
  if (last === undefined) return malformed('at least one signer')
  return last < memberCount ? succeed(indexes) : malformed(`no signer from index ${memberCount} on`)
}

function isSet(bitmap: Uint8Array, index: number): boolean {
  return (((bitmap[index >> 3] as number) >> (index & 7)) & 1) === 1
}

function malformed(expected: string): Result<never, 'ERR_CODEC_MALFORMED'> {
  return fail('ERR_CODEC_MALFORMED', `bitmap: expected ${expected}`, {
    path: 'bitmap',
    details: { byteOffset: 0, expected },
  })
}
