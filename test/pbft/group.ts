import {
  createSimulatedApplication,
  createSimulatedRequest,
  type SimulatedApplication,
} from '../../src/pbft/simulator/application.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import { authenticateMessages } from '../../src/pbft/authenticate.ts'
import type { ReplicaConfig } from '../../src/pbft/config.ts'
import type { PeerMessage } from '../../src/pbft/message.ts'
import { createReplica } from '../../src/pbft/replica.ts'
import type { Effect, Input, LogRecord, Replica } from '../../src/pbft/types.ts'
import { unwrap } from '../../src/errors.ts'
import type { Verified } from '../../src/primitives/bytes.ts'
import type { BlsSigner } from '../../src/primitives/bls-signature.ts'
import type { Did } from '../../src/primitives/did.ts'
import type { Member } from '../../src/primitives/member.ts'
import { createMemberBlsKey } from '../../src/primitives/member-bls.ts'
import { parseId, type ChainId } from '../../src/primitives/ids.ts'
import type { Signer, Verifier } from '../../src/primitives/signature.ts'

export const chainId: ChainId = unwrap(parseId('chain', 'c1'.repeat(32)))

export type Delivered = Extract<Effect, { kind: 'deliver' }>

export interface Node {
  readonly index: number
  readonly signer: Signer
  replica: Replica
  application: SimulatedApplication
  log: LogRecord[]
  readonly delivered: Delivered[]
  readonly effects: Effect[]
  isDown: boolean
}

interface Packet {
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
}

export interface Group {
  readonly config: ReplicaConfig
  readonly verifier: Verifier
  readonly nodes: readonly Node[]
  nowMs: number
  /** Packets in order of sending; tests may drop, repeat or shuffle. */
  packets: Packet[]
  /** Decides what happens to a packet on the way: how often it arrives. */
  fate: (packet: Packet, message: Verified<PeerMessage>) => number
  /** Picks the next packet; default the oldest. */
  pick: (count: number) => number
}

export interface GroupOptions extends Partial<Omit<ReplicaConfig, 'chainId' | 'members'>> {
  /** BLS keys, one for each member. */
  readonly bls?: readonly BlsSigner[]
  readonly keys?: { readonly signers: readonly Signer[]; readonly verifier: Verifier }
}

/** A group of replicas over an in-memory network, fast keys unless others are given. */
export function createGroup(count: number, options: GroupOptions = {}): Group {
  const { keys = createSimulatedKeys(count, 1), bls, ...settings } = options
  const members = keys.signers.map(({ did }, index): Member => {
    const blsSigner = bls?.[index]
    return blsSigner === undefined ? { did } : { did, bls: createMemberBlsKey(blsSigner, did) }
  })
  const config: ReplicaConfig = { chainId, members, batchWaitTicks: 0, timeoutTicks: 40, ...settings }
  const nodes = keys.signers.map((signer, index): Node => {
    const application = createSimulatedApplication()
    const blsSigner = bls?.[index]
    const replica = createReplica({ config, signer, application, ...(blsSigner === undefined ? {} : { blsSigner }) })
    return { index, signer, replica, application, log: [], delivered: [], effects: [], isDown: false }
  })
  const group = {
    config,
    verifier: keys.verifier,
    nodes,
    nowMs: 1_700_000_000_000,
    packets: [],
    fate: () => 1,
    pick: () => 0,
  }
  tick(group, 1)
  return group
}

export function nodeOf(group: Group, did: Did): Node {
  return group.nodes.find((node) => node.signer.did === did) as Node
}

/** One input into one node, its effects carried out. */
export function feed(group: Group, node: Node, input: Input): readonly Effect[] {
  if (node.isDown) return []
  const effects = node.replica.step(input)
  for (const effect of effects) {
    node.effects.push(effect)
    if (effect.kind === 'persist') {
      node.log.push(effect.record)
      node.log = node.log.filter(({ index }) => index >= effect.record.keepFrom)
    }
    if (effect.kind === 'deliver') node.delivered.push(effect)
    if (effect.kind === 'send') {
      for (const did of effect.to)
        group.packets.push({ from: node.index, to: nodeOf(group, did).index, bytes: effect.bytes })
    }
  }
  return effects
}

const cache = new WeakMap<Uint8Array, Verified<PeerMessage>>()

export function authenticate(group: Group, bytes: Uint8Array): Verified<PeerMessage> {
  let message = cache.get(bytes)
  if (message === undefined) {
    message = unwrap(authenticateMessages([bytes], group)[0] ?? (undefined as never))
    cache.set(bytes, message)
  }
  return message
}

/** Delivers packets until none is left. */
export function settle(group: Group, packetsMax = 100_000): void {
  for (let count = 0; group.packets.length > 0; count++) {
    if (count > packetsMax) throw new Error('the group does not come to rest')
    const [packet] = group.packets.splice(group.pick(group.packets.length), 1)
    if (packet === undefined) return
    const message = authenticate(group, packet.bytes)
    const copies = group.fate(packet, message)
    for (let copy = 0; copy < copies; copy++) feed(group, group.nodes[packet.to] as Node, { kind: 'message', message })
  }
}

/** So many ticks of 10 ms at all nodes, the network coming to rest after each. */
export function tick(group: Group, count: number): void {
  for (let turn = 0; turn < count; turn++) {
    group.nowMs += 10
    for (const node of group.nodes) feed(group, node, { kind: 'tick', nowMs: group.nowMs })
    settle(group)
  }
}

/** Gives requests to a node as clients would, and lets the network come to rest. */
export function submit(group: Group, index: number, ...payloads: readonly string[]): void {
  for (const payload of payloads) {
    feed(group, group.nodes[index] as Node, { kind: 'request', request: createSimulatedRequest(0, payload) })
  }
  settle(group)
}

/** Stops a node and starts it again from its log, with its application at a height that it had before. */
export function restart(
  group: Group,
  index: number,
  options: { readonly application?: SimulatedApplication; readonly log?: readonly LogRecord[] } = {},
): Node {
  const node = group.nodes[index] as Node
  const { application = createSimulatedApplication(), log = node.log } = options
  node.application = application
  node.log = [...log]
  node.replica = createReplica({ config: group.config, signer: node.signer, application, log })
  node.isDown = false
  return node
}

/** Heights, executed request counts and headers agree on all nodes that are up. */
export function agreement(group: Group): { readonly height: number; readonly executed: readonly string[] } {
  const up = group.nodes.filter((node) => !node.isDown)
  const heads = new Set(up.map((node) => `${node.application.head().height}/${node.application.executed().join()}`))
  if (heads.size !== 1) throw new Error(`the group disagrees: ${[...heads].join(' | ')}`)
  const [first] = up
  return { height: first?.replica.status().height ?? 0, executed: first?.application.executed() ?? [] }
}
