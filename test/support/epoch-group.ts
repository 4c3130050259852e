/** Hosts in memory that carry a ledger through member epochs, as docs/guide/pbft.md tells a host to do it. */

import {
  createLedger,
  parseBlock,
  type Genesis,
  type Ledger,
  type MemberSet,
  type StoredBlock,
} from '../../src/chain/index.ts'
import { replayBlock } from '../../src/chain/replay.ts'
import { unwrap } from '../../src/errors.ts'
import {
  authenticateMessages,
  createReplica,
  encodeCertificate,
  findMemberEpoch,
  type Application,
  type Effect,
  type Input,
  type LogRecord,
  type Member,
  type Replica,
  type ReplicaConfig,
  type Request,
} from '../../src/pbft/index.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import { equalBytes, toHex } from '../../src/primitives/bytes.ts'
import { toPublicKey, type Did } from '../../src/primitives/did.ts'
import { toDigest, type TransactionId } from '../../src/primitives/ids.ts'
import type { Signer, Verifier } from '../../src/primitives/signature.ts'
import { approveMembers, type Draft } from '../../src/transactions/index.ts'
import { createTestGenesis, forge, registration, START_MS } from './chain-fast.ts'
import { party } from './parties.ts'

export const [ann, bob] = [party('ann'), party('bob')]

/** A replica and the epoch that it is of. */
interface Seat {
  readonly replica: Replica
  readonly config: ReplicaConfig
  /** What its disk holds. */
  log: readonly LogRecord[]
}

export interface EpochNode {
  readonly index: number
  readonly signer: Signer
  ledger: Ledger
  /** Blocks with certificates, from height 1 on. */
  store: StoredBlock[]
  /** Of the present epoch; undefined where this node is no member. */
  seat: Seat | undefined
  /** Of former epochs: they answer whoever is behind. */
  former: Seat[]
  /** A later epoch was heard of. */
  hearsLater: boolean
  isDown: boolean
  readonly rejected: string[]
}

interface Packet {
  readonly from: number
  readonly to: Did
  readonly bytes: Uint8Array
}

export interface EpochGroup {
  readonly genesis: Genesis
  readonly verifier: Verifier
  readonly signers: readonly Signer[]
  readonly nodes: EpochNode[]
  packets: Packet[]
  /** Whether a packet arrives. */
  arrives: (packet: Packet) => boolean
  nowMs: number
  /** What each host orders for: the ledger, unless a test changes it. */
  readonly applicationOf: (node: EpochNode) => Application
  readonly settings: Partial<ReplicaConfig>
}

const BALANCE = 1_000_000

/** A group of which the first `count` parties are members; more may join. */
export function createEpochGroup(
  count: number,
  options: Partial<ReplicaConfig> & { readonly applicationOf?: EpochGroup['applicationOf'] } = {},
): EpochGroup {
  const { applicationOf = ({ ledger }: EpochNode) => ledger, ...settings } = options
  const { signers, verifier: simulated } = createSimulatedKeys(count + 5, 3)
  const known = new Set(signers.map(({ did }) => did))
  // Members sign with simulated keys, clients not at all.
  const verifier: Verifier = { verify: (item) => !known.has(item.signer) || simulated.verify(item) }
  const members = signers.slice(0, count).map(({ did }) => ({ did }))
  const genesis = createTestGenesis({ members, balances: [{ account: ann.did, amount: BALANCE }] })
  const group: EpochGroup = {
    genesis,
    verifier,
    signers,
    nodes: [],
    packets: [],
    arrives: () => true,
    nowMs: START_MS,
    applicationOf,
    settings: { batchWaitTicks: 0, timeoutTicks: 40, ...settings },
  }
  for (let index = 0; index < count; index++) addNode(group, index)
  tick(group, 1)
  submit(group, group.nodes, ...[ann, bob].map((who) => forge(genesis, registration(who), at(who.did, 0))))
  return group
}

const at = (sender: Did, nonce: number) => ({ sender, nonce, issuedAtMs: START_MS })

/** Opens a node: an empty disk, blocks of former epochs from the others, then a replica if it is a member. */
export function addNode(group: EpochGroup, index: number): EpochNode {
  const { genesis, verifier } = group
  const node: EpochNode = {
    index,
    signer: group.signers[index] as Signer,
    ledger: createLedger({ genesis, verifier }),
    store: [],
    seat: undefined,
    former: [],
    hearsLater: false,
    isDown: false,
    rejected: [],
  }
  group.nodes.push(node)
  followOthers(group, node)
  if (node.seat === undefined) takeSeat(group, node)
  return node
}

/** Starts a replica of the epoch that the ledger says is next. */
function takeSeat(group: EpochGroup, node: EpochNode, log?: readonly LogRecord[]): void {
  const { memberEpoch, heightFirst, members } = node.ledger.members
  node.seat = undefined
  if (!members.some(({ did }) => did === node.signer.did)) return
  const { chainId } = group.genesis
  const config = { ...group.settings, chainId, members, memberEpoch, baseHeight: heightFirst - 1 }
  const replica = createReplica({ config, signer: node.signer, application: group.applicationOf(node), log })
  node.seat = { replica, config, log: log ?? [] }
}

