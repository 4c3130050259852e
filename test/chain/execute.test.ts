import { beforeEach, describe, expect, it } from 'vitest'

import { createSignatureMemory } from '../../src/chain/signature-memory.ts'
import { createLedger, stateKeys } from '../../src/chain/index.ts'
import { quotaShape, slotShape, transactionShape } from '../../src/chain/entities.ts'
import { createCredential } from '../../src/identity/index.ts'
import { unwrap } from '../../src/errors.ts'
import { restoreAuthenticatedMap } from '../../src/primitives/authenticated-map.ts'
import { toPublicKey } from '../../src/primitives/did.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { encodeShape, transactionId, uint } from '../../src/primitives/shape.ts'
import { createVerifier, type Verifier } from '../../src/primitives/signature.ts'
import { createTransaction, encodeTransaction, signTransaction, type Draft } from '../../src/transactions/index.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import {
  A,
  createFastWorld,
  createTestGenesis,
  emptySignature,
  forge,
  keyDraft,
  registration,
  START_MS,
  terms,
  type FastWorld,
} from '../support/chain-fast.ts'
import { freshRecord } from '../support/chain-world.ts'
import { party } from '../support/parties.ts'

const [ann, bob, clerk] = [party('ann'), party('bob'), party('clerk')]
const MINUTE_MS = 60_000
let world: FastWorld
const empty: Draft = { kind: 'delegate', slot: 1, signingKey: null }

beforeEach(() => {
  world = createFastWorld({ parameters: { quotaPerMinute: 3 } })
  // Each has sent his registration in the first minute.
  world.nowMs = START_MS + MINUTE_MS
})

describe('nonces', () => {
  it('are taken one after the other, each once', () => {
    expect(world.send(ann.did, empty, { nonce: 2 })).toBe('nonce')
    expect(world.send(ann.did, empty, { nonce: 0 })).toBe('nonce')
    expect(world.send(ann.did, empty, { nonce: 1 })).toBe(null)
    expect(world.send(ann.did, empty, { nonce: 1 })).toBe('nonce')
    expect(world.ledger.nonceNext({ sender: ann.did, delegate: 0 })).toBe(2)
  })

  it('order the transactions of one sender inside a block', () => {
    const made = [2, 1, 2].map((nonce) => world.forge(ann.did, empty, { nonce }))
    const { skipped, block } = world.block(made)
    expect(skipped).toEqual([{ index: 0, because: 'nonce' }])
    expect(block.header.count).toBe(2)
  })
})

describe('quotas', () => {
  it('count a minute of block time, whatever became of the transactions', () => {
    world.nowMs = START_MS + 2 * MINUTE_MS - 1
    const refused: Draft = { kind: 'transfer', payee: bob.did, amount: 1, memo: null }
    expect([refused, empty, refused, empty].map((draft) => world.send(ann.did, draft))).toEqual([
      'ERR_CHAIN_BALANCE',
      null,
      'ERR_CHAIN_BALANCE',
      'quota',
    ])
    expect(world.send(bob.did, empty)).toBe(null)
    world.nowMs = START_MS + 2 * MINUTE_MS
    expect(world.send(ann.did, empty)).toBe(null)
  })

  it('count an account, not its delegates one by one', () => {
    const phone = party('phone')
    const rights = ['publish'] as const
    const filled: Draft = {
      kind: 'delegate',
      slot: 1,
      signingKey: phone.did,
      agreement: null,
      rights,
      notAfterMs: START_MS + 10 * MINUTE_MS,
    }
    expect(world.send(ann.did, filled)).toBe(null)
    const iot = (): Draft => ({ kind: 'iot', record: freshRecord(), label: A, epoch: 1 })
    expect(world.send(ann.did, iot(), { delegate: 1 })).toBe('ERR_CHAIN_EPOCH')
    expect(world.send(ann.did, iot())).toBe('ERR_CHAIN_EPOCH')
    expect(world.send(ann.did, iot(), { delegate: 1 })).toBe('quota')
  })

  it('are replaced by that of a live credential, the greatest of several', () => {
    world = createFastWorld({ registrars: [clerk.did], parameters: { quotaPerMinute: 1 } })
    const credential = (quotaPerMinute: number | null, fromMinute: number) => ({
      ...createCredential({
        kind: 'E-Cert',
        issuer: clerk.did,
        subject: ann.did,
        role: 'clinician',
        organisation: `${quotaPerMinute}.example`,
        notBeforeMs: START_MS + fromMinute * MINUTE_MS,
        notAfterMs: START_MS + 3 * MINUTE_MS,
        quotaPerMinute,
      }),
      signature: emptySignature,
    })
    const credentials = [credential(2, 0), credential(4, 1), credential(null, 0)]
    expect(world.send(clerk.did, registration(ann, { credentials }))).toBe(null)
    const taken = (minute: number) => {
      world.nowMs = START_MS + minute * MINUTE_MS
      let count = 0
      while (world.send(ann.did, empty) === null) count++
      return count
    }
    expect([0, 1, 2, 3].map(taken)).toEqual([2, 4, 4, 1])
  })
})

