/**
 * The connection of a client as the ledger server sees it: in turn with the other clients, and not beyond its share.
 *
 * Whoever does not take what it is sent is not heard either, so that answers do not pile up, and is ended when it takes
 * nothing for long.
 */

import type { Socket, SocketEvent } from '../chain/index.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { RawData, WebSocket } from './socket.ts'
import { CLOSE } from './transport-handshake.ts'
import type { Inbox, Lane } from './transport-inbox.ts'
import type { TransportLimits } from './transport-limits.ts'
import { toMessage, type Link } from './transport-link.ts'

/** Returns the socket of a client, whose messages come by the inbox. */
export function createClientSocket(
  link: Link,
  options: {
    readonly inbox: Inbox<(message: Bytes) => void>
    readonly limits: TransportLimits
  },
): Socket {
  const { socket } = link
  const { inbox, limits } = options
  const listeners: { readonly kind: SocketEvent; readonly call: (event: object) => void }[] = []
  const tell = (kind: SocketEvent, event: object) => {
    for (const listener of listeners) if (listener.kind === kind) listener.call(event)
  }
  const lane = inbox.open((data) => {
    tell('message', { data })
  }, socket)
  const reader = watchReader(socket, { lane, limits })
  socket.on('message', (data: RawData, isBinary: boolean) => {
    const message = toMessage(data, isBinary)
    if (message === undefined) link.end(CLOSE.malformed, 'expected bytes')
    else lane.push(message)
  })
  socket.on('close', (code, reason) => {
    lane.close()
    reader.close()
    tell('close', { code, reason: reason.toString() })
  })
  return {
    send(data) {
      if (socket.readyState !== socket.OPEN) return
      reader.send(data)
      if (socket.bufferedAmount > limits.outboundBytesMax) socket.terminate()
    },
    close(code = 1000, reason = '') {
      link.end(code, reason)
    },
    addEventListener(kind, call) {
      listeners.push({ kind, call })
    },
  }
}

/** Sends; holds the lane while too much waits that the other end has not taken, and ends the connection when that takes nothing. */
function watchReader(
  socket: WebSocket,
  { lane, limits }: { readonly lane: Lane; readonly limits: TransportLimits },
): { send(data: Bytes): void; close(): void } {
  const { clientUnreadBytesMax, clientUnreadMs } = limits
  let timer: NodeJS.Timeout | undefined

  function onTaken(): void {
    if (timer === undefined) return
    if (socket.bufferedAmount > clientUnreadBytesMax) timer.refresh()
    else {
      close()
      lane.hold(false)
    }
  }

  function close(): void {
    clearTimeout(timer)
    timer = undefined
  }

  return {
    send(data) {
      socket.send(data, onTaken)
      if (timer !== undefined || socket.bufferedAmount <= clientUnreadBytesMax) return
      lane.hold(true)
      timer = setTimeout(() => {
        socket.terminate()
      }, clientUnreadMs)
    },
    close,
  }
}
