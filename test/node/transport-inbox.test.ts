import { afterEach, describe, expect, it } from 'vitest'

import { createByteQueue } from '../../src/node/byte-queue.ts'
import { createInbox, type Flow, type Inbox } from '../../src/node/transport-inbox.ts'
import { createOutbox, type Outlet } from '../../src/node/transport-outbox.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'

const message = (length: number, byte = 0): Bytes => new Uint8Array(length).fill(byte)
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

interface TestFlow extends Flow {
  isPaused: boolean
}
const createFlow = (): TestFlow => {
  const flow: TestFlow = {
    isPaused: false,
    pause() {
      flow.isPaused = true
    },
    resume() {
      flow.isPaused = false
    },
  }
  return flow
}

let inbox: Inbox<string> | undefined
afterEach(() => inbox?.close())

describe('an inbox', () => {
  let nowMs = 0
  const delivered: { readonly from: string; readonly byteCount: number }[] = []
  function create(options: Partial<Parameters<typeof createInbox<string>>[0]> = {}): Inbox<string> {
    delivered.length = 0
    nowMs = 0
    inbox = createInbox<string>({
      queueBytesMax: 1_000_000,
      workingBytesMax: 1_000_000,
      bytesPerSecond: 1e9,
      burstBytes: 1e9,
      nowMs: () => nowMs,
      deliver: (from, bytes) => void delivered.push({ from, byteCount: bytes.length }),
      ...options,
    })
    return inbox
  }
  const countOf = (from: string) => delivered.filter((one) => one.from === from).length

  it('hands over by bytes in turn: many large ones wait for few small ones', async () => {
    const { open } = create({ queueBytesMax: 1e9 })
    const [large, small] = [open('large', createFlow()), open('small', createFlow())]
    for (let index = 0; index < 10; index++) large.push(message(64 * 1024))
    for (let index = 0; index < 10; index++) small.push(message(100))
    await turn()
    // One round gives 64 KiB to each.
    expect(delivered.slice(0, 11).map(({ from }) => from)).toEqual(['large', ...Array<string>(10).fill('small')])
    await turn()
    expect(delivered).toHaveLength(20)
  })

  it('saves up for what is longer than one round', async () => {
    const { open } = create({ queueBytesMax: 1e9 })
    const [large, small] = [open('large', createFlow()), open('small', createFlow())]
    large.push(message(200 * 1024))
    for (let index = 0; index < 4; index++) small.push(message(64 * 1024))
    await turn()
    expect(delivered.map(({ from }) => from)).toEqual(['small', 'small', 'small', 'large', 'small'])
  })

  it('gives way to the event loop after a turn, and goes on with the next peer', async () => {
    const { open } = create({ turnMessages: 3 })
    const lanes = ['a', 'b', 'c', 'd'].map((name) => open(name, createFlow()))
    for (const lane of lanes) for (let index = 0; index < 2; index++) lane.push(message(40_000))
    await turn()
    expect(delivered.map(({ from }) => from)).toEqual(['a', 'b', 'c'])
    await turn()
    expect(delivered.slice(3).map(({ from }) => from)).toEqual(['d', 'a', 'b'])
    for (let index = 0; index < 3; index++) await turn()
    expect(['a', 'b', 'c', 'd'].map(countOf)).toEqual([2, 2, 2, 2])
  })

  it('does not read whose queue is full, until it is half empty', async () => {
    let release: () => void = () => undefined
    const { open } = create({
      queueBytesMax: 1_000,
      workingBytesMax: 1,
      deliver: (from, bytes) => {
        delivered.push({ from, byteCount: bytes.length })
        return new Promise((resolve) => {
          release = resolve
        })
      },
    })
    const flow = createFlow()
    const lane = open('a', flow)
    for (let index = 0; index < 11; index++) lane.push(message(100))
    await turn()
    expect([delivered.length, flow.isPaused]).toEqual([1, true])
    const states: boolean[] = []
    for (let index = 0; index < 10; index++) {
      release()
      await turn()
      await turn()
      states.push(flow.isPaused)
    }
    expect([delivered.length, states]).toEqual([
      11,
      [...Array<boolean>(4).fill(true), ...Array<boolean>(6).fill(false)],
    ])
  })

  it('serves others while the host works on the messages of one', async () => {
    const { open } = create({
      workingBytesMax: 1,
      deliver: (from, bytes) => {
        delivered.push({ from, byteCount: bytes.length })
        return from === 'slow' ? new Promise(() => undefined) : undefined
      },
    })
    const [slow, quick] = [open('slow', createFlow()), open('quick', createFlow())]
    for (let index = 0; index < 5; index++) {
      slow.push(message(10))
      quick.push(message(10))
    }
    await turn()
    await turn()
    expect([countOf('slow'), countOf('quick')]).toEqual([1, 5])
  })

  it('goes on when what the host does fails', async () => {
    const { open } = create({
      workingBytesMax: 1,
      deliver: (from, bytes) => {
        delivered.push({ from, byteCount: bytes.length })
        return Promise.reject(new Error('of the host'))
      },
    })
    const lane = open('a', createFlow())
    for (let index = 0; index < 3; index++) lane.push(message(10))
    for (let index = 0; index < 8; index++) await turn()
    expect(delivered).toHaveLength(3)
  })

  it('does not read who sent more than its share, until that has grown back', async () => {
    const { open } = create({ bytesPerSecond: 10_000, burstBytes: 500 })
    const [greedy, other] = [createFlow(), createFlow()]
    const lane = open('greedy', greedy)
    open('other', other).push(message(500))
    lane.push(message(500))
    expect(greedy.isPaused).toBe(false)
    lane.push(message(100))
    expect([greedy.isPaused, other.isPaused]).toEqual([true, false])
    nowMs = 1_000
    while (greedy.isPaused) await new Promise((resolve) => setTimeout(resolve, 2))
    expect(countOf('greedy')).toBe(2)
    // No more than the burst is saved.
    nowMs = 1_000_000
    lane.push(message(501))
    expect(greedy.isPaused).toBe(true)
  })

  it('drops what waits for a peer that is gone, and takes nothing after its end', async () => {
    const { open, byteCount, close } = create()
    const [gone, stays] = [open('gone', createFlow()), open('stays', createFlow())]
    gone.push(message(10))
    stays.push(message(20))
    expect(byteCount()).toBe(30)
    gone.close()
    gone.push(message(10))
    expect(byteCount()).toBe(20)
    await turn()
    expect(delivered).toEqual([{ from: 'stays', byteCount: 20 }])
    stays.push(message(5))
    close()
    stays.push(message(5))
    await turn()
    expect([delivered.length, byteCount()]).toEqual([1, 0])
  })
})

