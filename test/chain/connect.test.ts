import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import {
  connectLedger,
  createMemoryLedgerStore,
  encodeBlock,
  encodeServerFrame,
  hashHeader,
  parseBlock,
  type AppliedReceipt,
  type Block,
  type ConnectOptions,
  type LedgerClient,
  type ServerFrame,
  type Socket,
  type StoredBlock,
} from '../../src/chain/index.ts'
import { isVitalsealError, unwrap, type ErrorCode } from '../../src/errors.ts'
import { createOpensslVerifier } from '../../src/node/openssl-verifier.ts'
import { createCertificate, encodeCertificate, parseCertificate, signExecution } from '../../src/pbft/index.ts'
import { copyBytes, type Bytes } from '../../src/primitives/bytes.ts'
import type { Progress } from '../../src/primitives/progress.ts'
import { createVerifier, type Verifier } from '../../src/primitives/signature.ts'
import { approveMembers, encodeTransaction, type Draft } from '../../src/transactions/index.ts'
import { registration } from '../support/chain-fast.ts'
import { createSocketPair, createTestGroup, type TestGroup, type TestMember } from '../support/ledger-endpoints.ts'
import { party } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'

const people = ['ann', 'bob', 'carol', 'dora', 'emil', 'frida'].map((name) => party(name))
const [ann, bob, carol] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]]
const empty: Draft = { kind: 'delegate', slot: 1, signingKey: null }

const quick = createOpensslVerifier()
let group: TestGroup
const clients: LedgerClient[] = []
beforeEach(() => {
  group = createTestGroup()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})

/** Time that passes only in `wait`, and there as fast as the machine goes. */
const hurry = () => new Promise<void>((resolve) => setTimeout(resolve, 2))

/** Time that never passes. */
const never = () => new Promise<void>(() => undefined)

async function connect(options: Partial<ConnectOptions> = {}): Promise<LedgerClient> {
  const { genesis, urls, openSocket } = group
  const client = await connectLedger({ genesis, endpoints: urls, openSocket, verifier: quick, ...options })
  clients.push(client)
  return client
}

const heightOf = async (client: LedgerClient) => (await client.view()).height
const codeOf = (promise: Promise<unknown>): Promise<ErrorCode | 'resolved'> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => {
      if (isVitalsealError(error)) return error.code
      throw error
    },
  )
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** Registers people, one block each. */
function fill(count: number): void {
  for (const person of people.slice(0, count)) group.commit(encodeTransaction(group.sign(person, registration(person))))
}
/** Blocks without transactions. */
function pass(count: number): void {
  for (let index = 0; index < count; index++) group.commit()
}

const altered = (frame: ServerFrame, change: (stored: StoredBlock) => Partial<StoredBlock>): ServerFrame =>
  frame.kind === 'block' ? { ...frame, ...change(frame) } : frame
const withBlock = (change: (block: Block) => Block) => (stored: StoredBlock) => ({
  block: encodeBlock(change(unwrap(parseBlock(stored.block)))),
})

/** Ways in which a member may lie about blocks. */
const lies: Readonly<Record<string, (frame: ServerFrame) => Bytes | ServerFrame | null>> = {
  'another time in the header': (frame) =>
    altered(
      frame,
      withBlock((block) => ({ ...block, header: { ...block.header, timeMs: block.header.timeMs + 1 } })),
    ),
  'a transaction fewer': (frame) =>
    altered(
      frame,
      withBlock((block) => {
        const receipts = block.receipts.slice(1)
        return {
          header: { ...block.header, count: receipts.length },
          transactions: block.transactions.slice(1),
          receipts,
        }
      }),
    ),
  'another transaction under the certified header': (frame) =>
    altered(
      frame,
      withBlock((block) => ({
        ...block,
        transactions: block.transactions.map(() => encodeTransaction(group.sign(ann, empty, 77))),
      })),
    ),
  'a changed signature under the certified header': (frame) =>
    altered(
      frame,
      withBlock((block) => ({
        ...block,
        transactions: block.transactions.map((bytes) => {
          const changed = copyBytes(bytes)
          changed[changed.length - 10] = (changed[changed.length - 10] as number) ^ 1
          return changed
        }),
      })),
    ),
  'too few signatures': (frame) =>
    altered(frame, ({ certificate }) => {
      const parsed = unwrap(parseCertificate(certificate))
      if (parsed.proof.kind !== 'list') return {}
      const signatures = parsed.proof.signatures.map((signature, index) => (index === 0 ? null : signature))
      return { certificate: encodeCertificate({ ...parsed, proof: { kind: 'list', signatures } }) }
    }),
  'its own signature only, three times': (frame) =>
    altered(frame, ({ certificate }) => {
      const parsed = unwrap(parseCertificate(certificate))
      if (parsed.proof.kind !== 'list') return {}
      const signatures = parsed.proof.signatures.map(() =>
        parsed.proof.kind === 'list' ? (parsed.proof.signatures[0] ?? null) : null,
      )
      return { certificate: encodeCertificate({ ...parsed, proof: { kind: 'list', signatures } }) }
    }),
  'a gap': (frame) => (frame.kind === 'block' && frame.height === 2 ? null : frame),
  'blocks under other heights': (frame) => altered(frame, ({ height }) => ({ height: height + 1 })),
  'no frame': (frame) => (frame.kind === 'block' ? Uint8Array.of(9, 9, 9) : frame),
  'a second proof': (frame) =>
    frame.kind === 'block' ? (group.members[0]?.sent.find((one) => one.kind === 'proof') ?? null) : frame,
}

