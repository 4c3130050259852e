/**
 * Writes records and blocks to a store until the disk fails, and tells what was acknowledged: for disks that this process or
 * the system makes fail.
 */

import { writeSync } from 'node:fs'

import type { StoredBlock } from '../../src/chain/index.ts'
import { isVitalsealError } from '../../src/errors.ts'
import type { OpenDatabase } from '../../src/node/database.ts'
import type { NodeStore } from '../../src/node/level-store.ts'
import { openNodeStore } from '../../src/node/open-stores.ts'
import type { LogRecord } from '../../src/pbft/index.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createId } from '../../src/primitives/ids.ts'
import { createSigner } from '../../src/primitives/signature.ts'

/** Second argument of the program where it is to write. */
export const WRITER_FLAG = '--writer'

const chainId = createId('chain', sha256(toUtf8('faults')))
const member = createSigner(new Uint8Array(32).fill(7)).did

/** Opens the store of the one member of these tests. */
export function openStore(
  directory: string,
  options: { readonly initialise?: true; readonly openDatabase?: OpenDatabase } = {},
): Promise<NodeStore> {
  return openNodeStore({ directory, chainId, member, ...options })
}

const RECORD_BYTES = 120

/** What is written under a number: a record and a block, which go together. */
export function entryOf(number: number): { readonly record: LogRecord; readonly block: StoredBlock } {
  const bytes = new Uint8Array(RECORD_BYTES).fill(number & 255)
  return {
    record: { index: number, bytes, keepFrom: Math.max(0, number - 20) },
    block: { height: number + 1, block: bytes, certificate: bytes.subarray(0, 8) },
  }
}

/** What came of writing. */
export interface Written {
  /** Numbers that were acknowledged, in order. */
  readonly acknowledged: readonly number[]
  /** Code of the error that ended it; null where it came to its end. */
  readonly code: string | null
}

/** Writes numbers one after the other until one fails, and then tries some more, which must fail too. */
export async function write(
  store: NodeStore,
  options: { readonly count: number; readonly onAcknowledged?: (number: number) => void },
): Promise<Written> {
  const { count, onAcknowledged = () => undefined } = options
  const first = store.head.last === null ? 0 : store.head.last.index + 1
  const acknowledged: number[] = []
  let code: string | null = null
  let failures = 0
  for (let number = first; number < first + count && failures < 4; number++) {
    const { record, block } = entryOf(number)
    try {
      await store.write({ records: [record], blocks: [block] })
      acknowledged.push(number)
      onAcknowledged(number)
    } catch (error) {
      code ??= isVitalsealError(error) ? error.code : String(error)
      failures += 1
    }
  }
  return { acknowledged, code }
}

/** Why what is in a store is not what it should be; undefined where it is. */
export async function findGap(store: NodeStore, acknowledged: readonly number[]): Promise<string | undefined> {
  const records = store.takeRecords()
  const last = acknowledged.at(-1)
  const { height } = store.head
  const lastIndex = records.at(-1)?.index ?? -1
  if (last !== undefined && lastIndex < last) return `record ${last} was acknowledged, the last one is ${lastIndex}`
  if (height !== lastIndex + 1) return `record ${lastIndex} and block ${height} were written together`
  for (const { index, bytes } of records)
    if (!bytes.every((byte) => byte === (index & 255))) return `record ${index} holds something else`
  for (let at = 1; at <= height; at++) if ((await store.read(at)) === undefined) return `block ${at} is missing`
  return undefined
}

/** The program: writes, and says each number that was acknowledged on a line of its own. */
export async function runWriter(directory: string): Promise<void> {
  const say = (line: string): void => void writeSync(1, `${line}\n`)
  try {
    const store = await openStore(directory)
    const { code } = await write(store, { count: 4_000, onAcknowledged: (number) => say(`${number}`) })
    say(`end ${code ?? 'none'}`)
  } catch (error) {
    say(`end ${isVitalsealError(error) ? error.code : String(error)}`)
  }
  process.exit(0)
}
