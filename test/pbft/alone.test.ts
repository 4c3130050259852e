import { describe, expect, it } from 'vitest'

import { createSimulatedApplication } from '../../src/pbft/simulator/application.ts'
import { createGroup, restart, submit, tick } from './group.ts'

describe('a group of one', () => {
  it('goes on after a restart with blocks that were executed and not stored', () => {
    const group = createGroup(1)
    submit(group, 0, 'a')
    submit(group, 0, 'b')
    const again = restart(group, 0, { application: createSimulatedApplication() })
    const before = again.delivered.length
    tick(group, 1)
    expect(again.replica.status()).toMatchObject({ height: 2, executedHeight: 2, mode: 'normal' })
    expect(again.delivered.slice(before).map(({ height }) => height)).toEqual([1, 2])
    submit(group, 0, 'c')
    expect(again.delivered.at(-1)?.height).toBe(3)
  })
})
