/** Replicas of one process with a network in memory, for benchmarks. */

import type { ChainId } from '../src/primitives/ids.ts'
import {
  createSigner,
  createVerifier,
  type SignedDigest,
  type Signer,
  type Verifier,
} from '../src/primitives/signature.ts'
import {
  createInbox,
  createReplica,
  MESSAGE_KINDS,
  type Application,
  type Inbox,
  type Replica,
  type ReplicaConfig,
  type Request,
} from '../src/pbft/index.ts'
import { createSimulatedKeys } from '../src/pbft/simulator/index.ts'

/** The keys of a group. */
export interface Keys {
  readonly signers: readonly Signer[]
  readonly verifier: Verifier
}

/** Replicas that order what they are given. */
export interface Bench {
  readonly replicas: readonly Replica[]
  /** Orders the requests; returns the number of messages and of message delays. */
  order(requests: readonly Request[]): { messages: Map<string, number>; delays: number }
}

/**
 * Replicas over a network in which every message takes one step.
 *
 * @param options - `application`: called once for each replica, standing at `baseHeight` (0)
 */
export function createBench(options: {
  readonly keys: Keys
  readonly chainId: ChainId
  readonly batch: number
  readonly application: () => Application
  readonly baseHeight?: number
}): Bench {
  const { keys, chainId, batch, application, baseHeight = 0 } = options
  const members = keys.signers.map(({ did }) => ({ did }))
  const config: ReplicaConfig = {
    chainId,
    members,
    baseHeight,
    batchTransactionsMax: batch,
    batchWaitTicks: 1_000_000,
    timeoutTicks: 1_000_000,
  }
  const index = new Map(members.map(({ did }, at) => [did, at]))
  const replicas = keys.signers.map((signer) => createReplica({ config, signer, application: application() }))
  const inboxes = replicas.map((replica) => createInbox({ config, replica, verifier: keys.verifier }))
  let now: { to: number; bytes: Uint8Array }[] = []
  const bench: Bench = { replicas, order }
  const take = (effects: ReturnType<Replica['step']>): void => {
    for (const effect of effects) {
      if (effect.kind !== 'send') continue
      for (const did of effect.to) now.push({ to: index.get(did) as number, bytes: effect.bytes })
    }
  }
  for (const inbox of inboxes) take(inbox.step({ kind: 'tick', nowMs: 1 }))

  function order(requests: readonly Request[]): { messages: Map<string, number>; delays: number } {
    const messages = new Map<string, number>()
    const [primary] = inboxes as [Inbox, ...Inbox[]]
    for (const request of requests) take(primary.step({ kind: 'request', request }))
    let delays = 0
    while (now.length > 0) {
      const arriving = now
      now = []
      delays += 1
      for (const { to, bytes } of arriving) {
        // A tuple of six that begins with the kind.
        const kind = MESSAGE_KINDS[bytes[1] as number] as string
        messages.set(kind, (messages.get(kind) ?? 0) + 1)
        take((inboxes[to] as Inbox).receive(bytes))
      }
    }
    return { messages, delays }
  }
  return bench
}

const noSignature = new Uint8Array(65)
/** Keys whose signatures cost nothing: what remains is the core and its hashing. */
export function createFreeKeys(count: number): Keys {
  const { signers } = createSimulatedKeys(count, 1)
  return {
    signers: signers.map(({ did }) => ({ did, sign: () => noSignature as never })),
    verifier: { verify: () => true },
  }
}

/** Real keys, and how often they were used. */
export function createRealKeys(count: number): Keys & { readonly counts: { signed: number; verified: number } } {
  const counts = { signed: 0, verified: 0 }
  const verifier = createVerifier()
  const signers = Array.from({ length: count }, (_, at) => createSigner(new Uint8Array(32).fill(at + 1)))
  return {
    counts,
    signers: signers.map((signer) => ({
      did: signer.did,
      sign: (tag, fields) => {
        counts.signed += 1
        return signer.sign(tag, fields)
      },
    })),
    verifier: {
      verify(item: SignedDigest) {
        counts.verified += 1
        return verifier.verify(item)
      },
    },
  }
}
