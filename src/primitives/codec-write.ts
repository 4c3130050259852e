/**
 * Writing strict DAG-CBOR: the shortest heads, map keys shorter first and then in byte order, links behind tag 42.
 *
 * Values were checked before; what has no encoding never comes here.
 */

import { CID } from 'multiformats/cid'

import { rejectArgument } from '../errors.ts'
import { compareBytes, toUtf8, type Bytes } from './bytes.ts'
import type { CborValue } from './codec-value.ts'

interface Output {
  bytes: Bytes
  length: number
}

const LINK_TAG = 42

/** Makes room and returns the offset at which to write. */
function reserve(output: Output, count: number): number {
  const start = output.length
  output.length += count
  if (output.length > output.bytes.length) {
    const grown = new Uint8Array(Math.max(2 * output.bytes.length, output.length))
    grown.set(output.bytes.subarray(0, start))
    output.bytes = grown
  }
  return start
}

function writeHead(output: Output, major: number, argument: number | bigint): void {
  const first = major << 5
  const size = argument < 24 ? 0 : argument < 0x100 ? 1 : argument < 0x10000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8
  const start = reserve(output, 1 + size)
  const { bytes } = output
  bytes[start] = size === 0 ? first | Number(argument) : first | (24 + Math.log2(size))
  if (size === 8) new DataView(bytes.buffer, start + 1, size).setBigUint64(0, BigInt(argument))
  else for (let i = size, rest = Number(argument); i > 0; i--, rest >>>= 8) bytes[start + i] = rest & 0xff
}

/** ASCII, as ids and words are, is its own UTF-8: written without an array of its own. */
function writeText(output: Output, text: string): void {
  const before = output.length
  writeHead(output, 3, text.length)
  const start = reserve(output, text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) {
      output.length = before
      writeString(output, 3, toUtf8(text))
      return
    }
    output.bytes[start + i] = unit
  }
}

function writeString(output: Output, major: 2 | 3, string: Uint8Array): void {
  writeHead(output, major, string.length)
  const start = reserve(output, string.length)
  output.bytes.set(string, start)
}

function writeMap(output: Output, map: { readonly [key: string]: CborValue }): void {
  const entries = Object.keys(map).map((name) => ({ name, key: toUtf8(name) }))
  entries.sort((left, right) => left.key.length - right.key.length || compareBytes(left.key, right.key))
  writeHead(output, 5, entries.length)
  for (const { name, key } of entries) {
    writeString(output, 3, key)
    writeItem(output, map[name] as CborValue)
  }
}

function writeLink(output: Output, cid: CID): void {
  writeHead(output, 6, LINK_TAG)
  writeHead(output, 2, cid.bytes.length + 1)
  const start = reserve(output, cid.bytes.length + 1)
  output.bytes[start] = 0
  output.bytes.set(cid.bytes, start + 1)
}

function writeItem(output: Output, value: CborValue): void {
  if (value === null) writeHead(output, 7, 22)
  else if (typeof value === 'boolean') writeHead(output, 7, value ? 21 : 20)
  else if (typeof value === 'number' || typeof value === 'bigint') {
    if (value >= 0) writeHead(output, 0, value)
    else writeHead(output, 1, -1n - BigInt(value))
  } else if (typeof value === 'string') writeText(output, value)
  else if (value instanceof Uint8Array) writeString(output, 2, value)
  else if (Array.isArray(value)) {
    writeHead(output, 4, value.length)
    for (const item of value as readonly CborValue[]) writeItem(output, item)
  } else {
    const cid = CID.asCID(value)
    if (cid === null) writeMap(output, value as { readonly [key: string]: CborValue })
    else if ((value as Partial<CID>).bytes instanceof Uint8Array) writeLink(output, cid)
    // A decoded map can hold texts under the names of a CID's members; it would be written as the link that it never was.
    else rejectArgument('value', 'a map or a link', 'a map that imitates a link')
  }
}

/**
 * Returns the encoding of a value that has one.
 *
 * @param into - where it is written: as long as the encoding, or the result is another array
 */
export function writeValue(value: CborValue, into: Bytes): Bytes {
  const output: Output = { bytes: into, length: 0 }
  writeItem(output, value)
  return output.length === output.bytes.length ? output.bytes : output.bytes.subarray(0, output.length)
}
