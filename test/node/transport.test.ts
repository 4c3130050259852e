import { once } from 'node:events'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import type { Socket } from '../../src/chain/index.ts'
import { isVitalsealError } from '../../src/errors.ts'
import { openTransport, type Transport, type TransportOptions } from '../../src/node/transport.ts'
import { addressOf } from '../../src/node/transport-server.ts'
import { CLOSE, createPeerHandshake, type HandshakeStep } from '../../src/node/transport-handshake.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import type { Did } from '../../src/primitives/did.ts'
import { randomBytes } from '../../src/primitives/random.ts'
import { createSigner, createVerifier, type Signer } from '../../src/primitives/signature.ts'
import { chainId, otherChainId } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'

const verifier = createVerifier()
const secretOf = (index: number) => new Uint8Array(32).fill(index + 1)
const signers = Array.from({ length: 5 }, (_, index) => createSigner(secretOf(index)))
const [alice, bob, carol, dave, stranger] = signers as [Signer, Signer, Signer, Signer, Signer]
const members = [alice.did, bob.did, carol.did, dave.did]

interface Node extends Transport {
  readonly received: { readonly from: Did; readonly bytes: Bytes }[]
  readonly clients: Socket[]
  /** Resolves when so many messages came. */
  count(wanted: number): Promise<void>
}

const open: Transport[] = []
const sockets: WebSocket[] = []
const servers: WebSocketServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  for (const socket of sockets.splice(0)) socket.terminate()
  await Promise.all(open.splice(0).map((transport) => transport.close()))
})

async function start(
  signer: Signer,
  peers: readonly string[] = [],
  options: Partial<TransportOptions> = {},
): Promise<Node> {
  const received: { readonly from: Did; readonly bytes: Bytes }[] = []
  const clients: Socket[] = []
  const transport = await openTransport({
    chainId,
    members: () => members,
    signer,
    listen: '127.0.0.1:0',
    peers,
    onMessage: (from, bytes) => void received.push({ from, bytes }),
    onClient: (socket) => void clients.push(socket),
    status: () => ({ height: 7 }),
    ...options,
  })
  open.push(transport)
  const count = (wanted: number) => until(() => received.length >= wanted)
  return Object.assign(transport, { received, clients, count })
}

/** Waits until something holds; fails by the timeout of the test. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function stop(transport: Transport): Promise<void> {
  open.splice(open.indexOf(transport), 1)
  await transport.close()
}

const codeOfPromise = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => (isVitalsealError(error) ? error.code : error),
  )
const urlOf = ({ address }: Transport) => `ws://${address}`
const numbered = (index: number, length = 8): Bytes => {
  const bytes = new Uint8Array(length)
  new DataView(bytes.buffer).setUint32(0, index)
  return bytes
}
const numberOf = (bytes: Bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)

/** A connection by hand, and how it ends. */
async function dial(address: string, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${address}${path}`, { perMessageDeflate: false })
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'open')
  return socket
}

/** A connection by hand of a member, whose handshake is done. */
async function prove(to: Transport, signer: Signer): Promise<WebSocket> {
  const socket = await dial(to.address, '/replica')
  const options = { role: 'caller', chainId, members: () => members, signer, verifier, random: randomBytes } as const
  const handshake = createPeerHandshake(options)
  let isProved = false
  socket.on('message', (data: Buffer) => {
    const step = handshake.take(data)
    if (step.kind === 'send') socket.send(step.bytes)
    isProved ||= step.kind === 'done'
  })
  socket.send(handshake.opening as Bytes)
  await until(() => isProved)
  return socket
}

/** An address that passes on to another what comes in either direction, of callers only so many frames. */
async function passOn(to: Transport, { framesMax = Infinity, port: asked = 0 } = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: asked })
  servers.push(server)
  await once(server, 'listening')
  server.on('connection', (caller) => {
    const callee = new WebSocket(`ws://${to.address}/replica`, { perMessageDeflate: false })
    sockets.push(callee, caller)
    callee.on('error', () => undefined)
    const opened = once(callee, 'open')
    let frameCount = 0
    caller.on('message', (data: Buffer) => {
      if (++frameCount <= framesMax) void opened.then(() => callee.send(data))
    })
    callee.on('message', (data: Buffer) => caller.send(data))
    caller.on('close', () => callee.terminate())
    callee.on('close', () => caller.terminate())
  })
  const { port } = server.address() as { readonly port: number }
  return {
    url: `ws://127.0.0.1:${port}`,
    port,
    count: () => server.clients.size,
    cut() {
      server.close()
      for (const socket of server.clients) socket.terminate()
    },
  }
}

