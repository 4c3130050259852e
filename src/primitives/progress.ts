/**
 * What long work accepts: a signal that ends it, and a function that is told how far it has come.
 *
 * Both by shape: `AbortSignal` fits, and nothing here needs DOM or Node types.
 */

import { VitalsealError } from '../errors.ts'

/** Ends long work; `AbortSignal` fits. */
export interface Signal {
  readonly aborted: boolean
  /** Tells the work once when it is to end. */
  addEventListener(kind: 'abort', listener: () => void): void
  /** Where it is there, a listener whose work is done is taken off. */
  removeEventListener?(kind: 'abort', listener: () => void): void
}

/** How far long work has come. */
export interface Progress {
  /** Parts finished. */
  readonly done: number
  /** Parts altogether. */
  readonly total: number
  /** What is being done, one word. */
  readonly step: string
}

/** Options of all long work. */
export interface ProgressOptions {
  /** Ends the work with `ERR_ABORTED`, at the next step. */
  readonly signal?: Signal
  /** Called after each part, in order; what it throws ends the work. Where it returns a promise, the work waits for it, so that a page can draw. */
  readonly onProgress?: (progress: Progress) => void | Promise<void>
}

/**
 * Throws when the caller has ended the work.
 *
 * @param signal - when absent, the work cannot be ended
 * @param cause - what failed on the way, where something did
 * @throws When the signal is aborted: `ERR_ABORTED`. {@link VitalsealError}
 */
export function throwIfAborted(signal: Signal | undefined, cause?: unknown): void {
  if (signal?.aborted === true) {
    throw new VitalsealError('ERR_ABORTED', 'ended by the signal of the caller', { details: {}, cause })
  }
}

/**
 * Tells how far the work has come, and ends it where the caller wants that.
 *
 * @throws When the signal is aborted: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function reportStep(options: ProgressOptions, progress: Progress): Promise<void> {
  throwIfAborted(options.signal)
  await options.onProgress?.(progress)
}
