/**
 * Disks that fail: the n-th write, the n-th fsync, or the last free byte. Nothing is acknowledged afterwards, the error says
 * so, and whoever opens the directory again finds everything that had been acknowledged.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { isVitalsealError } from '../../src/errors.ts'
import { openLevelDatabase } from '../../src/node/database.ts'
import { openHost } from '../../src/node/host.ts'
import { createHostClient } from '../../src/node/host-client.ts'
import { openNodeStore } from '../../src/node/open-stores.ts'
import { createOpensslVerifier } from '../../src/node/openssl-verifier.ts'
import { createMemoryDatabase, type Disk } from '../support/memory-database.ts'
import { createNodeGenesis, createWallet, nodeParty } from '../support/node-world.ts'
import { toRow, type Row } from './report.ts'
import { findGap, openStore, write, WRITER_FLAG } from './writer.ts'

const FAILURES = 50

/** A group of one, whose n-th write fails: the same host as in a larger group, and every write is on its way to a client. */
async function failHosts(): Promise<Row> {
  const faults: string[] = []
  const genesis = createNodeGenesis({ members: 1 })
  const { did, signer } = nodeParty('node 0')
  let acknowledgedCount = 0
  for (let failAt = 1; failAt <= FAILURES; failAt++) {
    const disk: Disk = new Map()
    const open = (options: { readonly failAt?: number; readonly isTorn?: boolean; readonly initialise?: true }) =>
      openNodeStore({
        directory: 'memory',
        chainId: genesis.chainId,
        member: did,
        ...(options.initialise === undefined ? {} : { initialise: true }),
        openDatabase: () => Promise.resolve(createMemoryDatabase(disk, options)),
      })
    const run = async (store: Awaited<ReturnType<typeof open>>, count: number): Promise<number[]> => {
      const verifier = createOpensslVerifier()
      const tuning = { batchWaitTicks: 0 }
      const host = await openHost({ genesis, signer, store, verifier, clock: Date.now, tuning, send: () => undefined })
      const client = createHostClient(host)
      const wallet = createWallet(
        genesis,
        nodeParty('client 0'),
        await client.nonce({ sender: nodeParty('client 0').did }),
      )
      const heights: number[] = []
      let code: string | undefined
      try {
        const opening = host.height === 0 ? wallet.opening() : []
        for (const transaction of opening) heights.push((await client.submit(transaction)).height)
        for (let at = 0; at < count; at++) heights.push((await client.submit(wallet.reading())).height)
      } catch (error) {
        code = isVitalsealError(error) ? error.code : String(error)
      }
      if (count === Infinity && code !== 'ERR_NODE_DISK') faults.push(`write ${failAt}: ${code ?? 'no error'}`)
      if (count === Infinity && host.status().mode !== 'stopped') faults.push(`write ${failAt}: it went on`)
      await host.stop()
      return heights
    }
    try {
      const store = await open({ initialise: true, failAt, isTorn: failAt % 2 === 0 })
      const heights = await run(store, Infinity)
      acknowledgedCount += heights.length
      const again = await open({})
      const last = heights.at(-1) ?? 0
      if (again.head.height < last) faults.push(`write ${failAt}: block ${last} is lost`)
      await run(again, 1)
    } catch (error) {
      // The first write says whose directory it is: without it there is none.
      const code = isVitalsealError(error) ? error.code : String(error)
      if (failAt !== 1 || code !== 'ERR_NODE_DISK') faults.push(`write ${failAt}: ${code}`)
    }
  }
  const detail = `n = 1 to ${FAILURES}: ${acknowledgedCount} transactions acknowledged before, none after, none lost`
  return toRow('the n-th write of a host fails', faults, detail)
}

/** Reads what a writer said. */
function readSaid(output: string): { readonly acknowledged: readonly number[]; readonly code: string } {
  const lines = output.trim().split('\n')
  const end = lines.findIndex((line) => line.startsWith('end '))
  const said = end < 0 ? lines : lines.slice(0, end)
  return { acknowledged: said.filter((line) => /^\d+$/.test(line)).map(Number), code: lines[end]?.slice(4) ?? 'killed' }
}

async function judge(directory: string, output: string): Promise<string | undefined> {
  const { acknowledged, code } = readSaid(output)
  if (code !== 'ERR_NODE_DISK') return `ended with ${code} after ${acknowledged.length}`
  const store = await openStore(directory)
  try {
    return await findGap(store, acknowledged)
  } finally {
    await store.close()
  }
}

const has = (command: string): boolean => spawnSync(command, ['-V'], { stdio: 'ignore' }).error === undefined

