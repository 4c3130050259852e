/**
 * What a page and its worker say to each other while the worker makes keys and proofs.
 *
 * Only bytes, text and numbers cross, so that every runtime can copy them. The worker asks after each step whether to go on:
 * so the page's own `onProgress` is waited for, as without a worker, and an end reaches a worker that is busy all the time.
 *
 * Both sides are one program under one origin: neither guards against the other. A prover's messages hold the record and
 * the person secret; nothing here writes them anywhere, and no error names them.
 */

import type { ErrorCode, ErrorDetails } from '../../errors.ts'
import type { Progress } from '../../primitives/progress.ts'
import type { RequirementMode } from '../requirement/compile.ts'
import type { Statement } from '../requirement/statement.ts'

/** What a port of the web gives to its listeners. */
export interface MessageLike {
  readonly data?: unknown
}

/** A worker, or a worker's side of itself: `Worker`, `self` and `MessagePort` of browsers fit. */
export interface WebWorkerLike {
  /** Sends a message. */
  postMessage(message: unknown): void
  /** Calls back with what comes. */
  addEventListener(kind: 'message' | 'messageerror' | 'error', listener: (event: MessageLike) => void): void
}

/** The same of Node: `Worker` of `node:worker_threads` fits. */
export interface NodeWorkerLike {
  /** Sends a message. */
  postMessage(message: unknown): void
  /** Calls back with what comes. */
  on(kind: 'message' | 'messageerror' | 'error' | 'exit', listener: (value: unknown) => void): unknown
}

/** Either of them. */
export type WorkerLike = WebWorkerLike | NodeWorkerLike

/** Keeps these messages apart from an application's own on the same port. */
const CHANNEL = 'vitalseal/zk/prover/v1'

/** A requirement on its way: text and schema, from which the worker compiles the circuit by itself. */
export interface CircuitSource {
  readonly schema: Uint8Array
  readonly requirement: Uint8Array
  readonly mode: RequirementMode
}

/** What a page asks for. */
export type Order =
  | { readonly kind: 'generate'; readonly source: CircuitSource; readonly trust: 'single-verifier' }
  | {
      readonly kind: 'validate'
      readonly source: CircuitSource
      readonly provingKey: Uint8Array
      readonly audit: Uint8Array
    }
  | {
      readonly kind: 'prove'
      /** Number of a key that the worker holds. */
      readonly key: number
      readonly statement: Statement
      /** Secret. */
      readonly opening: Uint8Array
      /** Secret. */
      readonly personSecret: Uint8Array
    }

/** A failure on its way. */
export interface SentError {
  readonly code: ErrorCode
  readonly path: string
  readonly message: string
  readonly details: ErrorDetails[ErrorCode]
}

/** From the page, by the number of the job: an order, and whether to go on with it. */
export type PageMessage =
  | { readonly kind: 'start'; readonly job: number; readonly order: Order }
  | { readonly kind: 'go on' | 'end'; readonly job: number }

/** From the worker, by the number of the job. */
export type WorkerMessage =
  | { readonly kind: 'progress'; readonly job: number; readonly progress: Progress }
  | { readonly kind: 'done'; readonly job: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly job: number; readonly error: SentError }

/** Sends a message. */
export function send(port: WorkerLike, message: PageMessage | WorkerMessage): void {
  port.postMessage({ channel: CHANNEL, ...message })
}

/** Hears the messages of this protocol, and nothing else that comes over the port; `onBreak` when no more will come. */
export function listen(
  port: WorkerLike,
  onMessage: (message: PageMessage | WorkerMessage) => void,
  onBreak: () => void = () => undefined,
): void {
  const hear = (data: unknown): void => {
    if (typeof data === 'object' && data !== null && (data as { channel?: unknown }).channel === CHANNEL) {
      onMessage(data as PageMessage | WorkerMessage)
    }
  }
  if ('addEventListener' in port) {
    port.addEventListener('message', (event) => {
      hear(event.data)
    })
    port.addEventListener('messageerror', onBreak)
    port.addEventListener('error', onBreak)
  } else {
    port.on('message', hear)
    for (const kind of ['messageerror', 'error', 'exit'] as const) port.on(kind, onBreak)
  }
}
