/** Hosts of one group in one process, over a network and disks in memory that can fail. */

import { createGenesis, type Genesis, type LedgerClient, type StoredBlock } from '../../src/chain/index.ts'
import { deriveIdentity, type Identity } from '../../src/identity/index.ts'
import type { Database } from '../../src/node/database.ts'
import type { ReplicaTuning } from '../../src/node/epoch-replicas.ts'
import { openHost, type NodeHost } from '../../src/node/host.ts'
import { createHostClient } from '../../src/node/host-client.ts'
import type { NodeEvent } from '../../src/node/node-events.ts'
import { createOpensslVerifier } from '../../src/node/openssl-verifier.ts'
import { openNodeStore } from '../../src/node/open-stores.ts'
import { createRecordId, hashBlock, RAW_CODEC } from '../../src/primitives/content-id.ts'
import { createLabeler } from '../../src/primitives/label.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createTransaction, signTransaction, type Draft, type Transaction } from '../../src/transactions/index.ts'
import { createMemoryDatabase, type Disk } from './memory-database.ts'

const label = createLabeler().label('http://loinc.org|8867-4')
const filler = sha256(toUtf8('filler'))

/** A party whose keys are the same in every process. */
export function nodeParty(name: string): Identity {
  return deriveIdentity({ seed: sha256(toUtf8(`node world: ${name}`)), circle: 'test' })
}

export interface NodeWorldOptions {
  /** Members of the genesis; default 4. */
  readonly members?: number
  /** Parties that are no members at first. */
  readonly others?: number
  readonly tuning?: ReplicaTuning
  /** How long a sync of the disks takes. */
  readonly syncMs?: number
}

/** A genesis with members `node 0`, `node 1`, ... */
export function createNodeGenesis(options: { readonly members: number }): Genesis {
  return createGenesis({
    preset: 'test',
    kinds: ['register', 'iot', 'key', 'config'],
    members: Array.from({ length: options.members }, (_, at) => ({ did: nodeParty(`node ${at}`).did })),
    timeMs: 1_700_000_000_000,
    parameters: { quotaPerMinute: 1_000_000 },
    salt: sha256(toUtf8('node world')),
  })
}

/** Signs what clients send, with the next nonce. */
export function createWallet(genesis: Genesis, by: Identity, nonceFirst = 0) {
  let nonce = nonceFirst
  const sign = (draft: Draft): Transaction => {
    const unsigned = createTransaction({ ...draft, sender: by.did, nonce: nonce++, issuedAtMs: genesis.timeMs })
    return signTransaction(unsigned, { chainId: genesis.chainId, signer: by.signer })
  }
  let count = nonceFirst
  return {
    sign,
    /** What makes an account and lets it record readings; each needs the one before. */
    opening: (): readonly Transaction[] => [
      sign({
        kind: 'register',
        operation: 'add',
        subject: by.did,
        keys: by.keys,
        credentials: [],
        previousSignature: null,
      }),
      sign({
        kind: 'key',
        mode: 'rotate',
        epoch: 1,
        previous: null,
        labels: [{ label, commitment: filler }],
        envelopes: [],
        ownEnvelopes: [{ delegate: 0, enc: filler, ciphertext: filler }],
        escrow: null,
      }),
    ],
    /** A reading, each of another record. */
    reading: () => {
      const record = createRecordId(hashBlock(RAW_CODEC, toUtf8(`${by.did} ${count++}`)))
      return sign({ kind: 'iot', record, label, epoch: 1 })
    },
  }
}

/** A node of the world. */
export interface WorldNode {
  readonly identity: Identity
  readonly disk: Disk
  readonly events: NodeEvent[]
  host: NodeHost | undefined
}

