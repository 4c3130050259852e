import { beforeAll, describe, expect, it } from 'vitest'

import {
  createLedger,
  createLocalLedger,
  encodeBlock,
  parseBlock,
  type Block,
  type StoredBlock,
} from '../../src/chain/index.ts'
import { unwrap } from '../../src/errors.ts'
import { createLedgerApplication } from '../../src/node/ledger-application.ts'
import { parseTransaction } from '../../src/transactions/index.ts'
import { toDigest, createId } from '../../src/primitives/ids.ts'
import { toPublicKey } from '../../src/primitives/did.ts'
import { createVerifier } from '../../src/primitives/signature.ts'
import { hashTransaction } from '../../src/transactions/index.ts'
import { codeOfResult } from '../support/failure.ts'
import { createNodeGenesis, createWallet, nodeParty } from '../support/node-world.ts'

const genesis = createNodeGenesis({ members: 1 })
const { chainId } = genesis
const verifier = createVerifier()
let blocks: readonly StoredBlock[] = []

/** Four blocks of a group of one, with certificates. */
beforeAll(async () => {
  const { signer } = nodeParty('node 0')
  const ledger = createLocalLedger({ genesis, signer, clock: () => genesis.timeMs })
  const wallet = createWallet(genesis, nodeParty('client 0'))
  for (const transaction of [...wallet.opening(), wallet.reading(), wallet.reading()]) await ledger.submit(transaction)
  blocks = await Promise.all([1, 2, 3, 4].map(async (height) => (await ledger.store.read(height)) as StoredBlock))
})

const createApplication = () => {
  const ledger = createLedger({ genesis, verifier })
  return { ledger, application: createLedgerApplication({ ledger, verifier }) }
}
const block = (height: number): StoredBlock => blocks[height - 1] as StoredBlock
const altered = (height: number, change: (parsed: Block) => Block): StoredBlock => ({
  ...block(height),
  block: encodeBlock(change(unwrap(parseBlock(block(height).block)))),
})

/** The batch that made a block. */
function batchOf(height: number) {
  const { header, transactions } = unwrap(parseBlock(block(height).block))
  const requests = transactions.map((bytes) => {
    const parsed = unwrap(parseTransaction(bytes))
    const id = toDigest(createId('transaction', hashTransaction(parsed, { chainId })))
    return { id, client: toPublicKey(parsed.sender), bytes }
  })
  return { requests, timeMs: header.timeMs }
}

describe('a block of another node', () => {
  it('is taken when it is next and certified', () => {
    const { ledger, application } = createApplication()
    for (let height = 1; height <= 4; height++) expect(application.follow(block(height)).ok).toBe(true)
    expect(ledger.head().height).toBe(4)
  })

  it('is refused before anything of it is executed', () => {
    const { ledger, application } = createApplication()
    unwrap(application.follow(block(1)))
    const { stateRoot } = ledger.head()
    const [first] = unwrap(parseBlock(block(1).block)).transactions
    const wrong: readonly [StoredBlock, string][] = [
      [block(3), 'ERR_CHAIN_PROOF'],
      [block(1), 'ERR_CHAIN_PROOF'],
      [{ ...block(2), certificate: block(3).certificate }, 'ERR_CHAIN_CERTIFICATE'],
      [{ ...block(2), block: block(3).block }, 'ERR_CHAIN_CERTIFICATE'],
      [{ ...block(2), block: block(2).block.subarray(0, -1) }, 'ERR_CODEC_MALFORMED'],
      [{ ...block(2), certificate: Uint8Array.of(0x80) }, 'ERR_CODEC_MALFORMED'],
      [
        altered(2, (parsed) => ({ ...parsed, header: { ...parsed.header, timeMs: parsed.header.timeMs + 1 } })),
        'ERR_CHAIN_CERTIFICATE',
      ],
      // The header and its certificate hold; the transactions are others.
      [altered(2, (parsed) => ({ ...parsed, transactions: [first as never] })), 'ERR_CHAIN_PROOF'],
      [altered(2, (parsed) => ({ ...parsed, transactions: [new Uint8Array(9)] })), 'ERR_CHAIN_PROOF'],
    ]
    for (const [stored, code] of wrong) expect(codeOfResult(application.follow(stored))).toBe(code)
    expect(ledger.head()).toMatchObject({ height: 1, stateRoot })
    expect(application.follow(block(2)).ok).toBe(true)
  })
})

describe('the replica behind it', () => {
  it('is told what was followed, once, and executes the rest itself', () => {
    const { ledger, application } = createApplication()
    const alone = createApplication()
    for (const height of [1, 2]) unwrap(application.follow(block(height)))
    for (const height of [1, 2, 3]) {
      const told = application.apply(batchOf(height), height)
      const computed = alone.application.apply(batchOf(height), height)
      expect([told.headerDigest, told.stateRoot]).toEqual([computed.headerDigest, computed.stateRoot])
    }
    expect(ledger.head().height).toBe(3)
    expect(() => application.apply(batchOf(2), 2)).toThrow('the next height')
    expect([application.settle(2), application.settle(3)?.applied.block.header.height, application.settle(3)]).toEqual([
      undefined,
      3,
      undefined,
    ])
  })

  it('finds what it has executed taken over by a certificate', () => {
    const { application } = createApplication()
    application.apply(batchOf(1), 1)
    expect(codeOfResult(application.follow({ ...block(1), certificate: block(2).certificate }))).toBe(
      'ERR_CHAIN_CERTIFICATE',
    )
    expect(application.follow(block(1)).ok).toBe(true)
    expect(application.settle(1)).toBeUndefined()
  })

  it('takes a state over only where the blocks up to it are here', () => {
    const { ledger, application } = createApplication()
    const [chunk] = application.snapshot()
    expect(chunk).toHaveLength(0)
    for (const height of [1, 2]) unwrap(application.follow(block(height)))
    const source = createApplication()
    const heads = [1, 2, 3].map((height) => {
      unwrap(source.application.follow(block(height)))
      return source.ledger.head()
    })
    const [first, second, third] = heads as [(typeof heads)[0], (typeof heads)[0], (typeof heads)[0]]
    expect(codeOfResult(application.restore([], third))).toBe('ERR_CHAIN_PROOF')
    expect([application.offeredHeight, application.adoptedHeight]).toEqual([3, 0])
    expect(codeOfResult(application.restore([], { height: 2, headerDigest: first.headerDigest }))).toBe(
      'ERR_CHAIN_PROOF',
    )
    expect(unwrap(application.restore([], second))).toMatchObject({ height: 2, stateRoot: second.stateRoot })
    expect(application.adoptedHeight).toBe(2)
    application.apply(batchOf(3), 3)
    expect(ledger.head().height).toBe(3)
  })
})
