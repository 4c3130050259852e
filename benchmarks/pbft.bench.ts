/**
 * PBFT: four and more replicas in one thread. What the core costs beside the hashing that nobody can avoid, how batches pay,
 * how many messages and message delays a block takes, and how fast the simulator is.
 */

import { sha256 } from '../src/primitives/hash.ts'
import { createId } from '../src/primitives/ids.ts'
import { createSigner, createVerifier } from '../src/primitives/signature.ts'
import { deriveQuorum, type Application, type Request } from '../src/pbft/index.ts'
import { generateScenario, simulate } from '../src/pbft/simulator/index.ts'
import { interleave, type Report } from './measure.ts'
import { measureByzantine } from './pbft-byzantine.ts'
import { measureFaults } from './pbft-faults.ts'
import { createBench, createFreeKeys, createRealKeys, type Bench, type Keys } from './replicas.ts'

const REQUEST_BYTES = 132
const chainId = createId('chain', sha256(Uint8Array.of(1)))

/** A state machine that does nothing but hash the batch, as any ledger must. */
function createHashing(): Application {
  let head = { height: 0, headerDigest: sha256(new Uint8Array()), stateRoot: sha256(new Uint8Array()) }
  const ok = { ok: true, value: undefined } as const
  return {
    head: () => head,
    check: () => ok,
    validate: () => ok,
    apply({ requests }, height) {
      const bytes = new Uint8Array(REQUEST_BYTES * requests.length)
      requests.forEach((request, index) => {
        bytes.set(request.bytes, index * REQUEST_BYTES)
      })
      const headerDigest = sha256(bytes)
      head = { height, headerDigest, stateRoot: headerDigest }
      return { block: bytes, headerDigest, stateRoot: headerDigest }
    },
    snapshot: () => [],
    restore: () => ({ ok: true, value: head }),
  }
}

let made = 0

function makeRequests(count: number): Request[] {
  return Array.from({ length: count }, () => {
    const bytes = new Uint8Array(REQUEST_BYTES)
    new DataView(bytes.buffer).setUint32(0, made++)
    return { id: sha256(bytes), client: bytes.slice(1, 4), bytes }
  })
}

const hashing = (keys: Keys, batch: number): Bench => createBench({ keys, chainId, batch, application: createHashing })

async function measureBatches(report: Report): Promise<void> {
  const sizes = [1, 100, 1_000]
  const free = sizes.map((size) => ({ size, bench: hashing(createFreeKeys(4), size) }))
  const real = sizes.map((size) => ({ size, bench: hashing(createRealKeys(4), size) }))
  const candidates: Record<string, () => unknown> = {}
  for (const { size, bench } of free) candidates[`free ${size}`] = () => bench.order(makeRequests(size))
  for (const { size, bench } of real) candidates[`noble ${size}`] = () => bench.order(makeRequests(size))
  candidates['hashing 100'] = () => {
    // Ids are made by clients; each replica names the batch and hashes its block, backups hash what they receive.
    const bytes = new Uint8Array(100 * (REQUEST_BYTES + 40))
    for (let count = 0; count < 8; count++) sha256(bytes)
    return makeRequests(100)
  }
  candidates['requests 100'] = () => makeRequests(100)
  const seconds = await interleave(candidates, { rounds: 9, msPerRound: 30 })
  const perSecond = (name: string, size: number): number => size / (seconds[name] as number)
  for (const size of sizes) {
    report.figure({
      op: `order, batch ${size}`,
      impl: 'signatures off',
      median: perSecond(`free ${size}`, size),
      unit: 'tx/s',
      n: 4,
    })
    report.figure({
      op: `order, batch ${size}`,
      impl: 'noble',
      median: perSecond(`noble ${size}`, size),
      unit: 'tx/s',
      n: 4,
    })
  }
  const core = (seconds['free 100'] as number) / (seconds['hashing 100'] as number)
  report.demand({
    ratio: 'P1: core without signatures / unavoidable hashing, batch 100',
    value: core,
    demand: '<= 3',
    holds: core <= 3,
  })
  const gain = perSecond('noble 100', 100) / perSecond('noble 1', 1)
  report.demand({ ratio: 'P4: tx/s batch 100 / batch 1, signatures', value: gain, demand: '>= 30', holds: gain >= 30 })
}

