import { describe, expect, it } from 'vitest'

import { settleConfig } from '../../src/pbft/config.ts'
import { RATE_REQUESTS_MIN } from '../../src/pbft/limits.ts'
import { sealMessage } from '../../src/pbft/message.ts'
import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import { authenticate, chainId, createGroup, feed, settle, tick, type Group, type Node } from './group.ts'

const TIMEOUT = 40

let made = 0

/** New requests of one client, given to all replicas as a client does that wants to be heard. */
function offer(group: Group, count: number): void {
  for (let number = 0; number < count; number++) {
    const request = createSimulatedRequest(number % 4, `request ${made++}`)
    for (const node of group.nodes) feed(group, node, { kind: 'request', request })
  }
}

/** The proposals of view 0 leave so many ticks late; everything else takes none. */
function slowPrimary(group: Group, delayTicks: number): { run: (ticks: number, offered: number) => void } {
  const held: { readonly dueTick: number; readonly to: number; readonly bytes: Uint8Array }[] = []
  let now = 0
  group.fate = ({ from, to, bytes }, message) => {
    const isSlow = from === 0 && message.kind === 'pre-prepare' && message.body.view === 0
    if (isSlow) held.push({ dueTick: now + delayTicks, to, bytes })
    return isSlow ? 0 : 1
  }
  return {
    run(ticks, offered) {
      for (let turn = 0; turn < ticks; turn++) {
        now += 1
        offer(group, offered)
        while ((held[0]?.dueTick ?? Infinity) <= now) {
          const [{ to, bytes }] = held.splice(0, 1) as [(typeof held)[number]]
          feed(group, group.nodes[to] as Node, { kind: 'message', message: authenticate(group, bytes) })
        }
        tick(group, 1)
      }
    },
  }
}

const views = (group: Group): number[] => group.nodes.map(({ replica }) => replica.status().view)

