/**
 * The transport between replicas, and the port for clients, over WebSocket.
 *
 * Each node calls every other one, at `/replica`, for what it sends, and takes the others' calls for what they send; both
 * ends prove their members' keys first. A connection that breaks is opened anew. Messages may be lost: when a member is away
 * or slow, the oldest that wait for it are dropped, and PBFT says again what still matters.
 *
 * A liar at its own address may pass on the handshake of another member, and then drop what it is sent. So every address that
 * proves a member is sent to, and none keeps another out: a member that two addresses lead to gets everything twice.
 *
 * What an attacker may do: connect, send anything, hold connections open, and, as one of f members, send as much as it
 * likes. It is read no faster than its share, waits for itself alone, and what it sends wrong ends its connection with a
 * reason. Not promised: secrecy and integrity against whoever sits on the way, for which the addresses are `wss://` (TLS
 * ends at a proxy before this port); messages authenticate themselves in any case.
 */

import type { Duplex } from 'node:stream'
import { performance } from 'node:perf_hooks'

import type { Socket } from '../chain/index.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId } from '../primitives/ids.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { createVerifier, type Signer, type Verifier } from '../primitives/signature.ts'
import { loadWebSocket, parseEndpoint, type RawData, type WebSocket, type WebSocketPackage } from './socket.ts'
import { createClientSocket } from './transport-client.ts'
import { createDialler, type Dialler } from './transport-dialler.ts'
import { CLOSE, createPeerHandshake } from './transport-handshake.ts'
import { createInbox } from './transport-inbox.ts'
import { transportLimits, type TransportLimits } from './transport-limits.ts'
import { createLink, greet, toMessage, type Link } from './transport-link.ts'
import { createOutbox, type Outbox } from './transport-outbox.ts'
import { addressOf, openServer } from './transport-server.ts'

/** A transport, open. */
export interface Transport {
  /** Sends to these members; where one is away or slow, only the newest messages wait for it. Not to this node itself. */
  send(to: readonly Did[], bytes: Bytes): void
  /** Members to which a proved connection is open now. */
  connected(): readonly Did[]
  /** host:port it listens on, with the port that was chosen where 0 was asked for. */
  readonly address: string
  /** Messages that were dropped because a member was away or slow. */
  droppedCount(): number
  /** Ends all connections; resolves when the port is free. */
  close(): Promise<void>
}

/** What a transport is made of. */
export interface TransportOptions {
  readonly chainId: ChainId
  /** Asked at each handshake and once in a while: whoever is no member any more is cut off. */
  readonly members: () => readonly Did[]
  readonly signer: Signer
  /** host:port; port 0 takes a free one. */
  readonly listen: string
  /** ws:// or wss:// addresses of the others, in any order; who is behind each shows in the handshake. */
  readonly peers: readonly string[]
  /**
   * Called with each message, at most 4 MiB, of a proved member. Members take turns by bytes. Where it returns a promise,
   * the message counts as in work until that settles, and a member with too much in work is not read meanwhile.
   */
  readonly onMessage: (from: Did, bytes: Bytes) => void | Promise<void>
  /** Called with each connection at `/ledger`; clients take turns too. */
  readonly onClient: (socket: Socket) => void
  /** Answered as JSON to `GET /status`. */
  readonly status: () => unknown
  /** Told why a peer cannot be reached, when that has lasted; its address as in `peers`. */
  readonly onProblem?: (peer: string, problem: string) => void
  readonly verifier?: Verifier
  /** Milliseconds that only go forward; default `performance.now`. */
  readonly clock?: () => number
  readonly limits?: Partial<TransportLimits>
}

/**
 * Opens a transport: listens, and starts to call the others.
 *
 * @throws When an address is none: `ERR_ARGUMENT_INVALID`; when nothing can listen there: `ERR_NODE_ADDRESS`; when the
 *   package `ws` is missing: `ERR_NODE_PACKAGE`. {@link VitalsealError}
 */
