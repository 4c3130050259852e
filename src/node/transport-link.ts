/**
 * One connection: its handshake, its liveness, and how it is ended.
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { RawData, WebSocket } from './socket.ts'
import { CLOSE, type PeerHandshake } from './transport-handshake.ts'

/** How long the other end may take to agree to an end. */
const FAREWELL_MS = 1_000
/**
 * Checks after which a silent other end is given up. Counted, not timed: where this process itself stood still, the answer
 * may be there and not yet read.
 */
const CHECKS_MAX = 3

/** A connection that is watched. */
export interface Link {
  readonly socket: WebSocket
  /** Asks a silent other end for a sign of life, and ends the connection where none came. */
  check(nowMs: number, silenceMs: number): void
  /** Ends it: says why, and does not wait long for an answer. */
  end(code: number, reason: string): void
}

/** Watches a connection. What goes wrong on it shows as its end and nowhere else. */
export function createLink(socket: WebSocket, nowMs: () => number): Link {
  let heardMs = nowMs()
  let silentChecks = 0
  const hear = () => {
    heardMs = nowMs()
    silentChecks = 0
  }
  socket.on('error', () => undefined)
  socket.on('open', hear)
  socket.on('message', hear)
  socket.on('ping', hear)
  socket.on('pong', hear)
  return {
    socket,
    check(now, silenceMs) {
      // Whoever is not read cannot be heard.
      if (socket.isPaused) hear()
      if (now - heardMs <= silenceMs) return
      if (silentChecks === 0 && socket.readyState === socket.OPEN) socket.ping()
      if (++silentChecks > CHECKS_MAX) socket.terminate()
    },
    end(code, reason) {
      socket.close(code, reason)
      setTimeout(() => {
        socket.terminate()
      }, FAREWELL_MS).unref()
    },
  }
}

/** Returns a message of `ws` as bytes of their own; undefined where it is text. */
export function toMessage(data: RawData, isBinary: boolean): Bytes | undefined {
  if (!isBinary || Array.isArray(data)) return undefined
  return new Uint8Array(data)
}

/**
 * Runs a handshake over an open connection; `onDone` is called when the party is proved, before its next message.
 *
 * Ends the connection where the other side does anything else, or nothing.
 */
export function greet(
  link: Link,
  options: {
    readonly handshake: PeerHandshake
    readonly timeoutMs: number
    readonly onDone: (party: Did) => void
  },
): void {
  const { socket } = link
  const { handshake, timeoutMs, onDone } = options
  const timer = setTimeout(() => {
    finish()
    link.end(CLOSE.late, 'no handshake in time')
  }, timeoutMs)

  function finish(): void {
    clearTimeout(timer)
    socket.off('message', take)
    socket.off('close', finish)
  }

  function take(data: RawData, isBinary: boolean): void {
    const frame = toMessage(data, isBinary)
    const step =
      frame === undefined
        ? { kind: 'fail' as const, code: CLOSE.malformed, reason: 'expected bytes' }
        : handshake.take(frame)
    if (step.kind === 'send') {
      socket.send(step.bytes)
      return
    }
    finish()
    if (step.kind === 'fail') {
      link.end(step.code, step.reason)
      return
    }
    if (step.bytes !== null) socket.send(step.bytes)
    onDone(step.party)
  }

  socket.on('message', take)
  socket.on('close', finish)
  if (handshake.opening !== null) socket.send(handshake.opening)
}
