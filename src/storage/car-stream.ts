/**
 * CARv1 in a stream: files longer than memory. The same form and the same refusals as in one piece.
 */

import type { CID } from 'multiformats/cid'

import { rejectArgument, unwrap, type Result } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { unshared } from '../primitives/web-crypto.ts'
import {
  carLimits,
  CID_BYTES,
  encodeCarHeader,
  encodeSectionHead,
  headerBytesMax,
  ownCid,
  parseCarHeader,
  readSectionCid,
  readVarint,
  refuseCar,
  refuseCarBlock,
  refuseCarLimit,
  refuseCid,
  refuseVarint,
  sectionBytesMax,
  VARINT_BYTES_MAX,
  type CarBlock,
  type CarErrorCode,
  type CarLimits,
  type Varint,
} from './car.ts'
import { hashesTo, type ContentBlock } from './hashing.ts'

/** A CAR that is being read. */
export interface OpenCar {
  readonly roots: readonly CID[]
  /** Each block, hashed; to be taken once. Throws what {@link parseCar} would give as a failure. */
  readonly blocks: AsyncIterable<ContentBlock>
}

/** Bytes in pieces of any size; a stream of Node or of the web fits. */
export type ByteSource = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * Yields the bytes of a CAR.
 *
 * @param car - roots, and the blocks in their order; a block that comes again is left out
 * @returns the file in pieces
 * @throws When an address is of another kind or not that of its block: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export async function* streamCar(car: {
  readonly roots: readonly CID[]
  readonly blocks: Iterable<CarBlock> | AsyncIterable<CarBlock>
}): AsyncGenerator<Bytes, void> {
  yield encodeCarHeader(car.roots)
  const seen = new Set<string>()
  for await (const { cid, bytes } of car.blocks) {
    const own = ownCid('blocks', cid)
    if (seen.has(own.toString())) continue
    seen.add(own.toString())
    const block = unshared(bytes)
    if (!(await hashesTo(own, block))) rejectArgument('blocks', 'blocks that hash to their CID', 'other bytes')
    yield encodeSectionHead(own, block.length)
    yield block
  }
}

/**
 * Opens a CAR that comes in pieces: reads its header now and its blocks as they are asked for.
 *
 * @param source - the file in pieces of any size
 * @param limits - default {@link carLimits}
 * @returns the roots, and the blocks to come
 * @throws When the header is refused: `ERR_CODEC_MALFORMED`, `ERR_CODEC_NOT_CANONICAL`, `ERR_CODEC_TRAILING_BYTES`,
 * `ERR_CODEC_LIMIT`, `ERR_CODEC_VERSION`. {@link VitalsealError}
 */
export async function openCar(source: ByteSource, limits: CarLimits = carLimits): Promise<OpenCar> {
  const reader = createReader(source, limits.bytesMax)
  try {
    const header = await readPart(reader, { name: 'bytes in a header', allowed: headerBytesMax(limits) })
    if (header === undefined) return refuse(refuseVarint('short', 0))
    return { roots: unwrap(parseCarHeader(header, limits)), blocks: readBlocks(reader, limits) }
  } catch (error) {
    await reader.close()
    throw error
  }
}

async function* readBlocks(reader: Reader, limits: CarLimits): AsyncGenerator<ContentBlock, void> {
  const seen = new Set<string>()
  const limit = { name: 'bytes in a block', allowed: sectionBytesMax(limits) }
  try {
    for (;;) {
      const section = await readPart(reader, limit)
      if (section === undefined) return
      const byteOffset = reader.position() - section.length
      if (seen.size === limits.blocksMax) refuse(refuseCarLimit('blocks', limits.blocksMax, seen.size + 1))
      const cid = readSectionCid(section) ?? refuse(refuseCid(byteOffset))
      const name = cid.toString()
      if (seen.has(name)) refuse(refuseCar('ERR_CODEC_NOT_CANONICAL', byteOffset, 'each block once'))
      seen.add(name)
      const bytes = section.slice(CID_BYTES)
      if (!(await hashesTo(cid, bytes))) refuse(refuseCarBlock(cid))
      yield { cid, bytes }
    }
  } finally {
    await reader.close()
  }
}

/** Throws a failure: an iteration has no other way to tell one. */
function refuse(failure: Result<never, CarErrorCode>): never {
  return unwrap(failure)
}

/** A length and what it covers; undefined at the end of the file. */
async function readPart(
  reader: Reader,
  limit: { readonly name: string; readonly allowed: number },
): Promise<Bytes | undefined> {
  const start = reader.position()
  const head: number[] = []
  let length: Varint = 'short'
  while (length === 'short' && head.length < VARINT_BYTES_MAX) {
    const [byte] = await reader.take(1)
    if (byte === undefined) break
    head.push(byte)
    length = readVarint(Uint8Array.from(head), 0)
  }
  if (head.length === 0) return undefined
  if (typeof length === 'string') return refuse(refuseVarint(length, start))
  if (length.value > limit.allowed) refuse(refuseCarLimit(limit.name, limit.allowed, length.value))
  const part = await reader.take(length.value)
  if (part.length < length.value)
    refuse(refuseCar('ERR_CODEC_MALFORMED', start, `${length.value} bytes, found the end`))
  return part
}

interface Reader {
  /** Bytes taken so far. */
  position(): number
  /** The next bytes, fewer at the end of the file. */
  take(byteCount: number): Promise<Bytes>
  /** Tells the source that nothing more is wanted. */
  close(): Promise<void>
}

function createReader(source: ByteSource, bytesMax: number): Reader {
  const pieces = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  const waiting: Uint8Array[] = []
  let waitingBytes = 0
  let position = 0
  async function fill(byteCount: number): Promise<void> {
    while (waitingBytes < byteCount) {
      const next = await pieces.next()
      if (next.done === true) return
      if (!(next.value instanceof Uint8Array)) rejectArgument('source', 'pieces of bytes', typeof next.value)
      waiting.push(next.value)
      waitingBytes += next.value.length
      const received = position + waitingBytes
      if (received > bytesMax) refuse(refuseCarLimit('bytes', bytesMax, received))
    }
  }
  return {
    position: () => position,
    async take(byteCount) {
      await fill(byteCount)
      const taken = new Uint8Array(Math.min(byteCount, waitingBytes))
      let filled = 0
      let emptied = 0
      for (const [index, piece] of waiting.entries()) {
        const part = piece.subarray(0, taken.length - filled)
        taken.set(part, filled)
        filled += part.length
        if (part.length < piece.length) {
          waiting[index] = piece.subarray(part.length)
          break
        }
        emptied = index + 1
      }
      waiting.splice(0, emptied)
      waitingBytes -= taken.length
      position += taken.length
      return taken
    },
    async close() {
      await pieces.return?.()
    },
  }
}
