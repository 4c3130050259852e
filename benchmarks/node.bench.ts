/**
 * Ledger nodes: what durability costs a group (P12), and how many diagnoses four nodes order over sockets (P13).
 *
 * P12: four hosts of one process over a network in memory, once with LevelDB and once with a map in its place. P13: four
 * processes with sockets and LevelDB on this machine; this process only sends what was signed before. The papers' figure is
 * HC's 76 tx_diag a second.
 */

import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

import {
  createGenesis,
  encodeClientFrame,
  encodeGenesis,
  parseGenesis,
  parseServerFrame,
  readMessage,
  RULES,
  type Genesis,
} from '../src/chain/index.ts'
import { unwrap } from '../src/errors.ts'
import { deriveIdentity, type Identity } from '../src/identity/index.ts'
import { createOpensslVerifier, openSocket, startNode } from '../src/node/index.ts'
import { openHost, type NodeHost } from '../src/node/host.ts'
import { openNodeStore } from '../src/node/open-stores.ts'
import { fromHex, toHex, toUtf8 } from '../src/primitives/bytes.ts'
import { createRecordId, hashBlock, RAW_CODEC } from '../src/primitives/content-id.ts'
import { sha256 } from '../src/primitives/hash.ts'
import { createLabeler } from '../src/primitives/label.ts'
import { createVerifier, type Verifier } from '../src/primitives/signature.ts'
import {
  createTransaction,
  encodeTransaction,
  signTransaction,
  type Draft,
  type Transaction,
} from '../src/transactions/index.ts'
import { createMemoryDatabase } from '../test/support/memory-database.ts'
import { median, type Report } from './measure.ts'

const NODE_FLAG = '--bench-node'
const NODES = 4
const START_MS = 1_763_600_040_000
/** HC: tx_diag a second. */
const PAPER_RATE = 76
const PATIENTS = 50
const filler = sha256(toUtf8('filler'))
const label = createLabeler().label('http://loinc.org|8867-4')

const person = (name: string): Identity => deriveIdentity({ seed: sha256(toUtf8(name)), circle: 'benchmark' })
const members = Array.from({ length: NODES }, (_, at) => person(`member ${at}`))
const patients = Array.from({ length: PATIENTS }, (_, at) => person(`patient ${at}`))
const genesis = createGenesis({
  preset: 'consortium',
  kinds: Object.keys(RULES),
  members: members.map(({ did }) => ({ did })),
  timeMs: START_MS,
  parameters: { quotaPerMinute: 1_000_000 },
  salt: sha256(toUtf8('benchmark of nodes')),
})
const { chainId } = genesis

function sign(by: Identity, draft: Draft, nonce: number): Transaction {
  const unsigned = createTransaction({ ...draft, sender: by.did, nonce, issuedAtMs: START_MS })
  return signTransaction(unsigned, { chainId, signer: by.signer })
}

const recordOf = (name: string) => createRecordId(hashBlock(RAW_CODEC, toUtf8(name)))

/** An account, its first epoch and a first reading, for each patient. */
const openings: readonly (readonly Transaction[])[] = [
  patients.map((by) =>
    sign(
      by,
      { kind: 'register', operation: 'add', subject: by.did, keys: by.keys, credentials: [], previousSignature: null },
      0,
    ),
  ),
  patients.map((by) =>
    sign(
      by,
      {
        kind: 'key',
        mode: 'rotate',
        epoch: 1,
        previous: null,
        labels: [{ label, commitment: filler }],
        envelopes: [],
        ownEnvelopes: [{ delegate: 0, enc: filler, ciphertext: filler }],
        escrow: null,
      },
      1,
    ),
  ),
  patients.map((by, at) => sign(by, { kind: 'iot', record: recordOf(`first ${at}`), label, epoch: 1 }, 2)),
]

/** So many diagnoses of each patient, in turns: each names the first reading as its cause. */
function diagnoses(count: number): readonly Transaction[] {
  return Array.from({ length: count }, (_, number) => {
    const at = number % PATIENTS
    const causes = [(openings[2]?.[at] as Transaction).id]
    const draft: Draft = { kind: 'diagnosis', causes, record: recordOf(`diagnosis ${number}`), label, epoch: 1 }
    return sign(patients[at] as Identity, draft, 3 + Math.floor(number / PATIENTS))
  })
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, holds: () => boolean, seconds = 600): Promise<void> {
  const endMs = performance.now() + seconds * 1_000
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`not within ${seconds} s: ${what}`)
    await sleep(2)
  }
}

interface Hosts {
  readonly hosts: readonly NodeHost[]
  close(): Promise<void>
}

