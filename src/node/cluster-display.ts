/**
 * What people see while a cluster runs: on a terminal a table that is drawn anew in its place, in a pipe a line for each news.
 */

import type { Did } from '../primitives/did.ts'
import type { Cluster, ClusterEvent } from './cluster.ts'
import type { CommandIo } from './command.ts'
import { describeMembers, describeStatus, isNews, shortDid, type NodeSummary } from './status-lines.ts'

/** Shows a cluster. */
export interface ClusterDisplay {
  /** Takes what happened. */
  readonly take: (event: ClusterEvent) => void
  /** Says a sentence. */
  readonly say: (text: string) => void
  /** Shows how the nodes are now. */
  readonly show: () => void
  /** Notes that somebody typed a line, which moved what is on the screen. */
  readonly noteLine: () => void
  /** Shows nothing more. */
  readonly close: () => void
}

/** News of one moment are shown together. */
const GATHER_MS = 300
/** In a pipe, new heights alone are worth a line this often. */
const HEIGHT_EVERY_MS = 10_000

/** Returns the display for a terminal or a pipe, and shows how the nodes are. */
export function createClusterDisplay(cluster: Cluster, io: CommandIo): ClusterDisplay {
  const paper = io.isTerminal ? createScreen(cluster, io) : createPipe(cluster, io)
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  function close(): void {
    clearTimeout(timer)
    isClosed = true
  }
  function later(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      paper.show({ onlyNews: true })
    }, GATHER_MS)
  }
  const display: ClusterDisplay = {
    take(event) {
      if (isClosed) return
      const { index } = event
      if (event.kind === 'said') paper.say(`node ${index}: ${event.text}`)
      if (event.kind === 'listening') paper.say(`node ${index} listens again`)
      if (event.kind === 'ended') paper.say(`node ${index} ${event.because}${describeRestart(event.restartAfterMs)}`)
      later()
    },
    say: (text) => paper.say(text),
    show: () => paper.show({ onlyNews: false }),
    noteLine: () => paper.noteLine(),
    close,
  }
  display.show()
  return display
}

function describeRestart(afterMs: number | undefined): string {
  return afterMs === undefined ? '; it stays down' : `; it is started again in ${(afterMs / 1000).toFixed(1)} s`
}

/** Where news are written. */
interface Paper {
  show(options: { readonly onlyNews: boolean }): void
  say(text: string): void
  noteLine(): void
}

function createScreen(cluster: Cluster, io: CommandIo): Paper {
  /** Lines between the top of the table and the cursor. */
  let below = 0
  const wipe = () => {
    if (below > 0) io.err(`\u001b[${below}A\r\u001b[J`)
    below = 0
  }
  function show(): void {
    wipe()
    const lines = describeMembers(cluster.nodes())
    io.err(`${lines.join('\n')}\n`)
    below = lines.length
  }
  return {
    show,
    say(text) {
      wipe()
      io.err(`${text}\n`)
      show()
    },
    noteLine() {
      below++
    },
  }
}

function createPipe(cluster: Cluster, io: CommandIo): Paper {
  const shown = new Map<number, NodeSummary>()
  const nameOf = (did: Did) => {
    const index = cluster.nodes().findIndex((node) => node.did === did)
    return index < 0 ? shortDid(did) : `node ${index}`
  }
  let heightAtMs = io.elapsedMs()
  return {
    show({ onlyNews }) {
      const isHeightDue = io.elapsedMs() - heightAtMs >= HEIGHT_EVERY_MS
      if (isHeightDue) heightAtMs = io.elapsedMs()
      for (const { index, status } of cluster.nodes()) {
        if (status === undefined) continue
        if (onlyNews && !isHeightDue && !isNews(shown.get(index), status)) continue
        shown.set(index, status)
        io.out(`node ${index}: ${describeStatus(status, nameOf)}\n`)
      }
    },
    say: (text) => io.out(`${text}\n`),
    noteLine: () => undefined,
  }
}