/** Returns a world in which nothing runs yet. */
export function createNodeWorld(options: NodeWorldOptions = {}) {
  const { members = 4, others = 0, tuning = {}, syncMs } = options
  const genesis = createNodeGenesis({ members })
  const verifier = createOpensslVerifier()
  const nodes = Array.from({ length: members + others }, (_, at): WorldNode => {
    return { identity: nodeParty(`node ${at}`), disk: new Map(), events: [], host: undefined }
  })
  const cut = new Set<WorldNode>()

  function deliver(from: WorldNode, to: WorldNode, bytes: Uint8Array): void {
    setImmediate(() => {
      if (!cut.has(from) && !cut.has(to)) void to.host?.receive(from.identity.did, bytes)
    })
  }

  /** Blocks of whoever else runs. */
  async function* fetchBlocks(asker: WorldNode, heightFirst: number): AsyncIterable<StoredBlock> {
    const source = nodes.find((node) => node !== asker && node.host !== undefined && !cut.has(node))
    const { disk } = source ?? asker
    const database = createMemoryDatabase(disk)
    const { decodeStoredBlock, blockKey } = await import('../../src/node/entries.ts')
    for (let height = heightFirst; !cut.has(asker); height++) {
      const value = await database.get(blockKey(height))
      if (value === undefined) return
      yield decodeStoredBlock(height, value)
    }
  }

  async function start(
    node: WorldNode,
    given: { readonly initialise?: true | 'lost-disk'; readonly database?: (disk: Disk) => Database } = {},
  ): Promise<NodeHost> {
    const { identity, disk, events } = node
    const database =
      given.database?.(disk) ?? createMemoryDatabase(disk, syncMs === undefined ? {} : { delayMs: syncMs })
    let isAlive = true
    const store = await openNodeStore({
      directory: 'memory',
      chainId: genesis.chainId,
      member: identity.did,
      ...(given.initialise === undefined ? {} : { initialise: given.initialise }),
      openDatabase: () =>
        Promise.resolve({
          ...database,
          // What a process had not written when it was killed is never written.
          batch: (operations, how) => (isAlive ? database.batch(operations, how) : new Promise(() => undefined)),
        }),
    })
    const host = await openHost({
      genesis,
      signer: identity.signer,
      store,
      verifier,
      clock: Date.now,
      tuning,
      send: (to, bytes) => {
        for (const other of nodes) if (to.includes(other.identity.did)) deliver(node, other, bytes)
      },
      fetchBlocks: (heightFirst) => fetchBlocks(node, heightFirst),
      onEvent: (event) => void events.push(event),
    })
    node.host = host
    killers.set(node, () => {
      isAlive = false
    })
    return host
  }

  const killers = new Map<WorldNode, () => void>()

  return {
    genesis,
    nodes,
    cut,
    start,
    startAll: () => Promise.all(nodes.slice(0, members).map((node) => start(node, { initialise: true }))),
    /** Ends a process without warning. */
    kill(node: WorldNode): void {
      const { host } = node
      node.host = undefined
      killers.get(node)?.()
      void host?.stop()
    },
    async stop(node: WorldNode): Promise<void> {
      const { host } = node
      node.host = undefined
      await host?.stop()
    },
    async stopAll(): Promise<void> {
      for (const { host } of nodes) await host?.stop()
    },
    clientOf: (node: WorldNode) => createHostClient(node.host as NodeHost),
    /** A wallet whose account is there. */
    async open(at: number, client: LedgerClient): Promise<ReturnType<typeof createWallet>> {
      const wallet = createWallet(genesis, nodeParty(`client ${at}`))
      for (const transaction of wallet.opening()) await client.submit(transaction)
      return wallet
    },
    /** Waits until something holds; fails after some seconds. */
    async until(what: string, holds: () => boolean, seconds = 20): Promise<void> {
      for (let turn = 0; turn < seconds * 100; turn++) {
        if (holds()) return
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      throw new Error(`not within ${seconds} s: ${what}; ${JSON.stringify(nodes.map(({ host }) => host?.status()))}`)
    },
  }
}
