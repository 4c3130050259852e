/**
 * Tells a torn tail from damage inside, in the log files that LevelDB writes ahead of its tables.
 *
 * LevelDB drops what it cannot read there without a word, also in the middle. For an unsynced tail that is right: nothing
 * had left that depended on it. But one write is under way at a time here, so that a write which was begun after another
 * proves that the other was synced; to drop that one would be to forget votes. So the files are read before LevelDB has them:
 * blocks of 32 KiB with fragments `crc32c, length, type, data`; a whole entry is FULL, or FIRST, MIDDLE..., LAST.
 *
 * Not found: damage to the very last write, which looks like a torn tail on any disk.
 *
 * @see LevelDB, doc/log_format.md
 */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { corrupt } from './store-errors.ts'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const FULL = 1
const FIRST = 2
const LAST = 4
const MASK_DELTA = 0xa282ead8

interface Fragment {
  readonly type: number
  readonly end: number
}

let table: Uint32Array | undefined

function createTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
    return value
  })
}

function maskedCrc(bytes: Uint8Array): number {
  const rows = (table ??= createTable())
  let crc = 0xffffffff
  for (const byte of bytes) crc = (rows[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0
}

/** Reads the fragment at an offset; undefined when there is no whole one. */
function readFragment(file: Uint8Array, offset: number, blockEnd: number): Fragment | undefined {
  if (offset + HEADER_BYTES > blockEnd) return undefined
  const header = new DataView(file.buffer, file.byteOffset + offset, HEADER_BYTES)
  const type = header.getUint8(6)
  const end = offset + HEADER_BYTES + header.getUint16(4, true)
  if (type < FULL || type > LAST || end > blockEnd) return undefined
  const holds = maskedCrc(file.subarray(offset + HEADER_BYTES - 1, end)) === header.getUint32(0, true)
  return holds ? { type, end } : undefined
}

/** Tells whether a write begins anywhere from an offset on, also where fragments can no longer be followed. */
function beginsAfter(file: Uint8Array, offset: number): boolean {
  const blockEnd = Math.min(file.length, (Math.floor(offset / BLOCK_BYTES) + 1) * BLOCK_BYTES)
  for (let at = offset; at < blockEnd; at++) {
    const type = readFragment(file, at, blockEnd)?.type
    if (type === FULL || type === FIRST) return true
  }
  return blockEnd < file.length && beginsAfter(file, blockEnd)
}

/**
 * Tells whether a log file is whole up to its last write: a tail may be missing or torn, nothing else.
 *
 * @param file - the bytes of the file
 */
export function isWholeLog(file: Uint8Array): boolean {
  let offset = 0
  let isOpen = false
  while (offset < file.length) {
    const blockEnd = Math.min(file.length, (Math.floor(offset / BLOCK_BYTES) + 1) * BLOCK_BYTES)
    const fragment = readFragment(file, offset, blockEnd)
    if (fragment === undefined) {
      // Where no header fits, LevelDB fills the block.
      if (blockEnd - offset >= HEADER_BYTES) return !beginsAfter(file, offset + 1)
      offset = blockEnd
      continue
    }
    const begins = fragment.type === FULL || fragment.type === FIRST
    // A beginning inside an entry, or a continuation outside: something between is gone.
    if (begins === isOpen) return begins ? false : !beginsAfter(file, fragment.end)
    isOpen = fragment.type === FIRST || (isOpen && fragment.type !== LAST)
    offset = fragment.end
  }
  return true
}

/**
 * Reads the logs of a directory.
 *
 * @throws When one is damaged before its tail: `ERR_NODE_STORE_CORRUPT`. {@link VitalsealError}
 */
export async function assertWholeLogs(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((file) => /^\d+\.log$/.test(file))) {
    // Another process may have it open and be done with this file by now.
    const file = await readFile(join(directory, name)).catch(() => new Uint8Array())
    if (!isWholeLog(file)) throw corrupt(name)
  }
}