describe('what changes', () => {
  /** Everything in the state, as far as keys are known, is compared by roots: the same entries made by hand. */
  it('nothing at all by what is skipped', () => {
    world.send(ann.did, keyDraft({ epoch: 1, listed: [A] }))
    const before = world.ledger.state.root()
    const foreign = createTestGenesis({ timeMs: START_MS + 1 })
    const wrong = [
      new Uint8Array(0),
      world.forge(ann.did, empty).bytes.slice(1),
      world.forge(ann.did, empty, { nonce: 7 }).bytes,
      world.forge(ann.did, empty, { delegate: 3 }).bytes,
      world.forge(party('stranger').did, empty).bytes,
    ]
    const { skipped, block } = world.ledger.applyBatch({ transactions: wrong, timeMs: world.nowMs })
    expect(skipped.map(({ because }) => because)).toEqual([
      'form',
      'form',
      'nonce',
      'unknown-account',
      'unknown-account',
    ])
    expect(block.header).toMatchObject({ count: 0, stateRoot: before })
    // Another ledger's transactions have other signatures.
    const strict = createLedger({ genesis: foreign })
    expect(strict.applyBatch({ transactions: [wrong[4] as Uint8Array], timeMs: START_MS + 1 }).skipped).toHaveLength(1)
  })

  it('nonce, quota, tx/ and own/ alone by a refusal', () => {
    world.send(ann.did, keyDraft({ epoch: 1, listed: [A] }))
    const draft: Draft = { kind: 'data', mode: 'write', patient: ann.did, record: freshRecord(), label: A, epoch: 1 }
    const made = world.forge(bob.did, draft)
    const chunks = [...world.ledger.snapshot()]
    const restored = unwrap(restoreAuthenticatedMap({ root: world.ledger.state.root(), chunks: chunks.slice(1) }))
    const { header, receipts } = world.block([made]).block
    expect(receipts[0]?.code).toBe('ERR_CHAIN_RECIPIENT')
    const before = { slot: slotOf(bob.did), minute: START_MS / MINUTE_MS + 1 }
    const set = <T>(key: readonly (string | number)[], value: T, shape: Parameters<typeof encodeShape<T>>[1]) => {
      restored.set(key, encodeShape(value, shape, { object: 'entry' }))
    }
    set(stateKeys.slot(bob.did, 0), { ...before.slot, nonceNext: 2 }, slotShape)
    set(stateKeys.quota(bob.did), { minute: before.minute, count: 1 }, quotaShape)
    const entry = { height: header.height, position: 0, owner: ann.did, kind: 'data', code: 'ERR_CHAIN_RECIPIENT' }
    set(stateKeys.transaction(made.id), entry, transactionShape)
    // Ann's registration and tx_key came before.
    set([...stateKeys.own(ann.did), 2], made.id, transactionId)
    set(stateKeys.own(ann.did), 3, uint(2 ** 32 - 1))
    expect(restored.root()).toEqual(header.stateRoot)
  })

  function slotOf(did: typeof ann.did) {
    const slot = world.ledger.state.get(stateKeys.slot(did, 0), slotShape)
    if (slot === undefined) throw new Error('no slot')
    return slot
  }
})

