/**
 * Building the value of DAG-CBOR that the walk has accepted: nothing here is checked twice.
 */

import { CID } from 'multiformats/cid'

import { copyBytes, fromUtf8 } from './bytes.ts'
import type { CborValue } from './codec-value.ts'

/** Whether byte strings get memory of their own or stay where they were read. */
export type Strings = 'copied' | 'viewed'

interface Cursor {
  readonly bytes: Uint8Array
  readonly strings: Strings
  offset: number
}

/** Returns the value of the one item in these bytes. They must have passed the walk. */
export function buildValue(bytes: Uint8Array, strings: Strings): CborValue {
  return buildItem({ bytes, strings, offset: 0 })
}

/** The argument of a head; 64-bit ones that no number holds are bigints. */
function readArgument(cursor: Cursor, info: number): number | bigint {
  if (info < 24) return info
  const { bytes, offset } = cursor
  const size = 1 << (info - 24)
  cursor.offset += size
  let argument = 0
  for (let at = offset; at < cursor.offset; at++) argument = argument * 256 + (bytes[at] as number)
  if (argument <= Number.MAX_SAFE_INTEGER) return argument
  return new DataView(bytes.buffer, bytes.byteOffset + offset, size).getBigUint64(0)
}

function take(cursor: Cursor, length: number): Uint8Array {
  const taken = cursor.bytes.subarray(cursor.offset, cursor.offset + length)
  cursor.offset += length
  return taken
}

function buildBytes(cursor: Cursor, length: number): Uint8Array {
  const taken = take(cursor, length)
  return cursor.strings === 'copied' ? copyBytes(taken) : taken
}

function negative(argument: number | bigint): number | bigint {
  const value = -1n - BigInt(argument)
  return value >= Number.MIN_SAFE_INTEGER ? Number(value) : value
}

function buildArray(cursor: Cursor, count: number): CborValue {
  const items: CborValue[] = []
  for (let i = 0; i < count; i++) items.push(buildItem(cursor))
  return items
}

function buildMap(cursor: Cursor, count: number): CborValue {
  const map: Record<string, CborValue> = {}
  for (let i = 0; i < count; i++) {
    const key = buildItem(cursor) as string
    map[key] = buildItem(cursor)
  }
  return map
}

function buildLink(cursor: Cursor): CborValue {
  // A binary CID stands behind a zero byte.
  return CID.decode(copyBytes(buildItem(cursor) as Uint8Array).subarray(1))
}

const SIMPLE: ReadonlyMap<number, boolean | null> = /* @__PURE__ */ new Map<number, boolean | null>([
  [20, false],
  [21, true],
  [22, null],
])

function buildItem(cursor: Cursor): CborValue {
  const first = cursor.bytes[cursor.offset++] as number
  const info = first & 31
  const argument = readArgument(cursor, info)
  switch (first >> 5) {
    case 0:
      return argument
    case 1:
      return negative(argument)
    case 2:
      return buildBytes(cursor, Number(argument))
    case 3:
      return fromUtf8(take(cursor, Number(argument)))
    case 4:
      return buildArray(cursor, Number(argument))
    case 5:
      return buildMap(cursor, Number(argument))
    case 6:
      return buildLink(cursor)
    default:
      return SIMPLE.get(info) as boolean | null
  }
}