export async function openTransport(options: TransportOptions, random: RandomSource = randomBytes): Promise<Transport> {
  const { chainId, members, signer, verifier = createVerifier(), clock: nowMs = () => performance.now() } = options
  const limits = { ...transportLimits, ...options.limits }
  const urls = options.peers.map((peer, index) => replicaUrl(peer, `peers.${index}`))
  const classes = await loadWebSocket()
  /** What waits for members that are away. */
  const absent = new Map<Did, Outbox>()
  /** Connections by which this node sends; a member without one has no entry. */
  const outgoing = new Map<Did, Map<Link, Outbox>>()
  /** Connections by which others send, those last on which something came last. */
  const incoming = new Map<Did, Set<Link>>()
  const greeting = new Set<Link>()
  /** With the address of each. */
  const clients = new Map<Link, string>()
  let diallers: readonly Dialler[] = []
  let droppedBefore = 0

  const inbox = createInbox<Did>({
    queueBytesMax: limits.inboundBytesMax,
    workingBytesMax: limits.workingBytesMax,
    bytesPerSecond: limits.memberBytesPerSecond,
    burstBytes: limits.memberBurstBytes,
    nowMs,
    deliver: options.onMessage,
  })
  const clientInbox = createInbox<(message: Bytes) => void>({
    queueBytesMax: limits.clientMessageBytesMax,
    workingBytesMax: limits.workingBytesMax,
    bytesPerSecond: limits.clientBytesPerSecond,
    burstBytes: limits.clientBurstBytes,
    turnMessages: CLIENT_TURN_MESSAGES,
    nowMs,
    deliver: (take, message) => {
      take(message)
    },
  })

  const handshakeAs = (role: 'caller' | 'callee') =>
    createPeerHandshake({ role, chainId, members, signer, verifier, random })

  function absentBoxOf(member: Did): Outbox | undefined {
    const known = absent.get(member)
    if (known !== undefined || member === signer.did || !members().includes(member)) return known
    const created = createOutbox(limits)
    absent.set(member, created)
    return created
  }

  function onCallee(link: Link, party: Did): void {
    const lines = outgoing.get(party) ?? new Map<Link, Outbox>()
    const outbox = absent.get(party) ?? createOutbox(limits)
    absent.delete(party)
    outgoing.set(party, lines.set(link, outbox))
    outbox.attach(link.socket)
    // Nothing comes back on a connection of one's own.
    link.socket.on('message', () => {
      link.end(CLOSE.malformed, 'expected nothing')
    })
  }

  function onCalleeGone(link: Link): void {
    for (const [party, lines] of outgoing) {
      const outbox = lines.get(link)
      if (outbox === undefined) continue
      lines.delete(link)
      outbox.attach(undefined)
      if (lines.size > 0) droppedBefore += outbox.droppedCount
      else {
        outgoing.delete(party)
        absent.set(party, outbox)
      }
    }
  }

  function onReplica(socket: WebSocket, wire: Duplex): void {
    const link = createLink(socket, nowMs)
    const [oldest] = greeting
    if (greeting.size >= limits.handshakesMax) oldest?.end(CLOSE.busy, 'too many handshakes')
    greeting.add(link)
    const stopMetering = meter(wire, limits.handshakeBytesMax, () => {
      socket.terminate()
    })
    socket.on('close', () => greeting.delete(link))
    const onDone = (party: Did) => {
      stopMetering()
      greeting.delete(link)
      onCaller(link, party)
    }
    greet(link, { handshake: handshakeAs('callee'), timeoutMs: limits.handshakeTimeoutMs, onDone })
  }

  function onCaller(link: Link, party: Did): void {
    const lines = incoming.get(party) ?? new Set()
    const [stillest] = lines
    // It may be half open for minutes.
    if (stillest !== undefined && lines.size >= limits.callsMax) {
      lines.delete(stillest)
      stillest.end(CLOSE.busy, 'called again')
    }
    incoming.set(party, lines.add(link))
    // Who has come back calls first; waiting for the own pause would leave it without messages for seconds.
    if (!outgoing.has(party)) for (const dialler of diallers) dialler.hurry()
    const { socket } = link
    const lane = inbox.open(party, socket)
    socket.on('message', (data: RawData, isBinary: boolean) => {
      const message = toMessage(data, isBinary)
      if (message === undefined) link.end(CLOSE.malformed, 'expected bytes')
      else lane.push(message)
      if (lines.delete(link)) lines.add(link)
    })
    socket.on('close', () => {
      lane.close()
      lines.delete(link)
      if (lines.size === 0 && incoming.get(party) === lines) incoming.delete(party)
    })
  }

  /** Nobody takes all places from one address; behind a proxy all have the proxy's. */
  function isClientWelcome(address: string): boolean {
    if (clients.size >= limits.clientsMax) return false
    return [...clients.values()].filter((other) => other === address).length < limits.clientsPerAddressMax
  }

  function onClient(socket: WebSocket, wire: Duplex): void {
    const link = createLink(socket, nowMs)
    clients.set(link, addressOf(wire))
    socket.on('close', () => clients.delete(link))
    options.onClient(createClientSocket(link, { inbox: clientInbox, limits }))
  }

  const server = await openServer(classes, {
    listen: options.listen,
    limits,
    onReplica,
    onClient,
    isClientWelcome,
    status: options.status,
  })

  diallers = urls.map((url, index) =>
    createDialler({
      onProblem: (problem) => options.onProblem?.(options.peers[index] as string, problem),
      open: () => callSocket(classes, url, limits),
      ...limits,
      nowMs,
      random,
      onOpen: (link) => {
        const onDone = (party: Did) => {
          onCallee(link, party)
        }
        greet(link, { handshake: handshakeAs('caller'), timeoutMs: limits.handshakeTimeoutMs, onDone })
      },
      onEnd: onCalleeGone,
    }),
  )

  const taken = () => [...greeting, ...[...incoming.values()].flatMap((lines) => [...lines]), ...clients.keys()]
  const links = () => [...taken(), ...calls(diallers)]
  const outboxes = () => [...absent.values(), ...[...outgoing.values()].flatMap((lines) => [...lines.values()])]

  /** Asks the silent, and cuts off whoever is no member any more, and who makes too much wait here. */
  function look(): void {
    const now = nowMs()
    endUnread(clients.keys(), limits.clientsUnreadBytesMax)
    for (const link of links()) link.check(now, limits.silenceMs)
    const current = new Set(members())
    for (const [party, lines] of [...incoming, ...outgoing]) {
      if (!current.has(party)) for (const link of lines.keys()) link.end(CLOSE.stranger, 'no member any more')
    }
    for (const [party, outbox] of absent) {
      if (current.has(party)) continue
      droppedBefore += outbox.droppedCount
      absent.delete(party)
    }
  }
  const watch = setInterval(look, limits.silenceMs / 2)

  return {
    send(to, bytes) {
      for (const member of to) {
        const lines = outgoing.get(member)
        if (lines === undefined) absentBoxOf(member)?.push(bytes)
        else for (const outbox of lines.values()) outbox.push(bytes)
      }
    },
    connected: () => [...outgoing.keys()],
    address: server.address,
    droppedCount: () => outboxes().reduce((sum, { droppedCount }) => sum + droppedCount, droppedBefore),
    async close() {
      clearInterval(watch)
      const closed = server.close()
      const rest = taken()
      for (const dialler of diallers) dialler.stop(CLOSE.leaving, 'this node stops')
      for (const link of rest) link.end(CLOSE.leaving, 'this node stops')
      inbox.close()
      clientInbox.close()
      await closed
    },
  }
}

