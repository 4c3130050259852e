/**
 * The sweep of the papers: block size, block time and number of replicas against latency, throughput and capacity.
 *
 * Ordering alone: signatures of replicas are real (node:crypto), those of clients are measured by the areas chain and node.
 * Links take 50 ms of virtual time, computing takes what it takes here. Leaves out/bench/sweep.svg and sweep.json.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { init } from 'echarts'

import { createOpensslVerifier } from '../src/node/index.ts'
import { sha256 } from '../src/primitives/hash.ts'
import type { Request } from '../src/pbft/index.ts'
import { createListing, runClocked, type ClockedOptions } from './clocked-network.ts'
import { median, percentile, type Report } from './measure.ts'

const FOLDER = join('out', 'bench')
const LINK_MS = 50
/** A tx_diag as HC counts it; its two tree hashes of 32 bytes belong to its place in a block. */
const REQUEST_BYTES = 164
const TREE_BYTES = 64
const REPLICAS = [4, 7, 10]
const BLOCK_KIB = [64, 256, 1_024]
const BLOCK_TIMES_MS = [50, 250, 1_000, 5_000, 15_000, 60_000]
const BLOCKS = 3
/** What the papers state for one block, in minutes: PS figure 5. */
const PAPERS = [
  { name: 'MedRec', minutes: 10 },
  { name: 'MDSM', minutes: 3 },
  { name: 'PS', minutes: 2 },
]

/** One point of the sweep. */
interface Point {
  readonly replicas: number
  readonly blockKiB: number
  readonly blockTimeMs: number
  /** Requests that fit a block. */
  readonly capacity: number
  /** What the computers allow, or the block time, whichever is less. */
  readonly perSecond: number
  readonly latencyMs: number
  readonly latencyP95Ms: number
}

let made = 0

function makeRequest(): Request {
  const bytes = new Uint8Array(REQUEST_BYTES)
  new DataView(bytes.buffer).setUint32(0, made++)
  // A client of its own for each: no limit per client plays a part.
  return { id: sha256(bytes), client: bytes.slice(0, 4), bytes }
}

const arrivalsOf = (count: number, spanMs: number) =>
  Array.from({ length: count }, (_, at) => ({ atMs: (at * spanMs) / count, request: makeRequest() }))

function optionsOf(replicas: number, blockKiB: number, blockTimeMs: number): ClockedOptions {
  const capacity = capacityOf(blockKiB)
  return {
    replicaCount: replicas,
    blockBytes: capacity * REQUEST_BYTES,
    blockTimeMs,
    linkMs: LINK_MS,
    verifier: createOpensslVerifier(),
    application: createListing,
  }
}

const capacityOf = (blockKiB: number): number => Math.floor((blockKiB * 1_024) / (REQUEST_BYTES + TREE_BYTES))

/** Requests a second when more wait than blocks can hold: what one computer for each replica allows. */
function measureSaturation(replicas: number, blockKiB: number): number {
  const count = capacityOf(blockKiB) * (blockKiB < 1_024 ? 12 : 5)
  const { elapsedMs } = runClocked(optionsOf(replicas, blockKiB, 1_000), arrivalsOf(count, 1))
  return count / (elapsedMs / 1_000)
}

function measurePoint(replicas: number, blockKiB: number, blockTimeMs: number, saturation: number): Point {
  const capacity = capacityOf(blockKiB)
  const perSecond = Math.min(saturation, capacity / (blockTimeMs / 1_000))
  // Four fifths of what is possible: at the limit itself a queue would grow without end.
  const count = Math.max(20, Math.floor((0.8 * perSecond * blockTimeMs * BLOCKS) / 1_000))
  const spanMs = (count / (0.8 * perSecond)) * 1_000
  const { latenciesMs } = runClocked(optionsOf(replicas, blockKiB, blockTimeMs), arrivalsOf(count, spanMs))
  return {
    replicas,
    blockKiB,
    blockTimeMs,
    capacity,
    perSecond,
    latencyMs: median(latenciesMs),
    latencyP95Ms: percentile(latenciesMs, 0.95),
  }
}

const nameSize = (blockKiB: number): string => (blockKiB < 1_024 ? `${blockKiB} KiB` : `${blockKiB / 1_024} MiB`)
const nameCapacity = (blockKiB: number): string => `${nameSize(blockKiB)}: ${capacityOf(blockKiB)} requests a block`

