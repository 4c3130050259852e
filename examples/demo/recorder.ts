/** What a client sees of the network: when it sent each transaction, and which node's block showed first that it is final. */
import { performance } from 'node:perf_hooks'
import {
  parseClientFrame,
  parseServerFrame,
  readMessage,
  type AppliedReceipt,
  type LedgerClient,
  type Socket,
} from 'vitalseal/chain'
import { openSocket } from 'vitalseal/node'

import type { Submitted } from './trace.ts'

/** Milliseconds, finer than a clock's, comparable between processes of one machine. */
export const nowMs = (): number => performance.timeOrigin + performance.now()

/** Returns ports for a client, and what they saw. */
export function createRecorder(endpoints: readonly string[]) {
  const sent = new Map<string, number>()
  const blocks = new Map<number, { readonly atMs: number; readonly node: number }>()
  const receipts: AppliedReceipt[] = []

  function noteSent(bytes: Uint8Array): void {
    const frame = parseClientFrame(bytes)
    if (frame.ok && frame.value.kind === 'submit' && !sent.has(frame.value.id)) sent.set(frame.value.id, nowMs())
  }

  function noteReceived(event: object, node: number): void {
    const bytes = readMessage(event)
    const frame = bytes === undefined ? undefined : parseServerFrame(bytes)
    if (frame?.ok !== true || frame.value.kind !== 'block' || blocks.has(frame.value.height)) return
    blocks.set(frame.value.height, { atMs: nowMs(), node })
  }

  return {
    /** Opens connections that are listened in on. */
    openSocket(endpoint: string): Socket {
      const socket = openSocket(endpoint)
      socket.addEventListener('message', (event) => noteReceived(event, endpoints.indexOf(endpoint)))
      return {
        ...socket,
        send(bytes) {
          noteSent(bytes)
          socket.send(bytes)
        },
      }
    },
    /** A client whose receipts are kept. */
    watch(ledger: LedgerClient): LedgerClient {
      return {
        ...ledger,
        async submit(transaction, progress) {
          const receipt = await ledger.submit(transaction, progress)
          receipts.push(receipt)
          return receipt
        },
      }
    },
    /** Everything that was acknowledged. */
    receipts: receipts as readonly AppliedReceipt[],
    /** What was acknowledged, with the times of its messages. */
    submitted(): readonly Submitted[] {
      return receipts.flatMap(({ id, height }) => {
        const [sentMs, block] = [sent.get(id), blocks.get(height)]
        if (sentMs === undefined || block === undefined) return []
        return [{ height, sentMs, finalMs: block.atMs, answeredBy: block.node }]
      })
    },
  }
}

/** The recorder of a run. */
export type Recorder = ReturnType<typeof createRecorder>
