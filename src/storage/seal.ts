/**
 * Sealing: a plaintext becomes blocks that only the holders of its key can read.
 *
 * The exact bytes are sealed, never a reading of them: JSON numbers lose their precision when they are printed again. Each
 * sealing takes a fresh salt and so a fresh key; sealing the same bytes twice gives two unlinkable records.
 */

import { rejectArgument } from '../errors.ts'
import { createFrameSealer, sealAead } from '../primitives/aead.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { createRecordId, DAG_CBOR_CODEC, RAW_CODEC, type RecordId } from '../primitives/content-id.ts'
import { reportStep, throwIfAborted, type ProgressOptions } from '../primitives/progress.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { unshared } from '../primitives/web-crypto.ts'
import { writeBlock, type Blockstore } from './blockstore.ts'
import { BLOCKS_AT_ONCE, mapInOrder } from './concurrency.ts'
import { readSealingKey, type SealingKey } from './epoch-key.ts'
import { addressBlock, type ContentBlock } from './hashing.ts'
import { encodeManifest, encodeSealedBlock, planLayout, recordInfo, type Layout, type RecordKind } from './header.ts'
import { PADDING_MARKER, type Padding } from './padding.ts'

/** What a record is said to be. */
export interface SealOptions extends ProgressOptions {
  readonly key: SealingKey
  /** Which transaction will name the record. Default `iot`. */
  readonly kind?: RecordKind
  /** Shown to everyone who has the block. Default `application/fhir+json`. */
  readonly mediaType?: string
  /** Default `size-class`; `none` shows the length. */
  readonly padding?: Padding
}

/** A sealed record: its address, and its blocks with the one of that address last. */
export interface SealedRecord {
  readonly id: RecordId
  readonly blocks: readonly ContentBlock[]
}

const MEDIA_TYPE_DEFAULT = 'application/fhir+json'

/**
 * Seals bytes under the newest key epoch.
 *
 * Run by whoever writes: the patient's devices, or staff under their diagnosis key. Up to about 1 MiB the record is one
 * block; above, frames of at most 256 KiB under a manifest, which holds the whole record in memory (see {@link sealStream}).
 * Cost: HKDF, AES-GCM and SHA-256, by WebCrypto above a few KiB; {@link storeRecord} keeps the result.
 *
 * @param plaintext - at most 1 GiB less one byte; must not change before the promise resolves
 * @param options - the key, and what the record is said to be
 * @param random - gives the salt
 * @throws When an argument has another form: `ERR_ARGUMENT_INVALID`; when a newer epoch is known:
 * `ERR_KEYS_EPOCH_SUPERSEDED`; when the signal ends the work: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function sealRecord(
  plaintext: Uint8Array,
  options: SealOptions,
  random: RandomSource = randomBytes,
): Promise<SealedRecord> {
  if (!(plaintext instanceof Uint8Array)) rejectArgument('plaintext', 'bytes', typeof plaintext)
  const plan = planSealing(plaintext.length, options)
  const blocks: ContentBlock[] = []
  for await (const block of sealBlocks(framesOf(plaintext, plan.layout), plan, random)) blocks.push(block)
  return finish(blocks, options.key)
}

/**
 * Seals bytes that come in pieces, and keeps each block as soon as it is sealed: memory stays at a few frames.
 *
 * The length must be known beforehand, since the size class is part of what every frame commits to. Frames are kept before
 * the manifest; when the work fails on the way, those already kept name nothing and open nothing.
 *
 * @param source - the plaintext in pieces of any size
 * @param options - the key, what the record is said to be, its length, and where its blocks go
 * @param random - gives the salt
 * @returns the id, after reading back every block
 * @throws When an argument or the length of the source is another: `ERR_ARGUMENT_INVALID`; when a newer epoch is known:
 * `ERR_KEYS_EPOCH_SUPERSEDED`; when a block was not kept: `ERR_STORAGE_WRITE`; when the signal ends the work:
 * `ERR_ABORTED`. {@link VitalsealError}
 */
export async function sealStream(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: SealOptions & { readonly plaintextBytes: number; readonly blocks: Blockstore },
  random: RandomSource = randomBytes,
): Promise<RecordId> {
  const { plaintextBytes, blocks, key, signal } = options
  if (!Number.isSafeInteger(plaintextBytes) || plaintextBytes < 0) {
    rejectArgument('plaintextBytes', 'a length', typeof plaintextBytes)
  }
  const plan = planSealing(plaintextBytes, options)
  let root: ContentBlock | undefined
  for await (const block of sealBlocks(gatherFrames(source, plaintextBytes, plan.layout), plan, random)) {
    // The last block, which names the others, is kept only while its epoch is the newest.
    if (root !== undefined) await writeBlock(blocks, root, { record: root.cid.toString(), signal })
    root = block
  }
  const record = finish([root as ContentBlock], key)
  await writeBlock(blocks, root as ContentBlock, { record: record.id, signal })
  return record.id
}