/** Two rows of charts, a column for each number of replicas: latency and requests a second over block time. */
function drawSweep(points: readonly Point[]): string {
  const [width, height, top, left, gap] = [360, 300, 70, 70, 50]
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: left + REPLICAS.length * width,
    height: top + 2 * height + 40,
  })
  const rows = [
    { name: 'median latency, s', value: (point: Point) => point.latencyMs / 1_000, min: 0.1, max: 1_000 },
    { name: 'requests a second', value: (point: Point) => point.perSecond, min: 1, max: 100_000 },
  ]
  const cells = rows.flatMap((row, down) => REPLICAS.map((replicas, across) => ({ row, replicas, down, across })))
  const series = cells.flatMap(({ row, replicas }, cell) => [
    ...BLOCK_KIB.map((blockKiB) => ({
      type: 'line' as const,
      name: nameCapacity(blockKiB),
      xAxisIndex: cell,
      yAxisIndex: cell,
      symbolSize: 6,
      data: points
        .filter((point) => point.replicas === replicas && point.blockKiB === blockKiB)
        .map((point) => [point.blockTimeMs / 1_000, row.value(point)]),
      ...(row === rows[0] && blockKiB === BLOCK_KIB[0] ? { markLine: markPapers() } : {}),
    })),
  ])
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: {
      text: `Ordering ${REQUEST_BYTES}-byte requests: block size, block time and replicas (links of ${LINK_MS} ms)`,
      left: 'center',
      top: 8,
      textStyle: { fontSize: 15 },
    },
    legend: { top: 34, data: BLOCK_KIB.map(nameCapacity) },
    grid: cells.map(({ down, across }) => ({
      left: left + across * width,
      top: top + 30 + down * height,
      width: width - gap - 30,
      height: height - 90,
    })),
    xAxis: cells.map(({ replicas }, cell) => ({
      type: 'log',
      gridIndex: cell,
      min: 0.05,
      max: 100,
      name: `block time, s (n = ${replicas})`,
      nameLocation: 'middle',
      nameGap: 26,
    })),
    yAxis: cells.map(({ row, across }, cell) => ({
      type: 'log',
      gridIndex: cell,
      min: row.min,
      max: row.max,
      ...(across === 0 ? { name: row.name } : {}),
    })),
    series,
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

function markPapers() {
  return {
    symbol: 'none',
    lineStyle: { color: '#888888', type: 'dashed' as const },
    data: PAPERS.map(({ name, minutes }, index) => ({
      yAxis: minutes * 60,
      label: {
        formatter: `a block of ${name}: ${minutes} min`,
        position: index < PAPERS.length - 1 ? ('insideStartTop' as const) : ('insideEndBottom' as const),
        fontSize: 10,
      },
    })),
  }
}

/** Runs the measurements of this area. */
export function run(report: Report): Promise<void> {
  const points: Point[] = []
  for (const replicas of REPLICAS) {
    for (const blockKiB of BLOCK_KIB) {
      const saturation = measureSaturation(replicas, blockKiB)
      report.figure({
        op: `saturated, blocks of ${nameSize(blockKiB)}`,
        impl: 'node:crypto, 50 ms links',
        median: saturation,
        unit: 'requests/s',
        n: replicas,
      })
      for (const blockTimeMs of BLOCK_TIMES_MS) {
        const point = measurePoint(replicas, blockKiB, blockTimeMs, saturation)
        points.push(point)
        report.figure({
          op: `latency, ${nameSize(blockKiB)} each ${blockTimeMs / 1_000} s`,
          impl: `${Math.round(point.perSecond)} requests/s`,
          median: point.latencyMs / 1_000,
          unit: 's',
          n: replicas,
        })
      }
    }
  }
  const two = points.find(
    ({ replicas, blockKiB, blockTimeMs }) => replicas === 4 && blockKiB === 1_024 && blockTimeMs === 1_000,
  ) as Point
  const ratio = 120_000 / two.latencyP95Ms
  report.demand({
    ratio: 'two minutes a block (PS) / p95 latency of four replicas, 1 MiB each second',
    value: ratio,
    demand: '>= 50',
    holds: ratio >= 50,
  })
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'sweep.svg'), drawSweep(points))
  writeFileSync(join(FOLDER, 'sweep.json'), `${JSON.stringify(points, null, 2)}\n`)
  report.note(`plotted in ${join(FOLDER, 'sweep.svg')}; figures in sweep.json`)
  return Promise.resolve()
}
