/**
 * How benchmarks measure and report: medians of interleaved rounds, so that all parts of a ratio see the same machine
 * in the same state, and memory after a collection. Figures of different runs or machines are not comparable.
 */

/** Where a benchmark writes its results; `benchmarks/run.mjs` supplies it. */
export interface Report {
  /** One measured figure. */
  figure(figure: Figure): void
  /** A demanded figure or ratio, and whether it holds. */
  demand(demand: Demand): void
  /** A sentence for the reader; not part of the results. */
  note(text: string): void
}

/** A median in its unit, of one operation in one implementation; `n` is the size or the count that it belongs to. */
export interface Figure {
  readonly op: string
  readonly impl: string
  readonly median: number
  readonly unit: string
  readonly n: number
}

/** A demand: what is measured, its value, the bound in words such as `<= 1.2`, and whether it holds. */
export interface Demand {
  readonly ratio: string
  readonly value: number
  readonly demand: string
  readonly holds: boolean
}

/** How long to measure. */
export interface InterleaveOptions {
  /** How often each candidate gets its turn; the median is over the rounds. Default 15. */
  readonly rounds?: number
  /** About how long one turn takes; a single call may take longer. Default 20. */
  readonly msPerRound?: number
}

type Candidate = () => unknown

interface Runner {
  readonly name: string
  readonly call: Candidate
  readonly asynchronous: boolean
  readonly callsPerRound: number
  readonly secondsPerCall: number[]
}

// Results end here, so that no engine may drop a call whose result nobody uses.
let sink: unknown

/**
 * Returns the median seconds per call of each candidate.
 *
 * The candidates take turns, each round in another order; a candidate may be async, and is then awaited call by call.
 *
 * @param candidates - functions by name; each must leave its inputs as they were
 */
export async function interleave(
  candidates: Readonly<Record<string, Candidate>>,
  options: InterleaveOptions = {},
): Promise<Record<string, number>> {
  const { rounds = 15, msPerRound = 20 } = options
  const runners: Runner[] = []
  for (const [name, call] of Object.entries(candidates)) runners.push(await prepare(name, call, msPerRound / 1000))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < runners.length; turn++) {
      const runner = runners[(turn + round) % runners.length] as Runner
      runner.secondsPerCall.push((await secondsFor(runner, runner.callsPerRound)) / runner.callsPerRound)
    }
  }
  return Object.fromEntries(runners.map((runner) => [runner.name, median(runner.secondsPerCall)]))
}

/** Returns the median of the values; of an even count the mean of the middle two. */
export function median(values: readonly number[]): number {
  const negated = values.map((value) => -value)
  return (percentile(values, 0.5) - percentile(negated, 0.5)) / 2
}

/** Returns the smallest value that is at least as large as the fraction (0 to 1) of all values. */
export function percentile(values: readonly number[], fraction: number): number {
  if (values.length === 0) throw new Error('a percentile of no values was asked for')
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] as number
}

/**
 * Returns the memory in use in MiB: the heap of the engine and, since typed arrays live outside of it, the memory of
 * buffers. After a collection where node runs with --expose-gc, as `npm run bench` does.
 */
export function heapUsedMiB(): number {
  const collect = (globalThis as { readonly gc?: () => void }).gc
  // The first collection finds dead buffers, the second sees their memory returned.
  collect?.()
  collect?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

/** Calls until the engine has compiled the candidate, and finds how many calls fill a round. */
async function prepare(name: string, call: Candidate, secondsPerRound: number): Promise<Runner> {
  const first = call()
  const asynchronous = first instanceof Promise
  sink = await first
  const measured = { call, asynchronous }
  let calls = 1
  let seconds = await secondsFor(measured, calls)
  while (seconds < secondsPerRound) {
    calls = Math.max(calls * 2, Math.min(calls * 64, Math.floor((calls * secondsPerRound) / Math.max(seconds, 1e-6))))
    seconds = await secondsFor(measured, calls)
  }
  const callsPerRound = Math.max(1, Math.round((calls * secondsPerRound) / seconds))
  return { name, call, asynchronous, callsPerRound, secondsPerCall: [] }
}

async function secondsFor(runner: Pick<Runner, 'call' | 'asynchronous'>, calls: number): Promise<number> {
  const { call, asynchronous } = runner
  const start = process.hrtime.bigint()
  if (asynchronous) for (let index = 0; index < calls; index++) sink = await call()
  else for (let index = 0; index < calls; index++) sink = call()
  return Number(process.hrtime.bigint() - start) / 1e9
}

/** Returns the last result that a candidate gave; for checks that a benchmark computed what it claims. */
export function lastResult(): unknown {
  return sink
}
