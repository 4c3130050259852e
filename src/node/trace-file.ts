/**
 * What a node writes beside its database, for people. A file of the messages between members, one JSON object a line: time, direction, kind, from, to, view, sequence.
 *
 * Nothing of their content is in it. It is for pictures and for finding faults; it grows as long as the node runs.
 */

import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

import { toHex } from '../primitives/bytes.ts'
import type { NodeEvent } from './node-events.ts'

type MessageEvent = Extract<NodeEvent, { readonly kind: 'message' }>
/** Evidence against a member. */
export type EvidenceEvent = Extract<NodeEvent, { readonly kind: 'evidence' }>

/** An open trace. */
export interface TraceFile {
  write(message: MessageEvent): void
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
    write({ direction, messageKind: kind, from, to, view, sequence, atMs }) {
      // Milliseconds are too coarse for what takes a tenth of one; a process that was interrupted may write it down late.
      const fineMs = Math.min(Math.max(performance.timeOrigin + performance.now(), atMs), atMs + 0.999)
      const noted = { atMs: Math.round(fineMs * 1000) / 1000, direction, kind, from, to, view, sequence }
      writeSync(handle, `${JSON.stringify(noted)}\n`)
    },
    close: () => closeSync(handle),
  }
}

/** Evidence of one run that is kept: what proves more adds nothing. */
const EVIDENCE_MAX = 100

/** Where evidence goes. */
export interface EvidenceFile {
  readonly file: string
  /** Tells whether it was kept. */
  write(evidence: EvidenceEvent): boolean
}

/** Returns a file of evidence against members, one JSON object a line; made with the first. `verifyEvidence` judges it anywhere. */
export function openEvidenceFile(file: string): EvidenceFile {
  let count = 0
  return {
    file,
    write({ atMs, accused, evidence }) {
      if (count++ >= EVIDENCE_MAX) return false
      appendFileSync(file, `${JSON.stringify({ atMs, accused, evidence: toHex(evidence) })}\n`)
      return true
    },
  }
}