describe('an outbox', () => {
  const limits = { outboundBytesMax: 100, absentBytesMax: 30, socketBytesMax: 20 }
  /** A connection that takes a message when the test says so. */
  function createOutlet() {
    const sent: Bytes[] = []
    const waiting: ((error?: Error | null) => void)[] = []
    const outlet: Outlet & { bufferedAmount: number } = {
      bufferedAmount: 0,
      send(bytes, taken) {
        sent.push(bytes)
        outlet.bufferedAmount += bytes.length
        waiting.push((error) => {
          outlet.bufferedAmount -= bytes.length
          taken(error)
        })
      },
    }
    return { outlet, sent, takeOne: (error?: Error) => waiting.shift()?.(error) }
  }
  const first = ([byte]: Bytes) => byte

  it('hands over only so much, and the rest when that is taken', () => {
    const outbox = createOutbox(limits)
    const { outlet, sent, takeOne } = createOutlet()
    outbox.attach(outlet)
    for (let index = 0; index < 5; index++) outbox.push(message(10, index))
    expect([sent.map(first), outbox.byteCount]).toEqual([[0, 1], 30])
    takeOne()
    expect([sent.map(first), outbox.byteCount]).toEqual([[0, 1, 2], 20])
    takeOne(new Error('gone'))
    expect(sent).toHaveLength(3)
    takeOne(undefined)
    expect(sent).toHaveLength(5)
  })

  it('drops the oldest beyond the limits, with and without a connection', () => {
    const outbox = createOutbox(limits)
    for (let index = 0; index < 4; index++) outbox.push(message(10, index))
    expect([outbox.byteCount, outbox.droppedCount]).toEqual([30, 1])
    const { outlet, sent } = createOutlet()
    outbox.attach(outlet)
    expect(sent.map(first)).toEqual([1, 2])
    for (let index = 4; index < 14; index++) outbox.push(message(10, index))
    expect([outbox.byteCount, outbox.droppedCount]).toEqual([100, 2])
    outbox.attach(undefined)
    expect([outbox.byteCount, outbox.droppedCount]).toEqual([30, 9])
    const next = createOutlet()
    outbox.attach(next.outlet)
    expect(next.sent.map(first)).toEqual([11, 12])
  })
})

it('queues in order and counts bytes, also when much has passed', () => {
  const queue = createByteQueue()
  const expected: number[] = []
  let next = 0
  for (let round = 0; round < 50; round++) {
    for (let index = 0; index < 100; index++) {
      queue.push(message(3, next % 256))
      expected.push(next++ % 256)
    }
    for (let index = 0; index < 90; index++) {
      expect(queue.peek()?.[0]).toBe(expected[0])
      expect(queue.shift()?.[0]).toBe(expected.shift())
    }
  }
  expect([queue.length, queue.byteCount]).toEqual([500, 1_500])
  queue.clear()
  expect([queue.length, queue.byteCount, queue.shift(), queue.peek()]).toEqual([0, 0, undefined, undefined])
})
