/**
 * The port behind which a connection is opened: `WebSocket` of browsers and of Node, and that of `ws`, fit as they are.
 */

import { rejectArgument } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'

/** What happens on a socket. */
export type SocketEvent = 'open' | 'message' | 'close' | 'error'

/** Port: one connection that carries messages of bytes, in order. */
export interface Socket {
  /** Sends one message; only after `open`. */
  send(data: Bytes): void
  /** Ends the connection; `close` follows. */
  close(code?: number, reason?: string): void
  /** Calls back on each event: with `data` on `message`, with `code` and `reason` on `close` where they are known. */
  addEventListener(kind: SocketEvent, listener: (event: object) => void): void
  /** Where it exists, it is set to `arraybuffer`. */
  binaryType?: string
}

/**
 * Returns the bytes of a message event; undefined where the message was text, which nobody here sends.
 *
 * @throws When the socket hands out blobs, whose bytes are not at hand: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function readMessage(event: object): Uint8Array | undefined {
  const { data } = event as { readonly data?: unknown }
  if (typeof data === 'string') return undefined
  // Not by instanceof: a frame or a test runner has classes of its own.
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (Object.prototype.toString.call(data) === '[object ArrayBuffer]') return new Uint8Array(data as ArrayBuffer)
  return rejectArgument('openSocket', "a socket with binaryType 'arraybuffer'", 'one that gives other messages')
}