describe('connecting', () => {
  it('takes and executes every block, and follows', async () => {
    fill(3)
    const client = await connect()
    expect(client.chainId).toBe(group.genesis.chainId)
    const view = await client.view()
    expect([view.height, view.indexOf(carol.did)]).toEqual([3, 2])
    expect(await client.nonce({ sender: ann.did })).toBe(1)
    fill(0)
    pass(2)
    await until(async () => (await heightOf(client)) === 5)
  })

  it('connects to a ledger without blocks, and to one member of one', async () => {
    expect(await heightOf(await connect())).toBe(0)
    group = createTestGroup(1)
    pass(2)
    expect(await heightOf(await connect())).toBe(2)
  })

  it('tells how far it is', async () => {
    pass(40)
    const told: Progress[] = []
    await connect({ onProgress: (progress) => void told.push(progress) })
    expect(told.map(({ done }) => done)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    expect(told.every(({ total, step }) => total === 40 && step === 'catch up')).toBe(true)
  })

  it('ends when its progress throws', async () => {
    pass(3)
    const failing = () => {
      throw new Error('no more')
    }
    await expect(connect({ onProgress: failing })).rejects.toThrow('no more')
  })

  it.each(Object.entries(lies))('drops a member that sends %s, and asks another', async (_name, lie) => {
    fill(4)
    const [liar] = group.members as [TestMember, ...TestMember[]]
    liar.conduct = { frame: lie }
    const ends: unknown[] = []
    const openSocket = (url: string): Socket => {
      const socket = group.openSocket(url)
      liar.sockets[0]?.addEventListener('close', (event) => ends.push((event as { readonly code: number }).code))
      return socket
    }
    const client = await connect({ openSocket })
    expect(await heightOf(client)).toBe(4)
    expect((await client.view()).indexOf(people[3]!.did)).toBe(3)
    pass(1)
    await until(async () => (await heightOf(client)) === 5)
    expect(ends).toContain(4400)
  })

  it.each(Object.entries(lies))('never takes a lie where there are only liars: %s', async (_name, lie) => {
    fill(4)
    for (const member of group.members) member.conduct = { frame: lie }
    const error: unknown = await connect({ wait: hurry }).catch((reason: unknown) => reason)
    expect(isVitalsealError(error, 'ERR_CHAIN_UNREACHABLE')).toBe(true)
  })

  it('stops for good when a quorum signed what does not execute', async () => {
    fill(1)
    const { chainId } = group.genesis
    const stored = group.blocks[0] as StoredBlock
    const block = unwrap(parseBlock(stored.block))
    const wrong = { ...block, header: { ...block.header, stateRoot: block.header.parent } }
    const executed = { chainId, memberEpoch: 0, height: 1, headerDigest: hashHeader(wrong.header) }
    const votes = new Map(
      group.members.map(({ identity }, index) => [index, signExecution(executed, { signer: identity.signer })]),
    )
    group.blocks[0] = {
      height: 1,
      block: encodeBlock(wrong),
      certificate: encodeCertificate(createCertificate(executed, votes, 4)),
    }
    expect(await codeOf(connect())).toBe('ERR_CHAIN_PROOF')
  })

  it('refuses a genesis of another chain: its members are on another ledger', async () => {
    fill(1)
    const other = createTestGroup(5)
    expect(await codeOf(connect({ genesis: other.genesis }))).toBe('ERR_CHAIN_UNREACHABLE')
  })

  it('drops whoever proves another key than its own', async () => {
    pass(2)
    const [first] = group.members as [TestMember, ...TestMember[]]
    first.conduct = { signer: { did: first.identity.did, sign: (tag, fields) => ann.signer.sign(tag, fields) } }
    const client = await connect()
    expect(await heightOf(client)).toBe(2)
    expect(first.sockets).toHaveLength(1)
  })

  it('does not count what a proof of another connection claims', async () => {
    pass(2)
    const recorded: Bytes[] = []
    const [first, second] = group.members as [TestMember, TestMember]
    const earlier = await connect()
    earlier.close()
    recorded.push(encodeServerFrame(first.sent[0] as ServerFrame))
    second.conduct = { frame: (frame) => (frame.kind === 'proof' ? (recorded[0] as Bytes) : frame) }
    const client = await connect()
    expect(await heightOf(client)).toBe(2)
    pass(1)
    await until(async () => (await heightOf(client)) === 3)
    expect(second.sent.filter(({ kind }) => kind === 'block')).toHaveLength(2)
  })

  it('is not held up by a stale member, and not by one that claims what nobody has', async () => {
    pass(30)
    const [stale, boaster] = group.members as [TestMember, TestMember]
    stale.conduct = { heightMax: 3 }
    const client = await connect()
    expect(await heightOf(client)).toBe(30)
    stale.conduct = {}
    boaster.conduct = {
      frame: (frame) => (frame.kind === 'proof' || frame.kind === 'head' ? { ...frame, height: 1_000_000 } : frame),
    }
    expect(await heightOf(await connect())).toBe(30)
    expect(await heightOf(await connect({ wait: hurry }))).toBe(30)
  })

  it('asks others when those asked are behind or silent', async () => {
    pass(30)
    const [stale, silent] = group.members as [TestMember, TestMember]
    stale.conduct = { heightMax: 3 }
    silent.conduct = { frame: (frame) => (frame.kind === 'block' ? null : frame) }
    const client = await connect({ wait: hurry })
    expect(await heightOf(client)).toBe(30)
    pass(20)
    await until(async () => (await heightOf(client)) === 50)
  })

  it('overtakes a member that lags, by what others tell, without measuring time', async () => {
    const [stale, silent] = group.members as [TestMember, TestMember]
    stale.conduct = { heightMax: 1 }
    silent.conduct = { frame: (frame) => (frame.kind === 'block' ? null : frame) }
    pass(1)
    const client = await connect({ wait: never })
    for (let index = 0; index < 20; index++) {
      pass(1)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(async () => (await heightOf(client)) === 21)
  })

  it('asks f + 1 members for blocks where it can measure time, and all where it cannot', async () => {
    pass(3)
    const client = await connect({ wait: never })
    const asked = () => group.members.filter(({ sent }) => sent.some(({ kind }) => kind === 'block')).length
    expect(asked()).toBe(2)
    client.close()
    await connect()
    expect(asked()).toBe(4)
  })

  it('does not wait for a member that never answers', async () => {
    pass(3)
    const [silent] = group.members as [TestMember, ...TestMember[]]
    silent.conduct = { isSilent: true }
    expect(await heightOf(await connect())).toBe(3)
    // Three endpoints, one of them silent: time decides.
    expect(await heightOf(await connect({ endpoints: group.urls.slice(0, 3), wait: hurry }))).toBe(3)
  })

  it('gives up when all claim blocks that nobody sends', async () => {
    pass(2)
    for (const member of group.members) member.conduct = { frame: (frame) => (frame.kind === 'block' ? null : frame) }
    expect(await codeOf(connect({ wait: hurry }))).toBe('ERR_CHAIN_UNREACHABLE')
  })

  it('goes on with the others when one is lost on the way, without time', async () => {
    pass(2)
    const [first, second] = group.members as [TestMember, TestMember]
    for (const member of [first, second]) {
      member.conduct = {
        frame(frame) {
          if (frame.kind === 'block') group.cut(member)
          return frame
        },
      }
    }
    expect(await heightOf(await connect())).toBe(2)
  })

  it('says when nobody is there, with and without time', async () => {
    for (const member of group.members) member.conduct = { isDown: true }
    let waits = 0
    const wait = () => {
      waits++
      return hurry()
    }
    for (const options of [{}, { wait }]) {
      const error: unknown = await connect(options).catch((reason: unknown) => reason)
      expect(isVitalsealError(error, 'ERR_CHAIN_UNREACHABLE') && error.details).toEqual({ endpoints: 4, answered: 0 })
    }
    expect(waits).toBeGreaterThan(10)
    const broken = () => {
      throw new Error('no such scheme')
    }
    const error: unknown = await connect({ openSocket: broken }).catch((reason: unknown) => reason)
    expect(isVitalsealError(error, 'ERR_CHAIN_UNREACHABLE') && error.cause).toEqual(new Error('no such scheme'))
  })

  it('ends by the signal of the caller', async () => {
    for (const member of group.members) member.conduct = { isSilent: true }
    const early = new AbortController()
    const waiting = codeOf(connect({ signal: early.signal }))
    await hurry()
    early.abort()
    expect(await waiting).toBe('ERR_CHAIN_UNREACHABLE')
    for (const member of group.members) {
      member.conduct = { frame: (frame) => (frame.kind === 'proof' ? { ...frame, height: 9 } : frame) }
    }
    const slow = new AbortController()
    const catching = codeOf(connect({ signal: slow.signal }))
    await until(() => group.members.every(({ sent }) => sent.length > 0))
    await hurry()
    slow.abort()
    expect(await catching).toBe('ERR_ABORTED')
    expect(await codeOf(connect({ signal: AbortSignal.abort(), store: createMemoryLedgerStore() }))).toBe('ERR_ABORTED')
  })

  it('names what is wrong with the call', async () => {
    expect(await codeOf(connect({ endpoints: [] }))).toBe('ERR_ARGUMENT_INVALID')
    const blobs = (url: string): Socket => {
      const socket = group.openSocket(url)
      return {
        ...socket,
        addEventListener(kind, listener) {
          socket.addEventListener(kind, kind === 'message' ? () => listener({ data: new Blob([]) }) : listener)
        },
      }
    }
    expect(await codeOf(connect({ openSocket: blobs }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('asks a browser socket for arrays, and takes one that is open already', async () => {
    pass(2)
    const types: (string | undefined)[] = []
    const browser = (url: string): Socket => {
      const socket = group.openSocket(url)
      const listeners: ((event: object) => void)[] = []
      socket.addEventListener('message', (event) => {
        const { data } = event as { readonly data: Bytes }
        for (const listener of listeners) listener({ data: data.buffer })
      })
      const like = {
        ...socket,
        binaryType: 'blob',
        addEventListener(kind: 'open' | 'message' | 'close' | 'error', listener: (event: object) => void) {
          types.push(like.binaryType)
          if (kind === 'message') listeners.push(listener)
          else socket.addEventListener(kind, listener)
        },
      }
      return like
    }
    expect(await heightOf(await connect({ openSocket: browser }))).toBe(2)
    expect(new Set(types)).toEqual(new Set(['arraybuffer']))
  })

  it('is not hurt by anything that an endpoint may send', async () => {
    pass(3)
    const [first] = group.members as [TestMember, ...TestMember[]]
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 4 }), async (frames) => {
        let next = 0
        first.conduct = { frame: (frame) => (frames[next++] as Bytes | undefined) ?? frame }
        const client = await connect()
        expect(await heightOf(client)).toBe(3)
        client.close()
      }),
      propertyRuns(15),
    )
  })

  it('does not take blocks that are sent again, over one connection after the other, for too many', async () => {
    pass(40)
    const [only] = group.members as [TestMember]
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const kept = createMemoryLedgerStore()
    const store = { ...kept, append: (block: StoredBlock) => released.then(() => kept.append(block)) }
    const connecting = connect({ endpoints: [only.url], store, wait: hurry })
    const blocksSent = () => only.sent.filter(({ kind }) => kind === 'block').length
    for (let count = 1; count <= 4; count++) {
      await until(() => blocksSent() >= 16 * count)
      await hurry()
      if (count < 4) group.cut(only)
    }
    release()
    expect(await heightOf(await connecting)).toBe(40)
  })

  it('drops an endpoint that sends more blocks than were asked for, and keeps few of them', async () => {
    const [first] = group.members as [TestMember, ...TestMember[]]
    // The disk takes its time: nothing is executed meanwhile.
    const store = { ...createMemoryLedgerStore(), append: never }
    const client = await connect({ endpoints: [first.url], store })
    const frames: Bytes[] = []
    first.conduct = {
      frame: (frame) => {
        if (frame.kind === 'block') frames.push(encodeServerFrame(frame))
        return frame
      },
    }
    pass(16)
    await until(() => frames.length === 16)
    const [server] = first.sockets
    let isClosed = false
    server?.addEventListener('close', () => {
      isClosed = true
    })
    for (const frame of frames) server?.send(frame)
    await hurry()
    expect(isClosed).toBe(false)
    for (let index = 0; index < 3; index++) server?.send(frames.at(-1) as Bytes)
    await until(() => isClosed)
    expect(await codeOf(client.submit(group.sign(ann, registration(ann))))).toBe('ERR_CHAIN_UNREACHABLE')
  })

  it('is not turned away from the others by one that tells heights without end', async () => {
    const boast = (height: number) => encodeServerFrame({ kind: 'head', height })
    const client = await connect({ wait: never })
    const asked = () => group.members.map(({ sent }) => sent.some(({ kind }) => kind === 'block'))
    pass(1)
    await until(async () => (await heightOf(client)) === 1)
    expect(asked()).toEqual([true, true, false, false])
    for (const member of group.members.slice(0, 2)) {
      member.conduct = { frame: (frame) => (frame.kind === 'block' ? null : frame) }
    }
    pass(1)
    const [, , third, fourth] = group.members as [TestMember, TestMember, TestMember, TestMember]
    for (let index = 0; index < 20; index++) third.sockets[0]?.send(boast(1_000 + index))
    await hurry()
    await hurry()
    expect(asked()).toEqual([true, true, false, false])
    for (let index = 0; index < 20; index++) fourth.sockets[0]?.send(boast(2))
    await until(async () => (await heightOf(client)) === 2)
  })
})

describe('members that change', () => {
  /** The transaction that replaces the members, approved by all present ones. */
  function change(next: readonly TestMember[], nonce: number): Uint8Array {
    const { chainId } = group.genesis
    const { memberEpoch, members: present } = group.ledger.members
    const members = next.map(({ identity }) => ({ did: identity.did }))
    const approvals = present.map(({ did }, member) => {
      const signer = group.members.find(({ identity }) => identity.did === did)?.identity.signer
      if (signer === undefined) return expect.unreachable()
      return { member, signature: approveMembers({ chainId, memberEpoch, members }, { signer }) }
    })
    return encodeTransaction(group.sign(ann, { kind: 'config', memberEpoch, members, approvals }, nonce))
  }

  beforeEach(() => {
    group = createTestGroup(4, 4)
    fill(1)
    group.commit(change(group.members.slice(2, 6), 1))
    pass(2)
    group.commit(change(group.members.slice(4), 2))
    pass(2)
  })

  it('are followed from the genesis, also where none of the first is left', async () => {
    expect(group.ledger.members.memberEpoch).toBe(2)
    const endpoints = group.urls.slice(4)
    const client = await connect({ endpoints, wait: never })
    await until(async () => (await heightOf(client)) === 7)
    pass(1)
    await until(async () => (await heightOf(client)) === 8)
  })

  it('judge by their own epoch: those who left certify nothing, and their refusals count no more', async () => {
    const client = await connect()
    await until(async () => (await heightOf(client)) === 7)
    const { chainId } = group.genesis
    const last = group.blocks[6] as StoredBlock
    const forged = unwrap(parseBlock(last.block))
    const header = { ...forged.header, height: 8, parent: hashHeader(forged.header) }
    const executed = { chainId, memberEpoch: 0, height: 8, headerDigest: hashHeader(header) }
    const former = group.members.slice(0, 4)
    const votes = new Map(former.map(({ identity }, index) => [index, signExecution(executed, identity)]))
    const certificate = encodeCertificate(createCertificate(executed, votes, 4))
    const lie = encodeServerFrame({ kind: 'block', height: 8, block: encodeBlock({ ...forged, header }), certificate })
    for (const member of former) {
      member.sockets[0]?.send(lie)
      member.conduct = { submit: () => Promise.resolve('ERR_CHAIN_QUOTA') }
    }
    for (const member of group.members.slice(4)) member.conduct = { submit: () => Promise.resolve(null) }
    const transaction = group.sign(bob, registration(bob))
    const outcome = codeOf(client.submit(transaction))
    await until(() => group.members.slice(4).every(({ submitted }) => submitted.length > 0))
    await hurry()
    expect(await heightOf(client)).toBe(7)
    group.commit(encodeTransaction(transaction))
    expect(await outcome).toBe('resolved')
  })
})

describe('a store', () => {
  it('keeps blocks between runs, and is verified again', async () => {
    fill(3)
    const store = createMemoryLedgerStore()
    const first = await connect({ store })
    first.close()
    const blocksSent = () => group.members.flatMap(({ sent }) => sent).filter(({ kind }) => kind === 'block').length
    const before = blocksSent()
    const told: Progress[] = []
    const second = await connect({ store, onProgress: (progress) => void told.push(progress) })
    expect(await heightOf(second)).toBe(3)
    expect(blocksSent()).toBe(before)
    expect(told).toEqual([1, 2, 3].map((done) => ({ done, total: 3, step: 'load' })))
    pass(1)
    await until(async () => (await store.height()) === 4)
  })

  it('is not believed: what does not hold is fetched', async () => {
    fill(3)
    const blocks = [...group.blocks]
    blocks[1] = { ...(blocks[1] as StoredBlock), block: (blocks[0] as StoredBlock).block }
    const store = {
      append: () => Promise.resolve(),
      read: (height: number) => Promise.resolve(blocks[height - 1]),
      height: () => Promise.resolve(3),
    }
    const client = await connect({ store })
    expect((await client.view()).indexOf(carol.did)).toBe(2)
  })

  it('that fails ends the client, and says why', async () => {
    const store = { ...createMemoryLedgerStore(), append: () => Promise.reject(new Error('disk full')) }
    const client = await connect({ store })
    const following = client.follow()[Symbol.asyncIterator]().next()
    pass(1)
    await expect(following).rejects.toThrow('disk full')
    await expect(client.view()).rejects.toThrow('disk full')
  })
})

describe('submitting', () => {
  it('resolves when the transaction is in a verified block; the same one again gives the same receipt', async () => {
    const client = await connect()
    const transaction = group.sign(ann, registration(ann))
    const told: Progress[] = []
    const receipts = await Promise.all([
      client.submit(transaction, { onProgress: (progress) => void told.push(progress) }),
      client.submit(transaction),
    ])
    const expected: Partial<AppliedReceipt> = { id: transaction.id, height: 1, untilMs: null }
    expect(receipts[0]).toMatchObject(expected)
    expect(receipts[1]).toEqual(receipts[0])
    expect(await client.submit(transaction)).toEqual(receipts[0])
    expect(told.map(({ step }) => step)).toEqual(expect.arrayContaining(['send', 'final']))
    expect(group.blocks).toHaveLength(1)
    expect(await client.nonce({ sender: ann.did })).toBe(1)
  })

  it('goes to all endpoints', async () => {
    const client = await connect()
    await client.submit(group.sign(ann, registration(ann)))
    await until(() => group.members.every(({ submitted }) => submitted.length === 1))
  })

  it('says what the block said', async () => {
    const client = await connect()
    const early = group.sign(ann, { kind: 'transfer', payee: bob.did, amount: 1, memo: null })
    const error: unknown = await client.submit(early).catch((reason: unknown) => reason)
    expect(isVitalsealError(error) && [error.code, group.blocks.length]).toEqual(['ERR_SIGNATURE_INVALID', 0])
    await client.submit(group.sign(ann, registration(ann), 0))
    const refused: unknown = await client
      .submit(group.sign(ann, { kind: 'transfer', payee: bob.did, amount: 1, memo: null }, 1))
      .catch((reason: unknown) => reason)
    expect(isVitalsealError(refused, 'ERR_CHAIN_REFUSED') && refused.details.height).toBe(2)
  })

  it('is refused by f + 1 members, not by f', async () => {
    const client = await connect()
    const [one, two, three, four] = group.members as [TestMember, TestMember, TestMember, TestMember]
    const refusing = { submit: () => Promise.resolve('ERR_CHAIN_QUOTA') }
    const taking = { submit: () => Promise.resolve(null) }
    for (const member of [two, three, four]) member.conduct = taking
    one.conduct = refusing
    const first = group.sign(ann, registration(ann))
    const outcome = codeOf(client.submit(first))
    await until(() => group.members.every(({ submitted }) => submitted.length === 1))
    await hurry()
    group.commit(encodeTransaction(first))
    expect(await outcome).toBe('resolved')
    two.conduct = refusing
    const second: unknown = await client.submit(group.sign(bob, registration(bob))).catch((reason: unknown) => reason)
    expect(isVitalsealError(second, 'ERR_CHAIN_QUOTA') && second.details.retryAtMs % 60_000).toBe(0)
  })

  it.each(['ERR_SIGNATURE_INVALID', 'ERR_CHAIN_NONCE', 'ERR_CODEC_MALFORMED', 'ERR_CHAIN_MEMBERS'])(
    'is refused by f + 1 members for %s',
    async (code) => {
      const client = await connect()
      for (const member of group.members) member.conduct = { submit: () => Promise.resolve(code) }
      expect(await codeOf(client.submit(group.sign(ann, registration(ann))))).toBe(code)
    },
  )

  it('does not add up different refusals, nor those of one member at two addresses', async () => {
    const urls = [...group.urls, 'member 0 again']
    const openSocket = (url: string) => group.openSocket(url.replace(' again', ''))
    const client = await connect({ endpoints: urls, openSocket })
    const [one, two, three, four] = group.members as [TestMember, TestMember, TestMember, TestMember]
    one.conduct = { submit: () => Promise.resolve('ERR_CHAIN_QUOTA') }
    two.conduct = { submit: () => Promise.resolve('ERR_SIGNATURE_INVALID') }
    three.conduct = { submit: () => Promise.resolve('ERR_SOMETHING') }
    four.conduct = { submit: () => Promise.reject(new Error('out of order')) }
    const transaction = group.sign(ann, registration(ann))
    const outcome = codeOf(client.submit(transaction))
    await until(() => one.submitted.length === 2 && four.submitted.length === 1)
    await hurry()
    await hurry()
    group.commit(encodeTransaction(transaction))
    expect(await outcome).toBe('resolved')
  })

  it('is not refused by one that speaks in the names of others, one after the other', async () => {
    const client = await connect({ wait: hurry })
    const [liar, ...others] = group.members as [TestMember, ...TestMember[]]
    for (const member of others) member.conduct = { submit: () => Promise.resolve(null) }
    liar.conduct = { submit: () => Promise.resolve('ERR_CHAIN_QUOTA') }
    const transaction = group.sign(ann, registration(ann))
    const outcome = codeOf(client.submit(transaction))
    await until(() => group.members.every(({ submitted }) => submitted.length > 0))
    for (const { identity } of others) {
      // It passes on the challenge to that member, and the proof to the client.
      liar.conduct = { ...liar.conduct, signer: identity.signer }
      const before = liar.submitted.length
      group.cut(liar)
      await until(() => liar.submitted.length > before)
    }
    await hurry()
    group.commit(encodeTransaction(transaction))
    expect(await outcome).toBe('resolved')
  })

  it('does not take a refusal for the last word before it has the blocks that the members had', async () => {
    const client = await connect()
    const transaction = group.sign(ann, registration(ann))
    const held: (() => void)[] = []
    for (const member of group.members) {
      // Executed already, and the block comes late.
      member.conduct = {
        submit: () => Promise.resolve('ERR_CHAIN_NONCE'),
        frame: (frame) => {
          if (frame.kind !== 'block') return frame
          held.push(() => void member.sockets[0]?.send(encodeServerFrame(frame)))
          return null
        },
      }
    }
    group.commit(encodeTransaction(transaction))
    const outcome = codeOf(client.submit(transaction))
    await until(() => group.members.every(({ sent }) => sent.some(({ kind }) => kind === 'answer')))
    await hurry()
    for (const member of group.members) delete member.conduct.frame
    for (const release of held) release()
    expect(await outcome).toBe('resolved')
  })

  it('knows by itself that a nonce is used', async () => {
    const client = await connect()
    for (const member of group.members) member.conduct = { submit: () => Promise.resolve(null) }
    const outcome = codeOf(client.submit(group.sign(ann, registration(ann), 0)))
    group.commit(encodeTransaction(group.sign(ann, registration(ann, {}), 0)))
    const other = group.sign(ann, { ...registration(ann), subject: bob.did, keys: bob.keys } as Draft, 0)
    expect(await outcome).toBe('resolved')
    expect(await codeOf(client.submit(other))).toBe('ERR_CHAIN_NONCE')
  })

  it('sends again when time passes, when blocks pass, and to whoever comes back', async () => {
    const client = await connect({ wait: hurry })
    for (const member of group.members) member.conduct = { submit: () => Promise.resolve(null) }
    const transaction = group.sign(ann, registration(ann))
    const outcome = codeOf(client.submit(transaction))
    const counts = () => group.members.map(({ submitted }) => submitted.length)
    await until(() => counts().every((count) => count >= 3))
    const [first] = group.members as [TestMember, ...TestMember[]]
    group.cut(first)
    const before = first.submitted.length
    await until(() => first.submitted.length > before)
    group.commit(encodeTransaction(transaction))
    expect(await outcome).toBe('resolved')
    const timeless = await connect()
    const next = group.sign(bob, registration(bob))
    const waiting = codeOf(timeless.submit(next))
    await until(() => counts().every((count) => count >= 1))
    const sofar = counts()
    pass(8)
    await until(() => counts().every((count, index) => count > (sofar[index] as number)))
    group.commit(encodeTransaction(next))
    expect(await waiting).toBe('resolved')
  })

  it('ends by the signal of the caller, and the client goes on', async () => {
    const client = await connect()
    for (const member of group.members) member.conduct = { submit: () => Promise.resolve(null) }
    const transaction = group.sign(ann, registration(ann))
    const controller = new AbortController()
    const outcome = codeOf(client.submit(transaction, { signal: controller.signal }))
    await hurry()
    controller.abort()
    expect(await outcome).toBe('ERR_ABORTED')
    expect(await codeOf(client.submit(transaction, { signal: controller.signal }))).toBe('ERR_ABORTED')
    group.commit(encodeTransaction(transaction))
    expect(await codeOf(client.submit(transaction))).toBe('resolved')
  })

  it('does not hang when everybody is gone, and works again when they are back', async () => {
    for (const options of [{}, { wait: hurry }]) {
      group = createTestGroup()
      const client = await connect(options)
      for (const member of group.members) member.conduct = { isDown: true }
      group.cut(...group.members)
      const transaction = group.sign(ann, registration(ann))
      expect(await codeOf(client.submit(transaction))).toBe('ERR_CHAIN_UNREACHABLE')
      expect(await heightOf(client)).toBe(0)
      for (const member of group.members) member.conduct = {}
      let outcome = await codeOf(client.submit(transaction))
      // With time, attempts may still be failing when it is submitted.
      while (outcome === 'ERR_CHAIN_UNREACHABLE') outcome = await codeOf(client.submit(transaction))
      expect(outcome).toBe('resolved')
    }
  })
})

describe('following', () => {
  it('gives each block once, from a height on, and new ones as they come', async () => {
    pass(3)
    const client = await connect()
    const heights: number[] = []
    const done = (async () => {
      for await (const { header } of client.follow({ heightFirst: 2 })) {
        heights.push(header.height)
        if (header.height === 6) break
      }
    })()
    pass(3)
    await done
    expect(heights).toEqual([2, 3, 4, 5, 6])
  })

  it('goes on after the connections were lost, where time passes', async () => {
    const client = await connect({ wait: hurry })
    const following = client.follow()[Symbol.asyncIterator]()
    const next = following.next()
    group.cut(...group.members)
    await hurry()
    pass(1)
    expect(((await next).value as { readonly header: { readonly height: number } }).header.height).toBe(1)
  })

  it('says that nobody is there, where no time passes', async () => {
    const client = await connect()
    const next = codeOf(client.follow()[Symbol.asyncIterator]().next())
    for (const member of group.members) member.conduct = { isDown: true }
    group.cut(...group.members)
    expect(await next).toBe('ERR_CHAIN_UNREACHABLE')
  })

  it('ends with the client and by the signal', async () => {
    const client = await connect()
    const controller = new AbortController()
    const bySignal = client.follow({ signal: controller.signal })[Symbol.asyncIterator]().next()
    const byClose = client.follow()[Symbol.asyncIterator]().next()
    controller.abort()
    expect((await bySignal).done).toBe(true)
    client.close()
    expect((await byClose).done).toBe(true)
    expect(await codeOf(client.view())).toBe('ERR_ABORTED')
    expect(await codeOf(client.submit(group.sign(ann, registration(ann))))).toBe('ERR_ABORTED')
    client.close()
  })
})

it('checks each signature of a certificate once, and only of the next block', async () => {
  pass(10)
  let count = 0
  const portable = createVerifier()
  const verifier: Verifier = { verify: (item) => (count++, portable.verify(item)) }
  await connect({ verifier })
  // Four proofs, and three signatures a block, from whichever endpoint it came.
  expect(count).toBe(4 + 30)
})

it('moves sockets in memory as those of a network: later, in order, until closed', async () => {
  const [client, server] = createSocketPair()
  const got: number[] = []
  server.addEventListener('message', (event) => got.push((event as { readonly data: Bytes }).data[0] as number))
  await new Promise((resolve) => {
    client.addEventListener('open', resolve)
  })
  client.send(Uint8Array.of(1))
  client.send(Uint8Array.of(2))
  expect(got).toEqual([])
  await hurry()
  expect(got).toEqual([1, 2])
})
