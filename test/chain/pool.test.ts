import { describe, expect, it } from 'vitest'

import { createPool, isRevocation, poolLimits, type Pooled } from '../../src/chain/index.ts'
import type { Verified } from '../../src/primitives/bytes.ts'
import { createId } from '../../src/primitives/ids.ts'
import { createTransaction, type Draft, type Transaction } from '../../src/transactions/index.ts'
import { codeOfResult } from '../support/failure.ts'
import { A, digest, registration, START_MS, terms } from '../support/chain-fast.ts'
import { party } from '../support/parties.ts'

const people = ['ann', 'bob', 'carol', 'dave'].map(party)
const [ann, bob, carol] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]]
const answer: Draft = { kind: 'acknowledge', answers: createId('transaction', digest('a tx_key')) }
const access = (grants: readonly ReturnType<typeof terms>[]): Draft => ({
  kind: 'access',
  patient: ann.did,
  grantee: bob.did,
  grants,
  supersedes: null,
})
const revocation = access([])

function pooled(by: typeof ann, nonce: number, draft: Draft = answer, byteCount = 100, delegate = 0): Pooled {
  const unsigned = createTransaction({ ...draft, sender: by.did, delegate, nonce, issuedAtMs: START_MS })
  const transaction = { ...unsigned, id: createId('transaction', digest(`${by.did} ${delegate} ${nonce}`)) }
  return { transaction: transaction as unknown as Verified<Transaction>, bytes: new Uint8Array(byteCount) }
}

const small = { transactionsMax: 4, bytesMax: 1_000, perAccountMax: 3, nonceAheadMax: 2 }
const take = (pool: ReturnType<typeof createPool>, countMax = 100, bytesMax = 1e6, nonceNextOf = () => 0) =>
  pool.take({ countMax, bytesMax, nonceNextOf }).map(({ transaction }) => [transaction.sender, transaction.nonce])

describe('a pool', () => {
  it('has the limits of the design', () => {
    expect(poolLimits).toEqual({
      transactionsMax: 50_000,
      bytesMax: 64 * 1024 * 1024,
      perAccountMax: 256,
      nonceAheadMax: 64,
    })
  })

  it('takes nonces from the next one to so many ahead, each once', () => {
    const pool = createPool()
    const add = (nonce: number) => codeOfResult(pool.add(pooled(ann, nonce), 10))
    expect([9, 10, 74, 75, 10].map(add)).toEqual([
      'ERR_CHAIN_NONCE',
      'accepted',
      'accepted',
      'ERR_CHAIN_NONCE',
      'ERR_CHAIN_NONCE',
    ])
    expect(pool.size).toBe(2)
  })

  it('gives out what can be executed: no nonce before the one that is missing', () => {
    const pool = createPool()
    for (const nonce of [2, 0, 3]) pool.add(pooled(ann, nonce), 0)
    expect(take(pool)).toEqual([[ann.did, 0]])
    pool.add(pooled(ann, 1), 0)
    expect(take(pool)).toEqual([0, 1, 2, 3].map((nonce) => [ann.did, nonce]))
    // They stay until they are dropped.
    expect(pool.size).toBe(4)
    expect(take(pool, 100, 1e6, () => 2)).toEqual([2, 3].map((nonce) => [ann.did, nonce]))
  })

  it('takes turns between senders, within a block and from block to block', () => {
    const pool = createPool()
    for (let nonce = 0; nonce < 5; nonce++) pool.add(pooled(ann, nonce), 0)
    pool.add(pooled(bob, 0), 0)
    pool.add(pooled(carol, 0), 0)
    expect(take(pool, 4)).toEqual([
      [ann.did, 0],
      [bob.did, 0],
      [carol.did, 0],
      [ann.did, 1],
    ])
    // One place in each block: whoever was served goes behind the others.
    const served: unknown[] = []
    for (let block = 0; block < 4; block++) {
      const nonces = new Map(served.map((sender) => [sender, served.filter((each) => each === sender).length]))
      const [first] = pool.take({ countMax: 1, bytesMax: 1e6, nonceNextOf: ({ sender }) => nonces.get(sender) ?? 0 })
      if (first === undefined) throw new Error('nothing to take')
      served.push(first.transaction.sender)
      pool.drop([first.transaction])
    }
    expect(served).toEqual([ann.did, bob.did, carol.did, ann.did])
  })

  it('keeps the bytes of a block, and goes on with those that fit', () => {
    const pool = createPool()
    pool.add(pooled(ann, 0, answer, 900), 0)
    pool.add(pooled(bob, 0, answer, 200), 0)
    pool.add(pooled(carol, 0, answer, 100), 0)
    expect(take(pool, 100, 1_000)).toEqual([
      [ann.did, 0],
      [carol.did, 0],
    ])
  })

  it('drops what was committed under the same nonce, whatever it was', () => {
    const pool = createPool()
    pool.add(pooled(ann, 0), 0)
    pool.drop([pooled(ann, 0, revocation).transaction, pooled(bob, 0).transaction])
    expect(pool.size).toBe(0)
    expect(take(pool)).toEqual([])
  })

  it('limits an account, all of its delegates together', () => {
    const pool = createPool({ ...small, transactionsMax: 10 })
    for (const nonce of [0, 1]) pool.add(pooled(ann, nonce), 0)
    expect(codeOfResult(pool.add(pooled(ann, 0, answer, 100, 1), 0))).toBe('accepted')
    expect(pool.add(pooled(ann, 1, answer, 100, 1), 0)).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
    expect(codeOfResult(pool.add(pooled(ann, 2, revocation), 0))).toBe('accepted')
  })
})