const endOf = async (socket: WebSocket): Promise<number> =>
  socket.readyState === socket.CLOSED ? -1 : ((await once(socket, 'close')) as [number])[0]

describe('the handshake', () => {
  const side = (role: 'caller' | 'callee', signer: Signer, options: { readonly chain?: typeof chainId } = {}) =>
    createPeerHandshake({
      role,
      chainId: options.chain ?? chainId,
      members: () => members,
      signer,
      verifier,
      random: randomBytes,
    })
  const bytesOf = (step: HandshakeStep) => {
    if (step.kind === 'fail' || step.bytes === null) return expect.unreachable(JSON.stringify(step))
    return step.bytes
  }
  const failure = (step: HandshakeStep) => (step.kind === 'fail' ? step.code : step.kind)

  it('proves both to each other', () => {
    const caller = side('caller', alice)
    const callee = side('callee', bob)
    expect(callee.opening).toBeNull()
    const greeting = callee.take(caller.opening as Bytes)
    const proof = caller.take(bytesOf(greeting))
    const answer = callee.take(bytesOf(proof))
    expect([greeting.kind, proof.kind]).toEqual(['send', 'send'])
    expect(answer).toMatchObject({ kind: 'done', party: alice.did })
    expect(caller.take(bytesOf(answer))).toEqual({ kind: 'done', party: bob.did, bytes: null })
  })

  it('refuses a stranger, another ledger and itself, before anything is signed', () => {
    const opening = side('caller', stranger).opening as Bytes
    expect(failure(side('callee', bob).take(opening))).toBe(CLOSE.stranger)
    const foreign = side('caller', alice, { chain: otherChainId }).opening as Bytes
    expect(failure(side('callee', bob).take(foreign))).toBe(CLOSE.chain)
    const own = side('caller', bob).opening as Bytes
    expect(failure(side('callee', bob).take(own))).toBe(CLOSE.duplicate)
    const greeting = bytesOf(side('callee', bob).take(side('caller', alice).opening as Bytes))
    expect(side('caller', alice).take(greeting).kind).toBe('send')
  })

  it('refuses a callee that is a stranger', () => {
    const caller = side('caller', alice)
    const greeting = createPeerHandshake({
      role: 'callee',
      chainId,
      members: () => [...members, stranger.did],
      signer: stranger,
      verifier,
      random: randomBytes,
    }).take(caller.opening as Bytes)
    expect(failure(caller.take(bytesOf(greeting)))).toBe(CLOSE.stranger)
  })

  it('refuses another key under a member name', () => {
    const impostor: Signer = { did: alice.did, sign: (tag, fields) => stranger.sign(tag, fields) }
    const caller = side('caller', impostor)
    const callee = side('callee', bob)
    const proof = caller.take(bytesOf(callee.take(caller.opening as Bytes)))
    expect(failure(callee.take(bytesOf(proof)))).toBe(CLOSE.unproven)
    const honest = side('caller', alice)
    const false_ = side('callee', { did: bob.did, sign: (tag, fields) => stranger.sign(tag, fields) })
    const answer = false_.take(bytesOf(honest.take(bytesOf(false_.take(honest.opening as Bytes)))))
    expect(failure(honest.take(bytesOf(answer)))).toBe(CLOSE.unproven)
  })

  it('refuses a proof of another connection', () => {
    const first = side('caller', alice)
    const callee = side('callee', bob)
    const recorded = bytesOf(first.take(bytesOf(callee.take(first.opening as Bytes))))
    const again = side('callee', bob)
    // The same greeting, as the attacker recorded it, and the proof that followed.
    again.take(first.opening as Bytes)
    expect(failure(again.take(recorded))).toBe(CLOSE.unproven)
    expect(callee.take(recorded).kind).toBe('done')
  })

  it('refuses a proof that was made for a third member, passed on with the same greeting', () => {
    const caller = side('caller', alice)
    const carolSide = side('callee', carol)
    const bobSide = side('callee', bob)
    bobSide.take(caller.opening as Bytes)
    const forCarol = caller.take(bytesOf(carolSide.take(caller.opening as Bytes)))
    expect(failure(bobSide.take(bytesOf(forCarol)))).toBe(CLOSE.unproven)
  })

  it('refuses its own proof turned round', () => {
    // Two sides of one callee, played against each other: the proof of one role is none of the other.
    const caller = side('caller', alice)
    const callee = side('callee', bob)
    const proof = bytesOf(caller.take(bytesOf(callee.take(caller.opening as Bytes))))
    expect(failure(caller.take(proof))).toBe(CLOSE.unproven)
  })

  it('is total: whatever comes, there is a verdict', () => {
    const garbage = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(garbage, garbage, fc.boolean(), (first, second, isCaller) => {
        const one = side(isCaller ? 'caller' : 'callee', alice)
        expect(one.take(first).kind).toBe('fail')
        const callee = side('callee', bob)
        callee.take(side('caller', alice).opening as Bytes)
        expect(callee.take(second).kind).toBe('fail')
      }),
      propertyRuns(100),
    )
  })

  it('refuses every shortened and lengthened greeting', () => {
    const opening = side('caller', alice).opening as Bytes
    for (let length = 0; length < opening.length; length++) {
      expect(failure(side('callee', bob).take(opening.subarray(0, length)))).toBe(CLOSE.malformed)
    }
    expect(failure(side('callee', bob).take(Uint8Array.of(...opening, 0)))).toBe(CLOSE.malformed)
  })
})

