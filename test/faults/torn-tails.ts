/**
 * Tails that a disk lost: the log of LevelDB is cut at every byte of its last writes, and its bits are flipped. A cut tail is
 * gone and nothing else; damage before it is an error with its place; nothing is ever repaired silently.
 */

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { isVitalsealError } from '../../src/errors.ts'
import { isWholeLog } from '../../src/node/level-log.ts'
import { toRow, type Row } from './report.ts'
import { findGap, openStore, write } from './writer.ts'

interface Sample {
  readonly directory: string
  readonly file: string
  readonly log: Uint8Array
  /** Length of the log after each number was acknowledged. */
  readonly ends: readonly number[]
}

const COUNT = 12

async function makeSample(root: string): Promise<Sample> {
  const directory = join(root, 'sample')
  const store = await openStore(directory, { initialise: true })
  const file = readdirSync(directory).find((name) => name.endsWith('.log')) as string
  const ends: number[] = []
  await write(store, { count: COUNT, onAcknowledged: () => ends.push(statSync(join(directory, file)).size) })
  await store.close()
  return { directory, file, log: readFileSync(join(directory, file)), ends }
}

/** Opens a copy with another log; returns the last number that it holds, or the code of the refusal. */
async function reopen({ directory, file }: Sample, log: Uint8Array): Promise<number | string> {
  const copy = `${directory}-copy`
  rmSync(copy, { recursive: true, force: true })
  cpSync(directory, copy, { recursive: true })
  writeFileSync(join(copy, file), log)
  try {
    const store = await openStore(copy)
    const last = store.head.last?.index ?? -1
    const gap = await findGap(store, [])
    await store.close()
    return gap ?? last
  } catch (error) {
    if (!isVitalsealError(error)) throw error
    return error.code
  }
}

async function cutEverywhere(sample: Sample): Promise<Row> {
  const { log, ends } = sample
  const faults: string[] = []
  const from = ends.at(-4) as number
  for (let end = from; end <= log.length; end++) {
    const expected = ends.findLastIndex((at) => at <= end)
    const found = await reopen(sample, log.subarray(0, end))
    if (found !== expected) faults.push(`cut at ${end}: expected record ${expected}, found ${found}`)
  }
  return toRow(
    'torn tail, every cut of the last 3 writes',
    faults,
    `${log.length - from + 1} cuts, what was left is whole`,
  )
}

function flip(log: Uint8Array, bit: number): Uint8Array {
  const bytes = Uint8Array.from(log)
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
  return bytes
}

async function flipLast(sample: Sample): Promise<Row> {
  const { log, ends } = sample
  const faults: string[] = []
  const from = ends.at(-2) as number
  let opened = 0
  for (let bit = 8 * from; bit < 8 * log.length; bit++) {
    const damaged = flip(log, bit)
    if (!isWholeLog(damaged)) faults.push(`bit ${bit}: taken for damage inside`)
    // Each is judged; every seventeenth is also opened, which takes a thousand times as long.
    if (bit % 17 !== 0) continue
    opened += 1
    const found = await reopen(sample, damaged)
    if (found !== COUNT - 2) faults.push(`bit ${bit}: expected record ${COUNT - 2}, found ${found}`)
  }
  const detail = `${8 * (log.length - from)} bits, ${opened} of them opened: the write is gone, the rest is whole`
  return toRow('torn tail, every bit of the last write', faults, detail)
}

async function flipInside(sample: Sample): Promise<Row> {
  const { log, ends } = sample
  const faults: string[] = []
  const bits = 8 * (ends.at(-2) as number)
  for (let count = 0; count < 1_000; count++) {
    const bit = Math.floor((count * bits) / 1_000)
    const damaged = flip(log, bit)
    const found =
      count % 10 === 0 ? await reopen(sample, damaged) : isWholeLog(damaged) ? 'whole' : 'ERR_NODE_STORE_CORRUPT'
    if (found !== 'ERR_NODE_STORE_CORRUPT') faults.push(`bit ${bit}: ${found}`)
  }
  return toRow('damage inside, 1,000 bits', faults, 'ERR_NODE_STORE_CORRUPT, 100 of them by opening')
}

/** The tables that LevelDB makes of a log when it is opened again. */
async function flipTables(sample: Sample): Promise<Row> {
  const { directory } = sample
  const store = await openStore(directory)
  await store.close()
  const faults: string[] = []
  const name = readdirSync(directory).find((file) => file.endsWith('.ldb'))
  if (name === undefined) return { what: 'damage of tables', result: 'not run', detail: 'LevelDB made no table' }
  const table = readFileSync(join(directory, name))
  let silent = 0
  for (let count = 0; count < 200; count++) {
    const bit = Math.floor((count * 8 * table.length) / 200)
    const copy = `${directory}-copy`
    rmSync(copy, { recursive: true, force: true })
    cpSync(directory, copy, { recursive: true })
    writeFileSync(join(copy, name), flip(table, bit))
    try {
      const opened = await openStore(copy)
      const gap = await findGap(opened, [COUNT - 1])
      await opened.close()
      // Some bits of a table mean nothing, as those of its filters.
      if (gap === undefined) silent += 1
      else faults.push(`bit ${bit}: ${gap}`)
    } catch (error) {
      if (!isVitalsealError(error)) faults.push(`bit ${bit}: ${String(error)}`)
    }
  }
  return toRow('damage of tables, 200 bits', faults, `a typed error, or (${silent}) nothing was changed by it`)
}

/** Runs them in a directory. */
export async function runTornTails(root: string): Promise<readonly Row[]> {
  mkdirSync(root, { recursive: true })
  const sample = await makeSample(root)
  return [await cutEverywhere(sample), await flipLast(sample), await flipInside(sample), await flipTables(sample)]
}
