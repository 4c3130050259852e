/** A queue of messages that knows how many bytes wait in it. */

import type { Bytes } from '../primitives/bytes.ts'

/** Messages in order. */
export interface ByteQueue {
  readonly byteCount: number
  readonly length: number
  push(message: Bytes): void
  /** Removes the oldest. */
  shift(): Bytes | undefined
  /** The oldest, which stays. */
  peek(): Bytes | undefined
  clear(): void
}

/** Returns an empty queue. Cost of each call: O(1). */
export function createByteQueue(): ByteQueue {
  let messages: (Bytes | undefined)[] = []
  let first = 0
  let byteCount = 0
  return {
    get byteCount() {
      return byteCount
    },
    get length() {
      return messages.length - first
    },
    push(message) {
      messages.push(message)
      byteCount += message.length
    },
    shift() {
      const message = messages[first]
      if (message === undefined) return undefined
      messages[first++] = undefined
      byteCount -= message.length
      // What was taken is cut off in large pieces.
      if (first > 1_024 && 2 * first > messages.length) {
        messages = messages.slice(first)
        first = 0
      }
      return message
    },
    peek: () => messages[first],
    clear() {
      messages = []
      first = 0
      byteCount = 0
    },
  }
}