describe('turnaround', () => {
  it('is three quarters of the timeout by default, and may be set or switched off', () => {
    const { members } = createGroup(4).config
    const turnaround = (options: object): number => settleConfig({ chainId, members, ...options }).turnaroundTicks
    expect(turnaround({})).toBe(150)
    expect(turnaround({ timeoutTicks: 10 })).toBe(8)
    expect(turnaround({ turnaroundTicks: 0 })).toBe(0)
    expect(turnaround({ turnaroundTicks: 7 })).toBe(7)
    expect(() => turnaround({ turnaroundTicks: -1 })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
    const percent = (requiredRatePercent: number): number =>
      settleConfig({ chainId, members, requiredRatePercent }).requiredRatePercent
    expect(percent(100)).toBe(100)
    expect(() => percent(101)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  it('changes the view where a primary proposes later than that, though before the timeout', () => {
    for (const [turnaroundTicks, view] of [
      [10, 1],
      [0, 0],
    ] as const) {
      const group = createGroup(4, { timeoutTicks: TIMEOUT, turnaroundTicks, requiredRatePercent: 0 })
      slowPrimary(group, 20).run(3 * TIMEOUT, 1)
      expect(views(group)).toEqual([view, view, view, view])
    }
  })

  it('leaves a primary alone that keeps it', () => {
    const group = createGroup(4, { timeoutTicks: TIMEOUT, turnaroundTicks: 10, requiredRatePercent: 0 })
    slowPrimary(group, 8).run(3 * TIMEOUT, 1)
    expect(views(group)).toEqual([0, 0, 0, 0])
  })

  it('blames nobody for two requests that the primary may not have received', () => {
    for (const [count, view] of [
      [2, 0],
      [3, 1],
    ] as const) {
      const group = createGroup(4, { timeoutTicks: TIMEOUT, turnaroundTicks: 10 })
      // The primary hears of nothing: requests wait at the others.
      group.fate = ({ to }, message) => (to === 0 && message.kind === 'request' ? 0 : 1)
      for (let number = 0; number < count; number++) {
        const request = createSimulatedRequest(0, `request ${made++}`)
        for (const node of group.nodes.slice(1)) feed(group, node, { kind: 'request', request })
      }
      tick(group, TIMEOUT - 2)
      expect(views(group)).toEqual([view, view, view, view])
    }
  })

  it('gives four measured round trips where these take longer', () => {
    const group = createGroup(4, { timeoutTicks: 100, turnaroundTicks: 5, requiredRatePercent: 0 })
    // Votes take five ticks, so a proposal is committed ten ticks after it was accepted; proposals take twenty.
    const held: { dueTick: number; to: number; bytes: Uint8Array }[] = []
    let now = 0
    const delays: Partial<Record<string, number>> = { prepare: 5, commit: 5 }
    group.fate = ({ to, bytes }, message) => {
      const delay = delays[message.kind]
      if (delay !== undefined) held.push({ dueTick: now + delay, to, bytes })
      return delay === undefined ? 1 : 0
    }
    for (let turn = 0; turn < 120; turn++) {
      now += 1
      if (now === 30) delays['pre-prepare'] = 20
      offer(group, 1)
      for (const { to, bytes } of held.filter(({ dueTick }) => dueTick === now)) {
        feed(group, group.nodes[to] as Node, { kind: 'message', message: authenticate(group, bytes) })
      }
      tick(group, 1)
    }
    expect(views(group)).toEqual([0, 0, 0, 0])
    expect(group.nodes[1]?.replica.status().height).toBeGreaterThan(50)
  })

  it('does not run while the window is full: then nobody may propose', () => {
    const group = createGroup(4, {
      timeoutTicks: 100,
      turnaroundTicks: 10,
      checkpointEvery: 2,
      batchTransactionsMax: 1,
    })
    // Without certificates the watermark stays, and after 2K blocks there is no room.
    group.fate = (_, message) => (message.kind === 'exec-vote' ? 0 : 1)
    offer(group, 12)
    tick(group, 60)
    expect(group.nodes.map(({ replica }) => replica.status().executedHeight)).toEqual([4, 4, 4, 4])
    expect(views(group)).toEqual([0, 0, 0, 0])
  })

  it('blames nobody where this replica itself is behind', () => {
    const group = createGroup(4, { timeoutTicks: 100, turnaroundTicks: 10 })
    const isMissed = (kind: string): boolean => kind === 'pre-prepare' || kind === 'commit' || kind === 'fetched'
    group.fate = ({ to }, message) => (to === 3 && isMissed(message.kind) ? 0 : 1)
    for (let turn = 0; turn < 60; turn++) {
      offer(group, 1)
      tick(group, 1)
    }
    expect(group.nodes[3]?.replica.status().executedHeight).toBe(0)
    expect(views(group)).toEqual([0, 0, 0, 0])
  })
})

describe('the required rate', () => {
  /** A primary that orders everything for a while, and then only some of each eight requests although the others wait. */
  function weakening(options: { requiredRatePercent: number; offered: number; heardOfEight?: number }): Group {
    const { requiredRatePercent, offered, heardOfEight = 1 } = options
    const keys = createSimulatedKeys(4, 1)
    const group = createGroup(4, {
      keys,
      timeoutTicks: TIMEOUT,
      turnaroundTicks: 0,
      requiredRatePercent,
      windowSize: 64,
      batchWaitTicks: 4,
    })
    for (let turn = 0; turn < 3 * TIMEOUT; turn++) {
      offer(group, offered)
      tick(group, 1)
    }
    expect(views(group)).toEqual([0, 0, 0, 0])
    // From now on the primary does not hear of the rest.
    let heard = 0
    group.fate = ({ to }, message) => (to === 0 && message.kind === 'request' ? 0 : 1)
    for (let turn = 0; turn < (5 * TIMEOUT) / 2; turn++) {
      for (let number = 0; number < offered; number++) {
        const request = createSimulatedRequest(number % 4, `request ${made++}`)
        const isHeard = heard++ % 8 < heardOfEight
        for (const node of isHeard ? group.nodes : group.nodes.slice(1)) feed(group, node, { kind: 'request', request })
      }
      settle(group)
      tick(group, 1)
    }
    return group
  }

  it('changes the view where less is done than before although requests wait', () => {
    expect(Math.min(...views(weakening({ requiredRatePercent: 90, offered: 4 })))).toBeGreaterThan(0)
  })

  it('asks for little at first: seven in eight will do for six periods', () => {
    expect(views(weakening({ requiredRatePercent: 100, offered: 4, heardOfEight: 7 }))).toEqual([0, 0, 0, 0])
  })

  it('says nothing where it is switched off, or where too little was ever done to tell', () => {
    expect(views(weakening({ requiredRatePercent: 0, offered: 4 }))).toEqual([0, 0, 0, 0])
    expect(TIMEOUT).toBeLessThan(RATE_REQUESTS_MIN)
    expect(views(weakening({ requiredRatePercent: 90, offered: 1 }))).toEqual([0, 0, 0, 0])
  })

  it('says nothing where less is done because less is asked for', () => {
    const group = createGroup(4, { timeoutTicks: TIMEOUT, turnaroundTicks: 10 })
    for (const offered of [4, 1, 0, 2]) {
      for (let turn = 0; turn < 3 * TIMEOUT; turn++) {
        offer(group, offered)
        tick(group, 1)
      }
    }
    expect(views(group)).toEqual([0, 0, 0, 0])
  })

  it('blames nobody for what a member tells all but the primary', () => {
    const group = createGroup(4, { timeoutTicks: TIMEOUT, turnaroundTicks: 0, batchWaitTicks: 4 })
    for (let turn = 0; turn < 3 * TIMEOUT; turn++) {
      offer(group, 4)
      tick(group, 1)
    }
    const faulty = group.nodes[3] as Node
    const settings = settleConfig(group.config)
    for (let turn = 0; turn < 4 * TIMEOUT; turn++) {
      const body = createSimulatedRequest(9, `request ${made++}`)
      const { bytes } = sealMessage(settings, faulty.signer, { kind: 'request', body })
      for (const node of group.nodes.slice(1, 3))
        feed(group, node, { kind: 'message', message: authenticate(group, bytes) })
      tick(group, 1)
    }
    expect(views(group)).toEqual([0, 0, 0, 0])
    expect(group.nodes[1]?.application.executed().length).toBeGreaterThan(12 * TIMEOUT)
  })
})
