/**
 * Serves one client of a ledger: takes its transactions, and sends it blocks with their certificates as fast as it reads.
 *
 * A client needs no key: what it may write its signatures decide, what it reads is public to it. It gets no more than a
 * window of blocks ahead of what it has confirmed, so that a slow one costs this node little, and it may wait for only so
 * many answers at once. What is no frame of the protocol ends the connection. How fast a client is read, and in which turn,
 * is the transport's to say.
 */

import {
  encodeServerFrame,
  FOLLOW_BLOCKS_MAX,
  FOLLOW_BYTES_MAX,
  HANDSHAKE_NONCE_BYTES,
  parseClientFrame,
  readMessage,
  signHandshake,
  SUBMIT_REFUSALS,
  type ClientFrame,
  type ServerFrame,
  type Socket,
  type StoredBlock,
  type SubmitRefusal,
} from '../chain/index.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { ChainId } from '../primitives/ids.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import type { Signer } from '../primitives/signature.ts'
import { CLOSE } from './transport-handshake.ts'

/** Port: what serving a client needs of a node. */
export interface LedgerBackend {
  readonly chainId: ChainId
  /** Proves the member's key to clients. */
  readonly signer: Signer
  /** Height of the newest block that is final and stored. */
  height(): number
  /** The block of a height, with its certificate; undefined where there is none (any more). */
  readBlock(height: number): Promise<StoredBlock | undefined>
  /** Calls back after each new block; returns what ends that. */
  onBlock(listener: () => void): () => void
  /**
   * Takes a transaction to be ordered, or says by its code why not; null where it was taken, also when it had been before.
   * Codes that are none of `SUBMIT_REFUSALS` count as `busy`.
   */
  submit(transaction: Bytes): Promise<string | null>
}

/** Submissions of one client that wait for an answer; beyond, the answer is `busy`. */
export const SUBMISSIONS_MAX = 64

interface Window {
  isOpen: boolean
  /** Height that the client has. */
  confirmed: number
  /** Height that was sent last. */
  sent: number
  /** Bytes of the blocks sent and not confirmed, oldest first. */
  sizes: number[]
}

/** Serves a client until its connection ends. Returns at once. */
export function serveLedgerClient(socket: Socket, backend: LedgerBackend, random: RandomSource = randomBytes): void {
  const window: Window = { isOpen: false, confirmed: 0, sent: 0, sizes: [] }
  let isGreeted = false
  let isEnded = false
  let isSending = false
  let submissionCount = 0
  let heightTold = 0

  const send = (frame: ServerFrame) => {
    if (!isEnded) socket.send(encodeServerFrame(frame))
  }

  function end(code: number, reason: string): void {
    isEnded = true
    stopListening()
    socket.close(code, reason)
  }

  function greet({ chainId, nonce: callerNonce }: Extract<ClientFrame, { readonly kind: 'hello' }>): void {
    if (chainId !== backend.chainId) {
      end(CLOSE.chain, 'another ledger')
      return
    }
    isGreeted = true
    const { signer } = backend
    const nonce = drawBytes(random, HANDSHAKE_NONCE_BYTES)
    const handshake = { chainId, caller: null, callee: signer.did, callerNonce, calleeNonce: nonce }
    const signature = signHandshake(handshake, { role: 'ledger', signer })
    heightTold = backend.height()
    send({ kind: 'proof', member: signer.did, nonce, signature, height: heightTold })
  }

  function follow(height: number | null): void {
    window.isOpen = height !== null
    if (height === null) {
      // While it followed it was told no heights: without this it would not know that there is more until the next block.
      tellHead()
      return
    }
    if (height < window.confirmed) {
      // A ledger only grows; who went back and forth would be sent the same without end.
      end(CLOSE.malformed, 'expected no lower height')
      return
    }
    window.sizes.splice(0, height - window.confirmed)
    window.confirmed = height
    window.sent = Math.max(window.sent, height)
    if (!isSending) void sendBlocks()
  }

  function mayGoOn(): boolean {
    const { isOpen, sent, sizes } = window
    if (isEnded || !isOpen || sent >= backend.height()) return false
    const byteCount = sizes.reduce((sum, size) => sum + size, 0)
    return sizes.length === 0 || (sizes.length < FOLLOW_BLOCKS_MAX && byteCount < FOLLOW_BYTES_MAX)
  }

  async function sendBlocks(): Promise<void> {
    isSending = true
    try {
      while (mayGoOn()) {
        const height = window.sent + 1
        const stored = await backend.readBlock(height)
        if (stored === undefined) return
        // The client may have got it elsewhere meanwhile.
        if (window.sent + 1 !== height) continue
        const { block, certificate } = stored
        window.sent = height
        window.sizes.push(block.length + certificate.length)
        send({ kind: 'block', height, block, certificate })
      }
    } catch {
      end(CLOSE.busy, 'blocks cannot be read now')
    } finally {
      isSending = false
    }
  }

  function tellHead(): void {
    // A block tells its height too.
    if (!isGreeted || backend.height() <= Math.max(heightTold, window.sent)) return
    heightTold = backend.height()
    send({ kind: 'head', height: heightTold })
  }

  function onBlock(): void {
    if (!window.isOpen) tellHead()
    else if (!isSending) void sendBlocks()
  }

  async function judge(transaction: Bytes): Promise<SubmitRefusal | null> {
    if (submissionCount >= SUBMISSIONS_MAX) return 'busy'
    submissionCount++
    try {
      const code = await backend.submit(transaction)
      return code === null ? null : (SUBMIT_REFUSALS.find((refusal) => refusal === code) ?? 'busy')
    } catch {
      return 'busy'
    } finally {
      submissionCount--
    }
  }

  function take(frame: ClientFrame): void {
    if (frame.kind === 'hello') greet(frame)
    else if (frame.kind === 'follow') follow(frame.height)
    else {
      const { id, transaction } = frame
      void judge(transaction).then((refusal) => {
        send({ kind: 'answer', id, refusal, height: backend.height() })
      })
    }
  }

  socket.addEventListener('message', (event) => {
    if (isEnded) return
    const bytes = readMessage(event)
    const frame = bytes === undefined ? undefined : parseClientFrame(bytes)
    // One greeting, and first.
    if (frame?.ok === true && (frame.value.kind === 'hello') === !isGreeted) take(frame.value)
    else end(CLOSE.malformed, 'expected a frame of the ledger protocol')
  })
  socket.addEventListener('close', () => {
    isEnded = true
    stopListening()
  })
  const stopListening = backend.onBlock(onBlock)
}
