/**
 * A ledger node: a member's host with its directory, its connections to the other members, and the port for clients.
 */

import type { Genesis, LedgerClient, LedgerPorts, LedgerStore } from '../chain/index.ts'
import { createPreKeyVerifier, type PreKeyVerifier } from '../identity/index.ts'
import type { BlsSigner } from '../primitives/bls-signature.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Did } from '../primitives/did.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import type { Signer, Verifier } from '../primitives/signature.ts'
import type { ReplicaTuning } from './epoch-replicas.ts'
import { copyBlocks, type BlockCopy } from './copy-blocks.ts'
import { createBlockFetcher } from './fetch-blocks.ts'
import { createHostClient } from './host-client.ts'
import { openHost, type HostStatus, type NodeHost } from './host.ts'
import { serveLedgerClient, type LedgerBackend } from './ledger-server.ts'
import type { NodeStore } from './level-store.ts'
import { createTeller, type NodeEvent } from './node-events.ts'
import { openNodeStore } from './open-stores.ts'
import { createOpensslVerifier } from './openssl-verifier.ts'
import { loadRules } from './presets.ts'
import { openSocket } from './socket.ts'
import { openTransport, type Transport } from './transport.ts'

/** What a node is started with. */
export interface NodeOptions extends ProgressOptions, LedgerPorts {
  readonly genesis: Genesis
  /** Key of the member. */
  readonly signer: Signer
  /** Of a member whose BLS key the group knows: its votes for checkpoints then carry a share. */
  readonly blsSigner?: BlsSigner
  /** Of this member alone, for its records and blocks. */
  readonly directory: string
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string
  /** Addresses of the other members, `ws://` or `wss://`, in any order. */
  readonly peers: readonly string[]
  /**
   * `true`: this member starts for the first time anywhere and has never voted. `'lost-disk'`: it has voted, and its
   * directory is lost or damaged: it follows without a vote until it cannot contradict what it forgot. Left out or false:
   * the directory is as this member left it.
   */
  readonly initialise?: boolean | 'lost-disk'
  /** A second place for final blocks, for example a database of yours. The node does not depend on it. */
  readonly store?: LedgerStore
  /** Default: what the kinds of the genesis need. */
  readonly rules?: LedgerPorts['rules']
  /** Default: OpenSSL. */
  readonly verifier?: Verifier | undefined
  /** Default: the one over BLS12-381; accounts may register PRE keys at any time, and every node must judge them alike. */
  readonly preKeyVerifier?: PreKeyVerifier | undefined
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** How patient the replica is, and how large its batches are; all members should choose alike. */
  readonly tuning?: ReplicaTuning
  /** Told what happens; it cannot hold up or break the node. */
  readonly onEvent?: (event: NodeEvent) => void | Promise<void>
}

/** How a node is. */
export interface NodeStatus extends HostStatus {
  /** Members with which there is a connection. */
  readonly connected: readonly Did[]
  /** Messages that were dropped because a member was away or slow. */
  readonly droppedCount: number
}

/** A node that runs. */
export interface RunningNode {
  /** The ledger, for programs in this process. */
  readonly client: LedgerClient
  /** `host:port` where it listens. */
  readonly address: string
  /** How it is; cheap. */
  status(): NodeStatus
  /** Ends it; resolves when everything is durable, the port is free and the directory closed. */
  stop(): Promise<void>
}

/**
 * Starts a node; resolves when it listens and takes part.
 *
 * The blocks of the directory are executed first, with progress. A node stops itself when its disk fails or its state differs
 * from the group's; `status().failure` and the event `halt` say so, and nothing leaves it any more.
 *
 * @throws When the directory is another's, empty, open elsewhere or damaged: `ERR_NODE_STORE_FOREIGN`,
 *   `ERR_NODE_INITIALISE`, `ERR_NODE_STORE_LOCKED`, `ERR_NODE_STORE_CORRUPT`; when it cannot be written: `ERR_NODE_DISK`;
 *   when nothing can listen there: `ERR_NODE_ADDRESS`; when an optional package is missing: `ERR_NODE_PACKAGE`. {@link VitalsealError}
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { genesis, signer, directory, initialise = false } = options
  const { chainId } = genesis
  const store = await openNodeStore({
    directory,
    chainId,
    member: signer.did,
    ...(initialise === false ? {} : { initialise }),
  })
  try {
    return await startWithStore(options, store)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function startWithStore(options: NodeOptions, store: NodeStore): Promise<RunningNode> {
  const { genesis, signer, peers, verifier = createOpensslVerifier(), clock = Date.now } = options
  const { preKeyVerifier = createPreKeyVerifier() } = options
  const { chainId } = genesis
  const rules = options.rules ?? (await loadRules(genesis))
  let transport: Transport | undefined
  const host = await openHost({
    ...options,
    store,
    rules,
    verifier,
    preKeyVerifier,
    clock,
    send: (to, bytes) => transport?.send(to, bytes),
    fetchBlocks: peers.length === 0 ? undefined : createBlockFetcher({ chainId, peers, openSocket }),
  })
  const status = (): NodeStatus => ({
    ...host.status(),
    connected: transport?.connected() ?? [],
    droppedCount: transport?.droppedCount() ?? 0,
  })
  const backend = createBackend(host, { store, signer })
  const tell = createTeller(options.onEvent, clock)
  try {
    transport = await openTransport({
      chainId,
      members: () => host.members(),
      signer,
      listen: options.listen,
      peers,
      onMessage: (from, bytes) => host.receive(from, bytes),
      onClient: (socket) => {
        serveLedgerClient(socket, backend)
      },
      status,
      onProblem: (address, problem) => {
        tell({ kind: 'peer', address, problem })
      },
      verifier,
    })
  } catch (error) {
    await host.stop()
    throw error
  }
  const copy =
    options.store === undefined
      ? undefined
      : copyBlocks({ from: store, to: options.store, height: () => host.height, onBlock: (call) => host.onBlock(call) })
  return createRunningNode({ host, transport, status, copy })
}

function createRunningNode(parts: {
  readonly host: NodeHost
  readonly transport: Transport
  readonly status: () => NodeStatus
  readonly copy: BlockCopy | undefined
}): RunningNode {
  const { host, transport, status, copy } = parts
  const client = createHostClient(host)
  let stopping: Promise<void> | undefined

  async function stop(): Promise<void> {
    client.close()
    await transport.close()
    await copy?.stop()
    await host.stop()
  }

  return { client, address: transport.address, status, stop: () => (stopping ??= stop()) }
}

/** What serving clients needs of a host. */
function createBackend(host: NodeHost, { store, signer }: { store: NodeStore; signer: Signer }): LedgerBackend {
  return {
    chainId: host.ledger.genesis.chainId,
    signer,
    height: () => host.height,
    readBlock: (height) => store.read(height),
    onBlock: (listener) => host.onBlock(listener),
    // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
    async submit(transaction) {
      const taken = host.submit(transaction)
      return taken.ok ? null : taken.code
    },
  }
}
