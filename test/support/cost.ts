/**
 * Milliseconds of processor time that a call takes: the least of a few runs, since other tests share the machine. Only
 * for bounds that stand far from what is measured; ratios and figures belong to the benchmarks.
 */
export function leastCpuMs(call: () => void, runs = 5): number {
  const times = Array.from({ length: runs }, () => {
    const start = process.cpuUsage()
    call()
    return process.cpuUsage(start).user / 1_000
  })
  return Math.min(...times)
}