/** Height of the last stored block that closes an epoch, without a gap before it; 0 when there is none. */
function lastClosing({ store }: EpochNode): number {
  let last = 0
  for (let height = 1; height <= store.length; height++) {
    const stored = store[height - 1]
    if (stored === undefined) break
    const { membersHash, nextMembersHash } = unwrap(parseBlock(stored.block)).header
    if (!equalBytes(membersHash, nextMembersHash)) last = height
  }
  return last
}

/** Executes blocks of others, with their certificates, up to the last that closes an epoch: a replica begins there. */
function followOthers(group: EpochGroup, node: EpochNode): void {
  const sources = group.nodes.filter((other) => other !== node && !other.isDown)
  const source = sources.reduce<EpochNode | undefined>(
    (best, other) => (best !== undefined && lastClosing(best) >= lastClosing(other) ? best : other),
    undefined,
  )
  const target = source === undefined ? 0 : lastClosing(source)
  // What is executed here and not final counts for nothing yet.
  if (source === undefined || target <= lastClosing(node)) return
  // The former replica shares the ledger: it must not go on.
  node.seat = undefined
  // What was executed and is not final comes again, out of the blocks.
  node.ledger = createLedger({ genesis: group.genesis, verifier: group.verifier })
  node.store = []
  for (const stored of source.store.slice(0, target)) {
    const failure = replayBlock(node.ledger, stored, { verifier: group.verifier })
    if (failure !== undefined) throw new Error(failure.message)
    node.store.push(stored)
  }
  takeSeat(group, node)
}

function feed(group: EpochGroup, node: EpochNode, seat: Seat, input: Input): void {
  for (const effect of seat.replica.step(input)) carryOut(group, node, seat, effect)
  if (node.seat !== seat) return
  // A snapshot took it to the closing block, which is not delivered.
  const { mode, height, executedHeight } = seat.replica.status()
  if (mode === 'closed' && height === executedHeight) handOver(group, node, seat)
}

function carryOut(group: EpochGroup, node: EpochNode, seat: Seat, effect: Effect): void {
  switch (effect.kind) {
    case 'send': {
      for (const to of effect.to) group.packets.push({ from: node.index, to, bytes: effect.bytes })
      return
    }
    case 'deliver': {
      const { height, block, certificate, nextMembers } = effect
      node.store[height - 1] = { height, block, certificate: encodeCertificate(certificate) }
      if (nextMembers !== null) handOver(group, node, seat)
      return
    }
    case 'reject': {
      if (effect.grade === 'rejected') node.rejected.push(effect.reason)
      return
    }
    case 'halt':
      throw new Error(`node ${node.index}: ${effect.reason}`)
    case 'persist': {
      seat.log = [...seat.log, effect.record].filter(({ index }) => index >= effect.record.keepFrom)
      return
    }
    case 'evidence':
  }
}

/** The closing block is stored: the old replica only answers, the new one gets what was not executed. */
function handOver(group: EpochGroup, node: EpochNode, seat: Seat): void {
  node.former.push(seat)
  const pending = seat.replica.pending()
  takeSeat(group, node)
  for (const request of pending) offer(group, node, request)
}

function offer(group: EpochGroup, node: EpochNode, request: Request): void {
  if (node.seat !== undefined) feed(group, node, node.seat, { kind: 'request', request })
}

/** Carries messages until there are none. */
export function settle(group: EpochGroup): void {
  for (let packet = group.packets.shift(); packet !== undefined; packet = group.packets.shift()) {
    const { to, bytes } = packet
    const node = group.nodes.find(({ signer }) => signer.did === to)
    if (node === undefined || node.isDown || !group.arrives(packet)) continue
    const memberEpoch = findMemberEpoch(bytes)
    const seat = [node.seat, ...node.former].find((each) => each?.config.memberEpoch === memberEpoch)
    if (seat === undefined) {
      node.hearsLater ||= (memberEpoch ?? 0) > node.ledger.members.memberEpoch
      continue
    }
    const [message] = authenticateMessages([bytes], { config: seat.config, verifier: group.verifier })
    if (message?.ok === true) feed(group, node, seat, { kind: 'message', message: message.value })
  }
}

export function tick(group: EpochGroup, count: number): void {
  for (let turn = 0; turn < count; turn++) {
    group.nowMs += 10
    for (const node of group.nodes.filter(({ isDown }) => !isDown)) {
      for (const seat of [...node.former, node.seat]) {
        if (seat !== undefined) feed(group, node, seat, { kind: 'tick', nowMs: group.nowMs })
      }
    }
    settle(group)
  }
}

