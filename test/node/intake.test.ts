import { describe, expect, it } from 'vitest'

import { createLedger, type AppliedBlock } from '../../src/chain/index.ts'
import { createIntake, type Handed } from '../../src/node/intake.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { encodeTransaction, type Transaction } from '../../src/transactions/index.ts'
import { codeOfResult } from '../support/failure.ts'
import { createNodeGenesis, createWallet, nodeParty } from '../support/node-world.ts'

const genesis = createNodeGenesis({ members: 1 })

/** An intake before a ledger in which two accounts are open, and what it handed over. */
function createWorld(options: { readonly hand?: () => Handed; readonly nonceAheadMax?: number } = {}) {
  const ledger = createLedger({ genesis })
  const [ann, bob] = [0, 1].map((at) => createWallet(genesis, nodeParty(`client ${at}`)))
  const openings = [ann, bob].map((wallet) => wallet?.opening() ?? [])
  for (const turn of [0, 1]) {
    const transactions = openings.map((opening) => encodeTransaction(opening[turn] as Transaction))
    ledger.applyBatch({ transactions, timeMs: genesis.timeMs })
  }
  const handed: string[] = []
  const world = {
    ledger,
    ann: ann as NonNullable<typeof ann>,
    bob: bob as NonNullable<typeof bob>,
    handed,
    nowMs: genesis.timeMs,
    answer: 'taken' as Handed,
    commit: (...transactions: readonly Transaction[]): AppliedBlock => {
      const batch = transactions.map(encodeTransaction)
      const applied = ledger.applyBatch({ transactions: batch, timeMs: world.nowMs })
      world.refused = intake.settle(applied, batch)
      return applied
    },
    refused: [] as readonly string[],
  }
  const limits = { transactionsMax: 10, bytesMax: 1 << 20, perAccountMax: 8, nonceAheadMax: options.nonceAheadMax ?? 4 }
  const intake = createIntake({
    ledger,
    nowMs: () => world.nowMs,
    hand: ({ id }) => {
      if (world.answer === 'taken') handed.push(toHex(id))
      return world.answer
    },
    limits,
  })
  const submit = (transaction: Transaction): string => codeOfResult(intake.submit(encodeTransaction(transaction)))
  return { ...world, world, intake, submit }
}

const nameOf = ({ id }: Transaction): string => toHex(toDigest(id))

