/**
 * Processes that are killed at any time while transactions flow: what they had acknowledged is there when they come back, and
 * they vote for nothing else than before.
 *
 * Two of four members are processes with a LevelDB each; the other two run in this process, which is also the network. A
 * cycle ends a process by SIGKILL, at a random time after it was started or while it starts, and starts it again.
 *
 * Usage: node scripts/run-ts.mjs test/faults/kill-cycles.ts [--cycles 200] [--seed 1] [--seconds 600]
 */

import { fork, type ChildProcess, type ForkOptions } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { encodeGenesis, type StoredBlock } from '../../src/chain/index.ts'
import type { ReplicaTuning } from '../../src/node/epoch-replicas.ts'
import { openHost, type NodeHost } from '../../src/node/host.ts'
import type { NodeStore } from '../../src/node/level-store.ts'
import { openNodeStore } from '../../src/node/open-stores.ts'
import { createOpensslVerifier } from '../../src/node/openssl-verifier.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import type { Did } from '../../src/primitives/did.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import { encodeTransaction, type Transaction } from '../../src/transactions/index.ts'
import { createMemoryDatabase } from '../support/memory-database.ts'
import { createNodeGenesis, createWallet, nodeParty } from '../support/node-world.ts'
import { CHILD_FLAG, runChild, type ChildOptions, type FromChild, type ToChild } from './kill-child.ts'
import { createVoteWatch } from './vote-watch.ts'

/** What came out. */
export interface KillReport {
  readonly cycles: number
  readonly acknowledged: number
  readonly votes: number
  readonly blocks: number
  /** View changes that ended in a new view at the members in this process. */
  readonly views: number
  readonly seconds: number
  /** What was lost, said twice or differs; empty when all is well. */
  readonly faults: readonly string[]
}

const MEMBERS = 4
const CHILDREN = [0, 1]
const WALLETS = 6
/** A fresh group after so many cycles: starts would grow with the ledger. */
const CYCLES_PER_WORLD = 40
const RETRY_MS = 400
const SPARES = 2
/** Longest time between two kills, besides the time of a start. */
const PAUSE_MS = 250
const FORK: ForkOptions = { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }

/** Draws numbers from 0 to below 1, the same for the same seed. */
function createDraws(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value = (value + Math.imul(value ^ (value >>> 7), value | 61)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs so many cycles, world after world. */
export async function runKillCycles(options: {
  readonly cycles: number
  readonly seed: number
  readonly seconds: number
  readonly onProgress?: (cycles: number) => void
}): Promise<KillReport> {
  const { cycles, seed, seconds, onProgress = () => undefined } = options
  const draw = createDraws(seed)
  const startMs = performance.now()
  const untilMs = startMs + seconds * 1_000
  const total = { cycles: 0, acknowledged: 0, votes: 0, blocks: 0, views: 0, faults: [] as string[] }
  for (let world = 0; total.cycles < cycles && performance.now() < untilMs && total.faults.length === 0; world++) {
    // A proposer that changes with the blocks is killed more often while it leads.
    const tuning: ReplicaTuning = { batchWaitTicks: 1, timeoutTicks: 20, historyBlocks: 4_096, rotateEvery: world % 2 }
    const wanted = Math.min(CYCLES_PER_WORLD, cycles - total.cycles)
    const before = total.cycles
    const onCycle = (count: number): void => {
      onProgress(before + count)
    }
    const report = await runWorld({ wanted, untilMs, draw, tuning, onCycle })
    for (const figure of ['cycles', 'acknowledged', 'votes', 'blocks', 'views'] as const)
      total[figure] += report[figure]
    total.faults.push(...report.faults)
  }
  if (total.cycles < cycles && total.faults.length === 0)
    total.faults.push(`only ${total.cycles} of ${cycles} cycles within ${seconds} s`)
  return { ...total, seconds: (performance.now() - startMs) / 1_000 }
}

interface WorldOptions {
  readonly wanted: number
  readonly untilMs: number
  readonly draw: () => number
  readonly tuning: ReplicaTuning
  readonly onCycle: (count: number) => void
}

/** One group, from its genesis until all agree at the end. */
async function runWorld({
  wanted,
  untilMs,
  draw,
  tuning,
  onCycle,
}: WorldOptions): Promise<Omit<KillReport, 'seconds'>> {
  const root = mkdtempSync(join(tmpdir(), 'vitalseal-kill-'))
  const genesis = createNodeGenesis({ members: MEMBERS })
  const genesisHex = toHex(encodeGenesis(genesis))
  const watch = createVoteWatch(genesis)
  const dids = Array.from({ length: MEMBERS }, (_, at) => nodeParty(`node ${at}`).did)
  const hosts = new Map<number, NodeHost>()
  const stores: NodeStore[] = []
  const children = new Map<number, ChildProcess>()
  const acknowledged = new Map<TransactionId, number>()
  /** Of each child: the highest block that it said was final. */
  const promised = new Map<number, number>()
  const roots = new Map<number, string>()
  const faults: string[] = []
  let cycles = 0
  let isOver = false

  function carry(from: number, to: readonly Did[], bytes: Uint8Array): void {
    watch.see(bytes)
    for (const did of to) {
      const member = dids.indexOf(did)
      const child = children.get(member)
      const fromDid = dids[from] as Did
      if (child?.connected === true) child.send({ kind: 'message', from: fromDid, bytes } satisfies ToChild)
      else setImmediate(() => void hosts.get(member)?.receive(fromDid, bytes))
    }
  }

  function acknowledge(id: TransactionId, height: number): void {
    const known = acknowledged.get(id)
    if (known !== undefined && known !== height) faults.push(`transaction ${id} in blocks ${known} and ${height}`)
    acknowledged.set(id, height)
  }

  function compareRoot(height: number, root: string, member: number): void {
    if (root === '') return
    const known = roots.get(height)
    if (known !== undefined && known !== root) faults.push(`member ${member} has another state at height ${height}`)
    roots.set(height, root)
  }

  async function openHere(member: number): Promise<void> {
    const { did, signer } = nodeParty(`node ${member}`)
    const openDatabase = () => Promise.resolve(createMemoryDatabase(new Map()))
    const { chainId } = genesis
    const store = await openNodeStore({ directory: 'memory', chainId, member: did, initialise: true, openDatabase })
    stores.push(store)
    const verifier = createOpensslVerifier()
    const send = (to: readonly Did[], bytes: Uint8Array): void => {
      carry(member, to, bytes)
    }
    const host = await openHost({ genesis, signer, store, verifier, clock: Date.now, tuning, send })
    host.onBlock(() => {
      const { height, executedHeight, stateRoot } = host.status()
      compareRoot(height, executedHeight === height ? stateRoot : '', member)
    })
    hosts.set(member, host)
  }

  /** Processes that are loaded and wait to be told whom to be: a start then takes as long as opening the directory. */
  const spares: ChildProcess[] = []
  const prepare = (): void => {
    while (spares.length < SPARES) spares.push(fork(fileURLToPath(import.meta.url), [CHILD_FLAG], FORK))
  }

  /** Starts a child; resolves when it is ready, or false where it ended before. */
  function startChild(member: number, isFirst: boolean): Promise<boolean> {
    prepare()
    const child = spares.shift() as ChildProcess
    const options: ChildOptions = { member, directory: join(root, `${member}`), genesis: genesisHex, isFirst, tuning }
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-2_000)
    })
    child.send({ kind: 'begin', options } satisfies ToChild)
    children.set(member, child)
    prepare()
    return new Promise((resolve) => {
      child.on('error', () => undefined)
      child.on('message', (message: FromChild) => {
        // What it sent before it was killed counts, also when it is read later.
        take(member, message)
        if (message.kind === 'ready') resolve(true)
      })
      child.on('close', (code, signal) => {
        if (children.get(member) === child) children.delete(member)
        if (signal !== 'SIGKILL' && !isOver) faults.push(`member ${member} ended by itself, code ${code}: ${said}`)
        resolve(false)
      })
    })
  }

  /** Members in this process keep every block. */
  async function sendBlocks(member: number, heightFirst: number): Promise<void> {
    const blocks: StoredBlock[] = []
    const store = stores.at(0)
    for (let height = heightFirst; height <= (store?.head.height ?? 0); height++) {
      const stored = await store?.read(height)
      if (stored !== undefined) blocks.push(stored)
    }
    const child = children.get(member)
    if (child?.connected === true) child.send({ kind: 'blocks', blocks } satisfies ToChild)
  }

  function take(member: number, message: FromChild): void {
    switch (message.kind) {
      case 'send': {
        carry(member, message.to, message.bytes)
        return
      }
      case 'acknowledged': {
        acknowledge(message.id, message.height)
        return
      }
      case 'block': {
        promised.set(member, Math.max(promised.get(member) ?? 0, message.height))
        compareRoot(message.height, message.stateRoot, member)
        return
      }
      case 'ready': {
        const height = promised.get(member) ?? 0
        if (message.height < height) faults.push(`member ${member} lost blocks ${message.height + 1} to ${height}`)
        return
      }
      case 'fetch': {
        void sendBlocks(member, message.heightFirst)
        return
      }
      case 'failed':
        faults.push(`member ${member} stopped itself: ${message.reason}`)
    }
  }

  const isDone = (): boolean => faults.length > 0 || cycles >= wanted || performance.now() >= untilMs

  /** Ends a child; resolves when it is gone and all that it had sent was read. */
  async function kill(member: number): Promise<void> {
    const child = children.get(member)
    if (child === undefined) return
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    cycles += 1
    await closed
    onCycle(cycles)
  }

  /** Kills children and starts them again: one at a time, so that the others go on; now and then both; or while they start. */
  async function torment(): Promise<void> {
    while (!isDone()) {
      const [first, ...others] = CHILDREN.toSorted(() => draw() - 0.5) as [number, ...number[]]
      const members = draw() < 0.1 ? [first, ...others] : [first]
      await Promise.all(members.map(kill))
      const started = Promise.all(members.map((member) => startChild(member, false)))
      // Otherwise it may be killed again while it starts.
      if (draw() < 0.85) await started
      await sleep(draw() * PAUSE_MS)
    }
  }

  /** Gives a transaction to members in turn until it is final here. */
  async function order(transaction: Transaction): Promise<void> {
    const [host] = hosts.values()
    const bytes = encodeTransaction(transaction)
    while (!isOver && host?.feed.find(transaction.id) === undefined) {
      const member = Math.floor(draw() * MEMBERS)
      const child = children.get(member)
      if (child?.connected === true) child.send({ kind: 'submit', transaction: bytes } satisfies ToChild)
      else hosts.get(member)?.submit(bytes)
      await Promise.race([
        new Promise<void>((resolve) => {
          host?.onSettled(transaction.id, (settlement) => {
            if (settlement === undefined) acknowledge(transaction.id, host.height)
            resolve()
          })
        }),
        sleep(RETRY_MS),
      ])
    }
  }

  async function spend(at: number): Promise<void> {
    const wallet = createWallet(genesis, nodeParty(`client ${at}`))
    for (const transaction of wallet.opening()) await order(transaction)
    while (!isOver) await order(wallet.reading())
  }

  async function agree(): Promise<void> {
    const [host] = hosts.values()
    const height = host?.height ?? 0
    const isThere = (member: number): boolean => (promised.get(member) ?? 0) >= height
    for (let turn = 0; turn < 300 && !CHILDREN.every(isThere); turn++) await sleep(50)
    for (const member of CHILDREN) if (!isThere(member)) faults.push(`member ${member} never came to height ${height}`)
    for (const [id, at] of acknowledged)
      if (host?.feed.find(id)?.height !== at) faults.push(`acknowledged transaction ${id} of block ${at} is lost`)
  }

  try {
    for (let member = 0; member < MEMBERS; member++) if (!CHILDREN.includes(member)) await openHere(member)
    await Promise.all(CHILDREN.map((member) => startChild(member, true)))
    const spending = Array.from({ length: WALLETS }, (_, at) => spend(at))
    await sleep(200)
    await torment()
    await agree()
    isOver = true
    await Promise.race([Promise.all(spending), sleep(2 * RETRY_MS)])
    const statuses = [...hosts.values()].map((host) => host.status())
    for (const { failure } of statuses) if (failure !== null) faults.push(`a member stopped itself: ${failure.message}`)
    return {
      cycles,
      acknowledged: acknowledged.size,
      votes: watch.voteCount,
      blocks: statuses[0]?.height ?? 0,
      views: statuses[0]?.view ?? 0,
      faults: [...faults, ...watch.doubles.map((name) => `two votes: ${name}`)],
    }
  } finally {
    isOver = true
    const ending = [...children.values(), ...spares]
    children.clear()
    for (const child of ending) child.kill('SIGKILL')
    for (const host of hosts.values()) await host.stop()
    rmSync(root, { recursive: true, force: true })
  }
}

/** One line for people. */
export function describeKills({ cycles, acknowledged, votes, blocks, views, seconds, faults }: KillReport): string {
  const counts = `${acknowledged} transactions acknowledged, ${blocks} blocks, ${views} views, ${votes} votes compared`
  return `${cycles} kills in ${seconds.toFixed(0)} s: ${counts}; ${faults.length} faults`
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '3600' },
    },
  })
  const [cycles, seed, seconds] = [Number(values.cycles), Number(values.seed), Number(values.seconds)]
  const isTerminal = process.stderr.isTTY
  const onProgress = (count: number): void => {
    if (isTerminal) process.stderr.write(`\r${count} of ${cycles} kills`)
    else if (count % 500 === 0) console.log(`${count} of ${cycles} kills`)
  }
  const report = await runKillCycles({ cycles, seed, seconds, onProgress })
  console.log(`${isTerminal ? '\n' : ''}seed ${seed}: ${describeKills(report)}`)
  for (const fault of report.faults.slice(0, 20)) console.log(`FAULT ${fault}`)
  return report.faults.length === 0 ? 0 : 1
}

if (process.argv[2] === CHILD_FLAG) runChild()
else if (process.argv[1]?.endsWith('kill-cycles.ts') === true) process.exit(await main())
