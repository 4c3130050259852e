/**
 * Connections over the package `ws`, which is asked for when it is needed: Node 20 has no WebSocket of its own.
 *
 * No other file names the package; the transport takes its types from here.
 */

import type { RawData, WebSocket, WebSocketServer } from 'ws'

import { rejectArgument, VitalsealError } from '../errors.ts'
import type { Socket, SocketEvent } from '../chain/index.ts'
import type { Bytes } from '../primitives/bytes.ts'

/** The connections and messages of `ws`. */
export type { RawData, WebSocket }

/** Classes of `ws`. */
export interface WebSocketPackage {
  readonly WebSocket: typeof WebSocket
  readonly WebSocketServer: typeof WebSocketServer
}

/** A block of 16 MiB of transactions with its receipts, and what is around it. */
const MESSAGE_BYTES_MAX = 32 * 1024 * 1024
const HANDSHAKE_TIMEOUT_MS = 10_000

/**
 * Returns the classes of `ws`.
 *
 * @throws When it is not installed: `ERR_NODE_PACKAGE`. {@link VitalsealError}
 */
export async function loadWebSocket(): Promise<WebSocketPackage> {
  try {
    return await import('ws')
  } catch (cause) {
    const message = 'the package "ws" is not installed; run: npm install ws'
    throw new VitalsealError('ERR_NODE_PACKAGE', message, { details: { package: 'ws' }, cause })
  }
}

/** Returns the address as a URL of WebSocket. */
export function parseEndpoint(endpoint: string, argument: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  const isFit = url !== undefined && (url.protocol === 'ws:' || url.protocol === 'wss:') && url.hash === ''
  return isFit ? url : rejectArgument(argument, 'ws:// or wss:// and an address', `"${endpoint}"`)
}

/**
 * Opens a connection for `connectLedger`, over `ws`.
 *
 * It is there at once and opens later; what fails, a missing package too, comes as `error` and `close`. On Node 22 and later
 * `(url) => new WebSocket(url)` does as well.
 *
 * @param endpoint - `ws://` or `wss://` with host, port and path, for example `wss://node.example/ledger`
 * @throws When it is no such address: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function openSocket(endpoint: string): Socket {
  const url = parseEndpoint(endpoint, 'endpoint')
  const listeners: { readonly kind: SocketEvent; readonly call: (event: object) => void }[] = []
  let socket: WebSocket | undefined
  let isClosed = false

  const tell = (kind: SocketEvent, event: object) => {
    for (const listener of listeners) if (listener.kind === kind) listener.call(event)
  }

  function open(classes: WebSocketPackage): void {
    if (isClosed) return
    socket = new classes.WebSocket(url, {
      maxPayload: MESSAGE_BYTES_MAX,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    })
    socket.binaryType = 'arraybuffer'
    for (const kind of ['open', 'message', 'close', 'error'] as const) {
      socket.addEventListener(kind, (event: object) => {
        tell(kind, event)
      })
    }
  }

  function fail(error: unknown): void {
    isClosed = true
    tell('error', { type: 'error', error, message: error instanceof Error ? error.message : String(error) })
    tell('close', { type: 'close', code: 1006, reason: 'not opened' })
  }

  void loadWebSocket().then(open).catch(fail)

  return {
    send(data: Bytes) {
      socket?.send(data)
    },
    close(code, reason) {
      isClosed = true
      socket?.close(code, reason)
    },
    addEventListener(kind, call) {
      listeners.push({ kind, call })
    },
  }
}
