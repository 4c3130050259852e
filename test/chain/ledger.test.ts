import { describe, expect, it } from 'vitest'

import {
  createLedger,
  createMemoryLedgerStore,
  encodeBlock,
  hashHeader,
  parseBlock,
  replayLedger,
  stateKeys,
  type Ledger,
  type StoredBlock,
} from '../../src/chain/index.ts'
import { transactionShape } from '../../src/chain/entities.ts'
import { unwrap } from '../../src/errors.ts'
import { createCertificate, encodeCertificate, signExecution } from '../../src/pbft/index.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import { toPublicKey } from '../../src/primitives/did.ts'
import { toDigest, type TransactionId } from '../../src/primitives/ids.ts'
import { verifyMapProof } from '../../src/primitives/authenticated-map-proof.ts'
import { hashMerkleLeaf, hashMerkleTree } from '../../src/primitives/merkle.ts'
import { encodeShape } from '../../src/primitives/shape.ts'
import { createTransaction, encodeTransaction, signTransaction, type Draft } from '../../src/transactions/index.ts'
import { codeOf } from '../support/failure.ts'
import {
  A,
  believe,
  createFastWorld,
  createTestGenesis,
  keyDraft,
  registration,
  START_MS,
} from '../support/chain-fast.ts'
import { freshRecord } from '../support/chain-world.ts'
import { party } from '../support/parties.ts'

const [ann, bob, node] = [party('ann'), party('bob'), party('node')]
const reading = (): Draft => ({ kind: 'iot', record: freshRecord(), label: A, epoch: 1 })

function worldWithBlocks() {
  const world = createFastWorld()
  world.send(ann.did, keyDraft({ epoch: 1, listed: [A] }))
  for (let count = 0; count < 3; count++) {
    world.nowMs += 1_000
    world.send(ann.did, reading())
  }
  return world
}

describe('headers', () => {
  it('are the same on every replica, and chain to the genesis', () => {
    const world = createFastWorld({ people: [] })
    const other = believe(world.genesis)
    let parent: Uint8Array = other.head().headerDigest
    const digests: Uint8Array[] = []
    for (const who of [ann, bob]) {
      const made = world.forge(who.did, registration(who))
      const { block, headerDigest } = world.block([made])
      const twin = other.applyBatch({ transactions: [made.bytes], timeMs: world.nowMs })
      expect(twin.headerDigest).toEqual(headerDigest)
      expect(headerDigest).toEqual(hashHeader(block.header))
      expect(block.header.parent).toEqual(parent)
      expect(block.header.historyRoot).toEqual(hashMerkleTree(digests.map((each) => hashMerkleLeaf(each))))
      parent = headerDigest
      digests.push(headerDigest)
    }
    expect(other.head()).toMatchObject({ height: 2, headerDigest: parent })
  })

  it('commit to what became of each transaction', () => {
    const world = worldWithBlocks()
    const { state, header } = world.ledger
    const entry = { height: 7, position: 0, owner: ann.did, kind: 'iot', code: null }
    const key = stateKeys.transaction(world.last())
    const claim = { root: header?.stateRoot as Uint8Array, key, proof: state.prove(key) }
    const value = encodeShape(entry, transactionShape, { object: 'entry' })
    expect(verifyMapProof({ ...claim, value })).toBe(true)
    expect(verifyMapProof({ ...claim, value: null })).toBe(false)
    const absent = stateKeys.slot(party('nobody').did, 0)
    expect(verifyMapProof({ ...claim, key: absent, value: null, proof: state.prove(absent) })).toBe(true)
  })

  it('are applied in order only', () => {
    const world = createFastWorld()
    const batch = { requests: [], timeMs: START_MS } as const
    expect(codeOf(() => world.ledger.apply(batch, 3))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => world.ledger.apply(batch, 5))).toBe('ERR_ARGUMENT_INVALID')
    const { block, headerDigest, stateRoot } = world.ledger.apply(batch, 4)
    expect(unwrap(parseBlock(block)).header.stateRoot).toEqual(stateRoot)
    expect(world.ledger.head()).toEqual({ height: 4, headerDigest, stateRoot, members: world.ledger.members })
  })
})