describe('a full pool', () => {
  const full = (drafts: readonly Draft[] = [answer, answer, answer, answer]) => {
    const pool = createPool(small)
    for (const [index, draft] of drafts.entries()) pool.add(pooled(people[index] as typeof ann, 0, draft), 0)
    return pool
  }

  it('takes nothing but revocations, which make room', () => {
    const pool = full()
    expect(pool.add(pooled(ann, 1), 0)).toMatchObject({ code: 'ERR_CODEC_LIMIT', details: { limit: 'transactions' } })
    expect(codeOfResult(pool.add(pooled(ann, 1, revocation), 0))).toBe('accepted')
    expect(pool.size).toBe(4)
  })

  it('throws out no revocation, and nothing that a revocation waits for', () => {
    const grant = access([terms([A])])
    const pool = full([answer, revocation, revocation, revocation])
    expect(pool.add(pooled(bob, 1, grant), 0)).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
    // The only place is that of Ann's answer; her own revocation needs it to be executed first.
    expect(pool.add(pooled(ann, 1, revocation), 0)).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
    expect(pool.size).toBe(4)
    expect(codeOfResult(pool.add(pooled(bob, 1, revocation), 0))).toBe('accepted')
    expect(take(pool).map(([sender]) => sender)).not.toContain(ann.did)
    // Ann's slot is free again, but now everything is a revocation.
    expect(pool.add(pooled(ann, 0, revocation), 0)).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
  })

  it('loses nothing for what does not fit anyhow', () => {
    const pool = createPool(small)
    for (const by of [ann, bob, carol]) pool.add(pooled(by, 0, answer, 300), 0)
    expect(pool.add(pooled(bob, 1, answer, 101), 0)).toMatchObject({ details: { limit: 'bytes', allowed: 1_000 } })
    expect(pool.add(pooled(bob, 1, revocation, 1_001), 0)).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
    expect(pool.size).toBe(3)
    expect(codeOfResult(pool.add(pooled(bob, 1, revocation, 700), 0))).toBe('accepted')
    expect(pool.size).toBe(2)
  })
})

it('tells what only takes access away', () => {
  const tell = (draft: Draft) => isRevocation(pooled(ann, 0, draft).transaction)
  const key = { slot: 1, signingKey: bob.did, agreement: null, rights: ['publish'], notAfterMs: START_MS } as const
  expect(tell(revocation)).toBe(true)
  expect(tell(access([terms([A])]))).toBe(false)
  expect(tell({ kind: 'delegate', slot: 1, signingKey: null })).toBe(true)
  expect(tell({ kind: 'delegate', ...key })).toBe(false)
  expect(tell(registration(bob, { operation: 'revoke', keys: null }))).toBe(true)
  expect(tell(registration(bob))).toBe(false)
  expect(tell(answer)).toBe(false)
})