describe('signatures', () => {
  const genesis = createTestGenesis()
  const sign = (draft: Draft, nonce: number, by = ann) => {
    const unsigned = createTransaction({ ...draft, sender: ann.did, nonce, issuedAtMs: START_MS })
    return encodeTransaction(signTransaction(unsigned, { chainId: genesis.chainId, signer: by.signer }))
  }
  const counting = () => {
    const verifier = createVerifier()
    const seen = { count: 0 }
    const counted: Verifier = {
      verify: (item) => {
        seen.count++
        return verifier.verify(item)
      },
    }
    return { seen, counted }
  }

  it('are of the sender and this ledger', () => {
    const ledger = createLedger({ genesis })
    const skips = (bytes: Uint8Array) =>
      ledger.applyBatch({ transactions: [bytes], timeMs: START_MS }).skipped[0]?.because
    expect(skips(sign(registration(ann), 0))).toBe(undefined)
    expect(skips(sign(empty, 1, bob))).toBe('signature')
    const other = createTestGenesis({ timeMs: START_MS + 1 })
    expect(skips(forge(other, empty, { sender: ann.did, nonce: 1, issuedAtMs: START_MS }).bytes)).toBe('signature')
    expect(skips(sign(empty, 1))).toBe(undefined)
  })

  it('are verified once between pool and block', () => {
    const { seen, counted } = counting()
    const ledger = createLedger({ genesis, verifier: counted })
    ledger.applyBatch({ transactions: [sign(registration(ann), 0)], timeMs: START_MS })
    const bytes = sign(empty, 1)
    seen.count = 0
    expect(ledger.admit(bytes).ok).toBe(true)
    expect(ledger.admit(bytes).ok).toBe(true)
    expect(ledger.applyBatch({ transactions: [bytes], timeMs: START_MS }).skipped).toEqual([])
    expect(seen.count).toBe(1)
  })

  it('are remembered for exactly the key, the digest and the signature that were checked', () => {
    const { remembering, recalling } = createSignatureMemory({ verify: ({ signer }) => signer === ann.did })
    const item = { signer: ann.did, digest: forgeDigest(1), signature: emptySignature }
    expect(remembering.verify(item)).toBe(true)
    expect(recalling.verify({ ...item, signer: bob.did })).toBe(false)
    expect(remembering.verify({ ...item, signer: bob.did })).toBe(false)
    expect(recalling.verify(item)).toBe(true)
  })
  const forgeDigest = (byte: number) => new Uint8Array(32).fill(byte) as Parameters<Verifier['verify']>[0]['digest']

  it('that were checked before decide nothing else: a delegate that lost a right, a replica that saw nothing', () => {
    const phone = party('phone')
    const fill = (rights: readonly ('publish' | 'rotate')[]): Draft => ({
      kind: 'delegate',
      slot: 1,
      signingKey: phone.did,
      agreement: null,
      rights,
      notAfterMs: START_MS + MINUTE_MS,
    })
    const saw = createFastWorld()
    const sawNot = createFastWorld()
    for (const each of [saw, sawNot]) each.send(ann.did, fill(['publish', 'rotate']))
    const rotation = saw.forge(ann.did, keyDraft({ epoch: 1 }), { delegate: 1 })
    expect(saw.ledger.admit(rotation.bytes).ok).toBe(true)
    for (const each of [saw, sawNot]) {
      each.send(ann.did, fill(['publish']))
      expect(each.block([rotation]).skipped).toEqual([{ index: 0, because: 'delegate' }])
    }
    expect(saw.ledger.head()).toEqual(sawNot.ledger.head())
  })
})

