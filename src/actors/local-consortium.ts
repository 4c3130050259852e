/**
 * A consortium in memory: as many replicas as the genesis has members, joined by a network that is a queue.
 *
 * Real replicas, real messages, real certificates; no sockets, disks or timers. For examples, tests and demos of what an
 * application does on a ledger of several: time passes only while something is submitted.
 */

import {
  createFeed,
  createLedger,
  createMemoryLedgerStore,
  toAppliedReceipt,
  type AppliedBlock,
  type Genesis,
  type Ledger,
  type LedgerClient,
  type LedgerPorts,
  type LedgerStore,
} from '../chain/index.ts'
import { rejectArgument, VitalsealError } from '../errors.ts'
import {
  createInbox,
  createReplica,
  encodeCertificate,
  type Effect,
  type Inbox,
  type Input,
  type Replica,
  type Request,
} from '../pbft/index.ts'
import type { Clock } from '../primitives/clock.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { toDigest } from '../primitives/ids.ts'
import { createVerifier, type Signer } from '../primitives/signature.ts'
import { encodeTransaction, type Transaction } from '../transactions/index.ts'

/** One replica and what it works on. */
interface Node {
  readonly did: Did
  readonly replica: Replica
  readonly inbox: Inbox
  readonly ledger: Ledger
  /** Blocks that were executed and are not final yet, by height. */
  readonly executed: Map<number, AppliedBlock>
}

/** A consortium in memory, as a client sees it. */
export interface LocalConsortium extends LedgerClient {
  readonly genesis: Genesis
  /** Blocks and certificates of the first replica. */
  readonly store: LedgerStore
  /** The state of the first replica, for proofs. */
  readonly ledger: Ledger
  /** State roots of all replicas: equal, or something is broken. */
  stateRoots(): readonly string[]
  /** Messages that were sent between replicas so far, by kind of traffic. */
  readonly messageCount: number
}

/** Ticks after which a submission is given up: far beyond a view change. */
const TICKS_MAX = 2_000

/**
 * Returns a consortium in memory.
 *
 * Its members stay: it takes no transaction of kind `config`.
 *
 * @param options - `signers`: one for each member of the genesis, in its order
 */
export function createLocalConsortium(
  options: LedgerPorts & {
    readonly genesis: Genesis
    readonly signers: readonly Signer[]
    readonly clock: Clock
    readonly store?: LedgerStore
  },
): LocalConsortium {
  const { genesis, signers, clock, store = createMemoryLedgerStore(), verifier = createVerifier() } = options
  const { rules, preKeyVerifier, blsVerifier } = options
  const { chainId, members } = genesis
  const config = { chainId, members, batchWaitTicks: 0 }
  const feed = createFeed(genesis)
  const nodes = members.map(({ did }, index): Node => {
    const signer = signers[index]
    if (signer?.did !== did) rejectArgument(`signers.${index}`, 'the key of that member', 'another')
    const ledger = createLedger({ genesis, rules, verifier, preKeyVerifier, blsVerifier })
    const executed = new Map<number, AppliedBlock>()
    const application = recordApplied(ledger, executed)
    const replica = createReplica({ config, signer, application })
    return { did, ledger, executed, replica, inbox: createInbox({ config, replica, verifier }) }
  })
  const [first] = nodes as [Node, ...Node[]]
  const mail: { readonly to: Node; readonly bytes: Uint8Array }[] = []
  const appending: Promise<void>[] = []
  let messageCount = 0

  function take(node: Node, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') {
        messageCount += effect.to.length
        for (const to of nodes) if (effect.to.includes(to.did)) mail.push({ to, bytes: effect.bytes })
      }
      if (effect.kind === 'halt') {
        throw new VitalsealError('ERR_PBFT_HALTED', `replica ${node.did} stopped: ${effect.reason}`, {
          details: { height: effect.height },
        })
      }
      if (effect.kind === 'deliver') deliver(node, effect)
    }
  }

  function deliver(node: Node, { height, block, certificate }: Extract<Effect, { readonly kind: 'deliver' }>): void {
    const applied = node.executed.get(height)
    node.executed.delete(height)
    if (node !== first || applied === undefined) return
    appending.push(store.append({ height, block, certificate: encodeCertificate(certificate) }))
    feed.commit(applied)
  }

  const step = (node: Node, input: Input) => {
    take(node, node.inbox.step(input))
  }

  /** Carries messages until there are none. */
  function settle(): void {
    for (let next = mail.shift(); next !== undefined; next = mail.shift()) {
      const { to, bytes } = next
      take(to, to.inbox.receive(bytes))
    }
  }

  async function order(transaction: Transaction) {
    const request: Request = {
      id: toDigest(transaction.id),
      client: toPublicKey(transaction.sender),
      bytes: encodeTransaction(transaction),
    }
    for (const node of nodes) step(node, { kind: 'request', request })
    settle()
    for (let tick = 0; tick < TICKS_MAX; tick++) {
      const found = feed.find(transaction.id)
      if (found !== undefined) {
        await Promise.all(appending.splice(0))
        return found
      }
      for (const node of nodes) step(node, { kind: 'tick', nowMs: clock() })
      settle()
      if (tick > 0 && isDone(transaction)) break
    }
    throw skipped(transaction)
  }

  /** The transaction was ordered, and execution left it out: its nonce is used, or it never was the next. */
  function isDone({ sender, delegate, nonce }: Transaction): boolean {
    return first.replica.status().requestCount === 0 && first.ledger.nonceNext({ sender, delegate }) !== nonce + 1
  }

  function skipped({ sender, delegate, nonce }: Transaction): VitalsealError {
    const nonceNext = first.ledger.nonceNext({ sender, delegate })
    const message = `nothing of this transaction entered a block: expected nonce ${nonceNext}, found ${nonce}; or check signer and quota`
    return new VitalsealError('ERR_CHAIN_NONCE', message, {
      path: 'transaction.nonce',
      details: { nonceNext, found: nonce },
    })
  }

  let turn: Promise<unknown> = Promise.resolve()

  return {
    chainId,
    genesis,
    store,
    ledger: first.ledger,
    get messageCount() {
      return messageCount
    },
    stateRoots: () => nodes.map(({ ledger }) => ledger.state.root().join()),
    async submit(transaction) {
      // Its members are the signers that it was given.
      if (transaction.kind === 'config')
        rejectArgument('transaction', 'no change of members in a consortium in memory', 'config')
      const known = feed.find(transaction.id)
      const result = known === undefined ? turn.then(() => order(transaction)) : Promise.resolve(known)
      turn = result.catch(() => undefined)
      return toAppliedReceipt(await result)
    },
    follow: (progress) => feed.follow(progress),
    view: (query) => Promise.resolve(feed.view(query)),
    nonce: ({ sender, delegate = 0 }) => Promise.resolve(first.ledger.nonceNext({ sender, delegate })),
    close: () => {
      feed.close()
    },
  }
}

/** The ledger, keeping what it executed until it is final. */
function recordApplied(ledger: Ledger, executed: Map<number, AppliedBlock>): Ledger {
  return {
    ...ledger,
    get state() {
      return ledger.state
    },
    get header() {
      return ledger.header
    },
    apply(batch, height) {
      const applied = ledger.applyBatch({
        transactions: batch.requests.map(({ bytes }) => bytes),
        timeMs: batch.timeMs,
      })
      executed.set(height, applied)
      return ledger.encodeApplied(applied)
    },
  }
}
