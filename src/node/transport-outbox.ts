/**
 * What is to go to one member: a queue bounded in bytes, and the connection that takes from it, if there is one.
 *
 * Only so much is handed to the connection as the system takes; the rest waits here, where it can be bounded. When it is too
 * much, the oldest goes: the replica says it again when it still matters, and the newest is what matters most.
 */

import type { Bytes } from '../primitives/bytes.ts'
import { createByteQueue } from './byte-queue.ts'

/** What an outbox needs of a connection; `ws` fits. */
export interface Outlet {
  /** Bytes that were handed over and that the system has not taken. */
  readonly bufferedAmount: number
  /** Calls back when the system has taken the message, or with the reason why not. */
  send(message: Bytes, taken: (error?: Error | null) => void): void
}

/** Messages for one member. */
export interface Outbox {
  push(message: Bytes): void
  /** Gives it a connection, or takes it away. */
  attach(outlet: Outlet | undefined): void
  readonly byteCount: number
  /** Messages that were dropped, since the start. */
  readonly droppedCount: number
}

/** Returns an empty outbox without a connection. */
export function createOutbox(limits: {
  readonly outboundBytesMax: number
  readonly absentBytesMax: number
  readonly socketBytesMax: number
}): Outbox {
  const queue = createByteQueue()
  let outlet: Outlet | undefined
  let droppedCount = 0

  function pump(): void {
    const current = outlet
    while (current !== undefined && queue.length > 0 && current.bufferedAmount < limits.socketBytesMax) {
      current.send(queue.shift() as Bytes, (error) => {
        // A failed connection is taken away by whoever gave it.
        if (error === undefined || error === null) pump()
      })
    }
  }

  function trim(): void {
    const bytesMax = outlet === undefined ? limits.absentBytesMax : limits.outboundBytesMax
    while (queue.byteCount > bytesMax) {
      queue.shift()
      droppedCount++
    }
  }

  return {
    push(message) {
      queue.push(message)
      pump()
      trim()
    },
    attach(next) {
      outlet = next
      trim()
      pump()
    },
    get byteCount() {
      return queue.byteCount
    },
    get droppedCount() {
      return droppedCount
    },
  }
}
