import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'

import {
  encodeClientFrame,
  FOLLOW_BLOCKS_MAX,
  FOLLOW_BYTES_MAX,
  parseServerFrame,
  verifyHandshake,
  type ClientFrame,
  type ServerFrame,
  type Socket,
  type StoredBlock,
} from '../../src/chain/index.ts'
import { unwrap } from '../../src/errors.ts'
import { serveLedgerClient, SUBMISSIONS_MAX, type LedgerBackend } from '../../src/node/ledger-server.ts'
import { CLOSE } from '../../src/node/transport-handshake.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import type { Digest32 } from '../../src/primitives/hash.ts'
import { createId } from '../../src/primitives/ids.ts'
import { createVerifier } from '../../src/primitives/signature.ts'
import { createSocketPair } from '../support/ledger-endpoints.ts'
import { chainId, otherChainId, party } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'

const member = party('member')
const nonce = new Uint8Array(32).fill(7)
const hello: ClientFrame = { kind: 'hello', chainId, nonce }
const idOf = (index: number) => createId('transaction', new Uint8Array(32).fill(index) as Digest32)
const submit = (index = 1): ClientFrame => ({ kind: 'submit', id: idOf(index), transaction: Uint8Array.of(index) })

/** A node with as many blocks of one size as a test wants. */
let world: {
  height: number
  blockBytes: number
  reads: number
  listeners: Set<() => void>
  answer: (transaction: Bytes) => Promise<string | null>
  readBlock: (height: number) => Promise<StoredBlock | undefined>
}
beforeEach(() => {
  world = {
    height: 0,
    blockBytes: 10,
    reads: 0,
    listeners: new Set(),
    answer: () => Promise.resolve(null),
    readBlock: (height) =>
      Promise.resolve({ height, block: new Uint8Array(world.blockBytes), certificate: new Uint8Array(5) }),
  }
})

const backend: LedgerBackend = {
  chainId,
  signer: member.signer,
  height: () => world.height,
  readBlock(height) {
    world.reads++
    return world.readBlock(height)
  },
  onBlock(listener) {
    world.listeners.add(listener)
    return () => world.listeners.delete(listener)
  },
  submit: (transaction) => world.answer(transaction),
}

interface Client {
  readonly socket: Socket
  readonly frames: ServerFrame[]
  readonly code: number | undefined
  send(...frames: readonly ClientFrame[]): Promise<void>
  heights(): readonly number[]
}

async function connect(): Promise<Client> {
  const [socket, server] = createSocketPair()
  const frames: ServerFrame[] = []
  let code: number | undefined
  socket.addEventListener('message', (event) => {
    frames.push(unwrap(parseServerFrame((event as { readonly data: Bytes }).data)))
  })
  socket.addEventListener('close', (event) => {
    code = (event as { readonly code: number }).code
  })
  serveLedgerClient(server, backend)
  await settle()
  return {
    socket,
    frames,
    get code() {
      return code
    },
    async send(...sent) {
      for (const frame of sent) socket.send(encodeClientFrame(frame))
      await settle()
    },
    heights: () => frames.flatMap((frame) => (frame.kind === 'block' ? [frame.height] : [])),
  }
}
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}
function grow(count: number): void {
  world.height += count
  for (const listener of world.listeners) listener()
}
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe('a greeting', () => {
  it('is answered by a proof of the member over both nonces', async () => {
    grow(3)
    const client = await connect()
    await client.send(hello)
    const [proof] = client.frames
    if (proof?.kind !== 'proof') return expect.unreachable()
    expect([proof.member, proof.height]).toEqual([member.did, 3])
    const handshake = {
      chainId,
      caller: null,
      callee: member.did,
      callerNonce: nonce,
      calleeNonce: proof.nonce,
    }
    const { signature } = proof
    expect(verifyHandshake(handshake, { role: 'ledger', signature, verifier: createVerifier() })).toBe(true)
    const other = await connect()
    await other.send(hello)
    expect((other.frames[0] as { readonly nonce: Bytes }).nonce).not.toEqual(proof.nonce)
  })

  it('comes first, once, and for this ledger', async () => {
    const [early, twice, foreign] = [await connect(), await connect(), await connect()]
    await early.send(submit())
    await twice.send(hello, hello)
    await foreign.send({ ...hello, chainId: otherChainId })
    expect([early.code, twice.code, foreign.code]).toEqual([CLOSE.malformed, CLOSE.malformed, CLOSE.chain])
    expect(world.listeners.size).toBe(0)
  })

  it('may be followed by anything: no frame ends the connection, nothing else happens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, isGreeted) => {
        const client = await connect()
        if (isGreeted) await client.send(hello)
        client.socket.send(new Uint8Array(bytes))
        await settle()
        expect(client.code).toBe(CLOSE.malformed)
        expect(world.listeners.size).toBe(0)
      }),
      propertyRuns(25),
    )
  })
})

