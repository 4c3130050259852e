/**
 * The port of a node: replicas at `/replica`, clients at `/ledger`, `GET /status`, and nothing else.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

import { rejectArgument, VitalsealError } from '../errors.ts'
import type { WebSocket, WebSocketPackage } from './socket.ts'
import type { TransportLimits } from './transport-limits.ts'

/** Who came, with the connection below. */
export type Arrival = (socket: WebSocket, wire: Duplex) => void

/** The port, open. */
export interface TransportServer {
  /** host:port. */
  readonly address: string
  /** Takes no more, and resolves when the upgraded connections, which are their owner's to end, are gone too. */
  close(): Promise<void>
}

const HEADER_BYTES_MAX = 8 * 1024
const REQUEST_TIMEOUT_MS = 5_000

/** Where a connection comes from: an IPv4 address, or the network of 64 bits of an IPv6 one, of which each host has many. */
export function addressOf(wire: Duplex): string {
  const { remoteAddress = '' } = wire as Duplex & { readonly remoteAddress?: string }
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress) ?? []
  return mapped ?? (remoteAddress.includes(':') ? networkOf(remoteAddress) : remoteAddress)
}

/** The first four of the eight groups of an IPv6 address. */
function networkOf(address: string): string {
  const [front = '', back = ''] = address.split('::')
  const [first, last] = [front, back].map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: 8 - (first?.length ?? 0) - (last?.length ?? 0) }, () => '0')
  return [...(first ?? []), ...zeros, ...(last ?? [])].slice(0, 4).join(':')
}

/** Reads `host:port`; an IPv6 host in brackets. */
export function parseListen(listen: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(listen) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port <= 65_535) return { host, port }
  return rejectArgument('listen', 'host:port, for example 127.0.0.1:7001', `"${listen}"`)
}

/**
 * Opens the port.
 *
 * @throws When nothing can listen there: `ERR_NODE_ADDRESS`. {@link VitalsealError}
 */
export async function openServer(
  { WebSocketServer }: WebSocketPackage,
  options: {
    readonly listen: string
    readonly limits: TransportLimits
    readonly onReplica: Arrival
    readonly onClient: Arrival
    /** Whether there is room for one more client from this address. */
    readonly isClientWelcome: (address: string) => boolean
    readonly status: () => unknown
  },
): Promise<TransportServer> {
  const { listen, limits, onReplica, onClient, isClientWelcome, status } = options
  const { host, port } = parseListen(listen)
  const accept = (maxPayload: number) =>
    new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload })
  const replicas = accept(limits.messageBytesMax)
  const clients = accept(limits.clientMessageBytesMax)

  const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: REQUEST_TIMEOUT_MS }
  const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX, ...timeouts }, (...call) => {
    answer(status, ...call)
  })
  server.headersTimeout = REQUEST_TIMEOUT_MS
  server.maxConnections = limits.connectionsMax
  server.on('clientError', (_error, wire) => wire.destroy())
  server.on('upgrade', (request: IncomingMessage, wire: Duplex, head: Buffer) => {
    wire.on('error', () => undefined)
    const path = pathOf(request)
    if (path === '/replica') replicas.handleUpgrade(request, wire, head, (socket) => onReplica(socket, wire))
    else if (path !== '/ledger') refuse(wire, '404 Not Found')
    else if (!isClientWelcome(addressOf(wire))) refuse(wire, '503 Service Unavailable')
    else clients.handleUpgrade(request, wire, head, (socket) => onClient(socket, wire))
  })
  await startListening(server, { listen, host, port })
  return {
    address: boundTo(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

const pathOf = ({ url = '/' }: IncomingMessage) => url.split('?', 1)[0]

function answer(status: () => unknown, request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const isKnown = request.method === 'GET' && pathOf(request) === '/status'
  response.setHeader('Connection', 'close')
  if (!isKnown) {
    response.writeHead(404).end()
    return
  }
  try {
    const body = JSON.stringify(status())
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(`${body}\n`)
  } catch {
    response.writeHead(500).end()
  }
}

function refuse(wire: Duplex, line: string): void {
  wire.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

async function startListening(
  server: Server,
  { listen, host, port }: { readonly listen: string; readonly host: string; readonly port: number },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `cannot listen at ${listen}: ${cause.message}`
      reject(new VitalsealError('ERR_NODE_ADDRESS', message, { details: { address: listen }, path: 'listen', cause }))
    })
    server.listen(port, host, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', () => undefined)
}

function boundTo(server: Server): string {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return ''
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`
}
