/** A real consortium: four processes with sockets and disks, one of which is killed while it leads. */

import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { connectLedger, createMemoryLedgerStore } from '../../src/chain/index.ts'
import { generateIdentity } from '../../src/identity/index.ts'
import { startCluster, type Cluster } from '../../src/node/cluster.ts'
import { openNodeStore } from '../../src/node/open-stores.ts'
import { openSocket } from '../../src/node/socket.ts'
import { createTransaction, signTransaction, type Draft } from '../../src/transactions/index.ts'
import { until } from '../support/command-io.ts'

// Beside the packages that a node loads when it runs.
const folder = mkdtempSync(resolve(import.meta.dirname, '../../node_modules/.consortium-'))
const program = join(folder, 'cli.mjs')
let cluster: Cluster | undefined

beforeAll(() => {
  buildSync({
    entryPoints: [resolve(import.meta.dirname, '../../src/node/cli.ts')],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    tsconfigRaw: {},
    logLevel: 'error',
  })
})
afterAll(async () => {
  await cluster?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('a consortium of four processes', () => {
  it(
    'goes on without its leader, keeps what it acknowledged, and takes the leader back',
    { timeout: 60_000 },
    async () => {
      const directory = join(folder, 'cluster')
      const running = (cluster = await startCluster({
        program,
        directory,
        nodeCount: 4,
        hasTrace: true,
        restart: 'never',
      }))
      const { genesis, endpoints } = running
      const store = createMemoryLedgerStore()
      const ledger = await connectLedger({ genesis, endpoints, openSocket, wait: (delayMs) => wait(delayMs), store })

      /** Registers a fresh account. */
      async function register(): Promise<number> {
        const { did, keys, signer } = generateIdentity()
        const registration: Draft = {
          kind: 'register',
          operation: 'add',
          subject: did,
          keys,
          credentials: [],
          previousSignature: null,
        }
        const unsigned = createTransaction({ ...registration, sender: did, nonce: 0, issuedAtMs: Date.now() })
        return (await ledger.submit(signTransaction(unsigned, { chainId: ledger.chainId, signer }))).height
      }

      const first = await register()
      const leader = running.nodes()[0]
      await until(() =>
        running.nodes().every(({ status }) => status?.height === first && status.connected.length === 3),
      )
      expect(running.nodes().map(({ status }) => status?.primary)).toEqual(Array(4).fill(leader?.did))
      await running.kill(0)
      const second = await register()
      expect(second).toBeGreaterThan(first)
      const rest = () => running.nodes().slice(1)
      await until(() => rest().every(({ status }) => status?.height === second && status.view > 0))
      expect(new Set(rest().map(({ status }) => status?.primary)).size).toBe(1)
      expect(running.nodes()[0]?.pid).toBe(undefined)

      await running.start(0)
      await until(() => running.nodes()[0]?.status?.height === second)
      const third = await register()
      await until(() => running.nodes().every(({ status }) => status?.height === third))
      ledger.close()
      await running.stop()

      for (const { did, directory: data } of running.nodes()) {
        const disk = await openNodeStore({ directory: data, chainId: genesis.chainId, member: did })
        expect(await disk.height()).toBe(third)
        for (let height = 1; height <= third; height++)
          expect((await disk.read(height))?.block).toEqual((await store.read(height))?.block)
        await disk.close()
      }
    },
  )
})

describe('a member, as its operator runs it', () => {
  const at = (name: string) => join(folder, 'member', name)
  const run = (...args: readonly string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })

  /** Starts the node, waits for what it says, ends it by SIGTERM; its exit code and what it printed. */
  async function runUntil(wanted: string, ...flags: readonly string[]): Promise<readonly [number | null, string]> {
    const child = spawn(process.execPath, [program, 'node', '--config', at('node.json'), ...flags])
    let said = ''
    const ended = new Promise<number | null>((done) => child.once('close', done))
    const heard = new Promise<void>((done) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (data) => {
          said += String(data)
          if (said.includes(wanted)) done()
        })
      }
    })
    await Promise.race([heard, ended])
    const address = /listens {2}(\S+),/.exec(said)?.[1]
    if (address !== undefined) {
      const { status, stdout } = spawnSync(process.execPath, [program, 'node', '--status', address], {
        encoding: 'utf8',
      })
      said += `${status ?? ''} ${stdout}`
      child.kill('SIGTERM')
    }
    return [await ended, said]
  }

  it('makes a key and a genesis, says that it is new, stops, and starts again', { timeout: 60_000 }, async () => {
    mkdirSync(at(''))
    const did = run('node', '--create-key', at('key')).stdout.trim()
    expect(run('genesis', '--out', at('genesis.cbor'), '--member', did, '--open-registration').status).toBe(0)
    const config = { genesis: 'genesis.cbor', key: 'key', directory: 'data', listen: '127.0.0.1:0', peers: [] }
    writeFileSync(at('node.json'), JSON.stringify(config))

    const [unsaid, refusal] = await runUntil('vitalseal node:')
    expect([unsaid, refusal]).toEqual([2, expect.stringContaining('--lost-disk for a member that has run before')])
    const [code, text] = await runUntil('height 0', '--initialise')
    expect([code, text]).toEqual([0, expect.stringContaining(`${did}\n`)])
    expect(text).toContain('0 height 0, view 0 (normal), it leads, connected to 0 members\n')
    expect(text).toContain('stopped at height 0\n')
    expect((await runUntil('height 0'))[0]).toBe(0)
    // A member that has run is not new.
    expect((await runUntil('vitalseal node:', '--initialise'))[0]).toBe(2)

    rmSync(at('data'), { recursive: true })
    expect((await runUntil('vitalseal node:'))[0]).toBe(2)
    expect((await runUntil('height 0', '--lost-disk'))[0]).toBe(0)
    writeFileSync(at('node.json'), JSON.stringify({ ...config, listen: 7001 }))
    expect((await runUntil('vitalseal node:'))[0]).toBe(2)
  })
})
