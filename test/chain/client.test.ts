import { beforeEach, describe, expect, it } from 'vitest'

import {
  createLocalLedger,
  createMemoryLedgerStore,
  replayLedger,
  type LedgerStore,
  type LocalLedger,
} from '../../src/chain/index.ts'
import { isVitalsealError } from '../../src/errors.ts'
import type { Identity } from '../../src/identity/index.ts'
import { createTransaction, signTransaction, type Draft, type Transaction } from '../../src/transactions/index.ts'
import { codeOf } from '../support/failure.ts'
import { A, B, createTestGenesis, keyDraft, registration, START_MS, terms } from '../support/chain-fast.ts'
import { freshRecord } from '../support/chain-world.ts'
import { party } from '../support/parties.ts'

const [ann, bob, carol, node] = [party('ann'), party('bob'), party('carol'), party('node')]
const genesis = createTestGenesis({ parameters: { quotaPerMinute: 8 } })
let ledger: LocalLedger
let nowMs: number

beforeEach(() => {
  nowMs = START_MS
  ledger = open()
})

function open(store?: LedgerStore): LocalLedger {
  const stored = store === undefined ? {} : { store }
  return createLocalLedger({ genesis, signer: node.signer, clock: () => nowMs, ...stored })
}

function sign(by: Identity, draft: Draft, nonce: number): Transaction {
  const unsigned = createTransaction({ ...draft, sender: by.did, nonce, issuedAtMs: nowMs })
  return signTransaction(unsigned, { chainId: genesis.chainId, signer: by.signer })
}

const send = async (by: Identity, draft: Draft) =>
  ledger.submit(sign(by, draft, await ledger.nonce({ sender: by.did })))
const codeOfPromise = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => (isVitalsealError(error) ? error.code : error),
  )
const height = async () => (await ledger.view()).height
const empty: Draft = { kind: 'delegate', slot: 1, signingKey: null }
const iot = (label = A): Draft => ({ kind: 'iot', record: freshRecord(), label, epoch: 1 })
const grant = (to: Identity): Draft => ({
  kind: 'access',
  patient: ann.did,
  grantee: to.did,
  grants: [terms([A])],
  supersedes: null,
})

