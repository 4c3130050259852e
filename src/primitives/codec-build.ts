/**
 * Building the value of DAG-CBOR that the walk has accepted: nothing here is checked twice.
 */

import { CID } from 'multiformats/cid'

import { copyBytes, fromUtf8 } from './bytes.ts'
import type { CborValue } from './codec-value.ts'

interface Cursor {
  readonly bytes: Uint8Array
  readonly view: DataView
  offset: number
}

/** Returns the value of the one item in these bytes. They must have passed the walk. */
export function buildValue(bytes: Uint8Array): CborValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buildItem({ bytes, view, offset: 0 })
}

/** The argument of a head; 64-bit ones that no number holds are bigints. */
function readArgument(cursor: Cursor, info: number): number | bigint {
  const { view, offset } = cursor
  if (info < 24) return info
  const size = 1 << (info - 24)
  cursor.offset += size
  if (size === 1) return view.getUint8(offset)
  if (size === 2) return view.getUint16(offset)
  if (size === 4) return view.getUint32(offset)
  const argument = view.getBigUint64(offset)
  return argument <= Number.MAX_SAFE_INTEGER ? Number(argument) : argument
}

function take(cursor: Cursor, length: number): Uint8Array {
  const taken = cursor.bytes.subarray(cursor.offset, cursor.offset + length)
  cursor.offset += length
  return taken
}

function negative(argument: number | bigint): number | bigint {
  const value = -1n - BigInt(argument)
  return value >= Number.MIN_SAFE_INTEGER ? Number(value) : value
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
  return CID.decode((buildItem(cursor) as Uint8Array).subarray(1))
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
      return copyBytes(take(cursor, Number(argument)))
    case 3:
      return fromUtf8(take(cursor, Number(argument)))
    case 4:
      return Array.from({ length: Number(argument) }, () => buildItem(cursor))
    case 5:
      return buildMap(cursor, Number(argument))
    case 6:
      return buildLink(cursor)
    default:
      return SIMPLE.get(info) as boolean | null
  }
}
