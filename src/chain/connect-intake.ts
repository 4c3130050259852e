/**
 * Blocks on their way into the ledger of a client: one after the other, from whichever endpoint has the next.
 *
 * Each endpoint sends in order, so that what arrives is either held already, or the next one, or a gap that no honest
 * endpoint leaves. What waits is bounded by the window of the protocol; whoever sends beyond it is dropped.
 */

import type { VerifiedChain } from './connect-chain.ts'
import type { Endpoint } from './connect-endpoint.ts'
import { BLOCK_BYTES_MAX, FOLLOW_BLOCKS_MAX, FOLLOW_BYTES_MAX } from './ledger-protocol.ts'
import type { StoredBlock } from './store.ts'

/** Takes blocks of endpoints. */
export interface Intake {
  /** Takes a block; it is judged and executed in its turn. */
  push(endpoint: Endpoint, stored: StoredBlock): void
  /** Drops what an endpoint sent before: over its next connection it sends that again. */
  forget(endpoint: Endpoint): void
  /** Takes nothing more. */
  close(): void
}

interface Waiting {
  readonly endpoint: Endpoint
  readonly stored: StoredBlock
}

const sizeOf = ({ block, certificate }: StoredBlock) => block.length + certificate.length

/** Returns the intake of a chain. */
export function createIntake(options: {
  readonly chain: VerifiedChain
  /** Called after each block that was taken, and waited for. */
  readonly onTaken: () => Promise<void>
  /** Called when nothing waits any more. */
  readonly onIdle: () => void
  /** A block was a lie, and its endpoint is banned. */
  readonly onLie: (endpoint: Endpoint) => void
  /** A block cannot be taken, and no other endpoint has a better one. */
  readonly onFailure: (error: unknown) => void
}): Intake {
  const { chain, onTaken, onIdle, onLie, onFailure } = options
  let waiting: Waiting[] = []
  let isBusy = false
  let isClosed = false

  function forget(endpoint: Endpoint): void {
    waiting = waiting.filter((one) => one.endpoint !== endpoint)
  }

  function ban(endpoint: Endpoint, reason: string): void {
    endpoint.ban(reason)
    forget(endpoint)
    onLie(endpoint)
  }

  async function takeNext({ endpoint, stored }: Waiting): Promise<void> {
    if (stored.height <= chain.height()) return
    const judged = chain.judge(stored)
    if (judged.ok) {
      await chain.take(judged.value, stored)
      await onTaken()
    } else ban(endpoint, judged.message)
  }

  async function work(): Promise<void> {
    isBusy = true
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await takeNext(next)
    } catch (error) {
      onFailure(error)
    } finally {
      isBusy = false
    }
    if (!isClosed) onIdle()
  }

  /** Twice the window: it moves on while blocks wait. */
  function isBeyondWindow(endpoint: Endpoint): boolean {
    const own = waiting.filter((one) => one.endpoint === endpoint)
    const byteCount = own.reduce((sum, { stored }) => sum + sizeOf(stored), 0)
    return own.length > 2 * FOLLOW_BLOCKS_MAX || byteCount > 2 * (FOLLOW_BYTES_MAX + BLOCK_BYTES_MAX)
  }

  return {
    push(endpoint, stored) {
      if (isClosed) return
      endpoint.height = Math.max(endpoint.height, stored.height)
      const height = chain.height()
      waiting = waiting.filter((one) => one.stored.height > height)
      waiting.push({ endpoint, stored })
      if (isBeyondWindow(endpoint)) ban(endpoint, 'more blocks than were asked for')
      else if (!isBusy) void work()
    },
    forget,
    close() {
      isClosed = true
      waiting = []
    },
  }
}
