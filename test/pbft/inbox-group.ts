// A group whose replicas stand behind inboxes, with counted signature checks.
import { createSimulatedApplication, type SimulatedApplication } from '../../src/pbft/simulator/application.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import { readMessage } from '../../src/pbft/authenticate.ts'
import { settleConfig, type ReplicaConfig } from '../../src/pbft/config.ts'
import { createInbox, type Inbox } from '../../src/pbft/inbox.ts'
import type { MessageKind, PeerMessage } from '../../src/pbft/message.ts'
import { createReplica } from '../../src/pbft/replica.ts'
import type { Effect, Input, Replica } from '../../src/pbft/types.ts'
import { unwrap } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import type { SignedDigest, Signer, Verifier } from '../../src/primitives/signature.ts'
import { chainId } from './group.ts'

export interface InboxNode {
  readonly index: number
  readonly signer: Signer
  readonly replica: Replica
  readonly application: SimulatedApplication
  /** Stands alone where messages are verified as they come. */
  readonly inbox: Inbox | undefined
  readonly effects: Effect[]
  /** Digests of the signatures that were checked, in order. */
  readonly checked: string[]
  isDown: boolean
}

export interface Packet {
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
}

export interface InboxGroup {
  readonly config: ReplicaConfig
  readonly signers: readonly Signer[]
  readonly nodes: readonly InboxNode[]
  readonly packets: Packet[]
  /** Kinds by the digest that a signature covers. */
  readonly kinds: Map<string, MessageKind>
  nowMs: number
  pick: (count: number) => number
  fate: (packet: Packet) => number
}

export function createInboxGroup(
  count: number,
  options: Partial<ReplicaConfig> & { readonly isLazy?: boolean } = {},
): InboxGroup {
  const { isLazy = true, ...settings } = options
  const { signers, verifier } = createSimulatedKeys(count, 1)
  const members = signers.map(({ did }) => ({ did }))
  const config: ReplicaConfig = { chainId, members, batchWaitTicks: 0, timeoutTicks: 40, ...settings }
  const nodes = signers.map((signer, index): InboxNode => {
    const application = createSimulatedApplication()
    const replica = createReplica({ config, signer, application })
    const checked: string[] = []
    const counting: Verifier = {
      verify(item: SignedDigest) {
        checked.push(toHex(item.digest))
        return verifier.verify(item)
      },
    }
    const inbox = isLazy ? createInbox({ config, replica, verifier: counting }) : undefined
    return { index, signer, replica, application, inbox, effects: [], checked, isDown: false }
  })
  const group: InboxGroup = {
    config,
    signers,
    nodes,
    packets: [],
    kinds: new Map(),
    nowMs: 1_700_000_000_000,
    pick: () => 0,
    fate: () => 1,
  }
  tick(group, 1)
  return group
}

export function read(group: InboxGroup, bytes: Uint8Array): PeerMessage {
  return unwrap(readMessage(settleConfig(group.config), bytes))
}

function carryOut(group: InboxGroup, node: InboxNode, effects: readonly Effect[]): readonly Effect[] {
  for (const effect of effects) {
    node.effects.push(effect)
    if (effect.kind !== 'send') continue
    const { digest, kind } = read(group, effect.bytes)
    if (digest !== undefined) group.kinds.set(toHex(digest), kind)
    for (const did of effect.to) {
      const to = group.config.members.findIndex((member) => member.did === did)
      group.packets.push({ from: node.index, to, bytes: effect.bytes })
    }
  }
  return effects
}

export function step(group: InboxGroup, node: InboxNode, input: Input): readonly Effect[] {
  return node.isDown ? [] : carryOut(group, node, (node.inbox ?? node.replica).step(input))
}

export function receive(group: InboxGroup, node: InboxNode, bytes: Uint8Array): readonly Effect[] {
  return node.isDown || node.inbox === undefined ? [] : carryOut(group, node, node.inbox.receive(bytes))
}

export function settle(group: InboxGroup): void {
  while (group.packets.length > 0) {
    const [packet] = group.packets.splice(group.pick(group.packets.length), 1) as [Packet]
    for (let copy = group.fate(packet); copy > 0; copy--)
      receive(group, group.nodes[packet.to] as InboxNode, packet.bytes)
  }
}

export function tick(group: InboxGroup, count: number): void {
  for (let turn = 0; turn < count; turn++) {
    group.nowMs += 10
    for (const node of group.nodes) step(group, node, { kind: 'tick', nowMs: group.nowMs })
    settle(group)
  }
}

/** Signature checks of a node by kind of message. */
export function countChecks(group: InboxGroup, node: InboxNode): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const digest of node.checked) {
    const kind = group.kinds.get(digest) ?? 'unknown'
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
