/**
 * The host on Node: what needs Node's own modules. Ledger nodes, clusters of them, and the command line.
 *
 * @packageDocumentation
 */

export { startCluster, type Cluster, type ClusterEvent, type ClusterNode, type ClusterOptions } from './cluster.ts'
export type { ReplicaTuning } from './epoch-replicas.ts'
export type { HostStatus } from './host.ts'
export type { NodeEvent, NodeMode } from './node-events.ts'
export { openLedgerStore, openReplicaLog, type OpenLedgerStore, type ReplicaLog } from './open-stores.ts'
export { createOpensslVerifier } from './openssl-verifier.ts'
export type { PresetName } from './presets.ts'
export { openSocket } from './socket.ts'
export { startNode, type NodeOptions, type NodeStatus, type RunningNode } from './start-node.ts'
export type { NodeSummary } from './status-lines.ts'

export type { SignedDigest, Verifier } from '../primitives/signature.ts'
export {
  VitalsealError,
  isVitalsealError,
  unwrap,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../errors.ts'