/** Four hosts in this process; `root`: where their databases are, in memory without it. */
async function openHosts(verifier: Verifier, root: string | undefined): Promise<Hosts> {
  const hosts: NodeHost[] = []
  for (const [at, { did, signer }] of members.entries()) {
    const store = await openNodeStore({
      directory: join(root ?? '', `${at}`),
      chainId,
      member: did,
      initialise: true,
      ...(root === undefined ? { openDatabase: () => Promise.resolve(createMemoryDatabase(new Map())) } : {}),
    })
    const host = await openHost({
      genesis,
      signer,
      store,
      verifier,
      clock: Date.now,
      tuning: { batchTransactionsMax: 100, windowSize: 16, batchWaitTicks: 1 },
      send: (to, bytes) => {
        for (const [other, member] of members.entries())
          if (to.includes(member.did)) setImmediate(() => void hosts[other]?.receive(did, bytes))
      },
    })
    hosts.push(host)
  }
  return {
    hosts,
    close: async () => {
      for (const host of hosts) await host.stop()
    },
  }
}

/** Hands transactions to the hosts in turn; returns the seconds until all of them hold all blocks. */
async function orderHere({ hosts }: Hosts, transactions: readonly Transaction[]): Promise<number> {
  const last = transactions.slice(-PATIENTS)
  const startMs = performance.now()
  for (const [at, transaction] of transactions.entries()) {
    const taken = hosts[(at % PATIENTS) % NODES]?.submit(encodeTransaction(transaction))
    if (taken?.ok !== true) throw new Error(`not taken: ${taken?.message ?? 'no host'}`)
  }
  const isThere = (host: NodeHost): boolean => last.every(({ id }) => host.feed.find(id)?.receipt.code === null)
  await until('everything is final', () => hosts.every(isThere))
  return (performance.now() - startMs) / 1_000
}

async function measureDurability(report: Report): Promise<void> {
  const openssl = createOpensslVerifier()
  const work = diagnoses(40 * PATIENTS)
  const kinds = [
    { impl: 'signatures off', verifier: { verify: () => true } satisfies Verifier, isDemanded: false },
    { impl: 'node:crypto', verifier: openssl, isDemanded: true },
  ]
  for (const { impl, verifier, isDemanded } of kinds) {
    const rates: Record<'LevelDB' | 'memory', number[]> = { LevelDB: [], memory: [] }
    for (let round = 0; round < 3; round++) {
      for (const disk of ['LevelDB', 'memory'] as const) {
        const root = mkdtempSync(join(tmpdir(), 'vitalseal-bench-'))
        const hosts = await openHosts(verifier, disk === 'LevelDB' ? root : undefined)
        for (const opening of openings) await orderHere(hosts, opening)
        rates[disk].push(work.length / (await orderHere(hosts, work)))
        await hosts.close()
        rmSync(root, { recursive: true })
      }
    }
    for (const disk of ['LevelDB', 'memory'] as const)
      report.figure({
        op: `order tx_diag, batch 100, ${disk}`,
        impl,
        median: median(rates[disk]),
        unit: 'tx/s',
        n: NODES,
      })
    const ratio = median(rates.LevelDB) / median(rates.memory)
    if (isDemanded)
      report.demand({
        ratio: 'P12: durable / in memory, batch 100, window 16',
        value: ratio,
        demand: '>= 0.5',
        holds: ratio >= 0.5,
      })
    else report.note(`durable / in memory with signatures off: ${ratio.toFixed(2)}`)
  }
}

/** What a child is told. */
interface ChildTask {
  readonly member: number
  readonly directory: string
  readonly genesis: string
  readonly listen: string
  readonly peers: readonly string[]
  readonly isFirst: boolean
  readonly isNoble: boolean
}

/** A node as a process of its own; tells where it listens, and how many transactions each final block holds. */
async function runNode(task: ChildTask): Promise<void> {
  const { member, directory, listen, peers, isFirst, isNoble } = task
  const group: Genesis = unwrap(parseGenesis(fromHex(task.genesis)))
  process.on('disconnect', () => process.exit(0))
  const node = await startNode({
    genesis: group,
    signer: person(`member ${member}`).signer,
    directory,
    listen,
    peers,
    initialise: isFirst,
    verifier: isNoble ? createVerifier() : createOpensslVerifier(),
    onEvent: (event) => {
      if (event.kind === 'block') process.send?.({ count: event.count })
    },
  })
  process.on('message', (asked: 'cpu' | 'stop') => {
    const { user, system } = process.cpuUsage()
    if (asked === 'cpu') process.send?.({ cpuMs: (user + system) / 1_000 })
    else void node.stop().then(() => process.exit(0))
  })
  process.send?.({ address: node.address })
}

interface Child {
  readonly process: ChildProcess
  address: string
  count: number
  cpuMs: number
}

async function startChild(task: ChildTask): Promise<Child> {
  const child: Child = {
    process: fork(fileURLToPath(import.meta.url), [NODE_FLAG, JSON.stringify(task)], {
      stdio: ['ignore', 2, 2, 'ipc'],
    }),
    address: '',
    count: 0,
    cpuMs: Number.NaN,
  }
  child.process.on('message', ({ address, count = 0, cpuMs }: Partial<Pick<Child, 'address' | 'count' | 'cpuMs'>>) => {
    child.address = address ?? child.address
    child.count += count
    child.cpuMs = cpuMs ?? child.cpuMs
  })
  await until('a node listens', () => child.address !== '')
  return child
}

