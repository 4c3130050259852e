/**
 * What a faulty replica has at hand: its own key, what it is sent, and what it may send instead of the truth.
 */

import { sha256 } from '../../primitives/hash.ts'
import type { Signer } from '../../primitives/signature.ts'
import type { Request } from '../batch.ts'
import type { ReplicaConfig, Settings } from '../config.ts'
import { sealMessage, type Draft, type MessageKind, type PeerMessage } from '../message.ts'
import type { Draws } from './random.ts'

/** A message on its way. */
export interface Outgoing {
  readonly to: readonly number[]
  readonly bytes: Uint8Array
  readonly delayMs?: number
}

/** What a faulty replica has at hand. */
export interface Means {
  readonly settings: Settings
  readonly config: ReplicaConfig
  readonly signer: Signer
  /** Keys of all members: only for what they sign in another group or epoch. */
  readonly signers: readonly Signer[]
  readonly index: number
  readonly draws: Draws
  readonly timeoutMs: number
  /** Tells that a client of this replica made a request. */
  readonly submitted: (id: string, request: Request) => void
}

/** A strategy at work. */
export interface Saboteur {
  /** What leaves instead of a message. */
  send(message: PeerMessage, to: readonly number[]): readonly Outgoing[]
  /** Sees what comes in. */
  receive?(message: PeerMessage): void
  /** What leaves without a reason. */
  tick?(): readonly Outgoing[]
}

/** A digest of nothing that anyone proposed. */
export const WRONG = sha256(Uint8Array.of(0xbd))

/** Lets a message leave as it is. */
export const pass = (message: PeerMessage, to: readonly number[]): Outgoing[] => [{ to, bytes: message.bytes }]

/** Signs a message as this replica. */
export function seal<K extends MessageKind>(means: Means, draft: Draft<K>): Uint8Array {
  return sealMessage(means.settings, means.signer, draft).bytes
}

/** All other members. */
export function everyone(means: Means): number[] {
  return means.settings.members.flatMap((_, index) => (index === means.index ? [] : [index]))
}

/** A strategy that changes each message by itself, and keeps none. */
export function falsify(change: (message: PeerMessage) => Uint8Array): Saboteur {
  return { send: (message, to) => [{ to, bytes: change(message) }] }
}
