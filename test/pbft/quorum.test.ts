import { describe, expect, it } from 'vitest'

import { deriveQuorum, primaryIndex } from '../../src/pbft/quorum.ts'

describe('deriveQuorum', () => {
  it('lets two quorums share a correct replica and leaves enough to form one, for every n to 1,000', () => {
    for (let n = 1; n <= 1_000; n++) {
      const { faultMax: f, quorum, weakQuorum } = deriveQuorum(n)
      expect(f).toBe(Math.floor((n - 1) / 3))
      expect(2 * quorum - n).toBeGreaterThanOrEqual(f + 1)
      expect(quorum).toBeLessThanOrEqual(n - f)
      // One vote less and two quorums might share faulty replicas only.
      expect(2 * (quorum - 1) - n).toBeLessThan(f + 1)
      expect(weakQuorum).toBe(f + 1)
    }
  })

  it('gives the table of the design', () => {
    const table = [4, 5, 6, 7, 8, 9, 10, 13, 16, 31, 100].map((n) => [
      n,
      deriveQuorum(n).faultMax,
      deriveQuorum(n).quorum,
    ])
    expect(table).toEqual([
      [4, 1, 3],
      [5, 1, 4],
      [6, 1, 4],
      [7, 2, 5],
      [8, 2, 6],
      [9, 2, 6],
      [10, 3, 7],
      [13, 4, 9],
      [16, 5, 11],
      [31, 10, 21],
      [100, 33, 67],
    ])
  })

  it('shows that 2f + 1 is unsafe unless n = 3f + 1', () => {
    const unsafe = [4, 5, 6, 7, 8, 9, 10].filter((n) => {
      const { faultMax: f } = deriveQuorum(n)
      return 2 * (2 * f + 1) - n < f + 1
    })
    expect(unsafe).toEqual([5, 6, 8, 9])
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %d replicas', (n) => {
    expect(() => deriveQuorum(n)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })
})

describe('primaryIndex', () => {
  it('is V mod |R|, and moves on after each term where it rotates', () => {
    const primaries = (rotateEvery: number) =>
      [1, 2, 3, 4, 5].map((sequence) => primaryIndex({ view: 5, sequence, replicaCount: 4, rotateEvery }))
    expect(primaries(0)).toEqual([1, 1, 1, 1, 1])
    expect(primaries(1)).toEqual([1, 2, 3, 0, 1])
    expect(primaries(2)).toEqual([1, 1, 2, 2, 3])
  })
})