describe('requests to a replica', () => {
  const request = ({ bytes, id }: { readonly bytes: Uint8Array; readonly id: TransactionId }, who = ann) => ({
    id: toDigest(id),
    client: toPublicKey(who.did),
    bytes: bytes as Bytes,
  })
  const judge = (ledger: Ledger, asked: ReturnType<typeof request>) => {
    const judged = ledger.check(asked)
    return judged.ok ? null : judged.code
  }

  it('are taken until their nonce is used, also by a ledger that was restored', () => {
    const world = worldWithBlocks()
    const made = world.forge(ann.did, reading())
    expect(judge(world.ledger, request(made))).toBeNull()
    expect(judge(world.ledger, request(world.forge(ann.did, reading(), { nonce: 40 })))).toBeNull()
    world.block([made])
    expect(judge(world.ledger, request(made))).toBe('ERR_CHAIN_NONCE')
    const restored = believe(world.genesis)
    unwrap(restored.restore([...world.ledger.snapshot()], world.ledger.head()))
    expect(judge(restored, request(made))).toBe('ERR_CHAIN_NONCE')
  })

  it('name the id and the client of their bytes, and an account with a key that signed', () => {
    const world = worldWithBlocks()
    const made = world.forge(ann.did, reading())
    expect(judge(world.ledger, request(made, bob))).toBe('ERR_CODEC_MALFORMED')
    expect(judge(world.ledger, { ...request(made), id: toDigest(world.last()) })).toBe('ERR_CODEC_MALFORMED')
    const stranger = party('stranger')
    expect(judge(world.ledger, request(world.forge(stranger.did, reading()), stranger))).toBe('ERR_SIGNATURE_INVALID')
    // The same bytes, on a ledger that believes no signature that does not hold.
    const strict = createLedger({ genesis: world.genesis })
    unwrap(strict.restore([...world.ledger.snapshot()], world.ledger.head()))
    expect(judge(strict, request(made))).toBe('ERR_SIGNATURE_INVALID')
  })
})

describe('snapshots', () => {
  it('give a ledger that goes on as if it had never stopped', () => {
    const world = worldWithBlocks()
    const restored = believe(world.genesis)
    expect(unwrap(restored.restore([...world.ledger.snapshot()], world.ledger.head()))).toEqual(world.ledger.head())
    for (const draft of [reading(), keyDraft({ epoch: 2, previous: world.ids[3] as never, listed: [A] }), reading()]) {
      const { bytes } = world.forge(ann.did, draft)
      const twin = restored.applyBatch({ transactions: [bytes], timeMs: world.nowMs })
      expect(twin.headerDigest).toEqual(world.block([{ bytes }]).headerDigest)
    }
    expect([...restored.snapshot()]).toEqual([...world.ledger.snapshot()])
  })

  it('are of one moment, although the ledger goes on while they are read', () => {
    const world = worldWithBlocks()
    const head = world.ledger.head()
    const chunks: Uint8Array[] = []
    for (const chunk of world.ledger.snapshot()) {
      chunks.push(chunk)
      world.send(ann.did, reading())
    }
    expect(believe(world.genesis).restore(chunks, head).ok).toBe(true)
  })

  it('are refused when a chunk is missing, changed, or of another height, and nothing has changed then', () => {
    const world = worldWithBlocks()
    const head = world.ledger.head()
    const [meta, ...map] = [...world.ledger.snapshot()] as [Uint8Array, ...Uint8Array[]]
    world.send(ann.did, reading())
    const [laterMeta, ...laterMap] = [...world.ledger.snapshot()] as [Uint8Array, ...Uint8Array[]]
    const flipped = Uint8Array.from(map[0] as Uint8Array)
    flipped[flipped.length - 1] = (flipped[flipped.length - 1] as number) ^ 1
    const restored = believe(world.genesis)
    for (const chunks of [
      [],
      [meta],
      map,
      [meta, flipped],
      [laterMeta, ...map],
      [meta, ...laterMap],
      [meta, ...map, ...map],
    ]) {
      expect(restored.restore(chunks, head).ok).toBe(false)
      expect(restored.head().height).toBe(0)
    }
    expect(restored.restore([meta, ...map], { ...head, headerDigest: world.ledger.head().headerDigest })).toMatchObject(
      {
        code: 'ERR_CHAIN_PROOF',
      },
    )
    expect(restored.restore([meta, ...map], head).ok).toBe(true)
  })

  it('are refused with another history before the header', () => {
    const world = worldWithBlocks()
    const [meta, ...map] = [...world.ledger.snapshot()] as [Uint8Array, ...Uint8Array[]]
    for (let at = 0; at < meta.length; at++) {
      const changed = Uint8Array.from(meta)
      changed[at] = (changed[at] as number) ^ 1
      expect(believe(world.genesis).restore([changed, ...map], world.ledger.head()).ok).toBe(false)
    }
  })
})

