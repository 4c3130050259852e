/**
 * The connection of a client as the ledger server sees it: in turn with the other clients, and not beyond its share.
 */

import type { Socket, SocketEvent } from '../chain/index.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { RawData } from './socket.ts'
import { CLOSE } from './transport-handshake.ts'
import type { Inbox } from './transport-inbox.ts'
import { toMessage, type Link } from './transport-link.ts'

/** Returns the socket of a client, whose messages come by the inbox. */
export function createClientSocket(
  link: Link,
  options: {
    readonly inbox: Inbox<(message: Bytes) => void>
    /** What may wait for a client that does not read. */
    readonly bufferedBytesMax: number
  },
): Socket {
  const { socket } = link
  const { inbox, bufferedBytesMax } = options
  const listeners: { readonly kind: SocketEvent; readonly call: (event: object) => void }[] = []
  const tell = (kind: SocketEvent, event: object) => {
    for (const listener of listeners) if (listener.kind === kind) listener.call(event)
  }
  const lane = inbox.open((data) => {
    tell('message', { data })
  }, socket)
  socket.on('message', (data: RawData, isBinary: boolean) => {
    const message = toMessage(data, isBinary)
    if (message === undefined) link.end(CLOSE.malformed, 'expected bytes')
    else lane.push(message)
  })
  socket.on('close', (code, reason) => {
    lane.close()
    tell('close', { code, reason: reason.toString() })
  })
  return {
    send(data) {
      if (socket.readyState !== socket.OPEN) return
      socket.send(data)
      if (socket.bufferedAmount > bufferedBytesMax) socket.terminate()
    },
    close(code = 1000, reason = '') {
      link.end(code, reason)
    },
    addEventListener(kind, call) {
      listeners.push({ kind, call })
    },
  }
}
