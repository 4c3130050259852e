import { describe, expect, it } from 'vitest'
import { ceilToMonth, floorToMonth } from '../../src/identity/months.ts'

describe('calendar months', () => {
  it('agree with Date at each month of a thousand years and around', () => {
    for (let index = 0; index < 12_000; index++) {
      const [start, next] = [Date.UTC(1600, index), Date.UTC(1600, index + 1)]
      expect(floorToMonth(start)).toBe(start)
      expect(ceilToMonth(start)).toBe(start)
      expect(floorToMonth(next - 1)).toBe(start)
      expect(ceilToMonth(start + 1)).toBe(next)
    }
  })

  it('know leap days, the epoch and the last time there is', () => {
    expect(floorToMonth(Date.UTC(2024, 1, 29, 23, 59, 59, 999))).toBe(Date.UTC(2024, 1))
    expect(ceilToMonth(Date.UTC(2023, 1, 28, 23, 59, 59, 999))).toBe(Date.UTC(2023, 2))
    expect(ceilToMonth(Date.UTC(1900, 1, 28, 12))).toBe(Date.UTC(1900, 2))
    expect(floorToMonth(0)).toBe(0)
    expect(floorToMonth(8_640_000_000_000_000)).toBe(Date.UTC(275_760, 8))
  })
})
