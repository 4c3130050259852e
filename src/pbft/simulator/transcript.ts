/**
 * Transcripts: what happened in a run, in lines for people.
 */

import { toHex } from '../../primitives/bytes.ts'
import type { PeerMessage } from '../message.ts'

/** Takes one line of a transcript. */
export type Tell = (atMs: number, line: string) => void

/** Says in a few words what a message is. */
export function describeMessage(message: PeerMessage): string {
  const { kind, body } = message
  switch (kind) {
    case 'pre-prepare':
    case 'prepare':
    case 'commit':
      return `${kind} view ${body.view} sequence ${body.sequence} ${toHex(body.digest).slice(0, 8)}`
    case 'exec-vote':
      return `${kind} height ${body.sequence} ${toHex(body.headerDigest).slice(0, 8)}`
    case 'view-change':
      return `${kind} view ${body.view} stable ${body.stable} prepared ${body.prepared.map((one) => one.sequence).join(',')}`
    case 'new-view':
      return `${kind} view ${body.view} orders ${body.order.map((one) => one.sequence).join(',')}`
    case 'status':
      return `${kind} view ${body.view} ${body.mode} executed ${body.executed} certified ${body.certified}`
    case 'fetch':
      return `${kind} ${body.what} ${body.height}`
    case 'fetched':
      return `${kind} ${body.height}`
    case 'request':
      return `${kind} ${toHex(body.id).slice(0, 8)}`
  }
}
