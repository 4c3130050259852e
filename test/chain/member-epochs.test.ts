import { describe, expect, it } from 'vitest'

import { parseBlock, replayLedger, type MemberSet } from '../../src/chain/index.ts'
import { createReplica, deriveNextConfig } from '../../src/pbft/index.ts'
import { unwrap } from '../../src/errors.ts'
import {
  addNode,
  askAgain,
  catchUp,
  change,
  createEpochGroup,
  finalReceipts,
  seated,
  settle,
  submit,
  summary,
  tick,
  transfer,
  type EpochGroup,
  type EpochNode,
} from '../support/epoch-group.ts'
import { codeOf } from '../support/failure.ts'

const presentOf = (group: EpochGroup): MemberSet => (seated(group)[0] as EpochNode).ledger.members
const nodeAt = (group: EpochGroup, index: number) => group.nodes.find((node) => node.index === index) as EpochNode

/** Transfers in flight on all sides of a change, which becomes final; those who join have joined. */
function changeInFlight(group: EpochGroup, next: readonly number[], nonce = 1): void {
  const present = presentOf(group)
  const before = Array.from({ length: 5 }, () => transfer(group))
  submit(
    group,
    seated(group).slice(1),
    ...before,
    change(group, { present, next, nonce }),
    transfer(group),
    transfer(group),
  )
  tick(group, 10)
  for (const index of next) if (nodeAt(group, index) === undefined) addNode(group, index)
  // Where nobody stays, nobody has what was waiting.
  if (present.members.every(({ did }) => seated(group).every(({ signer }) => signer.did !== did))) askAgain(group)
  tick(group, 10)
  submit(group, seated(group), transfer(group), transfer(group))
  tick(group, 100)
}

/** The blocks of a node hold from the genesis on, by those who do not know how they came about. */
async function replays(group: EpochGroup, node: EpochNode): Promise<boolean> {
  const { genesis, verifier } = group
  const replayed = await replayLedger(node.store, { genesis, verifier })
  return replayed.ok && replayed.value.head().height === node.store.length
}

describe('a change of members while requests flow', () => {
  it.each([
    ['removes the present primary', 4, [1, 2, 3, 4]],
    ['makes five of four: Q from 3 to 4', 4, [0, 1, 2, 3, 4]],
    ['makes four of five', 5, [0, 1, 2, 3]],
    ['makes four of seven: f from 2 to 1', 7, [3, 4, 5, 6]],
    ['makes seven of four: f from 1 to 2', 4, [0, 1, 2, 3, 4, 5, 6]],
    ['replaces the key of one', 4, [0, 5, 2, 3]],
    ['replaces all', 4, [4, 5, 6, 7]],
    ['makes one of four', 4, [2]],
  ])('%s, and loses nothing', async (_, count, next) => {
    const group = createEpochGroup(count)
    changeInFlight(group, next)
    expect(summary(group)).toEqual({ states: 1, missing: 0, refused: [], epoch: 1, members: [...next].sort() })
    for (const node of seated(group)) expect(await replays(group, node)).toBe(true)
    const [first] = seated(group) as [EpochNode]
    const headers = first.store.map(({ block }) => unwrap(parseBlock(block)).header)
    expect(new Set(headers.map(({ memberEpoch }) => memberEpoch))).toEqual(new Set([0, 1]))
    for (const node of group.nodes) expect(node.rejected).toEqual([])
  })

  it('goes on through several epochs, back to where it began', async () => {
    const group = createEpochGroup(4)
    changeInFlight(group, [1, 2, 3, 4], 1)
    changeInFlight(group, [2, 3, 4, 5], 2)
    // One who was removed comes back: it has the blocks of its time, and fetches the others.
    catchUp(group, nodeAt(group, 0))
    changeInFlight(group, [0, 2, 3, 4], 3)
    catchUp(group, nodeAt(group, 0))
    tick(group, 200)
    expect(summary(group)).toMatchObject({ states: 1, missing: 0, epoch: 3, members: [0, 2, 3, 4] })
    expect(await replays(group, nodeAt(group, 0))).toBe(true)
  })

  it.each([1, 2, 3, 4, 5, 6])('loses nothing that was sent on a network that loses a fifth (%i)', (seed) => {
    const group = createEpochGroup(4)
    let state = seed
    group.arrives = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state >>> 16 > 0.2 * 65_536
    }
    const present = presentOf(group)
    for (let round = 0; round < 4; round++) submit(group, group.nodes, transfer(group), transfer(group))
    submit(group, group.nodes, change(group, { present, next: [1, 2, 3, 4], nonce: 1 }))
    for (let round = 0; round < 4; round++) submit(group, group.nodes, transfer(group), transfer(group))
    tick(group, 400)
    for (const node of group.nodes) if (node.hearsLater) catchUp(group, node)
    addNode(group, 4)
    tick(group, 600)
    group.arrives = () => true
    tick(group, 400)
    expect(summary(group)).toEqual({ states: 1, missing: 0, refused: [], epoch: 1, members: [1, 2, 3, 4] })
  })
})

