/**
 * Reads final blocks that another member has, over the protocol that serves clients. Nothing that comes is believed here:
 * whoever takes the blocks verifies each by its certificate. Each attempt asks the next member in turn, so that one who says
 * nothing, or nothing of use, costs one attempt.
 */

import {
  encodeClientFrame,
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

/** Silence after which a member is given up. */
const SILENCE_MS = 5_000

/** What comes over a connection: frames in order, then undefined for ever. */
interface Frames {
  next(): Promise<ServerFrame | undefined>
  send(frame: ClientFrame): void
  close(): void
}

/**
 * Returns a reader of blocks.
 *
 * @param options - `peers`: addresses of the members, as the transport has them
 */
export function createBlockFetcher(
  options: {
    readonly chainId: ChainId
    readonly peers: readonly string[]
    readonly openSocket: (url: string) => Socket
  },
  random: RandomSource = randomBytes,
): FetchBlocks {
  const { chainId, openSocket } = options
  const urls = options.peers.map((peer, index) => ledgerUrl(peer, `peers.${index}`))
  let turn = 0

  return async function* fetchBlocks(heightFirst): AsyncIterable<StoredBlock> {
    const url = urls[turn++ % urls.length]
    if (url === undefined) return
    const frames = openFrames(openSocket(url))
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
    let frame = await frames.next()
    while (frame?.kind === 'head') frame = await frames.next()
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

/** The frames of a socket, one after the other; the first of all stands for its opening. */
function openFrames(socket: Socket): Frames {
  const arrived: (ServerFrame | undefined)[] = []
  let wake = (): void => undefined
  let isEnded = false

  function push(frame: ServerFrame | undefined): void {
    if (isEnded) return
    arrived.push(frame)
    wake()
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
    if (frame?.ok === true) push(frame.value)
    else end()
  })
  socket.addEventListener('close', end)
  socket.addEventListener('error', end)

  return {
    async next() {
      const timer = setTimeout(end, SILENCE_MS)
      while (arrived.length === 0 && !isEnded)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      clearTimeout(timer)
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
