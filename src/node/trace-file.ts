/**
 * A file of the messages between members, one JSON object a line: time, direction, kind, from, to, view, sequence.
 *
 * Nothing of their content is in it. It is for pictures and for finding faults; it grows as long as the node runs.
 */

import { closeSync, openSync, writeSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

/** A message between members, as a node tells of it. */
export interface TracedMessage {
  readonly direction: 'sent' | 'received'
  readonly messageKind: string
  readonly from: string
  readonly to: readonly string[]
  readonly view?: number
  readonly sequence?: number
}

/** An open trace. */
export interface TraceFile {
  write(message: TracedMessage): void
  close(): void
}

/**
 * Opens a trace, behind what is in the file already.
 *
 * Each line goes to the system at once: a process that is killed leaves what it had done.
 */
export function openTraceFile(file: string): TraceFile {
  const handle = openSync(file, 'a', 0o600)
  return {
    write({ direction, messageKind: kind, from, to, view, sequence }) {
      // Between processes of one machine, milliseconds are too coarse for what takes a tenth of one.
      const atMs = Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000
      writeSync(handle, `${JSON.stringify({ atMs, direction, kind, from, to, view, sequence })}\n`)
    },
    close: () => closeSync(handle),
  }
}
