/**
 * What came in and waits for its turn: every peer has a queue of its own, and the queues are served in rounds by bytes, so
 * that whoever sends much waits for itself and not the others for it (deficit round robin).
 *
 * A peer whose queue is full, whose messages the host has not finished, or who sent more than its share, is not read for a
 * while: the system's flow control then stops it at its own end, and nothing is lost or piles up here.
 */

import type { Bytes } from '../primitives/bytes.ts'
import { createByteQueue, type ByteQueue } from './byte-queue.ts'

/** How a connection is stopped and started. */
export interface Flow {
  pause(): void
  resume(): void
}

/** The queue of one peer. */
export interface Lane {
  push(message: Bytes): void
  /** Hands nothing over while it is held. */
  hold(isHeld: boolean): void
  /** Drops what waits. */
  close(): void
}

/** Queues of peers, served in turn. */
export interface Inbox<K> {
  /** Opens the queue of one connection. */
  readonly open: (key: K, flow: Flow) => Lane
  /** Bytes that wait, of all. */
  readonly byteCount: () => number
  readonly close: () => void
}

/** Bytes that a queue may hand over in one round. */
const ROUND_BYTES = 64 * 1024
/** Messages that are handed over before the event loop goes on. */
const TURN_MESSAGES = 64

interface LaneState {
  readonly queue: ByteQueue
  readonly flow: Flow
  /** Bytes it may still hand over in this round. */
  credit: number
  /** Bytes that the host has in work. */
  working: number
  /** Bytes that it may still send now; negative where it sent too much. */
  tokens: number
  tokensAtMs: number
  /** Set while it waits for its share to grow back. */
  timer: NodeJS.Timeout | undefined
  isStopped: boolean
  isHeld: boolean
  isClosed: boolean
}

/**
 * Returns an empty inbox.
 *
 * @param options - `deliver` gets one message; where it returns a promise, the message counts as in work until that settles
 */
export function createInbox<K>(options: {
  readonly queueBytesMax: number
  readonly workingBytesMax: number
  readonly bytesPerSecond: number
  readonly burstBytes: number
  readonly turnMessages?: number
  /** Milliseconds that only go forward. */
  readonly nowMs: () => number
  readonly deliver: (key: K, message: Bytes) => void | Promise<void>
}): Inbox<K> {
  const { queueBytesMax, workingBytesMax, bytesPerSecond, burstBytes, nowMs, deliver } = options
  const { turnMessages = TURN_MESSAGES } = options
  const lanes = new Map<LaneState, K>()
  let isScheduled = false
  let isClosed = false

  function schedule(): void {
    if (isScheduled || isClosed) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      if (!isClosed) serveTurn()
    })
  }

  const isReady = (lane: LaneState) => !lane.isHeld && lane.queue.length > 0 && lane.working < workingBytesMax

  /** Serves ready queues round by round until a turn is used up; goes on in the next turn of the event loop. */
  function serveTurn(): void {
    let left = turnMessages
    while (left > 0) {
      const ready = [...lanes].filter(([lane]) => isReady(lane))
      if (ready.length === 0) return
      for (const [lane, key] of ready) {
        lane.credit += ROUND_BYTES
        for (let next = lane.queue.peek(); next !== undefined && isReady(lane); next = lane.queue.peek()) {
          if (next.length > lane.credit || left === 0) break
          lane.credit -= next.length
          left--
          lane.queue.shift()
          hand(lane, key, next)
        }
        if (lane.queue.length === 0) lane.credit = 0
        // Behind the others, also when the turn ends here.
        if (lanes.delete(lane)) lanes.set(lane, key)
        steer(lane)
        if (left === 0) break
      }
    }
    schedule()
  }

  function hand(lane: LaneState, key: K, message: Bytes): void {
    const finished = deliver(key, message)
    if (finished === undefined) return
    lane.working += message.length
    const settle = () => {
      lane.working -= message.length
      if (!lane.isClosed) schedule()
    }
    finished.then(settle, settle)
  }

  /** Reads a connection or does not, by what waits and what it may still send. */
  function steer(lane: LaneState): void {
    if (lane.isClosed) return
    refill(lane)
    if (lane.tokens < 0) lane.timer ??= setTimeout(() => grow(lane), Math.ceil((-lane.tokens * 1000) / bytesPerSecond))
    const isFull = lane.queue.byteCount > (lane.isStopped ? queueBytesMax / 2 : queueBytesMax)
    const isStopped = isFull || lane.tokens < 0
    if (isStopped === lane.isStopped) return
    lane.isStopped = isStopped
    if (isStopped) lane.flow.pause()
    else lane.flow.resume()
  }

  function grow(lane: LaneState): void {
    lane.timer = undefined
    steer(lane)
  }

  function refill(lane: LaneState): void {
    const now = nowMs()
    lane.tokens = Math.min(burstBytes, lane.tokens + ((now - lane.tokensAtMs) * bytesPerSecond) / 1000)
    lane.tokensAtMs = now
  }

  function end(lane: LaneState): void {
    clearTimeout(lane.timer)
    lane.isClosed = true
    lane.queue.clear()
    lanes.delete(lane)
  }

  return {
    open(key, flow) {
      const lane: LaneState = {
        queue: createByteQueue(),
        flow,
        credit: 0,
        working: 0,
        tokens: burstBytes,
        tokensAtMs: nowMs(),
        timer: undefined,
        isStopped: false,
        isHeld: false,
        isClosed: false,
      }
      lanes.set(lane, key)
      return {
        push(message) {
          if (lane.isClosed || isClosed) return
          lane.queue.push(message)
          refill(lane)
          lane.tokens -= message.length
          steer(lane)
          schedule()
        },
        hold(isHeld) {
          lane.isHeld = isHeld
          if (!isHeld) schedule()
        },
        close: () => {
          end(lane)
        },
      }
    },
    byteCount: () => [...lanes.keys()].reduce((sum, { queue }) => sum + queue.byteCount, 0),
    close() {
      isClosed = true
      for (const lane of [...lanes.keys()]) end(lane)
    },
  }
}
