/**
 * What a blockstore must do, as a suite without a test runner: for those who bring a store of their own.
 *
 * The blocks are random, so that the suite also runs against a store that is shared or keeps what it gets; what it wrote
 * it deletes where the store can.
 */

import { isVitalsealError } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { DAG_CBOR_CODEC, hashBlock, RAW_CODEC } from '../primitives/content-id.ts'
import { SEALED_BLOCK_BYTES_MAX } from '../primitives/limits.ts'
import { randomBytes } from '../primitives/random.ts'
import { readBlock, writeBlock, type Blockstore } from './blockstore.ts'
import type { ContentBlock } from './hashing.ts'

/** Whether a store keeps a rule. */
export interface BlockstoreCheck {
  /** The rule, as a sentence. */
  readonly rule: string
  readonly ok: boolean
  /** What went wrong, where something did. */
  readonly message?: string
}

const BLOCK_BYTES = 256
const BLOCKS_AT_ONCE = 32

function createBlock(byteCount = BLOCK_BYTES): ContentBlock {
  const bytes = randomBytes(byteCount)
  return { cid: hashBlock(RAW_CODEC, bytes), bytes }
}

async function write(blocks: Blockstore, block: ContentBlock): Promise<void> {
  await writeBlock(blocks, block, { record: block.cid.toString(), signal: undefined })
}

async function read(blocks: Blockstore, { cid, bytes }: ContentBlock): Promise<Bytes> {
  return readBlock(blocks, cid, { bytesMax: bytes.length, record: cid.toString(), signal: undefined })
}

async function isAbsent(blocks: Blockstore, block: ContentBlock): Promise<boolean> {
  try {
    await read(blocks, block)
    return false
  } catch (error) {
    if (isVitalsealError(error, 'ERR_STORAGE_NOT_FOUND')) return true
    throw error
  }
}

interface Rule {
  readonly rule: string
  readonly blocks: () => readonly ContentBlock[]
  readonly holds: (store: Blockstore, blocks: readonly ContentBlock[]) => Promise<boolean>
}

/** Writing reads back and compares with the address, so a rule that ends has been kept. */
async function writeEach(store: Blockstore, blocks: readonly ContentBlock[]): Promise<boolean> {
  for (const block of blocks) await write(store, block)
  for (const block of blocks) await read(store, block)
  return true
}

function underBothCodecs({ cid, bytes }: ContentBlock): readonly ContentBlock[] {
  return [
    { cid, bytes },
    { cid: hashBlock(DAG_CBOR_CODEC, bytes), bytes },
  ]
}

function twice(block: ContentBlock): readonly ContentBlock[] {
  return [block, block]
}

const RULES: readonly Rule[] = [
  { rule: 'a block that was put is got back byte for byte', blocks: () => [createBlock()], holds: writeEach },
  {
    rule: 'a block of 1 MiB is got back byte for byte',
    blocks: () => [createBlock(SEALED_BLOCK_BYTES_MAX)],
    holds: writeEach,
  },
  { rule: 'a block may be put again', blocks: () => twice(createBlock()), holds: writeEach },
  {
    rule: 'the same bytes are found under either codec',
    blocks: () => underBothCodecs(createBlock()),
    holds: writeEach,
  },
  {
    rule: 'many blocks may be put and got at once',
    blocks: () => Array.from({ length: BLOCKS_AT_ONCE }, () => createBlock()),
    holds: async (store, blocks) => {
      await Promise.all(blocks.map((block) => write(store, block)))
      return (await Promise.all(blocks.map((block) => read(store, block)))).length === blocks.length
    },
  },
  {
    rule: 'an absent block is told by NotFoundError, ERR_NOT_FOUND, ENOENT or undefined',
    blocks: () => [createBlock()],
    holds: async (store, blocks) => isAbsent(store, blocks[0]!),
  },
  {
    rule: 'a deleted block is absent, where the store can delete',
    blocks: () => [createBlock()],
    holds: async (store, blocks) => {
      await writeEach(store, blocks)
      if (store.delete === undefined) return true
      await store.delete(blocks[0]!.cid)
      return isAbsent(store, blocks[0]!)
    },
  },
]

/**
 * Runs the suite against a blockstore.
 *
 * @param create - called once for each rule; may give the same store each time
 * @returns one entry for each rule, kept or not; never throws
 * @example
 * for (const { rule, ok } of await checkBlockstore(() => blocks)) console.log(ok ? 'ok  ' : 'FAIL', rule)
 */
export async function checkBlockstore(
  create: () => Blockstore | Promise<Blockstore>,
): Promise<readonly BlockstoreCheck[]> {
  const checks: BlockstoreCheck[] = []
  for (const rule of RULES) checks.push(await checkRule(rule, create))
  return checks
}

async function checkRule(
  { rule, blocks, holds }: Rule,
  create: () => Blockstore | Promise<Blockstore>,
): Promise<BlockstoreCheck> {
  try {
    const store = await create()
    const own = blocks()
    const ok = await holds(store, own)
    await forget(store, own)
    return ok ? { rule, ok } : { rule, ok, message: 'the store did something else' }
  } catch (error) {
    return { rule, ok: false, message: error instanceof Error ? describe(error) : typeof error }
  }
}

/** Our own sentence, and the store's where it failed. */
function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

async function forget(store: Blockstore, blocks: readonly ContentBlock[]): Promise<void> {
  for (const { cid } of blocks) {
    try {
      await store.delete?.(cid)
    } catch {
      // Deleting what is not there may fail; nothing follows from it.
    }
  }
}
