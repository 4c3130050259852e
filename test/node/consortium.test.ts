/** A real consortium: four processes with sockets and disks, one of which is killed while it leads. */

import { mkdtempSync, rmSync } from 'node:fs'
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
      await until(() => running.nodes().every(({ status }) => status?.height === third && status.mode === 'normal'))
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
