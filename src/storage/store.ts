/**
 * Keeping records: frames before the manifest that names them, everything read back before a record counts as kept.
 *
 * Nobody needs a key for this; an outbox, a storage node or a courier can do it.
 */

import { VitalsealError, rejectArgument } from '../errors.ts'
import { toCid, type RecordId } from '../primitives/content-id.ts'
import { reportStep, type ProgressOptions, type Signal } from '../primitives/progress.ts'
import { readBlock, writeBlock, type Blockstore } from './blockstore.ts'
import { BLOCKS_AT_ONCE, mapInOrder } from './concurrency.ts'
import type { ContentBlock } from './hashing.ts'
import { FRAME_BLOCK_BYTES_MAX, parseSealedParts, rootBytesMax } from './header.ts'
import type { SealedRecord } from './seal.ts'

/**
 * Keeps a sealed record and resolves when every block reads back.
 *
 * The block that the id names is written last: whoever finds it finds the whole record. Safe to repeat.
 *
 * @param record - from {@link sealRecord}
 * @param options - where the blocks go
 * @returns its id
 * @throws When a block was not kept: `ERR_STORAGE_WRITE`; when the signal ends the work: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function storeRecord(
  record: SealedRecord,
  options: ProgressOptions & { readonly blocks: Blockstore },
): Promise<RecordId> {
  const { id, blocks } = record
  const root = blocks[blocks.length - 1]
  if (root?.cid.toString() !== id) rejectArgument('record', 'blocks that end with the one of the id', 'another order')
  await writeAll(blocks.slice(0, -1), id, { ...options, total: blocks.length })
  await writeAll([root], id, { ...options, total: blocks.length, doneBefore: blocks.length - 1 })
  return id
}

/**
 * Copies a record from one blockstore to another, for example from an outbox to a shared store. Needs no key.
 *
 * @param id - of the record
 * @param options - `source` has it, `target` gets it
 * @throws When a block is absent, damaged or not kept: `ERR_STORAGE_NOT_FOUND`, `ERR_STORAGE_CORRUPT`, `ERR_STORAGE_READ`,
 * `ERR_STORAGE_WRITE`; when the first block is none of a record: `ERR_CODEC_MALFORMED`; when the signal ends the work:
 * `ERR_ABORTED`. {@link VitalsealError}
 */
export async function copyRecord(
  id: RecordId,
  options: ProgressOptions & { readonly source: Blockstore; readonly target: Blockstore },
): Promise<void> {
  const { source, target, signal } = options
  let done = 0
  for await (const { block, total } of readRecordBlocks(id, { blocks: source, signal })) {
    await writeBlock(target, block, { record: id, signal })
    await reportStep(options, { done: ++done, total, step: 'copy' })
  }
}

/**
 * Yields every block of a record, hashed again, the one that the id names last. Needs no key: for copies and archives.
 *
 * @param id - of the record
 * @param options - where the blocks are
 * @returns the blocks; errors as {@link copyRecord} throws them on reading
 */
export async function* streamRecordBlocks(
  id: RecordId,
  options: Pick<ProgressOptions, 'signal'> & { readonly blocks: Blockstore },
): AsyncGenerator<ContentBlock, void> {
  const { blocks, signal } = options
  for await (const { block } of readRecordBlocks(id, { blocks, signal })) yield block
}

async function* readRecordBlocks(
  id: RecordId,
  options: { readonly blocks: Blockstore; readonly signal: Signal | undefined },
): AsyncGenerator<{ readonly block: ContentBlock; readonly total: number }, void> {
  const { blocks, signal } = options
  const cid = toCid(id)
  const root = await readBlock(blocks, cid, { bytesMax: rootBytesMax(cid), record: id, signal })
  const parts = parseSealedParts(id, root)
  if (!parts.ok) {
    throw new VitalsealError(parts.code, parts.message, { path: parts.path, details: parts.details })
  }
  const { frames } = parts.value.header
  const total = frames.length + 1
  const read = async (frame: ContentBlock['cid']) => ({
    block: {
      cid: frame,
      bytes: await readBlock(blocks, frame, { bytesMax: FRAME_BLOCK_BYTES_MAX, record: id, signal }),
    },
    total,
  })
  yield* mapInOrder(frames, BLOCKS_AT_ONCE, read)
  yield { block: { cid, bytes: root }, total }
}

async function writeAll(
  blocks: readonly ContentBlock[],
  id: RecordId,
  options: ProgressOptions & { readonly blocks: Blockstore; readonly total: number; readonly doneBefore?: number },
): Promise<void> {
  const { total, signal } = options
  const write = async (block: ContentBlock) => writeBlock(options.blocks, block, { record: id, signal })
  const written = mapInOrder(blocks, BLOCKS_AT_ONCE, write)
  let done = options.doneBefore ?? 0
  while ((await written.next()).done !== true) await reportStep(options, { done: ++done, total, step: 'store' })
}
