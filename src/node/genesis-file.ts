/** The genesis as a file, as `vitalseal genesis` writes it and every node reads it. */

import { writeFile } from 'node:fs/promises'

import { encodeGenesis, parseGenesis, type Genesis } from '../chain/index.ts'
import { succeed, type Result } from '../errors.ts'
import { messageOf } from './command.ts'
import { readSmallFile, refuseSetting, type SettingCode } from './small-file.ts'

/** Above what any genesis needs. */
const GENESIS_BYTES_MAX = 1024 * 1024

/** Reads a genesis from its file. Total. */
export async function readGenesisFile(file: string): Promise<Result<Genesis>> {
  const bytes = await readSmallFile(file, { setting: 'genesis', bytesMax: GENESIS_BYTES_MAX })
  return bytes.ok ? parseGenesis(bytes.value) : bytes
}

/** Writes a genesis to a new file; one that exists is left as it is. */
export async function createGenesisFile(file: string, genesis: Genesis): Promise<Result<Genesis, SettingCode>> {
  try {
    await writeFile(file, encodeGenesis(genesis), { flag: 'wx' })
    return succeed(genesis)
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    return refuseSetting('genesis', 'a new file', isThere ? `${file}; it is left as it is` : messageOf(error))
  }
}

/** Says what a group of so many members stands. */
export function describeFaults(memberCount: number): string {
  const faults = Math.floor((memberCount - 1) / 3)
  if (faults === 0) return 'stands no fault: when one member fails, the ledger stops; four members stand one'
  return `stands ${faults} of ${memberCount} that fail or lie`
}
