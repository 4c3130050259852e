/**
 * LevelDB behind a small port, so that the store can be tested on disks that fail: batches that are atomic and synced, and
 * reading by key and in order.
 *
 * `classic-level` is an optional peer: it is imported when a database is opened, and its absence says what to install.
 */

import { VitalsealError } from '../errors.ts'
import { assertWholeLogs } from './level-log.ts'
import { corrupt } from './store-errors.ts'

/** One change. */
export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

/** A range of keys, from `gte` to before `lt`. */
export interface KeyRange {
  readonly gte: string
  readonly lt: string
  readonly reverse?: boolean
  readonly limit?: number
}

/** Port: an ordered map from texts to bytes on disk. */
export interface Database {
  /** The value of a key; undefined when there is none. */
  get(key: string): Promise<Uint8Array | undefined>
  /** Entries of a range, in order of their keys. */
  iterator(range: KeyRange): AsyncIterable<readonly [string, Uint8Array]>
  /** Makes all changes or none; with `sync`, resolves when they survive loss of power. */
  batch(operations: readonly Operation[], options: { readonly sync: boolean }): Promise<void>
  /** Lets go of the directory. */
  close(): Promise<void>
}

/** Opens the database of a directory, which it makes where it is missing. */
export type OpenDatabase = (directory: string) => Promise<Database>

async function importClassicLevel() {
  try {
    return await import('classic-level')
  } catch (cause) {
    const message = 'a ledger node keeps its data with the package classic-level: run npm install classic-level@3'
    throw new VitalsealError('ERR_NODE_PACKAGE', message, { details: { package: 'classic-level' }, cause })
  }
}

/**
 * Opens LevelDB in a directory.
 *
 * @throws When `classic-level` is not installed: `ERR_NODE_PACKAGE`; when another process has it open:
 *   `ERR_NODE_STORE_LOCKED`; when it is damaged: `ERR_NODE_STORE_CORRUPT`; when it cannot be read or made: `ERR_NODE_DISK`. {@link VitalsealError}
 */
export async function openLevelDatabase(directory: string): Promise<Database> {
  const { ClassicLevel } = await importClassicLevel()
  await assertWholeLogs(directory)
  // Signatures and hashes do not shrink.
  const level = new ClassicLevel<string, Uint8Array>(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    compression: false,
  })
  try {
    await level.open()
  } catch (error) {
    throw openFailure(directory, error)
  }
  return {
    get: (key) => level.get(key),
    iterator: (range) => level.iterator(range),
    batch: (operations, { sync }) => level.batch([...operations], { sync }),
    close: () => level.close(),
  }
}

function openFailure(directory: string, error: unknown): VitalsealError {
  const cause = (error as { readonly cause?: unknown }).cause ?? error
  const { code, message } = cause as { readonly code?: unknown; readonly message?: string }
  if (code === 'LEVEL_LOCKED') {
    const text = `another process has ${directory} open: end it, or give this one a directory of its own`
    return new VitalsealError('ERR_NODE_STORE_LOCKED', text, { details: { directory }, cause })
  }
  if (code === 'LEVEL_CORRUPTION' || (message ?? '').startsWith('Corruption')) return corrupt('the database', cause)
  const text = `the database in ${directory} cannot be opened: ${message ?? String(cause)}`
  return new VitalsealError('ERR_NODE_DISK', text, { details: {}, cause })
}