describe('admission', () => {
  const admit = (bytes: Uint8Array, timeMs?: number) => {
    const admitted = world.ledger.admit(bytes, timeMs === undefined ? {} : { timeMs })
    return codeOfResult(admitted)
  }

  it('tells the next nonce and leaves order to the pool', () => {
    const admitted = world.ledger.admit(world.forge(ann.did, empty, { nonce: 5 }).bytes)
    expect(admitted.ok && admitted.value.nonceNext).toBe(1)
  })

  it('refuses what no block will take, and changes nothing', () => {
    const root = world.ledger.state.root()
    expect(admit(new Uint8Array(0))).toBe('ERR_CODEC_MALFORMED')
    expect(admit(world.forge(party('stranger').did, empty).bytes)).toBe('ERR_SIGNATURE_INVALID')
    expect(world.ledger.state.root()).toEqual(root)
  })

  it('judges the quota at the time of the next block', () => {
    for (let count = 0; count < 3; count++) world.send(ann.did, empty)
    const { bytes } = world.forge(ann.did, empty)
    expect(admit(bytes, world.nowMs)).toBe('ERR_CHAIN_QUOTA')
    expect(admit(bytes, world.nowMs + MINUTE_MS - 1)).toBe('ERR_CHAIN_QUOTA')
    expect(admit(bytes, world.nowMs + MINUTE_MS)).toBe('accepted')
    expect(admit(bytes)).toBe('accepted')
  })
})

describe('a ledger', () => {
  it('has the kinds of its genesis, and refuses a genesis with kinds that it cannot execute', () => {
    const few = createFastWorld({ kinds: ['register', 'access'] })
    expect(few.send(ann.did, empty)).toBe('kind')
    const genesis = createTestGenesis({ kinds: ['register', 'prophecy'] })
    expect(codeOf(() => createLedger({ genesis }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('takes no time that is none, before anything is executed', () => {
    const { bytes } = world.forge(ann.did, empty)
    for (const timeMs of [Number.NaN, -1, 1.5, Infinity]) {
      expect(codeOf(() => world.ledger.applyBatch({ transactions: [bytes], timeMs }))).toBe('ERR_ARGUMENT_INVALID')
    }
    expect(world.ledger.applyBatch({ transactions: [bytes], timeMs: world.nowMs }).skipped).toEqual([])
  })

  it('never goes back in time', () => {
    world.block([])
    const { header } = world.ledger.applyBatch({ transactions: [], timeMs: START_MS - 1 }).block
    expect(header.timeMs).toBe(world.nowMs)
  })

  it('judges the form of a batch: ids, senders, number and bytes', () => {
    const requestOf = (by: FastWorld, draft: Draft) => {
      const { bytes, id } = by.forge(ann.did, draft)
      return { id: toDigest(id), client: toPublicKey(ann.did), bytes }
    }
    const judge = (by: FastWorld, ...requests: readonly ReturnType<typeof requestOf>[]) =>
      by.ledger.validate({ requests, timeMs: START_MS })
    const request = requestOf(world, empty)
    expect(judge(world, request).ok).toBe(true)
    expect(judge(world, { ...request, id: toDigest(world.last()) })).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
    expect(judge(world, { ...request, client: toPublicKey(bob.did) })).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
    const small = createFastWorld({ parameters: { blockTransactionsMax: 2, blockBytesMax: 1_024 } })
    const one = requestOf(small, empty)
    expect(judge(small, one, one).ok).toBe(true)
    expect(judge(small, one, one, one)).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
    const grants = Array.from({ length: 30 }, () => terms([A]))
    const large = requestOf(small, { kind: 'access', patient: ann.did, grantee: bob.did, grants, supersedes: null })
    expect(judge(small, large)).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
  })
})
