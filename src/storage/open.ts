/**
 * Opening: nothing is released before it is known to be what the transaction names.
 *
 * A reader re-hashes every block, takes owner, epoch, label and kind from the key and the committed transaction, derives
 * the keys of the record from them and from what its header claims, compares the commitment in constant time, opens, and
 * takes the padding off. Whatever fails between hash and padding fails with one code: which of them it was would tell an
 * attacker something.
 */

import { VitalsealError, rejectArgument } from '../errors.ts'
import { createFrameOpener, openAead, type AeadContext } from '../primitives/aead.ts'
import { copyBytes, type Bytes } from '../primitives/bytes.ts'
import { toCid, type RecordId } from '../primitives/content-id.ts'
import { reportStep, type ProgressOptions } from '../primitives/progress.ts'
import { readBlock, readBlockWhile, type Blockstore } from './blockstore.ts'
import { BLOCKS_AT_ONCE, mapInOrder } from './concurrency.ts'
import { readKey, type OpeningKey } from './epoch-key.ts'
import {
  FRAME_BLOCK_BYTES_MAX,
  parseSealedParts,
  recordInfo,
  rootBytesMax,
  type RecordKind,
  type SealedParts,
} from './header.ts'
import { joinBytes } from './hashing.ts'
import { createUnpadder, lastNonZero, PADDING_MARKER } from './padding.ts'

/** What a record is opened with. */
export interface OpenOptions extends ProgressOptions {
  readonly key: OpeningKey
  readonly blocks: Blockstore
  /** Which transaction names the record. Default `iot`. */
  readonly kind?: RecordKind
}

/** Part of a plaintext, from `start` to before `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A record whose commitment holds. */
interface OpenedRecord {
  readonly frameCount: number
  readonly frameBytes: number
  /** Returns one frame, checked. */
  frame(index: number): Promise<Bytes>
}

function decryptionFailed(): VitalsealError {
  return new VitalsealError('ERR_DECRYPTION_FAILED', 'the record does not open with this key', { details: {} })
}

/**
 * Opens a record, or a part of it.
 *
 * Run by whoever holds the key. A range reads the manifest and the frames that it needs, and says nothing about the rest;
 * beyond the end of the plaintext there is nothing, as with `slice`. Needs memory for twice the result; see
 * {@link streamRecord} for long records.
 *
 * @param id - from the committed transaction
 * @param options - the key for the owner, label and epoch of that transaction, and where the blocks are
 * @returns the exact bytes that were sealed
 * @throws When the key, the header or a frame is another: `ERR_DECRYPTION_FAILED`; when a block is absent:
 * `ERR_STORAGE_NOT_FOUND`; when it does not hash to its address: `ERR_STORAGE_CORRUPT`; when the store fails:
 * `ERR_STORAGE_READ`; when the signal ends the work: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function openRecord(id: RecordId, options: OpenOptions & { readonly range?: ByteRange }): Promise<Bytes> {
  const { range } = options
  if (range !== undefined) assertRange(range)
  const record = await openRoot(id, options)
  const whole = range === undefined ? await openWhole(record, options) : undefined
  return whole ?? openRange(record, range ?? { start: 0, end: Infinity }, options)
}

/**
 * The whole plaintext; undefined when its last frame is nothing but padding.
 *
 * The last frame is taken first: it tells the length, so that the others are copied to their place while WebCrypto works
 * on those that follow.
 */
async function openWhole(record: OpenedRecord, options: ProgressOptions): Promise<Bytes | undefined> {
  const { frameBytes, frameCount: total } = record
  const read = async (index: number) => ({ start: index * frameBytes, frame: await record.frame(index) })
  let whole: Bytes | undefined
  let done = 0
  for await (const { start, frame } of mapInOrder(lastFirst(total), BLOCKS_AT_ONCE, read)) {
    if (whole === undefined) {
      const lastIndex = lastNonZero(frame)
      if (lastIndex < 0) return undefined
      if (frame[lastIndex] !== PADDING_MARKER) throw decryptionFailed()
      whole = new Uint8Array(start + lastIndex)
    }
    whole.set(frame.subarray(0, whole.length - start), start)
    await reportStep(options, { done: ++done, total, step: 'open' })
  }
  return whole
}

function* lastFirst(count: number): Generator<number, void> {
  yield count - 1
  yield* indexes(0, count - 1)
}