describe('changes that do not count', () => {
  it('of two in flight the second is refused, in whichever epoch it is executed', () => {
    const group = createEpochGroup(4, { batchTransactionsMax: 1 })
    const present = presentOf(group)
    const one = change(group, { present, next: [0, 1, 2, 4], nonce: 1 })
    const two = change(group, { present, next: [0, 1, 2, 5], nonce: 2 })
    submit(group, group.nodes, one, two, transfer(group))
    tick(group, 10)
    addNode(group, 4)
    tick(group, 200)
    const { members, epoch, refused } = summary(group)
    expect({ members, epoch }).toEqual({ members: [0, 1, 2, 4], epoch: 1 })
    // Admission by the replicas of the second epoch already refused it, or a block says so.
    expect(refused.every((code) => code === 'ERR_CHAIN_MEMBERS')).toBe(true)
    const final = finalReceipts(seated(group)[0] as EpochNode)
    expect(final.get(two.id) ?? 'ERR_CHAIN_MEMBERS').toBe('ERR_CHAIN_MEMBERS')
  })

  it('do not hold up others: too few approvals never enter a pool', () => {
    const group = createEpochGroup(4)
    const bad = change(group, { present: presentOf(group), next: [0, 1, 2, 4], nonce: 1, by: 2 })
    submit(group, group.nodes, bad)
    expect(group.nodes.every(({ rejected }) => rejected.some((reason) => reason.includes('2 members approve')))).toBe(
      true,
    )
    expect(finalReceipts(nodeAt(group, 0)).has(bad.id)).toBe(false)
  })
})

describe('a primary', () => {
  /** Heights that a node was sent proposals for, at most. */
  const proposals = (group: EpochGroup) => {
    let last = 0
    const { arrives } = group
    group.arrives = (packet) => {
      // PRE-PREPARE of epoch 0: kind 1, epoch, signer, then [view, sequence, ...].
      if (packet.bytes[1] === 1 && packet.bytes[2] === 0) last = Math.max(last, packet.bytes[6] as number)
      return arrives(packet)
    }
    return () => last
  }

  it('proposes nothing behind a change until it is executed', () => {
    const group = createEpochGroup(4, { batchTransactionsMax: 1 })
    const present = presentOf(group)
    const closing = nodeAt(group, 0).store.length + 1
    const lastProposed = proposals(group)
    submit(
      group,
      group.nodes,
      change(group, { present, next: [1, 2, 3, 4], nonce: 1 }),
      ...Array.from({ length: 5 }, () => transfer(group)),
    )
    expect(lastProposed()).toBe(closing)
  })

  it('that does all the same has it done for nothing: nobody executes it, and the next epoch orders it again', () => {
    const careless = ({ ledger }: EpochNode) => ({ ...ledger, mayCloseEpoch: () => false })
    const group = createEpochGroup(4, { batchTransactionsMax: 1, applicationOf: careless })
    const present = presentOf(group)
    const { store } = nodeAt(group, 0)
    const closing = store.length + 1
    const lastProposed = proposals(group)
    const rest = Array.from({ length: 5 }, () => transfer(group))
    // All at one replica at once, so that its window fills before anything is executed.
    submit(group, [nodeAt(group, 0)], change(group, { present, next: [0, 1, 2, 4], nonce: 1 }), ...rest)
    expect(lastProposed()).toBe(closing + rest.length)
    tick(group, 20)
    addNode(group, 4)
    tick(group, 200)
    expect(summary(group)).toEqual({ states: 1, missing: 0, refused: [], epoch: 1, members: [0, 1, 2, 4] })
    const epochs = store.map(({ block }) => unwrap(parseBlock(block)).header.memberEpoch)
    expect(epochs.indexOf(1)).toBe(closing)
  })
})

