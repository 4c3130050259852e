import { describe, expect, it } from 'vitest'

import { createState } from '../../src/chain/state.ts'
import {
  balanceOf,
  credit,
  debit,
  escrowOf,
  lockEscrow,
  moveEscrow,
  releaseEscrow,
} from '../../src/chain/rules/transfer.ts'
import { identifier, listOf, mapped, uint } from '../../src/primitives/shape.ts'
import { codeOf } from '../support/failure.ts'
import { party } from '../support/parties.ts'

const number = uint(1_000)
const [ann, bob] = [party('ann'), party('bob')]

describe('drafts', () => {
  it('are kept or dropped whole, and read their own writes', () => {
    const state = createState()
    const before = state.root()
    state.draft((writer) => {
      writer.set(['a'], 1, number)
      expect(writer.get(['a'], number)).toBe(1)
      writer.append(['list'], 5, number)
      expect(writer.count(['list'])).toBe(1)
      writer.delete(['a'])
      expect(writer.has(['a'])).toBe(false)
      expect(writer.get(['a'], number)).toBe(undefined)
      return { keep: false, result: undefined }
    })
    expect(state.root()).toEqual(before)
    expect(state.count(['list'])).toBe(0)
    state.draft((writer) => ({ keep: true, result: writer.append(['list'], 5, number) }))
    expect(state.entry(['list'], 0, number)).toBe(5)
    expect(state.root()).not.toEqual(before)
  })

  it('of a rule that throws leave nothing', () => {
    const state = createState()
    const before = state.root()
    const change = () =>
      state.draft((writer) => {
        writer.set(['a'], 1, number)
        writer.set(['b'], 1_001, number)
        return { keep: true, result: undefined }
      })
    expect(codeOf(change)).toBe('ERR_ARGUMENT_INVALID')
    expect(state.root()).toEqual(before)
    expect(state.get(['a'], number)).toBe(undefined)
  })
})

describe('what is remembered', () => {
  it('is what was written, as it would be read again', () => {
    const sorted = mapped(listOf(identifier, { name: 'words', countMax: 9 }), {
      parse: (words) => words,
      format: (words) => [...words].sort(),
    })
    const state = createState()
    state.draft((writer) => {
      writer.set(['words'], ['b', 'a'], sorted)
      expect(writer.get(['words'], sorted)).toEqual(['a', 'b'])
      return { keep: true, result: undefined }
    })
    expect(state.get(['words'], sorted)).toEqual(['a', 'b'])
  })

  it('is forgotten with a rollback', () => {
    const state = createState()
    const kept = state.snapshot()
    state.draft((writer) => {
      writer.set(['a'], 1, number)
      return { keep: true, result: undefined }
    })
    state.rollback(kept)
    expect(state.get(['a'], number)).toBe(undefined)
  })

  it('keeps keys apart that look alike as text', () => {
    const state = createState()
    const alike = [
      ['a', 'b\n0'],
      ['a', 'b', '0'],
      ['a', 'b', 0],
      ['a\nb', 0],
      ['a,b', 0],
      ['a', '"b"', 0],
    ] as const
    state.draft((writer) => {
      for (const [value, key] of alike.entries()) writer.set(key, value, number)
      return { keep: true, result: undefined }
    })
    expect(alike.map((key) => state.get(key, number))).toEqual([0, 1, 2, 3, 4, 5])
  })
})

it('keeps balances and escrows between nothing and the safe integers', () => {
  const state = createState()
  const run = <R>(change: Parameters<typeof state.draft<R>>[0]) => state.draft(change)
  const keep = <R>(result: R) => ({ keep: true, result })
  expect(run((writer) => keep(credit(writer, ann.did, 100)))).toBe(true)
  expect(run((writer) => keep(debit(writer, ann.did, 101)))).toBe(false)
  const lock = (amount: number) =>
    run((writer) => keep(lockEscrow(writer, { name: 'a claim', payer: ann.did, amount })))
  const release = () => run((writer) => keep(releaseEscrow(writer, { name: 'a claim', payee: bob.did })))
  expect(lock(101)).toBe(false)
  expect(release()).toBe(false)
  expect(lock(60)).toBe(true)
  expect(lock(1)).toBe(false)
  expect([balanceOf(state, ann.did), balanceOf(state, bob.did)]).toEqual([40, 0])
  expect(release()).toBe(true)
  expect(release()).toBe(false)
  expect([balanceOf(state, ann.did), balanceOf(state, bob.did)]).toEqual([40, 60])
  expect(run((writer) => keep(credit(writer, bob.did, Number.MAX_SAFE_INTEGER)))).toBe(false)
  expect(balanceOf(state, bob.did)).toBe(60)
})

it('moves parts between escrows, or all, and never more than there is', () => {
  const state = createState()
  const run = (change: (writer: Parameters<Parameters<typeof state.draft>[0]>[0]) => boolean) =>
    state.draft((writer) => ({ keep: true, result: change(writer) }))
  const move = (from: string, to: string, amount: number | 'all') =>
    run((writer) => moveEscrow(writer, { from, to, amount }))
  const escrows = () => ['listing', 'claim'].map((name) => escrowOf(state, name))
  run((writer) => credit(writer, ann.did, 100) && lockEscrow(writer, { name: 'listing', payer: ann.did, amount: 60 }))
  expect(move('listing', 'claim', 61)).toBe(false)
  expect(move('nothing', 'claim', 0)).toBe(false)
  expect(move('nothing', 'claim', 'all')).toBe(false)
  expect(move('listing', 'listing', 1)).toBe(false)
  expect(escrows()).toEqual([60, undefined])
  expect(move('listing', 'claim', 20)).toBe(true)
  expect(escrows()).toEqual([40, 20])
  expect(move('listing', 'claim', 40)).toBe(true)
  expect(escrows()).toEqual([0, 60])
  expect(move('claim', 'listing', 'all')).toBe(true)
  expect(escrows()).toEqual([60, undefined])
  expect(balanceOf(state, ann.did)).toBe(40)
})