async function openRange(record: OpenedRecord, { start, end }: ByteRange, options: ProgressOptions): Promise<Bytes> {
  if (start === end) return new Uint8Array(0)
  const frameFirst = Math.min(Math.floor(start / record.frameBytes), record.frameCount)
  const chunks: Bytes[] = []
  let position = frameFirst * record.frameBytes
  for await (const chunk of plaintextFrom(record, { frameFirst, end }, options)) {
    const from = Math.max(0, start - position)
    const until = Math.min(chunk.length, end - position)
    if (from < until) chunks.push(chunk.subarray(from, until))
    position += chunk.length
    if (position >= end) break
  }
  return joinBytes(chunks)
}

/** Returns bytes with nothing behind them: nobody shall find padding in the buffer of a plaintext. */
function own(bytes: Bytes): Bytes {
  return bytes.length === bytes.buffer.byteLength ? bytes : copyBytes(bytes)
}

function assertRange({ start, end }: ByteRange): void {
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end
  if (!isRange) rejectArgument('range', '0 <= start <= end', 'another range')
}

/**
 * Opens a record frame by frame; memory stays at a few frames. Each frame is checked before it is released.
 *
 * That the record ends where its sealer ended it is known after the last frame: a reader who acts on a beginning must stand
 * a failure later on.
 *
 * @param id - from the committed transaction
 * @param options - as for {@link openRecord}
 * @returns pieces of the plaintext, none longer than a frame; errors as {@link openRecord} throws them
 */
export async function* streamRecord(id: RecordId, options: OpenOptions): AsyncGenerator<Bytes, void> {
  const record = await openRoot(id, options)
  for await (const chunk of plaintextFrom(record, { frameFirst: 0, end: Infinity }, options)) yield own(chunk)
}

async function openRoot(id: RecordId, options: OpenOptions): Promise<OpenedRecord> {
  const { key, blocks, kind = 'iot', signal } = options
  const { secret, infoFields } = readKey(key)
  const cid = toCid(id)
  const bytes = await readBlock(blocks, cid, { bytesMax: rootBytesMax(cid), record: id, signal })
  const parts = parseSealedParts(id, bytes)
  if (!parts.ok) throw decryptionFailed()
  const context = { secret, info: recordInfo(infoFields, kind, parts.value.layout) }
  return parts.value.layout.frameCount === 0
    ? openSingleBlock(parts.value, context)
    : openFrames(id, parts.value, context, options)
}

async function openSingleBlock(parts: SealedParts, context: AeadContext): Promise<OpenedRecord> {
  const { header, layout, ciphertext } = parts
  const { salt, commitment } = header
  const plaintext = await openAead({ ...context, salt, commitment, ciphertext })
  if (plaintext === undefined) throw decryptionFailed()
  return { frameCount: 1, frameBytes: layout.frameBytes, frame: () => Promise.resolve(plaintext) }
}

function openFrames(id: RecordId, parts: SealedParts, context: AeadContext, options: OpenOptions): OpenedRecord {
  const { salt, commitment, frames } = parts.header
  const { frameBytes, frameCount } = parts.layout
  const opener = createFrameOpener({ ...context, salt, commitment, frameCount })
  if (opener === undefined) throw decryptionFailed()
  const { blocks, signal } = options
  const reading = { bytesMax: FRAME_BLOCK_BYTES_MAX, record: id, signal }
  return {
    frameCount,
    frameBytes,
    async frame(index) {
      const open = (ciphertext: Bytes) => opener.open(ciphertext, index)
      const plaintext = await readBlockWhile(blocks, frames[index]!, reading, open)
      if (plaintext?.length !== frameBytes) throw decryptionFailed()
      return plaintext
    },
  }
}

/** Plaintext from a frame on, at least until `end` where there is so much. */
async function* plaintextFrom(
  record: OpenedRecord,
  part: { readonly frameFirst: number; readonly end: number },
  options: ProgressOptions,
): AsyncGenerator<Bytes, void> {
  const { frameFirst, end } = part
  const { frameCount, frameBytes } = record
  const wanted = Math.min(frameCount, Math.ceil(end / frameBytes))
  const unpadder = createUnpadder({ isMidway: frameFirst > 0 })
  let done = 0
  // Frames after the wanted ones are read one by one, only as long as what came before them may be padding.
  for (const [from, until, width] of [
    [frameFirst, wanted, BLOCKS_AT_ONCE],
    [wanted, frameCount, 1],
  ] as const) {
    for await (const frame of mapInOrder(indexes(from, until), width, (index) => record.frame(index))) {
      await reportStep(options, { done: ++done, total: Math.max(done, wanted - frameFirst), step: 'open' })
      yield* unpadder.push(frame)
    }
  }
  if (!unpadder.isComplete()) throw decryptionFailed()
}

function* indexes(from: number, until: number): Generator<number, void> {
  for (let index = from; index < until; index++) yield index
}