describe('a member that was away when the epoch closed', () => {
  it('gets the closing block from the replicas that stayed to answer', () => {
    const group = createEpochGroup(4)
    const away = nodeAt(group, 3)
    away.isDown = true
    const present = presentOf(group)
    submit(group, group.nodes, transfer(group), change(group, { present, next: [0, 1, 2, 3, 4], nonce: 1 }))
    tick(group, 20)
    addNode(group, 4)
    away.isDown = false
    expect(away.ledger.members.memberEpoch).toBe(0)
    tick(group, 200)
    expect(away.seat?.config.memberEpoch).toBe(1)
    submit(group, group.nodes, transfer(group))
    tick(group, 100)
    expect(summary(group)).toMatchObject({ states: 1, missing: 0, members: [0, 1, 2, 3, 4] })
  })

  it('is taken to the closing block by a snapshot, where blocks are no longer kept one by one', () => {
    const group = createEpochGroup(4, { checkpointEvery: 2, historyBlocks: 4 })
    const away = nodeAt(group, 3)
    away.isDown = true
    for (let block = 0; block < 20; block++) submit(group, group.nodes, transfer(group))
    const [first] = group.nodes as [EpochNode]
    submit(group, group.nodes, change(group, { present: presentOf(group), next: [0, 1, 2, 3, 4], nonce: 1 }))
    const closing = first.store.length
    away.isDown = false
    tick(group, 60)
    expect(away.seat?.config).toMatchObject({ memberEpoch: 1, baseHeight: closing })
    expect(away.store.length).toBeLessThan(closing)
    addNode(group, 4)
    submit(group, group.nodes, transfer(group))
    tick(group, 100)
    expect(summary(group)).toMatchObject({ states: 1, missing: 0, epoch: 1, members: [0, 1, 2, 3, 4] })
  })

  it('hears of the later epoch and fetches blocks, where they are gone', () => {
    const group = createEpochGroup(4)
    const away = nodeAt(group, 3)
    away.isDown = true
    const present = presentOf(group)
    submit(group, group.nodes, transfer(group), change(group, { present, next: [0, 1, 2, 3, 4], nonce: 1 }))
    tick(group, 20)
    addNode(group, 4)
    for (const node of group.nodes) node.former = []
    away.isDown = false
    submit(group, group.nodes, transfer(group))
    tick(group, 100)
    expect(away.hearsLater).toBe(true)
    expect(away.ledger.members.memberEpoch).toBe(0)
    expect(away.rejected).toEqual([])
    catchUp(group, away)
    tick(group, 200)
    expect(summary(group)).toMatchObject({ states: 1, missing: 0, members: [0, 1, 2, 3, 4] })
  })
})

describe('the replica of a closed epoch', () => {
  it('answers and takes nothing more', () => {
    const group = createEpochGroup(4)
    submit(group, group.nodes, change(group, { present: presentOf(group), next: [0, 1, 2, 4], nonce: 1 }))
    const { former } = nodeAt(group, 0)
    const [old] = former
    expect(old?.replica.status()).toMatchObject({ mode: 'closed', memberEpoch: 0 })
    const { id, bytes } = transfer(group)
    const request = { id: new Uint8Array(32) as never, client: new Uint8Array(33), bytes: Uint8Array.from(bytes) }
    expect(id).toBeDefined()
    expect(old?.replica.step({ kind: 'request', request })).toMatchObject([{ kind: 'reject', grade: 'ignored' }])
    expect(old?.replica.pending()).toEqual([])
    // It begins nothing by itself, however long it stays.
    for (let turn = 0; turn < 500; turn++) {
      expect(old?.replica.step({ kind: 'tick', nowMs: group.nowMs + 10 * turn })).toEqual([])
    }
  })

  it('cannot be made again: after a restart the ledger says which epoch it is', () => {
    const group = createEpochGroup(4)
    const before = { ...(nodeAt(group, 0).seat as NonNullable<EpochNode['seat']>).config }
    submit(group, group.nodes, change(group, { present: presentOf(group), next: [0, 1, 2, 4], nonce: 1 }))
    const node = nodeAt(group, 0)
    const { signer, ledger } = node
    expect(codeOf(() => createReplica({ config: before, signer, application: ledger, log: [] }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
    const { members } = ledger.members
    const next = deriveNextConfig(before, { height: ledger.head().height, members })
    expect(next).toEqual(node.seat?.config)
    expect(createReplica({ config: next, signer, application: ledger }).status()).toMatchObject({
      memberEpoch: 1,
      mode: 'normal',
    })
    // Not before it has the closing block.
    expect(codeOf(() => deriveNextConfig(before, { height: 3, members: [] }))).toBe('ERR_ARGUMENT_INVALID')
    const early = { ...next, baseHeight: ledger.head().height + 1 }
    expect(codeOf(() => createReplica({ config: early, signer, application: ledger }))).toBe('ERR_ARGUMENT_INVALID')
    settle(group)
  })
})