/** The n-th fdatasync of a process fails, by strace. */
async function failSyncs(root: string): Promise<Row> {
  const what = 'the n-th fdatasync of a process fails'
  if (!has('strace')) return { what, result: 'not run', detail: 'no strace' }
  const faults: string[] = []
  const program = fileURLToPath(import.meta.url)
  const counts = [1, 2, 3, 5, 8, 13, 21, 34, 50]
  for (const failAt of counts) {
    const directory = join(root, `sync-${failAt}`)
    await (await openStore(directory, { initialise: true })).close()
    const inject = `inject=fdatasync:error=EIO:when=${failAt}+`
    const args = ['-f', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', inject, process.execPath, program]
    const { stdout } = spawnSync('strace', [...args, WRITER_FLAG, directory], { encoding: 'utf8', timeout: 60_000 })
    if (stdout.trim() === '') return { what, result: 'not run', detail: 'strace may not trace here' }
    const fault = await judge(directory, stdout)
    if (fault !== undefined) faults.push(`sync ${failAt}: ${fault}`)
  }
  return toRow(what, faults, `n = ${counts.join(', ')}: ERR_NODE_DISK, nothing acknowledged afterwards, nothing lost`)
}

/** A file may not grow beyond a limit, by the shell. */
async function limitFiles(root: string): Promise<Row> {
  const what = 'files that may not grow (ulimit -f)'
  if (process.platform === 'win32') return { what, result: 'not run', detail: 'no ulimit' }
  const faults: string[] = []
  const program = fileURLToPath(import.meta.url)
  const kibibytes = [32, 48, 64, 80, 128]
  for (const limit of kibibytes) {
    const directory = join(root, `limit-${limit}`)
    await (await openStore(directory, { initialise: true })).close()
    // The signal would end the process; ignored, the write fails.
    const command = `trap '' XFSZ; ulimit -f ${limit} && exec "$0" "$@"`
    const args = ['-c', command, process.execPath, program, WRITER_FLAG, directory]
    const { stdout } = spawnSync('bash', args, { encoding: 'utf8', timeout: 60_000 })
    const fault = await judge(directory, stdout)
    if (fault !== undefined) faults.push(`${limit} KiB: ${fault}`)
  }
  return toRow(what, faults, `${kibibytes.join(', ')} KiB: ERR_NODE_DISK, what was acknowledged is there`)
}

/** A small disk of its own, filled to different levels. */
async function fillDisk(root: string): Promise<Row> {
  const what = 'full disk (tmpfs)'
  const place = join(root, 'small')
  mkdirSync(place, { recursive: true })
  const mount = (...args: readonly string[]): void =>
    void execFileSync('mount', ['-t', 'tmpfs', ...args, 'tmpfs', place], { stdio: 'ignore' })
  try {
    mount('-o', 'size=192k')
  } catch {
    return { what, result: 'not run', detail: 'mount is not permitted' }
  }
  const faults: string[] = []
  let levels = 0
  try {
    for (let filler = 0; filler < 100 * 1_024; filler += 1_024) {
      const directory = join(place, 'store')
      rmSync(directory, { recursive: true, force: true })
      rmSync(join(place, 'filler'), { force: true })
      writeFileSync(join(place, 'filler'), new Uint8Array(filler))
      levels += 1
      const fault = await fillOnce(directory, () => {
        rmSync(join(place, 'filler'))
        mount('-o', 'remount,size=1m')
      })
      if (fault !== undefined) faults.push(`${filler} bytes: ${fault}`)
      rmSync(directory, { recursive: true, force: true })
      mount('-o', 'remount,size=192k')
    }
  } finally {
    execFileSync('umount', [place], { stdio: 'ignore' })
  }
  return toRow(what, faults, `${levels} levels: ERR_NODE_DISK, what was acknowledged is there when there is room again`)
}

async function fillOnce(directory: string, makeRoom: () => void): Promise<string | undefined> {
  const acknowledged: number[] = []
  try {
    const store = await openStore(directory, { initialise: true, openDatabase: openLevelDatabase })
    const written = await write(store, { count: 2_000 })
    acknowledged.push(...written.acknowledged)
    await store.close()
    if (written.code !== 'ERR_NODE_DISK') return `ended with ${written.code ?? 'no error'}`
  } catch (error) {
    // Too full for a new database: then there is nothing to find again.
    return isVitalsealError(error, 'ERR_NODE_DISK') ? undefined : String(error)
  }
  makeRoom()
  const again = await openStore(directory)
  const gap = await findGap(again, acknowledged)
  await again.close()
  return gap
}

/** Runs them in a directory. */
export async function runFailingDisks(root: string): Promise<readonly Row[]> {
  return [await failHosts(), await failSyncs(root), await limitFiles(root), await fillDisk(root)]
}
