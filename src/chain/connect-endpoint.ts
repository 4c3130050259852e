/**
 * One endpoint of a ledger: the connection to it, what its member proved, and what it claims.
 *
 * Whoever answers there may say anything. What is no frame of the protocol, or a proof that does not hold, ends the
 * connection for good; what is a frame is passed on to be judged.
 */

import { isVitalsealError, type VitalsealError } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId } from '../primitives/ids.ts'
import { drawBytes, type RandomSource } from '../primitives/random.ts'
import type { Verifier } from '../primitives/signature.ts'
import { HANDSHAKE_NONCE_BYTES, verifyHandshake } from './handshake.ts'
import { encodeClientFrame, parseServerFrame, type ClientFrame, type ServerFrame } from './ledger-protocol.ts'
import { readMessage, type Socket, type SocketEvent } from './socket.ts'

/** A frame that comes after the proof. */
export type LaterFrame = Exclude<ServerFrame, { readonly kind: 'proof' }>

/** Who is told what happens at an endpoint. */
export interface EndpointListener {
  onProved(endpoint: Endpoint): void
  onFrame(endpoint: Endpoint, frame: LaterFrame): void
  /** The caller's `openSocket` gives something that cannot be used. */
  onMisuse(error: VitalsealError): void
}

/** One endpoint. */
export interface Endpoint {
  readonly url: string
  /** `away`: no connection; `banned`: never again. */
  readonly state: 'away' | 'opening' | 'proved' | 'banned'
  /** Whose key was proved on this connection, or on the last one. */
  readonly member: Did | undefined
  /** The height that it claims to have. */
  height: number
  /** The height above which it was asked for blocks; null where it was not. */
  asked: number | null
  /** How often it was asked and nothing came while others had more. */
  stalls: number
  /** Connections in a row that came to nothing. */
  failures: number
  /** What the last connection failed by, where the socket said it. */
  readonly problem: unknown
  /** Opens a connection; resolves when it has ended, with whether the member proved its key. */
  connect(): Promise<boolean>
  /** Sends where a member was proved. */
  send(frame: ClientFrame): void
  /** Ends the connection. */
  close(): void
  /** Ends it for good: it lied. */
  ban(reason: string): void
}

/** Code of a close frame: against the rules of the application. */
const BANNED_CODE = 4400
const NORMAL_CODE = 1000

interface Connection {
  readonly socket: Socket
  readonly nonce: Bytes
  isProved: boolean
  readonly onEnd: (isProved: boolean) => void
}

/** Returns an endpoint without a connection. */
export function createEndpoint(options: {
  readonly url: string
  readonly chainId: ChainId
  readonly openSocket: (url: string) => Socket
  readonly verifier: Verifier
  readonly random: RandomSource
  readonly listener: EndpointListener
}): Endpoint {
  const { url, chainId, openSocket, verifier, random, listener } = options
  let state: Endpoint['state'] = 'away'
  let member: Did | undefined
  let connection: Connection | undefined
  let problem: unknown

  function greet({ socket, nonce }: Connection): void {
    socket.send(encodeClientFrame({ kind: 'hello', chainId, nonce }))
  }

  function takeProof(current: Connection, frame: ServerFrame): void {
    if (frame.kind !== 'proof') {
      endpoint.ban('expected a proof')
      return
    }
    const { member: callee, nonce: calleeNonce, signature, height } = frame
    const handshake = { chainId, caller: null, callee, callerNonce: current.nonce, calleeNonce }
    if (!verifyHandshake(handshake, { role: 'ledger', signature, verifier })) {
      endpoint.ban('the proof does not hold')
      return
    }
    state = 'proved'
    current.isProved = true
    member = callee
    endpoint.height = height
    endpoint.failures = 0
    listener.onProved(endpoint)
  }

  function take(current: Connection, event: object): void {
    const bytes = readMessage(event)
    const frame = bytes === undefined ? undefined : parseServerFrame(bytes)
    if (frame?.ok !== true) endpoint.ban('expected a frame of the ledger protocol')
    else if (state === 'opening') takeProof(current, frame.value)
    else if (frame.value.kind === 'proof') endpoint.ban('expected one proof')
    else listener.onFrame(endpoint, frame.value)
  }

  function attach(current: Connection): void {
    const { socket } = current
    if ('binaryType' in socket) socket.binaryType = 'arraybuffer'
    const whileCurrent = (call: (event: object) => void) => (event: object) => {
      if (connection !== current) return
      try {
        call(event)
      } catch (error) {
        if (!isVitalsealError(error)) throw error
        listener.onMisuse(error)
      }
    }
    const listen = (kind: SocketEvent, call: (event: object) => void) => {
      socket.addEventListener(kind, whileCurrent(call))
    }
    listen('open', () => {
      greet(current)
    })
    listen('message', (event) => {
      take(current, event)
    })
    listen('error', (event) => {
      const { error, message } = event as { readonly error?: unknown; readonly message?: unknown }
      problem = error ?? message
      endpoint.close()
    })
    listen('close', () => {
      endpoint.close()
    })
    // A socket of one's own may be open already.
    if ((socket as { readonly readyState?: unknown }).readyState === 1) greet(current)
  }

  function leave(next: 'away' | 'banned', code: number, reason: string): void {
    const left = connection
    connection = undefined
    state = next
    endpoint.asked = null
    if (left === undefined) return
    left.socket.close(code, reason)
    left.onEnd(left.isProved)
  }

  const endpoint: Endpoint = {
    url,
    get state() {
      return state
    },
    get member() {
      return member
    },
    height: 0,
    asked: null,
    stalls: 0,
    failures: 0,
    get problem() {
      return problem
    },
    async connect() {
      state = 'opening'
      const wasProved = await new Promise<boolean>((onEnd) => {
        try {
          const socket = openSocket(url)
          connection = { socket, nonce: drawBytes(random, HANDSHAKE_NONCE_BYTES), isProved: false, onEnd }
          attach(connection)
        } catch (error) {
          // An address that cannot be opened is like one where nobody answers.
          problem = error
          leave('away', NORMAL_CODE, '')
          onEnd(false)
        }
      })
      if (!wasProved) endpoint.failures++
      return wasProved
    },
    send(frame) {
      if (state === 'proved') connection?.socket.send(encodeClientFrame(frame))
    },
    close() {
      leave(state === 'banned' ? 'banned' : 'away', NORMAL_CODE, '')
    },
    ban(reason) {
      leave('banned', BANNED_CODE, reason)
    },
  }
  return endpoint
}
