import { describe, expect, it } from 'vitest'

import { encodeServerFrame, type ServerFrame, type Socket, type StoredBlock } from '../../src/chain/index.ts'
import { createBlockFetcher } from '../../src/node/fetch-blocks.ts'
import { createSocketPair, createTestGroup, type TestMember } from '../support/ledger-endpoints.ts'

/** A member that says what a test wants, as often as it wants, once it was greeted. */
function serve(talk: (say: (frame: ServerFrame) => void, isClosed: () => boolean) => void): () => Socket {
  const group = createTestGroup()
  const [member] = group.members as [TestMember, ...TestMember[]]
  return () => {
    const [client, server] = createSocketPair()
    let isClosed = false
    server.addEventListener('close', () => {
      isClosed = true
    })
    let isGreeted = false
    server.addEventListener('message', () => {
      if (isGreeted) return
      isGreeted = true
      const say = (frame: ServerFrame) => server.send(encodeServerFrame(frame))
      const { did: callee } = member.identity
      say({ kind: 'proof', member: callee, nonce: new Uint8Array(32), signature: SIGNATURE, height: 1_000 })
      talk(say, () => isClosed)
    })
    return client
  }
}

const SIGNATURE = new Uint8Array(65) as Extract<ServerFrame, { readonly kind: 'proof' }>['signature']
const BLOCK = { block: new Uint8Array(1_000), certificate: new Uint8Array(8) }
const soon = (call: () => void) => void setTimeout(call, 5)

async function read(blocks: AsyncIterable<StoredBlock>): Promise<number[]> {
  const heights: number[] = []
  for await (const { height } of blocks) heights.push(height)
  return heights
}

describe('a reader of blocks', () => {
  const fetcherOf = (liar: () => Socket, honest = createTestGroup()) => {
    for (let count = 0; count < 20; count++) honest.commit()
    const { chainId } = honest.genesis
    const openSocket = (url: string) => (url.startsWith('ws://liar') ? liar() : honest.openSocket('member 0'))
    return createBlockFetcher({ chainId, peers: ['ws://liar:1', 'ws://honest:1'], openSocket, waitMsMax: 1_500 })
  }

  it('gives up one that only tells heights, and asks the next', async () => {
    const fetchBlocks = fetcherOf(
      serve((say, isClosed) => {
        const tell = () => {
          say({ kind: 'head', height: 1_000 })
          if (!isClosed()) soon(tell)
        }
        tell()
      }),
    )
    expect(await read(fetchBlocks(1))).toEqual([])
    expect(await read(fetchBlocks(1))).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it('gives up one that sends drop by drop', async () => {
    const fetchBlocks = fetcherOf(
      serve((say, isClosed) => {
        let height = 0
        const drip = () => {
          say({ kind: 'block', height: ++height, ...BLOCK })
          if (!isClosed()) soon(drip)
        }
        drip()
      }),
    )
    expect((await read(fetchBlocks(1))).length).toBeLessThan(1_000)
  })

  it('keeps little of one that sends without being asked', async () => {
    let sent = 0
    const fetchBlocks = fetcherOf(
      serve((say, isClosed) => {
        const pour = () => {
          say({ kind: 'block', height: ++sent, ...BLOCK })
          if (!isClosed() && sent < 5_000) setImmediate(pour)
        }
        pour()
      }),
    )
    const reader = fetchBlocks(1)[Symbol.asyncIterator]()
    expect((await reader.next()).value).toMatchObject({ height: 1 })
    // Nothing more is taken for a while.
    await new Promise<void>((resolve) => setTimeout(resolve, 50))
    expect(sent).toBeLessThan(200)
    await reader.return?.()
  })
})