async function measureCrypto(report: Report): Promise<void> {
  const keys = createRealKeys(4)
  const bench = hashing(keys, 100)
  bench.order(makeRequests(100))
  const before = { ...keys.counts }
  bench.order(makeRequests(100))
  const signed = keys.counts.signed - before.signed
  const verified = keys.counts.verified - before.verified
  const verifier = createVerifier()
  const signer = createSigner(new Uint8Array(32).fill(1))
  const digest = sha256(Uint8Array.of(1))
  const signature = signer.sign('vitalseal/pbft/commit/v1', [digest])
  const seconds = await interleave(
    {
      block: () => bench.order(makeRequests(100)),
      bare: () => {
        for (let count = 0; count < signed; count++) signer.sign('vitalseal/pbft/commit/v1', [digest])
        for (let count = 0; count < verified; count++) verifier.verify({ signer: signer.did, digest, signature })
      },
    },
    { rounds: 9, msPerRound: 100 },
  )
  const ratio = (seconds['block'] as number) / (seconds['bare'] as number)
  report.demand({
    ratio: 'P2: with signatures / that many bare sign and verify',
    value: ratio,
    demand: '<= 1.3',
    holds: ratio <= 1.3,
  })
}

function countChecks(report: Report): void {
  for (const count of [4, 7, 10]) {
    const free = createFreeKeys(count)
    let checks = 0
    const verify = (): boolean => {
      checks += 1
      return true
    }
    const bench = hashing({ ...free, verifier: { verify } }, 100)
    bench.order(makeRequests(100))
    checks = 0
    bench.order(makeRequests(100))
    const { quorum } = deriveQuorum(count)
    const execVotes = quorum - 1
    const value = (checks / count - execVotes) / (1 + (quorum - 2) + (quorum - 1))
    report.demand({
      ratio: `P3: verifications of a replica a block / [1 + (Q - 2) + (Q - 1)], ${execVotes} EXEC-VOTEs apart, n = ${count}`,
      value,
      demand: '<= 1.05',
      holds: value <= 1.05,
    })
  }
}

function countMessages(report: Report): void {
  for (const count of [4, 7, 10]) {
    const { messages, delays } = hashing(createFreeKeys(count), 100).order(makeRequests(100))
    const ordering = ['pre-prepare', 'prepare', 'commit'].reduce((sum, kind) => sum + (messages.get(kind) ?? 0), 0)
    const ratio = ordering / (2 * count * (count - 1))
    report.demand({
      ratio: `P6: messages a block / 2n(n - 1), n = ${count}`,
      value: ratio,
      demand: '= 1',
      holds: ratio === 1,
    })
    report.demand({
      ratio: `P7: message delays until certified, n = ${count}`,
      value: delays,
      demand: '= 4',
      holds: delays === 4,
    })
  }
}

function measureSimulator(report: Report): void {
  const started = process.cpuUsage()
  const seeds = 60
  let simulatedMs = 0
  for (let seed = 1; seed <= seeds; seed++)
    simulatedMs += simulate(generateScenario(seed, { replicaCount: 4 })).simulatedMs
  const { user, system } = process.cpuUsage(started)
  const seconds = (user + system) / 1e6
  report.figure({ op: 'simulate', impl: 'one core', median: seeds / seconds, unit: 'seeds/s', n: 4 })
  const speed = simulatedMs / 1_000 / seconds
  report.demand({
    ratio: 'simulator: seeds/s per core, n = 4',
    value: seeds / seconds,
    demand: '>= 50',
    holds: seeds / seconds >= 50,
  })
  report.demand({ ratio: 'simulated / real time', value: speed, demand: '>= 100', holds: speed >= 100 })
}

/** Runs the measurements of this area. */
export async function run(report: Report): Promise<void> {
  countMessages(report)
  countChecks(report)
  await measureBatches(report)
  await measureCrypto(report)
  measureFaults(report)
  measureByzantine(report)
  measureSimulator(report)
}
