/**
 * What a node tells of itself while it runs: for pictures, logs and tests. Whoever listens cannot hold up or break the node.
 */

import type { MessageKind, ReplicaMode } from '../pbft/index.ts'
import type { Did } from '../primitives/did.ts'

/** Something that happened in a node. */
export type NodeEvent =
  /** A message between members left, or came in; whether it was of use is not said. */
  | {
      readonly kind: 'message'
      readonly direction: 'sent' | 'received'
      readonly messageKind: MessageKind
      readonly from: Did
      readonly to: readonly Did[]
      readonly view?: number
      readonly sequence?: number
      readonly atMs: number
    }
  /** A block is final and stored. */
  | { readonly kind: 'block'; readonly height: number; readonly count: number; readonly atMs: number }
  /** The view, the primary or what the replica does has changed. */
  | {
      readonly kind: 'view'
      readonly view: number
      readonly primary: Did
      readonly mode: NodeMode
      readonly memberEpoch: number
      readonly atMs: number
    }
  /** An input had no effect; `rejected` is a fault of its sender, null where that is a client. */
  | {
      readonly kind: 'reject'
      readonly grade: 'ignored' | 'rejected'
      readonly from: Did | null
      readonly reason: string
      readonly atMs: number
    }
  /** A member broke the protocol, and the evidence proves it to anyone. */
  | { readonly kind: 'evidence'; readonly accused: Did; readonly evidence: Uint8Array; readonly atMs: number }
  /** A peer cannot be reached, and that has lasted; it is called again all the same. Told again when the reason changes. */
  | { readonly kind: 'peer'; readonly address: string; readonly problem: string; readonly atMs: number }
  /** The node has stopped itself: its disk failed, or its state differs from the group's. Nothing leaves it any more. */
  | { readonly kind: 'halt'; readonly reason: string; readonly atMs: number }

/** What a node is doing: what its replica is doing, or `following` without a vote, or `stopped`. */
export type NodeMode = ReplicaMode | 'following' | 'stopped'

/** An event before it is dated. */
export type Undated<E> = E extends unknown ? Omit<E, 'atMs'> : never

/** Tells a listener of events, some time later and whatever it does with them. */
export function createTeller(
  listener: ((event: NodeEvent) => void | Promise<void>) | undefined,
  nowMs: () => number,
): (event: Undated<NodeEvent>) => void {
  if (listener === undefined) return () => undefined
  let waiting: NodeEvent[] = []

  function tellAll(): void {
    const events = waiting
    waiting = []
    for (const event of events) void tell(event)
  }

  async function tell(event: NodeEvent): Promise<void> {
    try {
      await Promise.resolve(listener?.(event))
    } catch {
      // Its own affair.
    }
  }

  return (event) => {
    if (waiting.length === 0) queueMicrotask(tellAll)
    waiting.push({ ...event, atMs: nowMs() })
  }
}
