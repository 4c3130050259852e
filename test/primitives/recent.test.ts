import { describe, expect, it } from 'vitest'

import { createRecentMap } from '../../src/primitives/recent.ts'

describe('createRecentMap', () => {
  it('forgets the entry used longest ago, reading being use', () => {
    const map = createRecentMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    expect(map.get('a')).toBe(1)
    map.set('c', 3)
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2])
  })

  it('replaces a value without forgetting another', () => {
    const map = createRecentMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.set('a', 3)
    expect([map.get('a'), map.get('b'), map.size]).toEqual([3, 2, 2])
  })
})
