import { describe, expect, it } from 'vitest'

import type { Request } from '../../src/pbft/batch.ts'
import { POOL_CLIENT_REQUESTS_MAX } from '../../src/pbft/limits.ts'
import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { authenticate, createGroup, feed, tick, type Group, type Node } from './group.ts'

const TIMEOUT = 40
const BATCH = 8
const unwatched = { turnaroundTicks: 0, requiredRatePercent: 0 }

let made = 0

/** Gives a new request to some replicas. */
function offer(group: Group, client: number, to: readonly number[] = [0, 1, 2, 3]): Request {
  const request = createSimulatedRequest(client, `request ${made++}`)
  for (const index of to) feed(group, group.nodes[index] as Node, { kind: 'request', request })
  return request
}

/** A group that orders eight requests a tick, since a COMMIT takes one, and whose primaries may propose late. */
function createBusyGroup(requiredRatePercent = 90): {
  group: Group
  run: (ticks: number, offered: number, to?: readonly number[]) => void
  lateTicks: Map<number, number>
} {
  const group = createGroup(4, {
    timeoutTicks: TIMEOUT,
    turnaroundTicks: 10,
    requiredRatePercent,
    batchTransactionsMax: BATCH,
    windowSize: 1,
  })
  const lateTicks = new Map<number, number>()
  const held: { readonly dueTick: number; readonly to: number; readonly bytes: Uint8Array }[] = []
  let now = 0
  group.fate = ({ from, to, bytes }, { kind }) => {
    const delay = kind === 'commit' ? 1 : kind === 'pre-prepare' ? (lateTicks.get(from) ?? 0) : 0
    if (delay > 0) held.push({ dueTick: now + delay, to, bytes })
    return delay > 0 ? 0 : 1
  }
  return {
    group,
    lateTicks,
    run(ticks, offered, to) {
      for (let turn = 0; turn < ticks; turn++) {
        now += 1
        for (let number = 0; number < offered; number++) offer(group, number, to)
        const due = held.filter(({ dueTick }) => dueTick <= now)
        held.splice(0, held.length, ...held.filter(({ dueTick }) => dueTick > now))
        for (const { to, bytes } of due)
          feed(group, group.nodes[to] as Node, { kind: 'message', message: authenticate(group, bytes) })
        tick(group, 1)
      }
    },
  }
}

const views = (group: Group): number[] => group.nodes.map(({ replica }) => replica.status().view)
const executed = (group: Group): number => (group.nodes[3] as Node).application.executed().length

describe('more requests than a group can order', () => {
  it('depose 2f primaries at most: then it is known that others do no better', () => {
    const { group, run } = createBusyGroup()
    run(200, BATCH + 4)
    expect(views(group)).toEqual([2, 2, 2, 2])
    expect(executed(group)).toBeGreaterThan(0.9 * 200 * BATCH)
  })

  it('protect no primary that orders less than half of what others did', () => {
    const { group, run, lateTicks } = createBusyGroup()
    run(120, BATCH + 4)
    expect(views(group)).toEqual([2, 2, 2, 2])
    lateTicks.set(2, 3)
    run(60, BATCH + 4)
    expect(views(group)).toEqual([3, 3, 3, 3])
  })

  it('protect no primary that orders what he alone was told, while everyone else waits', () => {
    const { group, run } = createBusyGroup(0)
    run(120, BATCH + 4)
    run(80, 0)
    expect(views(group)).toEqual([2, 2, 2, 2])
    // Of the others' requests he hears one a tick, in their order, so that he passes over none.
    const { fate } = group
    group.fate = (packet, message) => (packet.to === 2 && message.kind === 'request' ? 0 : fate(packet, message))
    const unheard: Request[] = []
    for (let turn = 0; turn < 80; turn++) {
      for (let number = 0; number < 3; number++) unheard.push(offer(group, number, [0, 1, 3]))
      const heard = unheard.shift() as Request
      feed(group, group.nodes[2] as Node, { kind: 'request', request: heard })
      for (let number = 1; number < BATCH; number++) offer(group, 100 + number, [2])
      run(1, 0)
    }
    expect(Math.min(...views(group))).toBeGreaterThan(2)
  })

  it('protect no primary that is slow from the start, though nobody else was tried', () => {
    const { group, run, lateTicks } = createBusyGroup()
    lateTicks.set(0, 5)
    const before = executed(group)
    run(200, BATCH + 4)
    expect(Math.max(...views(group))).toBeLessThanOrEqual(3)
    expect(executed(group) - before).toBeGreaterThan(0.8 * 200 * BATCH)
  })
})

describe('a request that the primary passes over', () => {
  /** The primary does not hear of so many requests of client 1, while those of others, told to these members, are ordered. */
  function passOver(unheard: number, told?: readonly number[]): Group {
    const group = createGroup(4, { timeoutTicks: TIMEOUT, windowSize: 4, ...unwatched })
    group.fate = ({ to }, { kind }) => (to === 0 && kind === 'request' ? 0 : 1)
    for (let number = 0; number < unheard; number++) offer(group, 1, [1, 2, 3])
    for (let turn = 0; turn < 2 * TIMEOUT; turn++) {
      offer(group, 2, told)
      tick(group, 1)
    }
    return group
  }

  it('costs him his place', () => {
    expect(views(passOver(1))).toEqual([1, 1, 1, 1])
  })

  it('does too for what he alone was told', () => {
    expect(views(passOver(1, [0]))).toEqual([1, 1, 1, 1])
  })

  it('does not for what is older', () => {
    const group = createGroup(4, { timeoutTicks: TIMEOUT, windowSize: 1, batchTransactionsMax: 1, ...unwatched })
    // More than can be ordered in a timeout: a COMMIT takes a tick. The last waits for long, and nothing passes it.
    const held: { readonly to: number; readonly bytes: Uint8Array }[] = []
    group.fate = ({ to, bytes }, { kind }) => (kind === 'commit' ? held.push({ to, bytes }) * 0 : 1)
    for (let number = 0; number < 2 * TIMEOUT; number++) offer(group, number)
    for (let turn = 0; turn < 2 * TIMEOUT; turn++) {
      for (const { to, bytes } of held.splice(0))
        feed(group, group.nodes[to] as Node, { kind: 'message', message: authenticate(group, bytes) })
      tick(group, 1)
    }
    expect(executed(group)).toBeGreaterThan(1.5 * TIMEOUT)
    expect(views(group)).toEqual([0, 0, 0, 0])
  })

  it('does not where its client asks for so much that the primary may have had to refuse it', () => {
    const half = POOL_CLIENT_REQUESTS_MAX / 2
    expect(views(passOver(half - 1))).toEqual([1, 1, 1, 1])
    expect(views(passOver(half))).toEqual([0, 0, 0, 0])
  })
})

it('a request that waits is told to the others again after twice as long each time', () => {
  const group = createGroup(4, { timeoutTicks: TIMEOUT })
  const told: number[] = []
  let now = 0
  group.fate = ({ from, to }, { kind }) => {
    if (kind === 'request' && from === 1 && to === 2) told.push(now)
    return 0
  }
  offer(group, 1, [1])
  for (; now < 20 * TIMEOUT; now++) tick(group, 1)
  // T / 2, then T, 2T, 4T and 8T later; never longer.
  expect(told).toEqual([19, 59, 139, 299, 619])
})