describe('replay', () => {
  const genesis = createTestGenesis()
  const { chainId } = genesis
  const ledger = createLedger({ genesis })
  const drafts = [registration(ann), keyDraft({ epoch: 1, listed: [A] }), reading(), reading()]
  const blocks = drafts.map((draft, nonce): StoredBlock => {
    const unsigned = createTransaction({ ...draft, sender: ann.did, nonce, issuedAtMs: START_MS })
    const bytes = encodeTransaction(signTransaction(unsigned, { chainId, signer: ann.signer }))
    const { block, headerDigest } = ledger.applyBatch({ transactions: [bytes], timeMs: START_MS + nonce })
    return { height: nonce + 1, block: encodeBlock(block), certificate: certify(nonce + 1, headerDigest) }
  })
  function certify(height: number, headerDigest: ReturnType<typeof hashHeader>, memberEpoch = 0) {
    const executed = { chainId, memberEpoch, height, headerDigest }
    return encodeCertificate(
      createCertificate(executed, new Map([[0, signExecution(executed, { signer: node.signer })]]), 1),
    )
  }
  const replay = async (changed: readonly StoredBlock[], of = genesis) => {
    const replayed = await replayLedger(changed, { genesis: of })
    return replayed.ok ? replayed.value.head() : `${replayed.code} ${replayed.path}`
  }
  const change = (index: number, more: Partial<StoredBlock>) =>
    blocks.map((block, i) => (i === index ? { ...block, ...more } : block))
  const blockAt = (index: number) => unwrap(parseBlock((blocks[index] as StoredBlock).block))

  it('of what happened ends at the same head', async () => {
    expect(await replay(blocks)).toEqual(ledger.head())
    expect(await replay([])).toMatchObject({ height: 0 })
    const seen: number[] = []
    await replayLedger(blocks, { genesis, onBlock: ({ block }) => seen.push(block.header.height) })
    expect(seen).toEqual([1, 2, 3, 4])
  })

  it('finds a block that is missing, repeated, or out of order', async () => {
    const [first, second, third] = blocks as [StoredBlock, StoredBlock, StoredBlock]
    for (const wrong of [blocks.slice(1), [first, first], [first, third, second]]) {
      expect(await replay(wrong)).toMatch(/^ERR_CHAIN_PROOF blocks\./)
    }
  })

  it('finds a header that says something else', async () => {
    const block = blockAt(2)
    for (const wrong of [{ timeMs: 1 }, { stateRoot: block.header.parent }, { memberEpoch: 1 }]) {
      const header = { ...block.header, ...wrong }
      const changed = change(2, {
        block: encodeBlock({ ...block, header }),
        certificate: certify(3, hashHeader(header)),
      })
      expect(await replay(changed)).toBe('ERR_CHAIN_PROOF blocks.3')
    }
  })

  it('finds transactions that are left out, forged, or of another ledger', async () => {
    const block = blockAt(2)
    const [bytes] = block.transactions as [Uint8Array]
    const forged = Uint8Array.from(bytes)
    forged[forged.length - 30] = (forged[forged.length - 30] as number) ^ 1
    const changed = encodeBlock({ ...block, transactions: [forged] as never })
    expect(await replay(change(2, { block: changed }))).toBe('ERR_CHAIN_PROOF blocks.3')
    expect(await replay(blocks, createTestGenesis({ timeMs: START_MS - 1 }))).toBe('ERR_CHAIN_PROOF blocks.1')
  })

  it('finds certificates of another block, of nobody, of a stranger, of another member epoch', async () => {
    const digest = hashHeader(blockAt(2).header)
    const executed = { chainId, memberEpoch: 0, height: 3, headerDigest: digest }
    const stranger = createCertificate(executed, new Map([[0, signExecution(executed, { signer: bob.signer })]]), 1)
    const wrong = [
      (blocks[1] as StoredBlock).certificate,
      encodeCertificate(stranger),
      certify(4, digest),
      certify(3, digest, 1),
    ]
    for (const certificate of wrong) {
      expect(await replay(change(2, { certificate }))).toBe('ERR_CHAIN_CERTIFICATE blocks.3')
    }
    expect(await replay(change(2, { certificate: new Uint8Array(0) }))).toMatch(/^ERR_CODEC_/)
  })

  it('notices every byte that is changed', async () => {
    // One block, so that each try executes little; every seventh byte, since each costs two signatures.
    const [{ block, certificate, height }] = blocks as [StoredBlock]
    const flip = (bytes: Uint8Array, at: number) => {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      return changed
    }
    for (let at = 0; at < block.length; at += 7) {
      expect(await replay([{ height, block: flip(block, at), certificate }])).toMatch(/^ERR_/)
    }
    // The last byte of a signature is a hint that nobody reads.
    for (let at = 0; at < certificate.length - 1; at += 3) {
      expect(await replay([{ height, block, certificate: flip(certificate, at) }])).toMatch(/^ERR_/)
    }
  })

  it('refuses blocks beyond the limits of the genesis, and a genesis with unknown kinds', async () => {
    const small = createTestGenesis({ parameters: { blockTransactionsMax: 1, blockBytesMax: 1_024 } })
    const block = { ...blockAt(0), transactions: [new Uint8Array(1_025)] as never }
    expect(await replay(change(0, { block: encodeBlock(block) }), small)).toMatch(/^ERR_CODEC_LIMIT/)
    expect(await replay(blocks, createTestGenesis({ kinds: ['prophecy'] }))).toMatch(/^ERR_CHAIN_PROOF/)
  })
})

it('keeps blocks in order of height', async () => {
  const store = createMemoryLedgerStore()
  const stored = (height: number) => ({ height, block: new Uint8Array(1), certificate: new Uint8Array(0) })
  await store.append(stored(1))
  await store.append(stored(1))
  await expect(store.append(stored(3))).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
  await store.append(stored(2))
  expect(await store.height()).toBe(2)
  expect(await store.read(3)).toBe(undefined)
})