describe('replicas', () => {
  it('send to each other, in order, with the names that were proved', async () => {
    const one = await start(alice)
    const two = await start(bob, [urlOf(one)])
    const three = await start(carol, [urlOf(one), urlOf(two)])
    await until(() => three.connected().length === 2 && two.connected().length === 1)
    for (let index = 0; index < 500; index++) three.send([alice.did, bob.did, carol.did], numbered(index))
    two.send([alice.did], numbered(7))
    await Promise.all([one.count(501), two.count(500)])
    const ofCarol = one.received.filter(({ from }) => from === carol.did)
    expect(ofCarol.map(({ bytes }) => numberOf(bytes))).toEqual(Array.from({ length: 500 }, (_, index) => index))
    expect(one.received.filter(({ from }) => from === bob.did)).toHaveLength(1)
    expect(three.received).toHaveLength(0)
  })

  it('take messages up to the limit and end the connection beyond it', async () => {
    const one = await start(alice, [], { limits: { messageBytesMax: 1_000 } })
    const two = await start(bob, [urlOf(one)])
    await until(() => two.connected().length === 1)
    two.send([alice.did], numbered(1, 1_000))
    await one.count(1)
    two.send([alice.did], numbered(2, 1_001))
    await until(() => two.connected().length === 0)
    await until(() => two.connected().length === 1)
    two.send([alice.did], numbered(3))
    await one.count(2)
    expect(one.received.map(({ bytes }) => numberOf(bytes))).toEqual([1, 3])
  })

  it('end a stranger, another ledger, text, garbage and silence with a reason', async () => {
    const one = await start(alice, [], { limits: { handshakeTimeoutMs: 300 } })
    const send = async (frame: Uint8Array | string) => {
      const socket = await dial(one.address, '/replica')
      socket.send(frame)
      return endOf(socket)
    }
    const opening = (signer: Signer, chain = chainId) =>
      createPeerHandshake({
        role: 'caller',
        chainId: chain,
        members: () => members,
        signer,
        verifier,
        random: randomBytes,
      }).opening as Bytes
    expect(await send(opening(stranger))).toBe(CLOSE.stranger)
    expect(await send(opening(bob, otherChainId))).toBe(CLOSE.chain)
    expect(await send(opening(alice))).toBe(CLOSE.duplicate)
    expect(await send('hello')).toBe(CLOSE.malformed)
    expect(await send(Uint8Array.of(1, 2, 3))).toBe(CLOSE.malformed)
    expect(await endOf(await dial(one.address, '/replica'))).toBe(CLOSE.late)
    // Too long to be a handshake: ended while it comes.
    expect(await send(new Uint8Array(100_000))).toBe(1006)
    expect(one.received).toHaveLength(0)
  })

  it('end a proved member that sends text, and take its bytes before that', async () => {
    const one = await start(alice)
    const socket = await prove(one, bob)
    socket.send(new Uint8Array(0))
    socket.send(numbered(5))
    socket.send('text')
    expect(await endOf(socket)).toBe(CLOSE.malformed)
    // What had come is not what had its turn.
    expect(one.received.every(({ from }) => from === bob.did)).toBe(true)
    const two = await start(bob, [urlOf(one)])
    two.send([alice.did], numbered(6))
    await until(() => one.received.some(({ bytes }) => bytes.length === 8 && numberOf(bytes) === 6))
  })

  it('survive any frames of strangers', async () => {
    const one = await start(alice)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), async (frames) => {
        const socket = await dial(one.address, '/replica')
        for (const frame of frames) socket.send(frame)
        socket.close()
        await endOf(socket)
      }),
      propertyRuns(20),
    )
    const two = await start(bob, [urlOf(one)])
    two.send([alice.did], numbered(1))
    await one.count(1)
  })

  it('keep nobody out because strangers hold their handshakes', async () => {
    const one = await start(alice, [], { limits: { handshakesMax: 3 } })
    const held = await Promise.all([1, 2, 3, 4, 5].map(() => dial(one.address, '/replica')))
    expect(await endOf(held[0] as WebSocket)).toBe(CLOSE.busy)
    const two = await start(bob, [urlOf(one)])
    await until(() => two.connected().length === 1)
  })

  it('come back after a restart of the other, which gets the newest of what waited', async () => {
    const one = await start(alice)
    const { address } = one
    const two = await start(bob, [`ws://${address}`], { limits: { absentBytesMax: 10 * 8 } })
    await until(() => two.connected().length === 1)
    await stop(one)
    await until(() => two.connected().length === 0)
    for (let index = 0; index < 100; index++) two.send([alice.did], numbered(index))
    expect(two.droppedCount()).toBe(90)
    const again = await start(alice, [], { listen: address })
    await again.count(10)
    expect(again.received.map(({ bytes }) => numberOf(bytes))).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99])
  })

  it('call back at once when a member that was away calls', async () => {
    let laterMs = 0
    const limits = { pauseFirstMs: 20_000, pauseMaxMs: 600_000, silenceMs: 600_000 }
    const one = await start(alice)
    const { address } = one
    const two = await start(bob, [`ws://${address}`], { limits, clock: () => performance.now() + laterMs })
    await until(() => two.connected().length === 1)
    await stop(one)
    await until(() => two.connected().length === 0)
    laterMs = 20_000
    const again = await start(alice, [urlOf(two)], { listen: address })
    await until(() => two.connected().length === 1)
    expect(again.connected()).toEqual([bob.did])
  })

  it('name a member once that two addresses lead to, and reach it by the other when one is lost', async () => {
    const one = await start(alice)
    const passage = await passOn(one)
    const two = await start(bob, [urlOf(one), passage.url])
    await until(() => passage.count() === 1 && two.connected().length === 1)
    const timesOf = (index: number) => one.received.filter(({ bytes }) => numberOf(bytes) === index).length
    for (let index = 10; timesOf(index - 1) < 2; index++) {
      two.send([alice.did], numbered(index))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    passage.cut()
    await until(() => passage.count() === 0)
    expect(two.connected()).toEqual([alice.did])
    two.send([alice.did], numbered(1))
    await until(() => one.received.some(({ bytes }) => numberOf(bytes) === 1))
  })

  it('reach a member though a liar passes on its handshakes and drops the rest', async () => {
    const one = await start(alice)
    const liar = await passOn(one, { framesMax: 2 })
    const honest = await passOn(one)
    // The liar is there first.
    honest.cut()
    const two = await start(bob, [liar.url, honest.url])
    await until(() => two.connected().length === 1)
    two.send([alice.did], numbered(0))
    await passOn(one, { port: honest.port })
    for (let index = 1; one.received.length === 0; index++) {
      two.send([alice.did], numbered(index))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(numberOf(one.received[0]?.bytes as Bytes)).toBeGreaterThan(0)
  })

  it('say why a peer cannot be reached: at once what will not change, in time what may', async () => {
    const one = await start(alice)
    const other = await start(carol, [], { chainId: otherChainId })
    const gone = await start(dave)
    const nobody = urlOf(gone)
    await stop(gone)
    const told: string[] = []
    const onProblem = (peer: string, problem: string) => void told.push(`${peer} ${problem}`)
    const limits = { pauseFirstMs: 5, pauseMaxMs: 20 }
    const two = await start(bob, [urlOf(one), urlOf(other), nobody], { onProblem, limits })
    await until(() => two.connected().length === 1 && told.length >= 2)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(told).toHaveLength(2)
    expect(told.find((line) => line.startsWith(urlOf(other)))).toMatch(/another ledger/)
    expect(told.find((line) => line.startsWith(nobody))).toMatch(/ECONNREFUSED/)
  })

  it('take so many calls of one member, and end the one that was silent for longest', async () => {
    const one = await start(alice, [], { limits: { callsMax: 2 } })
    const calls = [await prove(one, bob), await prove(one, bob)] as const
    calls[0].send(numbered(1))
    await one.count(1)
    const silent = endOf(calls[1])
    const third = await prove(one, bob)
    expect(await silent).toBe(CLOSE.busy)
    calls[0].send(numbered(2))
    third.send(numbered(3))
    await one.count(3)
  })

  it('cut off who is no member any more, and take in who is', async () => {
    let current: readonly Did[] = members
    const options = { members: () => current, limits: { silenceMs: 400 } }
    const one = await start(alice, [], options)
    const two = await start(bob, [urlOf(one)], options)
    await until(() => two.connected().length === 1)
    current = [alice.did, carol.did, stranger.did]
    await until(() => two.connected().length === 0)
    const three = await start(stranger, [urlOf(one)], options)
    await until(() => three.connected().length === 1)
    expect(two.connected()).toEqual([])
  })

  it('end a connection whose other end has gone silent', async () => {
    const one = await start(alice, [], { limits: { silenceMs: 30 } })
    const socket = await dial(one.address, '/ledger')
    const wire = (socket as unknown as { readonly _socket: { pause(): void } })._socket
    // Answers no ping: what is not read is not answered.
    wire.pause()
    let isClosed = false
    one.clients[0]?.addEventListener('close', () => {
      isClosed = true
    })
    await until(() => isClosed)
    const living = await dial(one.address, '/ledger')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(living.readyState).toBe(living.OPEN)
  })

  it('bound what waits for a slow reader by dropping the oldest', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const received: number[] = []
    const limits = { workingBytesMax: 1, inboundBytesMax: 100_000, socketBytesMax: 100_000 }
    const one = await start(alice, [], {
      limits,
      onMessage: (_from, bytes) => {
        received.push(numberOf(bytes))
        return held
      },
    })
    const two = await start(bob, [urlOf(one)], { limits: { ...limits, outboundBytesMax: 1_000_000 } })
    await until(() => two.connected().length === 1)
    for (let index = 0; index < 400; index++) {
      two.send([alice.did], numbered(index, 100_000))
      if (index % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    // 40 MB were sent: at most 1 MB waits here, what the system buffers is a few, and the rest is gone.
    expect(two.droppedCount()).toBeGreaterThan(100)
    await until(() => received.length > 0)
    expect(received).toHaveLength(1)
    release()
    await until(() => received.at(-1) === 399)
    expect(received.length).toBe(400 - two.droppedCount())
    expect([...received].sort((left, right) => left - right)).toEqual(received)
  })

  it('serve a member that sends little while another floods', async () => {
    const order: Did[] = []
    const one = await start(alice, [], {
      limits: { inboundBytesMax: 100_000_000 },
      onMessage: async (from) => {
        order.push(from)
        await new Promise((resolve) => setImmediate(resolve))
      },
    })
    const two = await start(bob, [urlOf(one)])
    const three = await start(carol, [urlOf(one)])
    await until(() => two.connected().length === 1 && three.connected().length === 1)
    for (let index = 0; index < 2_000; index++) two.send([alice.did], numbered(index, 5_000))
    for (let index = 0; index < 20; index++) three.send([alice.did], numbered(index))
    await until(() => order.filter((from) => from === carol.did).length === 20)
    expect(order.length).toBeLessThan(1_500)
  })
})

describe('the port', () => {
  const get = async (address: string, path: string, method = 'GET') =>
    fetch(`http://${address}${path}`, { method, signal: AbortSignal.timeout(5_000) })

  it('answers GET /status and nothing else', async () => {
    const one = await start(alice)
    const response = await get(one.address, '/status')
    expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
      200,
      'application/json',
      { height: 7 },
    ])
    expect((await get(one.address, '/status?x=1')).status).toBe(200)
    for (const path of ['/', '/status/x', '/replica', '/ledger', '/..%2fstatus']) {
      expect((await get(one.address, path)).status).toBe(404)
    }
    expect((await get(one.address, '/status', 'POST')).status).toBe(404)
    const broken = await start(bob, [], { status: () => 1n })
    expect((await get(broken.address, '/status')).status).toBe(500)
  })

  it('takes an address for itself, and an IPv6 network for one', () => {
    const of = (remoteAddress?: string) => addressOf({ remoteAddress } as unknown as Duplex)
    expect([of('192.0.2.1'), of('::ffff:192.0.2.1'), of()]).toEqual(['192.0.2.1', '192.0.2.1', ''])
    expect(['2001:db8::1', '2001:db8:0:0:9::', '2001:db8:0:0:1:2:3:4'].map(of)).toEqual(Array(3).fill('2001:db8:0:0'))
    expect(of('2001:db8:0:1::1')).toBe('2001:db8:0:1')
    expect(of('::1')).toBe('0:0:0:0')
  })

  it.each([{ clientsMax: 2 }, { clientsPerAddressMax: 2 }])(
    'upgrades two paths only, and clients up to %j',
    async (limits) => {
      const one = await start(alice, [], { limits })
      const answers = async (path: string) => {
        const socket = new WebSocket(`ws://${one.address}${path}`)
        sockets.push(socket)
        socket.on('error', () => undefined)
        const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { readonly statusCode: number }]
        return response.statusCode
      }
      expect(await answers('/')).toBe(404)
      const first = await dial(one.address, '/ledger')
      await dial(one.address, '/ledger')
      expect(await answers('/ledger')).toBe(503)
      first.close()
      await endOf(first)
      await until(() => one.clients.length === 2)
      await dial(one.address, '/ledger')
    },
  )

  it('survives what is no HTTP', async () => {
    const one = await start(alice)
    for (const text of ['\0\0\0\0', 'GET /ledger HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n']) {
      const [host, port] = one.address.split(':')
      const wire = connect(Number(port), host)
      wire.on('error', () => undefined)
      wire.write(text)
      wire.resume()
      await once(wire, 'close')
    }
    expect((await get(one.address, '/status')).status).toBe(200)
  })

  it('gives clients turns and refuses what is too long for them', async () => {
    const one = await start(alice)
    const flooder = await dial(one.address, '/ledger')
    const quiet = await dial(one.address, '/ledger')
    await until(() => one.clients.length === 2)
    const order: string[] = []
    for (const [index, client] of one.clients.entries()) {
      client.addEventListener('message', (event) => {
        const { data } = event as { readonly data: Bytes }
        order.push(index === 0 ? 'flooder' : 'quiet')
        expect(data).toBeInstanceOf(Uint8Array)
      })
    }
    for (let index = 0; index < 2_000; index++) flooder.send(new Uint8Array(1_000))
    quiet.send(new Uint8Array(10))
    await until(() => order.includes('quiet'))
    expect(order.length).toBeLessThan(2_000)
    const long = await dial(one.address, '/ledger')
    long.send(new Uint8Array(272 * 1024 + 1))
    expect(await endOf(long)).toBe(1009)
    quiet.send('text')
    expect(await endOf(quiet)).toBe(CLOSE.malformed)
  })

  it('reads a client no faster than its share', async () => {
    const one = await start(alice, [], { limits: { clientBytesPerSecond: 50_000, clientBurstBytes: 100_000 } })
    const flooder = await dial(one.address, '/ledger')
    await until(() => one.clients.length === 1)
    let byteCount = 0
    one.clients[0]?.addEventListener('message', (event) => {
      byteCount += (event as { readonly data: Bytes }).data.length
    })
    for (let index = 0; index < 100; index++) flooder.send(new Uint8Array(50_000))
    await new Promise((resolve) => setTimeout(resolve, 300))
    // The burst, what came with it, and 0.3 s of the share.
    expect(byteCount).toBeGreaterThan(90_000)
    expect(byteCount).toBeLessThan(500_000)
  })

  describe('a client that does not take what it is sent', () => {
    /** A client that asks and does not read, of a server that answers at length. */
    async function ask(limits: Partial<TransportOptions['limits'] & object>, count: number) {
      let askedCount = 0
      const one = await start(alice, [], {
        limits,
        onClient: (socket) => {
          socket.addEventListener('message', () => {
            askedCount++
            socket.send(new Uint8Array(64 * 1024))
          })
        },
      })
      const client = await dial(one.address, '/ledger')
      let answerCount = 0
      client.on('message', () => void answerCount++)
      client.pause()
      for (let index = 0; index < count; index++) client.send(numbered(index))
      const stillAt = async () => {
        for (let before = -1; before !== askedCount || askedCount === 0;) {
          before = askedCount
          await new Promise((resolve) => setTimeout(resolve, 300))
        }
        return askedCount
      }
      return { client, stillAt, answerCount: () => answerCount }
    }

    it('is not read meanwhile, and gets all when it does', async () => {
      const { client, stillAt, answerCount } = await ask({ clientUnreadBytesMax: 100_000 }, 1_000)
      expect(await stillAt()).toBeLessThan(1_000)
      client.resume()
      await until(() => answerCount() === 1_000)
    })

    it('is ended when it takes nothing for long', async () => {
      const { client } = await ask({ clientUnreadBytesMax: 100_000, clientUnreadMs: 50 }, 1_000)
      const wire = (client as unknown as { readonly _socket: { destroyed: boolean; resume(): void } })._socket
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      client.resume()
      expect(await endOf(client)).toBe(1006)
      expect(wire.destroyed).toBe(true)
    })

    it('is ended when too much waits for all of them', async () => {
      const { client, stillAt } = await ask(
        { clientUnreadBytesMax: 100_000, clientsUnreadBytesMax: 50_000, silenceMs: 2_000 },
        1_000,
      )
      await stillAt()
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      client.resume()
      expect(await endOf(client)).toBe(1006)
    })
  })

  it('says what is wrong with an address', async () => {
    const one = await start(alice)
    expect(await codeOfPromise(start(bob, [], { listen: one.address }))).toBe('ERR_NODE_ADDRESS')
    for (const listen of ['', 'localhost', ':7001', '127.0.0.1:99999', '127.0.0.1:x', '::1:7001']) {
      expect(await codeOfPromise(start(bob, [], { listen }))).toBe('ERR_ARGUMENT_INVALID')
    }
    for (const peer of ['', '127.0.0.1:7001', 'http://127.0.0.1:7001', 'ws://']) {
      expect(await codeOfPromise(start(bob, [peer]))).toBe('ERR_ARGUMENT_INVALID')
    }
  })

  it('frees its port when it closes, also with connections that are held open', async () => {
    const one = await start(alice)
    const socket = await dial(one.address, '/ledger')
    const raw = connect(Number(one.address.split(':')[1]), '127.0.0.1')
    raw.on('error', () => undefined)
    await once(raw, 'connect')
    await Promise.all([stop(one), endOf(socket).then((code) => expect(code).toBe(CLOSE.leaving))])
    await start(bob, [], { listen: one.address })
    raw.destroy()
  })
})