describe('submitting', () => {
  it('gives a receipt; the same transaction again gives the same one, also at once', async () => {
    const transaction = sign(ann, registration(ann), 0)
    const receipts = await Promise.all([ledger.submit(transaction), ledger.submit(transaction)])
    expect(receipts[0]).toEqual({ id: transaction.id, height: 1, timeMs: START_MS, untilMs: null })
    expect(receipts[1]).toEqual(receipts[0])
    expect(await ledger.submit(transaction)).toEqual(receipts[0])
    expect(await height()).toBe(1)
  })

  it('keeps the order of concurrent submissions, one block each, also when one comes again', async () => {
    const store = createMemoryLedgerStore()
    const heights: number[] = []
    const slow: LedgerStore = {
      ...store,
      async append(block) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        heights.push(block.height)
        await store.append(block)
      },
    }
    ledger = open(slow)
    const first = sign(ann, registration(ann), 0)
    await ledger.submit(first)
    const pending = [1, 2].map((nonce) => ledger.submit(sign(ann, empty, nonce)))
    const again = ledger.submit(first)
    const last = ledger.submit(sign(ann, empty, 3))
    await Promise.all([...pending, again, last])
    expect(heights).toEqual([1, 2, 3, 4])
    expect((await replayLedger(await all(store), { genesis })).ok).toBe(true)
  })

  it('throws the code of a refusal, which is in a block, and again the next time', async () => {
    await send(ann, registration(ann))
    const transaction = sign(ann, iot(), 1)
    for (let time = 0; time < 2; time++) {
      await expect(ledger.submit(transaction)).rejects.toMatchObject({
        code: 'ERR_CHAIN_REFUSED',
        details: { code: 'ERR_CHAIN_EPOCH', height: 2 },
      })
    }
    expect(await height()).toBe(2)
  })

  it('makes no block of what stays out', async () => {
    await send(ann, registration(ann))
    expect(await codeOfPromise(ledger.submit(sign(ann, empty, 5)))).toBe('ERR_CHAIN_NONCE')
    expect(await codeOfPromise(ledger.submit(sign(bob, empty, 0)))).toBe('ERR_SIGNATURE_INVALID')
    const other = signTransaction(createTransaction({ ...empty, sender: ann.did, nonce: 1, issuedAtMs: 1 }), {
      chainId: createTestGenesis({ timeMs: 1 }).chainId,
      signer: ann.signer,
    })
    expect(await codeOfPromise(ledger.submit(other))).toBe('ERR_SIGNATURE_INVALID')
    expect(await height()).toBe(1)
  })

  it('says until when the quota is used up', async () => {
    await send(ann, registration(ann))
    for (let nonce = 1; nonce < 8; nonce++) await send(ann, empty)
    await expect(send(ann, empty)).rejects.toMatchObject({
      code: 'ERR_CHAIN_QUOTA',
      details: { retryAtMs: START_MS + 60_000 },
    })
    expect(await height()).toBe(8)
    nowMs = START_MS + 60_000
    expect((await send(ann, empty)).height).toBe(9)
  })

  it('goes on after the store failed, and loses no block', async () => {
    const store = createMemoryLedgerStore()
    let isFull = false
    ledger = open({
      ...store,
      append: (block) => (isFull ? Promise.reject(new Error('the disk is full')) : store.append(block)),
    })
    await send(ann, registration(ann))
    isFull = true
    const transaction = sign(ann, empty, 1)
    await expect(ledger.submit(transaction)).rejects.toThrow('the disk is full')
    await expect(ledger.submit(transaction)).rejects.toThrow('the disk is full')
    expect(await height()).toBe(1)
    isFull = false
    expect((await ledger.submit(transaction)).height).toBe(2)
    expect(await store.height()).toBe(2)
  })

  it('goes on where an earlier run ended, and not on blocks that were changed', async () => {
    const store = createMemoryLedgerStore()
    ledger = open(store)
    await send(ann, registration(ann))
    await codeOfPromise(send(ann, iot()))
    ledger = open(store)
    expect(await ledger.nonce({ sender: ann.did })).toBe(2)
    expect(await height()).toBe(2)
    expect((await send(ann, empty)).height).toBe(3)
    expect(await store.height()).toBe(3)
    const changed: LedgerStore = {
      ...store,
      read: async (at) => {
        const stored = await store.read(at)
        return at === 2 && stored !== undefined ? { ...stored, certificate: new Uint8Array(0) } : stored
      },
    }
    ledger = open(changed)
    expect(await codeOfPromise(send(ann, empty))).toMatch(/^ERR_CODEC_/)
    expect(await codeOfPromise(ledger.view())).toMatch(/^ERR_CODEC_/)
    ledger = open({ ...store, read: () => Promise.resolve(undefined) })
    expect(await codeOfPromise(ledger.view())).toBe('ERR_ARGUMENT_INVALID')
  })

  it('is for the one member of the genesis', () => {
    expect(codeOf(() => createLocalLedger({ genesis, signer: ann.signer, clock: () => nowMs }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
    const two = createTestGenesis({ members: [{ did: node.did }, { did: ann.did }] })
    expect(codeOf(() => createLocalLedger({ genesis: two, signer: node.signer, clock: () => nowMs }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
  })
})

async function all(store: LedgerStore) {
  const blocks = []
  for (let next = 1; next <= (await store.height()); next++) {
    const block = await store.read(next)
    if (block !== undefined) blocks.push(block)
  }
  return blocks
}

describe('following', () => {
  it('gives blocks from a height on, then each new one, until closed', async () => {
    await send(ann, registration(ann))
    await send(bob, registration(bob))
    const seen: number[] = []
    const following = (async () => {
      for await (const { header, committed } of ledger.follow({ heightFirst: 2 })) {
        seen.push(header.height)
        expect(committed[0]?.height).toBe(header.height)
      }
    })()
    await send(carol, registration(carol))
    ledger.close()
    await following
    expect(seen).toEqual([2, 3])
  })

  it('ends with its signal', async () => {
    const controller = new AbortController()
    const following = (async () => {
      for await (const block of ledger.follow({ signal: controller.signal })) expect(block).toBeDefined()
    })()
    await send(ann, registration(ann))
    controller.abort()
    await following
  })
})

describe('views', () => {
  beforeEach(async () => {
    for (const each of [ann, bob]) await send(each, registration(each))
    await send(ann, keyDraft({ epoch: 1, listed: [A, B] }))
    await send(ann, grant(bob))
    nowMs += 1_000
    await send(ann, iot())
    await codeOfPromise(send(ann, { ...iot(), epoch: 2 } as Draft))
    await send(bob, { kind: 'data', mode: 'read', patient: ann.did, label: A, record: null, purpose: 'TREAT' })
  })

  it('filter by kind, party, label and outcome', async () => {
    const view = await ledger.view()
    const count = (filter: Parameters<typeof view.transactions>[0]) => [...view.transactions(filter)].length
    expect(count({})).toBe(6)
    expect(count({ outcome: 'any' })).toBe(7)
    expect(count({ kind: 'iot' })).toBe(1)
    expect(count({ kind: 'iot', outcome: 'refused' })).toBe(1)
    expect(count({ kind: 'iot', outcome: 'any', label: A })).toBe(2)
    expect(count({ kind: 'iot', outcome: 'any', label: B })).toBe(0)
    expect(count({ sender: bob.did })).toBe(2)
    expect(count({ kind: 'data', patient: ann.did })).toBe(1)
    expect(count({ kind: 'data', patient: bob.did })).toBe(0)
  })

  it('are the ledger as it was at a height', async () => {
    const view = await ledger.view()
    const mayRead = (at: typeof view) => at.policy.grants(ann.did, bob.did).length
    expect([3, 4, 7].map((at) => mayRead(view.at(at)))).toEqual([0, 1, 1])
    expect(view.at(4)).toMatchObject({ height: 4, timeMs: START_MS })
    expect(view.at(99)).toMatchObject({ height: 7, timeMs: START_MS + 1_000 })
    expect(view.at(1).indexOf(bob.did)).toBe(undefined)
    expect(view.at(2).indexOf(bob.did)).toBe(1)
    expect(view.accountAt(1)).toBe(bob.did)
    expect(view.keys(bob.did)).toEqual(bob.keys)
    expect(view.accountAt(2)).toBe(undefined)
  })

  it('of one patient hold what concerns her, and everybody’s keys', async () => {
    const view = await ledger.view({ patient: bob.did })
    expect([...view.transactions({ outcome: 'any' })].map(({ transaction }) => transaction.kind)).toEqual([
      'register',
      'register',
    ])
    const hers = await ledger.view({ patient: ann.did })
    const read = [...hers.transactions({ kind: 'data' })][0]
    expect(read).toMatchObject({ patient: ann.did, height: 7 })
    expect(hers.find(read?.transaction.id as never)).toBe(read)
  })

  it('know the next nonce', async () => {
    expect(await ledger.nonce({ sender: ann.did })).toBe(5)
    expect(await ledger.nonce({ sender: ann.did, delegate: 1 })).toBe(0)
    expect(await ledger.nonce({ sender: carol.did })).toBe(0)
  })
})