/** Messages of clients between two turns of replicas: they never wait for many. */
const CLIENT_TURN_MESSAGES = 16
/** What a callee may send: its side of the handshake. */
const CALLEE_BYTES_MAX = 4 * 1024

function replicaUrl(peer: string, argument: string): URL {
  const url = parseEndpoint(peer, argument)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/replica`
  return url
}

function callSocket({ WebSocket }: WebSocketPackage, url: URL, limits: TransportLimits): WebSocket {
  return new WebSocket(url, {
    maxPayload: CALLEE_BYTES_MAX,
    perMessageDeflate: false,
    handshakeTimeout: limits.handshakeTimeoutMs,
  })
}

function calls(diallers: readonly Dialler[]): readonly Link[] {
  return diallers.flatMap((dialler) => dialler.link() ?? [])
}

/** Ends those for whom most waits, until no more waits than may. */
function endUnread(links: Iterable<Link>, bytesMax: number): void {
  const unread = [...links].map(({ socket }) => ({ socket, byteCount: socket.bufferedAmount }))
  let total = unread.reduce((sum, { byteCount }) => sum + byteCount, 0)
  for (const { socket, byteCount } of unread.sort((left, right) => right.byteCount - left.byteCount)) {
    if (total <= bytesMax) return
    socket.terminate()
    total -= byteCount
  }
}

/** Counts what is read of a connection, and calls when it is too much. */
function meter(wire: Duplex, bytesMax: number, onTooMuch: () => void): () => void {
  let byteCount = 0
  const count = (chunk: Buffer) => {
    byteCount += chunk.length
    if (byteCount > bytesMax) onTooMuch()
  }
  wire.on('data', count)
  return () => wire.off('data', count)
}
