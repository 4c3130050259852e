/**
 * Calls one member again and again: a connection that ends is opened anew, after a pause that doubles and is never the same,
 * so that a group that starts at once does not call in step.
 */

import type { RandomSource } from '../primitives/random.ts'
import type { WebSocket } from './socket.ts'
import { CLOSE } from './transport-handshake.ts'
import { createLink, type Link } from './transport-link.ts'

/** Calls one address. */
export interface Dialler {
  /** The connection that is open or being opened. */
  link(): Link | undefined
  /** Calls at once where it pauses: there is reason to think that somebody is there. */
  hurry(): void
  stop(code: number, reason: string): void
}

/** Pauses after an answer that will not change soon: the address is this node's own. */
const DUPLICATE_PAUSES = 10
/** Calls that fail in a row, in ten seconds or so, before it is worth telling. */
const FAILURES_UNTOLD = 8

/** What will not change before somebody does something. */
const PROBLEMS: ReadonlyMap<number, string> = new Map([
  [CLOSE.chain, 'who answers there is of another ledger: compare the genesis'],
  [CLOSE.stranger, 'one of the two is no member for the other: compare the genesis and the keys'],
  [CLOSE.duplicate, 'it is the address of this node itself'],
  [CLOSE.unproven, 'who answers there does not prove the key of a member'],
])

/** Starts to call; `onOpen` runs the handshake on each connection, `onEnd` is told of its end. */
export function createDialler(options: {
  readonly open: () => WebSocket
  readonly pauseFirstMs: number
  readonly pauseMaxMs: number
  readonly nowMs: () => number
  readonly random: RandomSource
  readonly onOpen: (link: Link) => void
  readonly onEnd: (link: Link) => void
  /** Told why calls fail, in words that are not the other side's; once until the reason changes or `link` has proved itself. */
  readonly onProblem: (problem: string) => void
}): Dialler {
  const { open, pauseFirstMs, pauseMaxMs, nowMs, random, onOpen, onEnd, onProblem } = options
  let link: Link | undefined
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let problemTold: string | undefined
  let calledMs = nowMs()
  let isStopped = false

  function call(): void {
    timer = undefined
    calledMs = nowMs()
    const current = createLink(open(), nowMs)
    link = current
    let openedMs: number | undefined
    let problem: string | undefined
    current.socket.on('error', ({ message }) => {
      problem = message
    })
    current.socket.on('open', () => {
      openedMs = nowMs()
      onOpen(current)
    })
    current.socket.on('close', (code) => {
      link = undefined
      onEnd(current)
      if (isStopped) return
      const isLasting = openedMs !== undefined && nowMs() - openedMs > pauseMaxMs
      failures = isLasting ? 0 : failures + 1
      tellProblem(code, problem ?? 'the connection ends at once')
      timer = setTimeout(call, pauseMs(code))
    })
  }

  function tellProblem(code: number, otherwise: string): void {
    const certain = PROBLEMS.get(code)
    if (failures === 0) problemTold = undefined
    // The others may just be starting.
    if (certain === undefined && failures < FAILURES_UNTOLD) return
    const problem = certain ?? otherwise
    if (problem !== problemTold) onProblem(problem)
    problemTold = problem
  }

  function pauseMs(code: number): number {
    if (code === CLOSE.duplicate) return DUPLICATE_PAUSES * pauseMaxMs
    const most = Math.min(pauseMaxMs, pauseFirstMs * 2 ** Math.min(failures, 16))
    return most * (0.5 + (random(1)[0] as number) / 512)
  }

  call()
  return {
    link: () => link,
    hurry() {
      // Not more often than after the shortest pause, whoever gives the reasons.
      if (timer === undefined || isStopped || nowMs() - calledMs < pauseFirstMs) return
      clearTimeout(timer)
      call()
    },
    stop(code, reason) {
      isStopped = true
      clearTimeout(timer)
      link?.end(code, reason)
    },
  }
}