describe('an intake', () => {
  it('hands over in the order of nonces, whatever order they come in', () => {
    const { ann, bob, handed, submit, intake } = createWorld()
    const [first, second, third] = [ann.reading(), ann.reading(), ann.reading()]
    const other = bob.reading()
    expect([third, second, other].map(submit)).toEqual(['accepted', 'accepted', 'accepted'])
    expect(handed).toEqual([nameOf(other)])
    expect(submit(first)).toBe('accepted')
    expect(handed).toEqual([other, first, second, third].map(nameOf))
    expect(intake.size).toBe(4)
  })

  it('takes the same again, and hands it over again', () => {
    const { ann, handed, submit, intake } = createWorld()
    const first = ann.reading()
    expect([submit(first), submit(first)]).toEqual(['accepted', 'accepted'])
    expect([handed, intake.size]).toEqual([[nameOf(first), nameOf(first)], 1])
  })

  it('refuses what is too far ahead, used, badly signed, or one too many', () => {
    const { ann, submit, commit, intake } = createWorld()
    const readings = Array.from({ length: 6 }, () => ann.reading())
    // Nonces up to four ahead of the next.
    expect(readings.map(submit)).toEqual([...Array<string>(5).fill('accepted'), 'ERR_CHAIN_NONCE'])
    const [first, second] = readings as [Transaction, Transaction]
    expect(submit({ ...second, signature: first.signature })).toBe('ERR_SIGNATURE_INVALID')
    commit(first)
    expect(submit(first)).toBe('ERR_CHAIN_NONCE')
    expect(codeOfResult(intake.submit(new Uint8Array(3)))).toMatch(/^ERR_CODEC/)
  })

  it('forgets what is final, and what another transaction with the same nonce has replaced', () => {
    const { world, ann, submit, commit, intake } = createWorld()
    const [first, second] = [ann.reading(), ann.reading()]
    submit(first)
    submit(second)
    const rival = createWallet(genesis, nodeParty('client 0'), 2)
    rival.reading()
    const other = createWallet(genesis, nodeParty('client 0'), 3).sign({
      kind: 'iot',
      record: (rival.reading() as Transaction<'iot'>).record,
      label: (first as Transaction<'iot'>).label,
      epoch: 1,
    })
    commit(first, other)
    expect(world.refused).toEqual([second.id])
    expect([intake.size, intake.refusalOf(second.id)?.code, intake.refusalOf(first.id)]).toEqual([
      0,
      'ERR_CHAIN_NONCE',
      undefined,
    ])
    expect(submit(second)).toBe('ERR_CHAIN_NONCE')
  })

  it('says of what a block left out why, also when it comes again', () => {
    const { world, ann, submit, commit, intake } = createWorld()
    const first = ann.reading()
    submit(first)
    const { record, label } = first as Transaction<'iot'>
    const rival = createWallet(genesis, nodeParty('client 0'), 2).sign({ kind: 'iot', record, label, epoch: 1 })
    // Ordered behind another one with its nonce: it can never be executed.
    commit(first, rival)
    expect(world.refused).toEqual([rival.id])
    expect(intake.refusalOf(rival.id)).toMatchObject({ code: 'ERR_CHAIN_NONCE', details: { nonceNext: 3, found: 2 } })
    expect(submit(rival)).toBe('ERR_CHAIN_NONCE')
    expect(intake.size).toBe(0)
  })

  it('hands over again what a proposer put before the one that it follows', () => {
    const { world, ann, handed, submit, commit, intake } = createWorld()
    const [first, second] = [ann.reading(), ann.reading()]
    submit(first)
    submit(second)
    expect(commit(second, first).skipped).toMatchObject([{ index: 0, because: 'nonce' }])
    expect([world.refused, intake.size]).toEqual([[], 1])
    expect(handed).toEqual([first, second, second].map(nameOf))
    expect(commit(second).skipped).toEqual([])
    expect(intake.size).toBe(0)
  })

  it('waits where the replica has no room, and goes on after a block', () => {
    const { world, ann, bob, handed, submit, commit, intake } = createWorld()
    const [first, second, other] = [ann.reading(), ann.reading(), bob.reading()]
    world.answer = 'full'
    expect([first, second].map(submit)).toEqual(['accepted', 'accepted'])
    world.answer = 'taken'
    expect(submit(other)).toBe('accepted')
    expect(handed).toEqual([nameOf(other)])
    commit(other)
    expect(handed).toEqual([other, first, second].map(nameOf))
    world.answer = 'refused'
    const third = ann.reading()
    submit(third)
    expect(intake.size).toBe(2)
  })

  it('hands everything over again to a new replica, and gives up what waits for too long', () => {
    const { world, ann, handed, submit, intake } = createWorld()
    const [first, , third] = [ann.reading(), ann.reading(), ann.reading()]
    submit(first)
    submit(third)
    handed.length = 0
    intake.repeat()
    expect(handed).toEqual([nameOf(first)])
    world.nowMs += 119_999
    intake.sweep()
    expect(intake.size).toBe(2)
    world.nowMs += 1
    intake.sweep()
    expect(intake.size).toBe(0)
  })
  it('hands over again what it gave up, when it comes again', () => {
    const { world, ann, handed, submit, intake } = createWorld()
    const first = ann.reading()
    submit(first)
    world.nowMs += 120_000
    intake.sweep()
    expect([submit(first), handed]).toEqual(['accepted', [nameOf(first), nameOf(first)]])
  })

  it('says why it gave up what came too early, and goes on with what somebody waits for', () => {
    const { world, ann, handed, submit, intake } = createWorld()
    const [first, , third] = [ann.reading(), ann.reading(), ann.reading()]
    submit(first)
    submit(third)
    world.nowMs += 120_000
    const givenUp = intake.sweep(() => true)
    expect(givenUp.map(({ failure }) => failure.code)).toEqual(['ERR_CHAIN_NONCE'])
    expect([intake.size, handed]).toEqual([1, [nameOf(first), nameOf(first)]])
    world.nowMs += 120_000
    expect([intake.sweep().length, intake.size]).toEqual([1, 0])
  })

  it('gives up in time though the clock is set back', () => {
    const { world, ann, bob, submit, intake } = createWorld()
    world.nowMs += 3_600_000
    submit(ann.reading())
    world.nowMs -= 3_600_000
    intake.sweep()
    submit(bob.reading())
    world.nowMs += 120_000
    intake.sweep()
    expect(intake.size).toBe(0)
  })
})
