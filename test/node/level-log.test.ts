import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { isVitalsealError } from '../../src/errors.ts'
import { isWholeLog } from '../../src/node/level-log.ts'
import { openLedgerStore } from '../../src/node/open-stores.ts'

const directory = await mkdtemp(join(tmpdir(), 'vitalseal-log-'))
afterAll(() => rm(directory, { recursive: true }))

/** Writes entries of these lengths, and returns the log that LevelDB wrote, and where each entry ends in it. */
async function writeLog(
  lengths: readonly number[],
): Promise<{ readonly log: Uint8Array; readonly ends: readonly number[] }> {
  const place = await mkdtemp(join(directory, 'log-'))
  const store = await openLedgerStore(place)
  const [name] = (await readdir(place)).filter((file) => file.endsWith('.log'))
  const ends = [(await readFile(join(place, name as string))).length]
  for (const [at, length] of lengths.entries()) {
    await store.append({ height: at + 1, block: new Uint8Array(length).fill(7), certificate: new Uint8Array(8) })
    ends.push((await readFile(join(place, name as string))).length)
  }
  await store.close()
  return { log: await readFile(join(place, name as string)), ends }
}

const flipped = (log: Uint8Array, at: number): Uint8Array => {
  const bytes = Uint8Array.from(log)
  bytes[at] = (bytes[at] as number) ^ 0x10
  return bytes
}

describe('a log of LevelDB', () => {
  it('is whole wherever it is cut', async () => {
    const { log } = await writeLog([20, 0, 300])
    for (let end = 0; end <= log.length; end++) expect(isWholeLog(log.subarray(0, end))).toBe(true)
    expect(isWholeLog(Buffer.concat([log, new Uint8Array(100)]))).toBe(true)
  })

  it('is damaged where another entry follows the damage, and torn where none does', async () => {
    const { log, ends } = await writeLog([20, 0, 300])
    const last = ends.at(-2) as number
    for (let at = 0; at < log.length; at++) expect([at, isWholeLog(flipped(log, at))]).toEqual([at, at >= last])
  })

  it('is judged the same across its blocks of 32 KiB', async () => {
    const { log, ends } = await writeLog([100, 32_500, 80_000, 40, 70_000])
    const last = ends.at(-2) as number
    expect(log.length).toBeGreaterThan(5 * 32_768)
    for (let at = 0; at < log.length; at += 997) {
      expect([at, isWholeLog(log.subarray(0, at))]).toEqual([at, true])
      expect([at, isWholeLog(flipped(log, at))]).toEqual([at, at >= last])
    }
    // The first part of a last entry is lost, the rest reached the disk: a tail that was torn in the middle.
    const torn = Uint8Array.from(log)
    torn.fill(0, last, last + 4_096)
    expect(isWholeLog(torn)).toBe(true)
    // Between two whole entries one is missing from its beginning on, or up to its end.
    const [from, to] = [ends[2] as number, ends[3] as number]
    expect(isWholeLog(Uint8Array.from(log).fill(0, from, to))).toBe(false)
    expect(isWholeLog(Uint8Array.from(log).fill(0, from, from + 100))).toBe(false)
    expect(isWholeLog(Uint8Array.from(log).fill(0, to - 100, to))).toBe(false)
  })

  it('that is damaged is not opened', async () => {
    const place = await mkdtemp(join(directory, 'store-'))
    const store = await openLedgerStore(place)
    for (let height = 1; height <= 3; height++)
      await store.append({ height, block: new Uint8Array(50), certificate: new Uint8Array(8) })
    await store.close()
    const [name = ''] = (await readdir(place)).filter((file) => file.endsWith('.log'))
    const log = await readFile(join(place, name))
    await writeFile(join(place, name), flipped(log, 200))
    const error: unknown = await openLedgerStore(place).catch((caught: unknown) => caught)
    expect(isVitalsealError(error, 'ERR_NODE_STORE_CORRUPT') && error.details).toEqual({ where: name })
    await writeFile(join(place, name), log.subarray(0, -1))
    const again = await openLedgerStore(place)
    expect(await again.height()).toBe(2)
    await again.close()
  })
})
