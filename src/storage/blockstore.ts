/**
 * Blockstores as a port, by shape: what `interface-blockstore` 5, 6 and 7 ask for, and any object with `get` and `put`.
 *
 * A blockstore is not trusted. What it gives is read up to the length that may be right and no further, hashed again, and
 * used only when it is what was asked for; what it says about a write is believed after reading back.
 */

import type { CID } from 'multiformats/cid'

import { VitalsealError } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { throwIfAborted, type Signal } from '../primitives/progress.ts'
import { unshared } from '../primitives/web-crypto.ts'
import { hashesTo, joinBytes, type ContentBlock } from './hashing.ts'

/** What a blockstore is told besides the address. */
export interface BlockstoreOptions {
  readonly signal?: Signal
}

/** What `get` may give: bytes, pieces of them, or nothing for an absent block. */
export type BlockSource = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined

/**
 * Port: keeps blocks under their addresses.
 *
 * An absent block is told by an error named `NotFoundError` or with code `ERR_NOT_FOUND` or `ENOENT`, or by undefined.
 * `put` resolves when the block can be read back.
 */
export interface Blockstore {
  /** Returns the block of that address, whole or in pieces. */
  get(cid: CID, options?: BlockstoreOptions): BlockSource | Promise<BlockSource>
  /** Keeps a block; may keep the very bytes. */
  put(cid: CID, bytes: Uint8Array, options?: BlockstoreOptions): unknown
  /** Forgets a block. */
  delete?(cid: CID, options?: BlockstoreOptions): unknown
}

/** How a block is asked for. */
export interface ReadOptions {
  /** Longest right answer. */
  readonly bytesMax: number
  /** Record that the block belongs to, for messages. */
  readonly record: string
  readonly signal: Signal | undefined
}

/** A block of 1 MiB in pieces of 64 bytes; empty ones count as well, so that no store keeps us for ever. */
const PIECES_MAX = 16_384
const ABSENT_CODES: readonly unknown[] = ['ERR_NOT_FOUND', 'LEVEL_NOT_FOUND', 'ENOENT']

function isAbsent(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown }
  return name === 'NotFoundError' || ABSENT_CODES.includes(code)
}

/** True also for bytes of another realm. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
}

/** Stores call `throwIfAborted` on what they are given; a signal that has none is for us alone. */
function storeOptions(signal: Signal | undefined): BlockstoreOptions {
  return signal !== undefined && 'throwIfAborted' in signal ? { signal } : {}
}

/** Joins pieces, up to a length and a number of them; undefined when they are no bytes or too many. */
async function collect(source: unknown, bytesMax: number): Promise<Bytes | undefined> {
  if (isBytes(source)) return source.length <= bytesMax ? unshared(source) : undefined
  if (typeof source !== 'object' || source === null) return undefined
  if (!(Symbol.iterator in source) && !(Symbol.asyncIterator in source)) return undefined
  const pieces: Uint8Array[] = []
  let byteCount = 0
  for await (const piece of source as AsyncIterable<unknown>) {
    if (!isBytes(piece)) return undefined
    byteCount += piece.length
    if (byteCount > bytesMax || pieces.length === PIECES_MAX) return undefined
    pieces.push(piece)
  }
  return pieces.length === 1 ? unshared(pieces[0] as Uint8Array) : joinBytes(pieces)
}

/**
 * Returns a block after hashing it.
 *
 * @throws When it is absent: `ERR_STORAGE_NOT_FOUND`; when the bytes are not those of the address: `ERR_STORAGE_CORRUPT`; when
 * the store fails: `ERR_STORAGE_READ`; when the signal ends the work: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function readBlock(blocks: Blockstore, cid: CID, options: ReadOptions): Promise<Bytes> {
  return readBlockWhile(blocks, cid, options, (bytes) => Promise.resolve(bytes))
}

/**
 * Returns what `work` makes of a block, once the block is known to be the one of that address.
 *
 * Hashing and work run at the same time, so that both cores of a phone are used; work may not publish anything.
 *
 * @throws As {@link readBlock} does. {@link VitalsealError}
 */
export async function readBlockWhile<T>(
  blocks: Blockstore,
  cid: CID,
  options: ReadOptions,
  work: (bytes: Bytes) => Promise<T>,
): Promise<T> {
  const { bytesMax, record, signal } = options
  throwIfAborted(signal)
  const bytes = await fetchBlock(blocks, cid, options)
  throwIfAborted(signal)
  if (bytes !== undefined && bytes.length <= bytesMax) {
    const [isBlock, result] = await Promise.all([hashesTo(cid, bytes), work(bytes)])
    if (isBlock) return result
  }
  const message = `block ${cid.toString()}: the store gave other bytes; delete the local copy and fetch it again`
  throw new VitalsealError('ERR_STORAGE_CORRUPT', message, { details: { record } })
}

async function fetchBlock(blocks: Blockstore, cid: CID, options: ReadOptions): Promise<Bytes | undefined> {
  const { bytesMax, record, signal } = options
  try {
    const source: unknown = await blocks.get(cid, storeOptions(signal))
    if (source !== undefined) return await collect(source, bytesMax)
  } catch (cause) {
    throwIfAborted(signal, cause)
    if (!isAbsent(cause)) {
      const message = `block ${cid.toString()}: the store failed; try again, or another blockstore`
      throw new VitalsealError('ERR_STORAGE_READ', message, { details: { record }, cause })
    }
  }
  const message = `block ${cid.toString()} is not in this store; ask another blockstore`
  throw new VitalsealError('ERR_STORAGE_NOT_FOUND', message, { details: { record } })
}

/**
 * Keeps a block and resolves when it reads back.
 *
 * @throws When it does not: `ERR_STORAGE_WRITE`; when the signal ends the work: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function writeBlock(
  blocks: Blockstore,
  block: ContentBlock,
  options: Omit<ReadOptions, 'bytesMax'>,
): Promise<void> {
  const { record, signal } = options
  const { cid, bytes } = block
  throwIfAborted(signal)
  try {
    await blocks.put(cid, bytes, storeOptions(signal))
    await readBlock(blocks, cid, { ...options, bytesMax: bytes.length })
  } catch (cause) {
    throwIfAborted(signal, cause)
    const message = `block ${cid.toString()}: was not kept, or does not read back; nothing was published, try again`
    throw new VitalsealError('ERR_STORAGE_WRITE', message, { details: { record }, cause })
  }
}
