import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { afterAll, afterEach, describe, expect, it } from 'vitest'

import { connectLedger, createMemoryLedgerStore, type LedgerStore } from '../../src/chain/index.ts'
import { isVitalsealError, type ErrorCode } from '../../src/errors.ts'
import { createPreKeyMaker, deriveIdentity, generateSeed } from '../../src/identity/index.ts'
import { openLedgerStore } from '../../src/node/open-stores.ts'
import { openSocket } from '../../src/node/socket.ts'
import { startNode, type NodeOptions, type RunningNode } from '../../src/node/start-node.ts'
import { createNodeGenesis, createWallet, nodeParty } from '../support/node-world.ts'

const genesis = createNodeGenesis({ members: 4 })
const root = await mkdtemp(join(tmpdir(), 'vitalseal-node-'))
const running = new Set<RunningNode>()
let worlds = 0

afterEach(async () => {
  for (const node of running) await node.stop()
  running.clear()
})
afterAll(() => rm(root, { recursive: true }))

async function start(at: number, options: Partial<NodeOptions> & Pick<NodeOptions, 'directory'>): Promise<RunningNode> {
  const { signer } = nodeParty(`node ${at}`)
  const tuning = { batchWaitTicks: 1, timeoutTicks: 40 }
  const node = await startNode({ genesis, signer, listen: '127.0.0.1:0', peers: [], tuning, ...options })
  running.add(node)
  return node
}

async function stop(node: RunningNode): Promise<void> {
  running.delete(node)
  await node.stop()
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    if (turn > 2_000) expect.unreachable('not within 20 s')
    await wait(10)
  }
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'resolved'> {
  try {
    await work
  } catch (error) {
    if (isVitalsealError(error)) return error.code
    throw error
  }
  return 'resolved'
}

/** Four nodes that know each other's addresses, which are fixed when the first attempt has found free ports. */
async function startFour(store?: LedgerStore) {
  const directories = Array.from({ length: 4 }, (_, at) => join(root, `${worlds}-${at}`))
  worlds += 1
  const probes = await Promise.all(directories.map((directory, at) => start(at, { directory, initialise: true })))
  const addresses = probes.map(({ address }) => address)
  for (const probe of probes) await stop(probe)
  const options = (at: number) => ({
    directory: directories[at] as string,
    listen: addresses[at] as string,
    peers: addresses.filter((_, other) => other !== at).map((address) => `ws://${address}`),
    ...(at === 0 && store !== undefined ? { store } : {}),
  })
  const nodes = await Promise.all(directories.map((_, at) => start(at, options(at))))
  return { nodes, addresses, options }
}

describe('four nodes', () => {
  it('serve programs in their process and clients from outside, and come back after a stop', async () => {
    const copy = createMemoryLedgerStore()
    const { nodes, addresses, options } = await startFour(copy)
    const [first, second] = nodes as [RunningNode, RunningNode]
    const wallet = createWallet(genesis, nodeParty('client 0'))
    for (const transaction of wallet.opening()) await first.client.submit(transaction)
    const outside = await connectLedger({
      genesis,
      endpoints: addresses.map((address) => `ws://${address}/ledger`),
      openSocket,
      wait,
    })
    const reading = wallet.reading()
    const receipt = await outside.submit(reading)
    await until(() => nodes.every((node) => node.status().height >= receipt.height))
    expect([...(await second.client.view()).transactions({ kind: 'iot' })]).toHaveLength(1)
    outside.close()
    // Accounts with PRE keys are judged without further settings.
    const pre = createPreKeyMaker()
    const study = createWallet(genesis, deriveIdentity({ seed: generateSeed(), circle: 'study', pre }))
    for (const transaction of study.opening()) await first.client.submit(transaction)
    await until(() => new Set(nodes.map((node) => node.status().stateRoot)).size === 1)
    const [a, b] = [first.status(), second.status()]
    expect(a).toMatchObject({ mode: 'normal', memberCount: 4, failure: null, chainId: genesis.chainId })
    expect(a.connected).toHaveLength(3)
    expect(a.stateRoot).toBe(b.stateRoot)
    expect(await (await fetch(`http://${first.address}/status`)).json()).toMatchObject({ did: a.did, height: a.height })
    expect(await copy.height()).toBeGreaterThanOrEqual(receipt.height)

    await stop(first)
    await stop(first)
    expect(await codeOf(first.client.submit(wallet.reading()))).toBe('ERR_NODE_STOPPED')
    const steps: string[] = []
    const again = await start(0, {
      ...options(0),
      onProgress: ({ done, total, step }) => void steps.push(`${step} ${done}/${total}`),
    })
    expect(steps.at(-1)).toBe(`replay ${a.height}/${a.height}`)
    expect(again.status().height).toBe(a.height)
    const missed = createWallet(genesis, nodeParty('client 1'))
    for (const transaction of missed.opening()) await again.client.submit(transaction)
    await until(() => new Set([again, ...nodes.slice(1)].map((node) => node.status().stateRoot)).size === 1)
  }, 60_000)

  it('take one in that was away for longer than any replica remembers', async () => {
    const { nodes, options } = await startFour()
    const [first, second] = nodes as [RunningNode, RunningNode]
    await stop(first)
    const wallet = createWallet(genesis, nodeParty('client 0'))
    for (const transaction of wallet.opening()) await second.client.submit(transaction)
    // More blocks than the history of a replica holds with these settings.
    const tuning = { batchWaitTicks: 0, timeoutTicks: 40, checkpointEvery: 2, historyBlocks: 4 }
    for (let at = 1; at < 4; at++) await stop(nodes[at] as RunningNode)
    const rest = await Promise.all([1, 2, 3].map((at) => start(at, { ...options(at), tuning })))
    for (let count = 0; count < 12; count++) await rest[0]?.client.submit(wallet.reading())
    const late = await start(0, { ...options(0), tuning })
    await until(() => late.status().height >= 14)
    await late.client.submit(wallet.reading())
    await until(() => new Set([late, ...rest].map((node) => node.status().stateRoot)).size === 1)
  }, 60_000)
})

describe('a node is not started', () => {
  it('where its directory or port is none of its own', async () => {
    const directory = join(root, 'refused')
    expect(await codeOf(start(0, { directory }))).toBe('ERR_NODE_INITIALISE')
    const node = await start(0, { directory, initialise: true })
    expect(await codeOf(start(0, { directory }))).toBe('ERR_NODE_STORE_LOCKED')
    expect(await codeOf(start(1, { directory: join(root, 'port'), initialise: true, listen: node.address }))).toBe(
      'ERR_NODE_ADDRESS',
    )
    // What failed has let go of everything.
    await start(1, { directory: join(root, 'port') })
    await stop(node)
    expect(await codeOf(start(1, { directory }))).toBe('ERR_NODE_STORE_FOREIGN')
    expect(await codeOf(start(0, { directory, initialise: true }))).toBe('ERR_NODE_INITIALISE')
    await expect(openLedgerStore(directory)).rejects.toMatchObject({ code: 'ERR_NODE_STORE_FOREIGN' })
    expect((await readdir(directory)).length).toBeGreaterThan(0)
  })
})