describe('following', () => {
  it('sends what there is and what comes, within a window of blocks that the client moves', async () => {
    grow(40)
    const client = await connect()
    await client.send(hello, { kind: 'follow', height: 0 })
    expect(client.heights()).toEqual(range(1, FOLLOW_BLOCKS_MAX))
    await client.send({ kind: 'follow', height: 10 })
    expect(client.heights()).toEqual(range(1, 10 + FOLLOW_BLOCKS_MAX))
    await client.send({ kind: 'follow', height: 26 })
    await client.send({ kind: 'follow', height: 40 })
    grow(2)
    await settle()
    expect(client.heights()).toEqual(range(1, 42))
    expect(world.reads).toBe(42)
  })

  it('sends no more bytes ahead than the window, and always one block', async () => {
    world.blockBytes = FOLLOW_BYTES_MAX / 2
    grow(40)
    const client = await connect()
    await client.send(hello, { kind: 'follow', height: 0 })
    expect(client.heights()).toEqual([1, 2])
    world.blockBytes = 4 * FOLLOW_BYTES_MAX
    await client.send({ kind: 'follow', height: 2 })
    expect(client.heights()).toEqual([1, 2, 3])
    await client.send({ kind: 'follow', height: 3 })
    expect(client.heights()).toEqual([1, 2, 3, 4])
  })

  it('goes on where the client got to by others, and never back', async () => {
    grow(100)
    const client = await connect()
    await client.send(hello, { kind: 'follow', height: 0 }, { kind: 'follow', height: 90 })
    expect(client.heights().slice(-10)).toEqual(range(91, 100))
    expect(client.heights().length).toBeLessThan(30)
    await client.send({ kind: 'follow', height: 89 })
    expect(client.code).toBe(CLOSE.malformed)
  })

  it('tells heights only to whoever does not follow', async () => {
    const client = await connect()
    grow(1)
    await client.send(hello)
    grow(1)
    grow(1)
    await settle()
    expect(client.frames.slice(1)).toMatchObject([
      { kind: 'head', height: 2 },
      { kind: 'head', height: 3 },
    ])
    await client.send({ kind: 'follow', height: 3 })
    grow(1)
    await settle()
    await client.send({ kind: 'follow', height: null })
    grow(1)
    await settle()
    expect(client.frames.slice(3)).toMatchObject([
      { kind: 'block', height: 4 },
      { kind: 'head', height: 5 },
    ])
  })

  it('tells the height to whoever stops to follow before having everything', async () => {
    grow(3)
    const client = await connect()
    await client.send(hello, { kind: 'follow', height: 3 })
    grow(200)
    await settle()
    expect(client.frames.at(-1)).toMatchObject({ kind: 'block' })
    await client.send({ kind: 'follow', height: null })
    expect(client.frames.at(-1)).toMatchObject({ kind: 'head', height: 203 })
  })

  it('waits for a block that is not there, and ends when the disk fails', async () => {
    grow(5)
    const { readBlock } = world
    world.readBlock = (height) => (height === 3 ? Promise.resolve(undefined) : readBlock(height))
    const client = await connect()
    await client.send(hello, { kind: 'follow', height: 0 })
    expect(client.heights()).toEqual([1, 2])
    world.readBlock = () => Promise.reject(new Error('disk'))
    grow(1)
    await settle()
    expect(client.code).toBe(CLOSE.busy)
    expect(world.listeners.size).toBe(0)
  })
})

describe('submitting', () => {
  it('is answered once each, with the height and the code', async () => {
    const codes = [null, 'ERR_CHAIN_NONCE', 'ERR_CHAIN_QUOTA', 'ERR_SIGNATURE_INVALID', 'ERR_CODEC_LIMIT']
    world.answer = ([index]) => Promise.resolve(codes[index as number] as string | null)
    const client = await connect()
    await client.send(hello, ...codes.map((_, index) => submit(index)))
    expect(client.frames.slice(1)).toMatchObject(
      [null, 'ERR_CHAIN_NONCE', 'ERR_CHAIN_QUOTA', 'ERR_SIGNATURE_INVALID', 'busy'].map((refusal, index) => ({
        kind: 'answer',
        id: idOf(index),
        refusal,
        height: 0,
      })),
    )
  })

  it('is busy beyond so many at once, and when the node fails', async () => {
    const held: (() => void)[] = []
    world.answer = () => new Promise((resolve) => held.push(() => resolve(null)))
    const client = await connect()
    await client.send(hello, ...range(0, SUBMISSIONS_MAX).map((index) => submit(index)))
    expect(client.frames.slice(1)).toMatchObject([{ id: idOf(SUBMISSIONS_MAX), refusal: 'busy' }])
    for (const release of held) release()
    await settle()
    expect(client.frames.filter((frame) => frame.kind === 'answer' && frame.refusal === null)).toHaveLength(
      SUBMISSIONS_MAX,
    )
    world.answer = () => Promise.reject(new Error('stopped'))
    await client.send(submit(99))
    expect(client.frames.at(-1)).toMatchObject({ id: idOf(99), refusal: 'busy' })
  })

  it('goes on for others, and is not answered, when its client has gone', async () => {
    let release: () => void = () => undefined
    world.answer = () =>
      new Promise((resolve) => {
        release = () => resolve(null)
      })
    const client = await connect()
    await client.send(hello, submit())
    client.socket.close()
    await settle()
    expect(world.listeners.size).toBe(0)
    release()
    await settle()
    expect(client.frames).toHaveLength(1)
  })
})
