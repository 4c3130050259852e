import { afterEach, describe, expect, it } from 'vitest'

import { isVitalsealError, type ErrorCode } from '../../src/errors.ts'
import type { NodeHost } from '../../src/node/host.ts'
import { approveMembers, type Draft } from '../../src/transactions/index.ts'
import { createMemoryDatabase } from '../support/memory-database.ts'
import {
  createNodeWorld,
  createWallet,
  nodeParty,
  type NodeWorldOptions,
  type WorldNode,
} from '../support/node-world.ts'

type World = ReturnType<typeof createNodeWorld>

const worlds: World[] = []
afterEach(() => Promise.all(worlds.splice(0).map((world) => world.stopAll())))

function makeWorld(options: NodeWorldOptions = {}): World {
  const world = createNodeWorld({ tuning: { batchWaitTicks: 1, timeoutTicks: 20 }, ...options })
  worlds.push(world)
  return world
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'resolved'> {
  try {
    await work
  } catch (error) {
    if (isVitalsealError(error)) return error.code
    throw error
  }
  return 'resolved'
}

const hostOf = (node: WorldNode | undefined): NodeHost => node?.host ?? expect.unreachable('it does not run')
const running = (world: World): NodeHost[] => world.nodes.flatMap(({ host }) => host ?? [])

/** All that run stand at one height with one state. */
async function agree(world: World): Promise<number> {
  await world.until('all at one height', () => {
    const states = running(world).map((host) => host.status())
    return states.every(({ height, executedHeight }) => height === states[0]?.height && executedHeight === height)
  })
  const states = running(world).map((host) => host.status())
  expect(new Set(states.map(({ stateRoot }) => stateRoot)).size).toBe(1)
  return states[0]?.height ?? 0
}

describe('four hosts', () => {
  it('order what clients give to any of them, and store it before they say so', async () => {
    const world = makeWorld({ syncMs: 1 })
    await world.startAll()
    const clients = world.nodes.map((node) => world.clientOf(node))
    const [ann, bob] = await Promise.all([
      world.open(0, world.clientOf(world.nodes[0] as WorldNode)),
      world.open(1, world.clientOf(world.nodes[3] as WorldNode)),
    ])
    // Whoever executed it knows the accounts; the others will in a moment.
    await agree(world)
    const receipts = await Promise.all([
      clients[0]?.submit(ann.reading()),
      clients[0]?.submit(ann.reading()),
      clients[2]?.submit(bob.reading()),
    ])
    for (const receipt of receipts) expect(receipt?.height).toBeGreaterThan(0)
    expect(await agree(world)).toBeGreaterThan(0)
    const [first] = world.nodes
    const kinds = new Set(first?.events.map(({ kind }) => kind))
    expect([...kinds]).toEqual(expect.arrayContaining(['message', 'view', 'block']))
    expect(hostOf(first).status()).toMatchObject({ mode: 'normal', view: 0, memberCount: 4, failure: null })
  })

  it('hold nothing back in nonces, and say what cannot be', async () => {
    const world = makeWorld()
    await world.startAll()
    const client = world.clientOf(world.nodes[1] as WorldNode)
    const wallet = await world.open(0, client)
    const [first, second] = [wallet.reading(), wallet.reading()]
    const waiting = [client.submit(second)]
    await new Promise((resolve) => setTimeout(resolve, 100))
    waiting.push(client.submit(first))
    expect((await Promise.all(waiting)).map(({ id }) => id)).toEqual([second.id, first.id])
    // Again, and another with a nonce that is used.
    expect(await client.submit(first)).toMatchObject({ id: first.id })
    const other = createWallet(world.genesis, nodeParty('client 0'), 3)
    expect(await codeOf(client.submit(other.reading()))).toBe('ERR_CHAIN_NONCE')
    expect(await codeOf(client.submit({ ...other.reading(), signature: first.signature }))).toBe(
      'ERR_SIGNATURE_INVALID',
    )
    expect(await client.nonce({ sender: first.sender })).toBe(4)
  })

  it('go on when the primary is killed, and it comes back with all it had acknowledged', async () => {
    const world = makeWorld({ syncMs: 1 })
    await world.startAll()
    const [primary, second] = world.nodes as [WorldNode, WorldNode]
    const client = world.clientOf(second)
    const wallet = await world.open(0, client)
    await world.until('a block at the primary', () => hostOf(primary).height > 0)
    const acknowledged = hostOf(primary).height
    world.kill(primary)
    for (let count = 0; count < 5; count++) await client.submit(wallet.reading())
    expect(hostOf(second).status().view).toBeGreaterThan(0)
    const again = await world.start(primary)
    expect(again.height).toBeGreaterThanOrEqual(acknowledged)
    await client.submit(wallet.reading())
    await agree(world)
    expect(hostOf(primary).status().mode).toBe('normal')
  })

  it('all killed at once come back with all that was acknowledged', async () => {
    const world = makeWorld({ syncMs: 2 })
    await world.startAll()
    const wallet = await world.open(0, world.clientOf(world.nodes[2] as WorldNode))
    const pay = wallet.reading()
    await world.clientOf(world.nodes[2] as WorldNode).submit(pay)
    const heights = world.nodes.map((node) => hostOf(node).height)
    for (const node of world.nodes) world.kill(node)
    await Promise.all(world.nodes.map((node) => world.start(node)))
    world.nodes.forEach((node, at) => expect(hostOf(node).height).toBeGreaterThanOrEqual(heights[at] as number))
    await agree(world)
    for (const node of world.nodes) expect(hostOf(node).feed.find(pay.id)?.receipt.code).toBeNull()
    await world.clientOf(world.nodes[0] as WorldNode).submit(wallet.reading())
  })
})

describe('a host that fell behind', () => {
  it('reads the blocks that no replica remembers', async () => {
    const world = makeWorld({ tuning: { batchWaitTicks: 0, timeoutTicks: 20, checkpointEvery: 2, historyBlocks: 4 } })
    await world.startAll()
    const [late, other] = world.nodes as [WorldNode, WorldNode]
    await world.stop(late)
    const client = world.clientOf(other)
    const wallet = await world.open(0, client)
    for (let count = 0; count < 20; count++) await client.submit(wallet.reading())
    await world.start(late)
    await world.until('caught up', () => hostOf(late).height >= 20)
    expect(await agree(world)).toBeGreaterThanOrEqual(21)
    // It has all blocks, and takes part again: without it and with another one silent there would be no quorum.
    world.cut.add(world.nodes[3] as WorldNode)
    await client.submit(wallet.reading())
    // Killed again, it starts from what it holds.
    world.kill(late)
    await world.start(late)
    await world.until('caught up again', () => hostOf(late).height >= 22)
  })

  it('recovers without a vote when its disk is lost', async () => {
    const world = makeWorld({ tuning: { batchWaitTicks: 0, timeoutTicks: 20, checkpointEvery: 2, historyBlocks: 4 } })
    await world.startAll()
    const [lost, other] = world.nodes as [WorldNode, WorldNode]
    const client = world.clientOf(other)
    const wallet = await world.open(0, client)
    for (let count = 0; count < 3; count++) await client.submit(wallet.reading())
    world.kill(lost)
    lost.disk.clear()
    expect(await codeOf(world.start(lost))).toBe('ERR_NODE_INITIALISE')
    await world.start(lost, { initialise: 'lost-disk' })
    expect(hostOf(lost).status().mode).toBe('recovering')
    for (let count = 0; hostOf(lost).status().mode === 'recovering' && count < 60; count++)
      await client.submit(wallet.reading())
    await world.until('recovered', () => hostOf(lost).status().mode === 'normal')
    await agree(world)
    await world.stop(lost)
    await world.start(lost)
    expect(hostOf(lost).status().mode).not.toBe('recovering')
  })
})

describe('members that change', () => {
  /** A change of members that three of the present ones approve. */
  function change(
    world: World,
    {
      present,
      by,
      members,
      memberEpoch,
    }: {
      readonly present: readonly WorldNode[]
      readonly by: readonly WorldNode[]
      readonly members: readonly WorldNode[]
      readonly memberEpoch: number
    },
  ): Draft {
    const next = members.map(({ identity }) => ({ did: identity.did }))
    const { chainId } = world.genesis
    const approvals = by.map((node) => {
      const { signer } = node.identity
      return {
        member: present.indexOf(node),
        signature: approveMembers({ chainId, memberEpoch, members: next }, { signer }),
      }
    })
    return { kind: 'config', memberEpoch, members: next, approvals }
  }

  it('join with an empty disk, vote, and leave', async () => {
    const world = makeWorld({ others: 1 })
    await world.startAll()
    const [first, second, third, fourth, joining] = world.nodes as [
      WorldNode,
      WorldNode,
      WorldNode,
      WorldNode,
      WorldNode,
    ]
    const four = [first, second, third, fourth]
    const client = world.clientOf(second)
    const wallet = await world.open(0, client)
    const follower = await world.start(joining, { initialise: true })
    expect(follower.status().mode).toBe('following')
    await world.until('it follows', () => follower.height === hostOf(second).height)
    expect(await codeOf(world.clientOf(joining).submit(wallet.reading()))).toBe('ERR_PBFT_NOT_A_MEMBER')

    const after = createWallet(world.genesis, nodeParty('client 0'), 2)
    const five = [...four, joining]
    await client.submit(
      after.sign(change(world, { present: four, by: [first, second, third], members: five, memberEpoch: 0 })),
    )
    await world.until('all are in the next epoch', () => five.every((node) => hostOf(node).status().memberEpoch === 1))
    await client.submit(after.reading())
    await world.until('the new member votes', () => hostOf(joining).status().mode === 'normal')
    // With five, four decide: without the new one, and another silent, nobody would.
    world.cut.add(first)
    await client.submit(after.reading())
    await world.clientOf(joining).submit(after.reading())

    const rest = [second, third, fourth, joining]
    // The one that was cut off is removed meanwhile, and learns of it from blocks alone.
    await client.submit(after.sign(change(world, { present: five, by: rest, members: rest, memberEpoch: 1 })))
    world.cut.delete(first)
    await world.until('the removed one follows', () => hostOf(first).status().mode === 'following')
    await client.submit(after.reading())
    await agree(world)

    // Killed and started again, each is where it was.
    for (const node of [first, joining]) {
      world.kill(node)
      await world.start(node)
    }
    expect(hostOf(first).status()).toMatchObject({ mode: 'following', memberEpoch: 2 })
    expect(hostOf(joining).status()).toMatchObject({ mode: 'normal', memberEpoch: 2, memberCount: 4 })
    await client.submit(after.reading())
    await agree(world)
  })
})

describe('a disk that fails', () => {
  it.each([2, 5])('stops its host at batch %i, and the others go on', async (failAt) => {
    const world = makeWorld()
    const [failing, ...rest] = world.nodes as [WorldNode, ...WorldNode[]]
    await Promise.all(rest.map((node) => world.start(node, { initialise: true })))
    await world.start(failing, {
      initialise: true,
      database: (disk) => createMemoryDatabase(disk, { failAt, isTorn: failAt % 2 === 0 }),
    })
    const client = world.clientOf(rest[0] as WorldNode)
    const fate = codeOf(world.open(1, world.clientOf(failing)))
    const wallet = await world.open(0, client)
    for (let count = 0; count < 8; count++) await client.submit(wallet.reading())
    await world.until('it stopped', () => hostOf(failing).status().mode === 'stopped')
    expect(hostOf(failing).status().failure?.code).toBe('ERR_NODE_DISK')
    expect(['resolved', 'ERR_NODE_DISK']).toContain(await fate)
    expect(() => hostOf(failing).submit(new Uint8Array())).toThrow(expect.objectContaining({ code: 'ERR_NODE_DISK' }))
    const { height } = hostOf(failing)
    const sentBefore = failing.events.filter((event) => event.kind === 'message' && event.direction === 'sent').length
    await client.submit(wallet.reading())
    expect(failing.events.filter((event) => event.kind === 'message' && event.direction === 'sent')).toHaveLength(
      sentBefore,
    )
    expect(failing.events.at(-1)?.kind).toBe('halt')
    await world.stop(failing)
    const again = await world.start(failing)
    expect(again.height).toBeGreaterThanOrEqual(height)
    await agree(world)
  })
})

it('a listener that fails breaks nothing', async () => {
  const world = makeWorld({ members: 1 })
  const [node] = world.nodes as [WorldNode]
  node.events.push = () => {
    throw new Error('a listener')
  }
  await world.startAll()
  expect(hostOf(node).status().warning).toContain('no fault')
  await world.open(0, world.clientOf(node))
  expect(hostOf(node).height).toBe(2)
})

it('a client that is closed, or whose host stops, hears of it', async () => {
  const world = makeWorld()
  await world.startAll()
  const [node] = world.nodes as [WorldNode]
  const wallet = await world.open(0, world.clientOf(node))
  for (const other of world.nodes.slice(1)) world.cut.add(other)
  const client = world.clientOf(node)
  const following = (async () => {
    for await (const block of client.follow({ heightFirst: hostOf(node).height + 1 })) return block
    return undefined
  })()
  const aborted = new AbortController()
  const given = client.submit(wallet.reading(), { signal: aborted.signal })
  aborted.abort()
  expect(await codeOf(given)).toBe('ERR_ABORTED')
  const waiting = world.clientOf(node).submit(wallet.reading())
  client.close()
  expect(await following).toBeUndefined()
  expect(await codeOf(client.submit(wallet.reading()))).toBe('ERR_NODE_STOPPED')
  const stopping = world.stop(node)
  expect(await codeOf(waiting)).toBe('ERR_NODE_STOPPED')
  await stopping
})
