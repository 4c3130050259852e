/**
 * What windows, crashes and a silent primary do to throughput and latency: replicas on links of 50 ms of virtual time,
 * computing measured.
 */

import { createOpensslVerifier } from '../src/node/index.ts'
import { sha256 } from '../src/primitives/hash.ts'
import { deriveQuorum, type ReplicaConfig, type Request } from '../src/pbft/index.ts'
import { createListing, runClocked, type ClockedOptions, type ClockedRun } from './clocked-network.ts'
import type { Report } from './measure.ts'

const LINK_MS = 50
const BATCH = 100

let made = 0

function makeRequests(count: number): Request[] {
  return Array.from({ length: count }, () => {
    const bytes = new Uint8Array(164)
    new DataView(bytes.buffer).setUint32(0, made++)
    return { id: sha256(bytes), client: bytes.slice(0, 4), bytes }
  })
}

function optionsOf(replicaCount: number, config: Partial<ReplicaConfig>): ClockedOptions {
  return {
    replicaCount,
    blockBytes: 1024 * 1024,
    blockTimeMs: 100,
    linkMs: LINK_MS,
    verifier: createOpensslVerifier(),
    application: createListing,
    config: { batchTransactionsMax: BATCH, ...config },
  }
}

/** Orders more than the windows hold, all there at once. */
function saturate(options: ClockedOptions, blocks: number): ClockedRun {
  return runClocked(
    options,
    makeRequests(BATCH * blocks).map((request) => ({ atMs: 0, request })),
  )
}

const perSecond = (run: ClockedRun, requests: number): number => requests / (run.elapsedMs / 1_000)

function measureWindow(report: Report): void {
  const wide = perSecond(saturate(optionsOf(4, { windowSize: 16 }), 96), 96 * BATCH)
  const narrow = perSecond(saturate(optionsOf(4, { windowSize: 1 }), 12), 12 * BATCH)
  const ratio = wide / narrow
  report.demand({
    ratio: 'P5: tx/s window 16 / window 1, links of 50 ms',
    value: ratio,
    demand: '>= 10',
    holds: ratio >= 10,
  })
}

function measureCrashedBackups(report: Report): void {
  for (const replicaCount of [4, 7, 10]) {
    const { faultMax } = deriveQuorum(replicaCount)
    const options = optionsOf(replicaCount, {})
    const whole = perSecond(saturate(options, 48), 48 * BATCH)
    const silentSince = (index: number): number => (index >= replicaCount - faultMax ? 0 : Infinity)
    const crashed = perSecond(saturate({ ...options, silentSince }, 48), 48 * BATCH)
    const ratio = crashed / whole
    report.demand({
      ratio: `P8: tx/s with f crashed backups / without faults, n = ${replicaCount}`,
      value: ratio,
      demand: '>= 0.9',
      holds: ratio >= 0.9,
    })
  }
}

function measureSilentPrimaries(report: Report): void {
  const [tickMs, timeoutTicks] = [10, 200]
  for (const [replicaCount, silent] of [
    [4, 1],
    [7, 1],
    [7, 2],
    [10, 3],
  ] as const) {
    const [request] = makeRequests(1) as [Request]
    const to = Array.from({ length: replicaCount }, (_, index) => index)
    const options = { ...optionsOf(replicaCount, { timeoutTicks, batchWaitTicks: 0 }), tickMs }
    const { latenciesMs, busyMs } = runClocked(
      { ...options, silentSince: (index: number) => (index < silent ? 0 : Infinity) },
      [{ atMs: 1, request, to }],
    )
    const gapMs = latenciesMs[0] ?? Infinity
    // Each silent primary in a row doubles the timeout of the next; a tick is lost before and after each, and computing takes time.
    const limitMs = timeoutTicks * tickMs * (2 ** silent - 1) + (5 * LINK_MS + 2 * tickMs) * silent + busyMs
    report.demand({
      ratio: `P11: ${silent} silent of ${replicaCount} primaries: gap / (T, doubled for each, + 5 delays, 2 ticks each, computing)`,
      value: gapMs / limitMs,
      demand: '<= 1',
      holds: gapMs <= limitMs,
    })
  }
}

/** Runs the measurements under faults. */
export function measureFaults(report: Report): void {
  measureWindow(report)
  measureCrashedBackups(report)
  measureSilentPrimaries(report)
}
