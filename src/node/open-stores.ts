/**
 * The three ways of keeping something on disk: the store of a node, and for hosts of your own a store of blocks and the log of
 * a replica.
 */

import type { Did } from '../primitives/did.ts'
import type { ChainId } from '../primitives/ids.ts'
import type { LedgerStore } from '../chain/index.ts'
import type { LogRecord } from '../pbft/index.ts'
import type { OpenDatabase } from './database.ts'
import type { Identity } from './entries.ts'
import { openStore, type NodeStore } from './level-store.ts'
import { initialiseFailure } from './store-errors.ts'

/** Where a member's data is, and whether there should be any. */
export interface NodeStoreOptions {
  readonly directory: string
  readonly chainId: ChainId
  readonly member: Did
  /**
   * `true`: this member starts for the first time anywhere, and has never voted. `'lost-disk'`: it has voted, and what it
   * remembered is gone or damaged; records that are still there are dropped. Left out: the directory is that of this member.
   */
  readonly initialise?: true | 'lost-disk'
  readonly openDatabase?: OpenDatabase
}

/**
 * Opens the store of a member.
 *
 * Cost: reading the records of the log; blocks are checked when they are read.
 *
 * @throws When the directory is another's: `ERR_NODE_STORE_FOREIGN`; when it is empty or full against what `initialise`
 *   says: `ERR_NODE_INITIALISE`; when it is open elsewhere: `ERR_NODE_STORE_LOCKED`; when it is damaged:
 *   `ERR_NODE_STORE_CORRUPT`; when it cannot be written: `ERR_NODE_DISK`. {@link VitalsealError}
 */
export async function openNodeStore(options: NodeStoreOptions): Promise<NodeStore> {
  const { directory, chainId, member, initialise, openDatabase } = options
  const identity: Identity = { purpose: 'node', chainId, member }
  return openStore({ directory, identity, openDatabase }, (isNew) => {
    if (isNew ? initialise === undefined : initialise === true) throw initialiseFailure(directory, isNew)
    return initialise === 'lost-disk'
  })
}

/** A ledger store that holds a directory. */
export interface OpenLedgerStore extends LedgerStore {
  /** Waits for what is under way and lets go of the directory. */
  close(): Promise<void>
}

/**
 * Opens a store of blocks over LevelDB; a new directory is an empty one. `append` resolves after the sync.
 *
 * @throws When the directory is another's: `ERR_NODE_STORE_FOREIGN`; when it is open elsewhere: `ERR_NODE_STORE_LOCKED`; when it
 *   is damaged: `ERR_NODE_STORE_CORRUPT`; when it cannot be written: `ERR_NODE_DISK`. {@link VitalsealError}
 */
export async function openLedgerStore(directory: string): Promise<OpenLedgerStore> {
  const identity: Identity = { purpose: 'ledger', chainId: null, member: null }
  const store = await openStore({ directory, identity }, () => false)
  return {
    append: (block) => store.append(block),
    read: (height) => store.read(height),
    height: () => store.height(),
    close: () => store.close(),
  }
}

/** The write-ahead log of a replica, for hosts of your own. */
export interface ReplicaLog {
  /** The records that were there, oldest first; undefined where the log was made by this call as that of a first start. */
  records(): readonly LogRecord[] | undefined
  /** Resolves when the records are durable; drops what the last of them lets go of. */
  append(records: readonly LogRecord[]): Promise<void>
  /** Waits for what is under way and lets go of the directory. */
  close(): Promise<void>
}

/**
 * Opens the log of a replica over LevelDB. `log: log.records()` is what `createReplica` wants.
 *
 * @param directory - of this log alone
 * @param options - `initialise`: this member starts for the first time anywhere and has never voted. Left out, an empty
 *   directory means that its memory is lost, and the replica recovers before it votes.
 * @throws As {@link openLedgerStore}; also when the directory is full and `initialise` is set: `ERR_NODE_INITIALISE`. {@link VitalsealError}
 */
export async function openReplicaLog(
  directory: string,
  options: { readonly initialise?: boolean } = {},
): Promise<ReplicaLog> {
  const identity: Identity = { purpose: 'log', chainId: null, member: null }
  let isFirst = false
  const store = await openStore({ directory, identity }, (isNew) => {
    isFirst = isNew && options.initialise === true
    if (!isNew && options.initialise === true) throw initialiseFailure(directory, false)
    return isNew && !isFirst
  })
  const records = store.takeRecords()
  return {
    records: () => (isFirst ? undefined : records),
    append: (added) => store.write({ records: added }),
    close: () => store.close(),
  }
}
