import { describe, expect, it } from 'vitest'
import { heapUsedMiB, interleave, median, percentile } from '../../benchmarks/measure.ts'

describe('median', () => {
  it('takes the middle of an odd count, and the mean of the middle two of an even one', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
  })
})

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)

  it('gives the smallest value that the fraction does not exceed', () => {
    expect(percentile(hundred, 0.99)).toBe(99)
    expect(percentile(hundred, 0.991)).toBe(100)
    expect(percentile(hundred, 1)).toBe(100)
    expect(percentile(hundred, 0)).toBe(1)
  })

  it('leaves its input as it was, and refuses to judge nothing', () => {
    expect(hundred[0]).toBe(100)
    expect(() => percentile([], 0.5)).toThrow('no values')
  })
})

describe('interleave', () => {
  it('measures every candidate, waiting for those that are async', async () => {
    let running = 0
    const medians = await interleave(
      {
        sync: () => expect(running).toBe(0),
        async: async () => {
          running += 1
          await Promise.resolve()
          running -= 1
        },
      },
      { rounds: 3, msPerRound: 1 },
    )
    expect(Object.keys(medians)).toEqual(['sync', 'async'])
    for (const seconds of Object.values(medians)) expect(seconds).toBeGreaterThan(0)
  })
})

describe('heapUsedMiB', () => {
  it('counts typed arrays, which live outside of the heap', () => {
    const before = heapUsedMiB()
    const large = new Uint8Array(64 * 2 ** 20)
    expect(heapUsedMiB() - before).toBeGreaterThan(32)
    expect(large[0]).toBe(0)
  })
})
