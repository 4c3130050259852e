/**
 * One member as a process of its own: a host over LevelDB, whose network is the parent that kills it. The parent carries all
 * messages, so that it sees every vote that ever left.
 */

import { parseGenesis, type StoredBlock } from '../../src/chain/index.ts'
import { unwrap } from '../../src/errors.ts'
import { openLevelDatabase, type Database } from '../../src/node/database.ts'
import type { ReplicaTuning } from '../../src/node/epoch-replicas.ts'
import { openHost, type NodeHost } from '../../src/node/host.ts'
import { openNodeStore } from '../../src/node/open-stores.ts'
import { createOpensslVerifier } from '../../src/node/openssl-verifier.ts'
import { fromHex } from '../../src/primitives/bytes.ts'
import type { Did } from '../../src/primitives/did.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import { nodeParty } from '../support/node-world.ts'

/** Second argument of the program where it is to be a child. */
export const CHILD_FLAG = '--child'

/** What a child is to be. */
export interface ChildOptions {
  readonly member: number
  readonly directory: string
  readonly genesis: string
  readonly isFirst: boolean
  readonly tuning: ReplicaTuning
}

/** From the parent. */
export type ToChild =
  /** Begin: until then a child has only been loaded. */
  | { readonly kind: 'begin'; readonly options: ChildOptions }
  | { readonly kind: 'message'; readonly from: Did; readonly bytes: Uint8Array }
  | { readonly kind: 'submit'; readonly transaction: Uint8Array }
  /** Blocks of another member, as asked for. */
  | { readonly kind: 'blocks'; readonly blocks: readonly StoredBlock[] }

/** To the parent. */
export type FromChild =
  /** It runs, and holds final blocks up to here. */
  | { readonly kind: 'ready'; readonly height: number }
  | { readonly kind: 'send'; readonly to: readonly Did[]; readonly bytes: Uint8Array }
  /** A transaction is final here: it must never be lost. */
  | { readonly kind: 'acknowledged'; readonly id: TransactionId; readonly height: number }
  | { readonly kind: 'block'; readonly height: number; readonly stateRoot: string }
  | { readonly kind: 'failed'; readonly reason: string }
  /** It wants blocks of another member from this height on. */
  | { readonly kind: 'fetch'; readonly heightFirst: number }

/** A disk that takes its time: the more there is that is not durable, the more a kill can take away. */
async function openSlowDatabase(directory: string): Promise<Database> {
  const database = await openLevelDatabase(directory)
  return {
    ...database,
    async batch(operations, options) {
      await new Promise((resolve) => setTimeout(resolve, 10 * Math.random()))
      await database.batch(operations, options)
    },
  }
}

type Tell = (message: FromChild) => void

/** Whoever waits for blocks. */
let onBlocks: (blocks: readonly StoredBlock[]) => void = () => undefined

/** Asks the parent for blocks of another member. */
async function* fetchBlocks(tell: Tell, heightFirst: number): AsyncIterable<StoredBlock> {
  const answer = new Promise<readonly StoredBlock[]>((resolve) => {
    onBlocks = resolve
  })
  tell({ kind: 'fetch', heightFirst })
  yield* await answer
}

/** Waits to be told what to be, and is that until it is killed or its parent has gone. */
export function runChild(): void {
  const tell: Tell = (message) => {
    if (process.connected) process.send?.(message)
  }
  let host: NodeHost | undefined
  process.on('disconnect', () => process.exit(0))
  process.on('message', (message: ToChild) => {
    if (message.kind === 'begin') {
      void begin(message.options, tell).then((begun) => {
        host = begun.host
        // Blocks that it had followed are read after the start; they are there all the same.
        tell({ kind: 'ready', height: begun.height })
      })
    } else if (message.kind === 'blocks') onBlocks(message.blocks)
    else if (message.kind === 'message') void host?.receive(message.from, message.bytes)
    else if (host !== undefined) submit(host, message.transaction, tell)
  })
}

async function begin(
  { member, directory, genesis: hex, isFirst, tuning }: ChildOptions,
  tell: Tell,
): Promise<{ readonly host: NodeHost; readonly height: number }> {
  const genesis = unwrap(parseGenesis(fromHex(hex)))
  const { did, signer } = nodeParty(`node ${member}`)
  const initialise = isFirst ? { initialise: true as const } : {}
  const { chainId } = genesis
  const store = await openNodeStore({ directory, chainId, member: did, openDatabase: openSlowDatabase, ...initialise })
  const host = await openHost({
    genesis,
    signer,
    store,
    verifier: createOpensslVerifier(),
    clock: Date.now,
    tuning,
    send: (to, bytes) => {
      tell({ kind: 'send', to, bytes })
    },
    fetchBlocks: (heightFirst) => fetchBlocks(tell, heightFirst),
    onEvent: (event) => {
      if (event.kind === 'halt') tell({ kind: 'failed', reason: event.reason })
    },
  })
  host.onBlock(() => {
    const { height, executedHeight, stateRoot } = host.status()
    tell({ kind: 'block', height, stateRoot: executedHeight === height ? stateRoot : '' })
  })
  return { host, height: store.head.height }
}

function submit(host: NodeHost, transaction: Uint8Array, tell: Tell): void {
  const taken = host.submit(transaction)
  if (!taken.ok) return
  const id = taken.value
  const acknowledge = (): void => {
    const height = host.feed.find(id)?.height
    if (height !== undefined) tell({ kind: 'acknowledged', id, height })
  }
  if (host.feed.find(id) === undefined) host.onSettled(id, acknowledge)
  else acknowledge()
}
