/**
 * Reads final blocks that another member has, over the protocol that serves clients. Nothing that comes is believed here:
 * whoever takes the blocks verifies each by its certificate. Each attempt asks the next member in turn, so that one who says
 * nothing, or nothing of use, or drop by drop what is, costs one attempt of bounded length.
 */

import { performance } from 'node:perf_hooks'

import {
  encodeClientFrame,
  FOLLOW_BLOCKS_MAX,
  FOLLOW_BYTES_MAX,
  HANDSHAKE_NONCE_BYTES,
  parseServerFrame,
  readMessage,
  type ClientFrame,
  type ServerFrame,
  type Socket,
  type StoredBlock,
} from '../chain/index.ts'
import type { ChainId } from '../primitives/ids.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import type { FetchBlocks } from './host.ts'
import { parseEndpoint } from './socket.ts'

/** For how long a member may keep this node waiting in one attempt, all in all: then it is the turn of the next. */
const WAIT_MS_MAX = 10_000

/** What comes over a connection: frames in order, then undefined for ever. */
interface Frames {
  next(): Promise<ServerFrame | undefined>
  send(frame: ClientFrame): void
  close(): void
}

/**
 * Returns a reader of blocks.
 *
 * @param options - `peers`: addresses of the members, as the transport has them; `waitMsMax`: for how long one of them may
 *   keep this node waiting before it is the turn of the next
 */
export function createBlockFetcher(
  options: {
    readonly chainId: ChainId
    readonly peers: readonly string[]
    readonly openSocket: (url: string) => Socket
    readonly waitMsMax?: number
  },
  random: RandomSource = randomBytes,
): FetchBlocks {
  const { chainId, openSocket, waitMsMax = WAIT_MS_MAX } = options
  const urls = options.peers.map((peer, index) => ledgerUrl(peer, `peers.${index}`))
  let turn = 0

  return async function* fetchBlocks(heightFirst): AsyncIterable<StoredBlock> {
    const url = urls[turn++ % urls.length]
    if (url === undefined) return
    const frames = openFrames(openSocket(url), waitMsMax)
    try {
      await frames.next()
      frames.send({ kind: 'hello', chainId, nonce: drawBytes(random, HANDSHAKE_NONCE_BYTES) })
      const proof = await frames.next()
      if (proof?.kind !== 'proof' || proof.height < heightFirst) return
      yield* readBlocks(frames, heightFirst, proof.height)
    } finally {
      frames.close()
    }
  }
}

async function* readBlocks(frames: Frames, heightFirst: number, heightLast: number): AsyncIterable<StoredBlock> {
  for (let height = heightFirst; height <= heightLast; height++) {
    frames.send({ kind: 'follow', height: height - 1 })
    const frame = await frames.next()
    if (frame?.kind !== 'block' || frame.height !== height) return
    const { block, certificate } = frame
    yield { height, block, certificate }
  }
}

function ledgerUrl(peer: string, argument: string): string {
  const url = parseEndpoint(peer, argument)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/ledger`
  return url.href
}

/** More than a member sends ahead of what it is told to be here: of bytes, one block may go beyond. */
function isBeyondWindow(arrived: readonly (ServerFrame | undefined)[]): boolean {
  const before = arrived.slice(0, -1)
  const byteCount = before.reduce((sum, frame) => sum + (frame?.kind === 'block' ? frame.block.length : 0), 0)
  return arrived.length > FOLLOW_BLOCKS_MAX + 1 || byteCount > FOLLOW_BYTES_MAX
}

/** The frames of a socket, one after the other; the first of all stands for its opening. Heights that are told are none. */
function openFrames(socket: Socket, waitMsMax: number): Frames {
  const arrived: (ServerFrame | undefined)[] = []
  let wake = (): void => undefined
  let isEnded = false
  let waitLeftMs = waitMsMax

  function push(frame: ServerFrame | undefined): void {
    if (isEnded) return
    arrived.push(frame)
    wake()
    if (!isBeyondWindow(arrived)) return
    isEnded = true
    socket.close()
  }

  function end(): void {
    push(undefined)
    isEnded = true
  }

  if ('binaryType' in socket) socket.binaryType = 'arraybuffer'
  socket.addEventListener('open', () => {
    push(OPENED)
  })
  socket.addEventListener('message', (event) => {
    const bytes = readMessage(event)
    const frame = bytes === undefined ? undefined : parseServerFrame(bytes)
    if (frame?.ok !== true) end()
    else if (frame.value.kind !== 'head') push(frame.value)
  })
  socket.addEventListener('close', end)
  socket.addEventListener('error', end)

  return {
    async next() {
      const sinceMs = performance.now()
      const timer = setTimeout(end, waitLeftMs)
      while (arrived.length === 0 && !isEnded)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      clearTimeout(timer)
      waitLeftMs -= performance.now() - sinceMs
      return arrived.shift()
    },
    send(frame) {
      if (!isEnded) socket.send(encodeClientFrame(frame))
    },
    close() {
      isEnded = true
      socket.close()
    },
  }
}

const OPENED: ServerFrame = { kind: 'head', height: 0 }