/** Stops a node and starts it again from its blocks and its log; false where it has not all blocks. */
export function restart(group: EpochGroup, node: EpochNode): boolean {
  const { seat, store } = node
  const { genesis, verifier } = group
  const ledger = createLedger({ genesis, verifier })
  for (let height = 1; height <= store.length; height++) {
    const stored = store[height - 1]
    if (stored === undefined) return false
    const failure = replayBlock(ledger, stored, { verifier })
    if (failure !== undefined) throw new Error(failure.message)
  }
  node.ledger = ledger
  node.former = []
  // The log of an epoch in which it has not voted is empty: it leaves it out.
  const isOfNow = seat?.config.memberEpoch === ledger.members.memberEpoch && seat.log.length > 0
  if (ledger.head().height < ledger.members.heightFirst - 1) return false
  takeSeat(group, node, isOfNow ? seat.log : undefined)
  return true
}

/** What a host does that hears of a later epoch and does not get there by itself. */
export function catchUp(group: EpochGroup, node: EpochNode): void {
  followOthers(group, node)
  node.hearsLater = false
}

interface Forged {
  readonly id: TransactionId
  readonly bytes: Uint8Array
}

const sent = new WeakMap<EpochGroup, { readonly requests: Request[]; nonce: number }>()

function bookOf(group: EpochGroup) {
  const book = sent.get(group) ?? { requests: [], nonce: 1 }
  sent.set(group, book)
  return book
}

export function submit(group: EpochGroup, to: readonly EpochNode[], ...transactions: readonly Forged[]): void {
  for (const { id, bytes } of transactions) {
    const request = { id: toDigest(id), client: toPublicKey(senderOf(bytes)), bytes: Uint8Array.from(bytes) }
    bookOf(group).requests.push(request)
    for (const node of to) offer(group, node, request)
  }
  settle(group)
}

/** What clients do that hear nothing: they ask everyone again. */
export function askAgain(group: EpochGroup): void {
  const nodes = seated(group)
  if (nodes.length === 0) return
  const final = finalReceipts(nodes[0] as EpochNode)
  const open = bookOf(group).requests.filter(({ id }) => !final.has(toHex(id)))
  for (const request of open) for (const node of nodes) offer(group, node, request)
  settle(group)
}

function senderOf(bytes: Uint8Array): Did {
  // Kind, then 33 bytes behind their head of two.
  return [ann, bob].find(({ did }) => equalBytes(toPublicKey(did), bytes.subarray(4, 37)))?.did ?? ann.did
}

/** A transfer of Ann's with the next nonce. */
export function transfer(group: EpochGroup): Forged {
  const book = bookOf(group)
  return forge(group.genesis, { kind: 'transfer', payee: bob.did, amount: 1, memo: null }, at(ann.did, book.nonce++))
}

/** A change of Bob's, approved by the quorum of the present members with the lowest indexes. */
export function change(
  group: EpochGroup,
  options: {
    readonly present: MemberSet
    readonly next: readonly number[]
    readonly nonce: number
    readonly by?: number
  },
): Forged {
  const { present, next, nonce } = options
  const members: readonly Member[] = next.map((index) => ({ did: (group.signers[index] as Signer).did }))
  const by = options.by ?? Math.ceil((present.members.length + Math.floor((present.members.length - 1) / 3) + 1) / 2)
  const whole = { chainId: group.genesis.chainId, memberEpoch: present.memberEpoch, members }
  const approvals = present.members.slice(0, by).map(({ did }, member) => {
    const signer = group.signers.find((each) => each.did === did) as Signer
    return { member, signature: approveMembers(whole, { signer }) }
  })
  const draft: Draft = { kind: 'config', memberEpoch: present.memberEpoch, members, approvals }
  return forge(group.genesis, draft, at(bob.did, nonce))
}

/** Members that are up, in the present epoch of the group. */
export function seated(group: EpochGroup): readonly EpochNode[] {
  const epoch = Math.max(...group.nodes.map(({ ledger }) => ledger.members.memberEpoch))
  return group.nodes.filter(({ seat, isDown }) => !isDown && seat?.config.memberEpoch === epoch)
}

/** Receipts by transaction over the stored blocks of a node: what is final there. */
export function finalReceipts({ store }: EpochNode): ReadonlyMap<string, string | null> {
  const receipts = new Map<string, string | null>()
  for (const { block } of store) for (const { id, code } of unwrap(parseBlock(block)).receipts) receipts.set(id, code)
  return receipts
}

/** Every request that was sent is final exactly once on every seated node, and all have one state. */
export function summary(group: EpochGroup) {
  const nodes = seated(group)
  const roots = new Set(nodes.map(({ ledger }) => toHex(ledger.head().headerDigest)))
  const [first] = nodes as [EpochNode, ...EpochNode[]]
  const receipts = finalReceipts(first)
  const ids = bookOf(group).requests.map(({ id }) => toHex(id))
  return {
    states: roots.size,
    missing: ids.filter((id) => !receipts.has(id)).length,
    refused: [...receipts.values()].filter((code) => code !== null),
    epoch: first.ledger.members.memberEpoch,
    members: nodes.map(({ index }) => index).sort((left, right) => left - right),
  }
}