/** Processor time that the nodes have used so far, in milliseconds. */
async function readCpu(children: readonly Child[]): Promise<number> {
  for (const child of children) {
    child.cpuMs = Number.NaN
    child.process.send('cpu')
  }
  await until('nodes tell', () => children.every(({ cpuMs }) => !Number.isNaN(cpuMs)))
  return children.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
}

async function stopChild({ process: child }: Child): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.send('stop')
  await ended
}

/** Four processes on this machine, at ports that were free when they were first asked for. */
async function startChildren(root: string, isNoble: boolean): Promise<readonly Child[]> {
  const shared = { genesis: toHex(encodeGenesis(genesis)), isNoble }
  const tasks = members.map((_, member) => ({ ...shared, member, directory: join(root, `${member}`) }))
  const probes = await Promise.all(
    tasks.map((task) => startChild({ ...task, listen: '127.0.0.1:0', peers: [], isFirst: true })),
  )
  const addresses = probes.map(({ address }) => address)
  await Promise.all(probes.map(stopChild))
  return Promise.all(
    tasks.map((task, at) => {
      const peers = addresses.filter((_, other) => other !== at).map((address) => `ws://${address}`)
      return startChild({ ...task, listen: addresses[at] as string, peers, isFirst: false })
    }),
  )
}

/** A client that says everything it has, as fast as it is answered. */
async function openSender(address: string): Promise<(transactions: readonly Transaction[]) => void> {
  const waiting: Transaction[] = []
  const asked = new Map<string, Transaction>()
  const socket = openSocket(`ws://${address}/ledger`)
  let isProved = false
  const pump = (): void => {
    while (asked.size < 48 && waiting.length > 0) {
      const transaction = waiting.shift() as Transaction
      asked.set(transaction.id, transaction)
      socket.send(
        encodeClientFrame({ kind: 'submit', id: transaction.id, transaction: encodeTransaction(transaction) }),
      )
    }
  }
  socket.addEventListener('open', () => {
    socket.send(encodeClientFrame({ kind: 'hello', chainId, nonce: new Uint8Array(32) }))
  })
  socket.addEventListener('message', (event) => {
    const frame = unwrap(parseServerFrame(readMessage(event) ?? new Uint8Array()))
    if (frame.kind === 'proof') isProved = true
    if (frame.kind !== 'answer') return
    const transaction = asked.get(frame.id)
    asked.delete(frame.id)
    // Too many at once, or too far ahead of what is final.
    if (frame.refusal !== null && transaction !== undefined)
      setTimeout(() => {
        waiting.unshift(transaction)
        pump()
      }, 20)
    pump()
  })
  await until('a node proves its key', () => isProved)
  return (transactions) => {
    waiting.push(...transactions)
    pump()
  }
}

async function measureSockets(report: Report): Promise<void> {
  for (const { impl, isNoble, demanded, count } of [
    { impl: 'noble', isNoble: true, demanded: 2, count: 20 * PATIENTS },
    { impl: 'node:crypto', isNoble: false, demanded: 8, count: 60 * PATIENTS },
  ]) {
    const root = mkdtempSync(join(tmpdir(), 'vitalseal-bench-'))
    const children = await startChildren(root, isNoble)
    try {
      const senders = await Promise.all(children.map(({ address }) => openSender(address)))
      const order = async (transactions: readonly Transaction[]): Promise<number> => {
        const before = children.map((child) => child.count)
        const startMs = performance.now()
        senders.forEach((send, at) => {
          send(transactions.filter((_, number) => (number % PATIENTS) % NODES === at))
        })
        const isThere = (child: Child, at: number): boolean =>
          child.count >= (before[at] as number) + transactions.length
        await until('everything is final at all nodes', () => children.every(isThere))
        return (performance.now() - startMs) / 1_000
      }
      for (const opening of openings) await order(opening)
      const work = diagnoses(count)
      const cpuBeforeMs = await readCpu(children)
      const rate = work.length / (await order(work))
      const cpuMs = ((await readCpu(children)) - cpuBeforeMs) / work.length / NODES
      report.figure({ op: 'order tx_diag, 4 processes, sockets', impl, median: rate, unit: 'tx/s', n: work.length })
      // Where other programs use the processor too, this says what the rate would be without them.
      report.figure({ op: 'processor time of a node for a tx_diag', impl, median: cpuMs, unit: 'ms', n: work.length })
      const value = rate / PAPER_RATE
      const ratio = `P13: tx_diag a second over sockets / the paper's ${PAPER_RATE}, ${impl}`
      report.demand({ ratio, value, demand: `>= ${demanded}`, holds: value >= demanded })
    } finally {
      await Promise.all(children.map(stopChild))
      rmSync(root, { recursive: true, force: true })
    }
  }
}

/** Runs the area. */
export async function run(report: Report): Promise<void> {
  await measureDurability(report)
  await measureSockets(report)
}

if (process.argv[2] === NODE_FLAG) await runNode(JSON.parse(process.argv[3] ?? '{}') as ChildTask)