interface SealingPlan {
  readonly layout: Layout
  readonly secret: Bytes
  readonly info: Bytes
  readonly options: SealOptions
}

function planSealing(plaintextBytes: number, options: SealOptions): SealingPlan {
  const { key, kind = 'iot', mediaType = MEDIA_TYPE_DEFAULT, padding = 'size-class' } = options
  const { secret, infoFields } = readSealingKey(key)
  const layout = planLayout(plaintextBytes, { mediaType, padding })
  return { layout, secret, info: recordInfo(infoFields, kind, layout), options }
}

/** Sealing took time: a rotation that came meanwhile counts. */
function finish(blocks: readonly ContentBlock[], key: SealingKey): SealedRecord {
  readSealingKey(key)
  const root = blocks[blocks.length - 1] as ContentBlock
  return { id: createRecordId(root.cid), blocks }
}

type Frames = Iterable<Bytes> | AsyncIterable<Bytes>

async function* sealBlocks(
  frames: Frames,
  plan: SealingPlan,
  random: RandomSource,
): AsyncGenerator<ContentBlock, void> {
  const { layout, options } = plan
  const seal = layout.frameCount === 0 ? sealSingleBlock : sealFrames
  // Frames, and the manifest over them.
  const total = layout.frameCount + 1
  let done = 0
  throwIfAborted(options.signal)
  for await (const block of seal(frames, plan, random)) {
    yield block
    await reportStep(options, { done: ++done, total, step: 'seal' })
  }
}

async function* sealSingleBlock(
  frames: Frames,
  plan: SealingPlan,
  random: RandomSource,
): AsyncGenerator<ContentBlock, void> {
  const { secret, info, layout } = plan
  for await (const plaintext of frames) {
    const { salt, commitment, ciphertext } = await sealAead({ secret, info, plaintext }, random)
    yield addressBlock(RAW_CODEC, encodeSealedBlock({ salt, commitment, mediaType: layout.mediaType }, ciphertext))
  }
}

async function* sealFrames(
  frames: Frames,
  plan: SealingPlan,
  random: RandomSource,
): AsyncGenerator<ContentBlock, void> {
  const { secret, info, layout } = plan
  const { frameBytes, frameCount, mediaType } = layout
  const sealer = createFrameSealer({ secret, info, frameCount }, random)
  const links: ContentBlock['cid'][] = []
  const seal = async (plaintext: Bytes) => addressBlock(RAW_CODEC, await sealer.seal(plaintext))
  for await (const block of mapInOrder(frames, BLOCKS_AT_ONCE, seal)) {
    links.push(block.cid)
    yield block
  }
  const { salt, commitment } = sealer
  yield addressBlock(DAG_CBOR_CODEC, encodeManifest({ salt, commitment, mediaType, frameBytes, frames: links }))
}

/** The frames of bytes at hand; only the last ones are copied, to be padded. */
function* framesOf(plaintext: Uint8Array, layout: Layout): Generator<Bytes, void> {
  const { frameBytes, paddedBytes } = layout
  for (let start = 0; start < paddedBytes; start += frameBytes) {
    const end = start + frameBytes
    if (end <= plaintext.length) {
      yield unshared(plaintext.subarray(start, end))
      continue
    }
    const frame = new Uint8Array(frameBytes)
    frame.set(plaintext.subarray(start))
    mark(frame, plaintext.length - start)
    yield frame
  }
}

/** Sets the first byte of the padding, where it falls into this frame. */
function mark(frame: Bytes, index: number): void {
  if (index >= 0 && index < frame.length) frame[index] = PADDING_MARKER
}

/** The frames of bytes that come in pieces. */
async function* gatherFrames(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  plaintextBytes: number,
  layout: Layout,
): AsyncGenerator<Bytes, void> {
  const { frameBytes, paddedBytes } = layout
  let frame = new Uint8Array(frameBytes)
  let filled = 0
  let gathered = 0
  for await (const piece of source) {
    if (!(piece instanceof Uint8Array)) rejectArgument('source', 'pieces of bytes', typeof piece)
    gathered += piece.length
    if (gathered > plaintextBytes) rejectArgument('source', `${plaintextBytes} bytes`, 'more')
    for (let taken = 0; taken < piece.length;) {
      const part = piece.subarray(taken, taken + frameBytes - filled)
      frame.set(part, filled)
      taken += part.length
      filled += part.length
      if (filled < frameBytes) break
      yield frame
      frame = new Uint8Array(frameBytes)
      filled = 0
    }
  }
  if (gathered < plaintextBytes) rejectArgument('source', `${plaintextBytes} bytes`, `${gathered}`)
  mark(frame, filled)
  for (let start = gathered - filled; start < paddedBytes; start += frameBytes) {
    yield frame
    frame = new Uint8Array(frameBytes)
  }
}
