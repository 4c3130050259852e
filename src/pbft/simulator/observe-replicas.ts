/**
 * What must hold for each correct replica: it never votes twice, never goes back, stays small, and accuses the guilty only.
 */

import { equalBytes } from '../../primitives/bytes.ts'
import { verifyEvidence } from '../evidence.ts'
import { MESSAGE_BYTES_MAX, POOL_REQUESTS_MAX } from '../limits.ts'
import type { PeerMessage } from '../message.ts'
import type { ReplicaStatus } from '../types.ts'
import type { Observer, ObservedGroup } from './observers.ts'

/** What a message fixes for ever: two of one signer that agree on kind, view and sequence must agree on the digest. */
interface Statement {
  readonly view: number
  readonly sequence: number
  readonly digest: Uint8Array
}

function statementOf(message: PeerMessage): Statement | undefined {
  const { kind, body } = message
  switch (kind) {
    case 'pre-prepare':
    case 'prepare':
    case 'commit':
      return body
    case 'exec-vote':
      return { view: 0, sequence: body.sequence, digest: body.headerDigest }
    case 'view-change':
    case 'new-view':
      return message.digest && { view: body.view, sequence: 0, digest: message.digest }
    default:
      return undefined
  }
}

/** Statements by what they are about. */
class Statements {
  readonly #known = new Map<string, Map<number, Uint8Array>>()

  /** Adds a statement of one list; returns the digest that it had before, if any. */
  add(list: string, { view, sequence, digest }: Statement): Uint8Array | undefined {
    let known = this.#known.get(list)
    if (known === undefined) {
      known = new Map()
      this.#known.set(list, known)
    }
    const place = view * 2 ** 20 + sequence
    const earlier = known.get(place)
    if (earlier === undefined) known.set(place, digest)
    return earlier
  }

  /** Returns what was said there. */
  find(list: string, view: number, sequence: number): Uint8Array | undefined {
    return this.#known.get(list)?.get(view * 2 ** 20 + sequence)
  }

  /** Forgets lists whose name begins so. */
  forget(prefix: string): void {
    for (const list of this.#known.keys()) if (list.startsWith(prefix)) this.#known.delete(list)
  }
}

/** S7 one vote: a correct member never signs two digests for one kind, view and sequence, across any crash. */
export function observeVotes({ report }: ObservedGroup): Observer {
  const signed = new Statements()
  return {
    sent: (index, message) => {
      const statement = message.signer === index ? statementOf(message) : undefined
      if (statement === undefined) return
      const earlier = signed.add(`${index}/${message.kind}`, statement)
      if (earlier === undefined || equalBytes(earlier, statement.digest)) return
      const { view, sequence } = statement
      report('S7', `replica ${index} signed two digests for ${message.kind} view ${view} sequence ${sequence}`)
    },
    // Its votes for sequence numbers stay signed; of its VIEW-CHANGEs it cannot know, so a lost disk counts as one of the f.
    wiped: (index) => {
      signed.forget(`${index}/view-change`)
      signed.forget(`${index}/new-view`)
    },
  }
}

/** S8 checkpoints: h never goes back, and what was executed does not lie below it. */
export function observeCheckpoints({ report }: ObservedGroup): Observer {
  const stable = new Map<number, number>()
  return {
    inspected: (index, status, { isDurable }) => {
      const { stableHeight } = status
      if (stableHeight < (stable.get(index) ?? 0)) report('S8', `the checkpoint of replica ${index} went back`)
      if (isDurable) stable.set(index, stableHeight)
    },
    wiped: (index) => stable.delete(index),
  }
}

/** S9 bounds: memory, log and messages stay under their limits, whatever the faulty send. */
export function observeBounds({ settings, report }: ObservedGroup): Observer {
  const { logSpan, replicaCount } = settings
  // Votes of three kinds, a guard entry for each vote of one's own in each of a few views, slots, and view changes.
  const entriesMax = logSpan * (3 * replicaCount + 40) + 8 * replicaCount
  const recordsMax = 16 * logSpan + 40
  const waitingMax = 3 * logSpan * replicaCount
  return {
    sent: (index, { bytes }) => {
      if (bytes.length > MESSAGE_BYTES_MAX) report('S9', `replica ${index} sent ${bytes.length} bytes`)
    },
    inspected: (index, { entryCount, requestCount }, { recordCount, waitingVotes }) => {
      if (waitingVotes > waitingMax) report('S9', `the inbox of replica ${index} keeps ${waitingVotes} votes`)
      if (entryCount > entriesMax) report('S9', `replica ${index} keeps ${entryCount} entries`)
      if (requestCount > POOL_REQUESTS_MAX) report('S9', `replica ${index} keeps ${requestCount} requests`)
      if (recordCount > recordsMax) report('S9', `the log of replica ${index} has ${recordCount} records`)
    },
  }
}

/** S10 sound: evidence holds, and names no correct member. */
export function observeAccusations({ config, settings, verifier, faulty, report }: ObservedGroup): Observer {
  return {
    accused: (index, effect) => {
      const accused = settings.indexes.get(effect.accused)
      if (accused === undefined || !faulty.has(accused))
        report('S10', `replica ${index} accused replica ${accused ?? 'unknown'}, which is correct`)
      if (!verifyEvidence(effect.evidence, { config, accused: effect.accused, verifier }))
        report('S10', `evidence of replica ${index} does not hold`)
    },
  }
}

/** S10 complete: of two contradicting votes that reached one correct replica while both counted there, it tells. */
export function observeEquivocation({ settings, faulty, report }: ObservedGroup): Observer {
  const heard = new Statements()
  const sent = new Statements()
  const accused = new Set<string>()
  const owed = new Map<string, string>()
  const isCounted = ({ view, sequence }: Statement, kind: string, status: ReplicaStatus | undefined): boolean => {
    if (status === undefined || status.mode === 'halted') return false
    const isCurrent = kind === 'exec-vote' || view === status.view
    return isCurrent && sequence > status.stableHeight && sequence <= status.stableHeight + settings.logSpan
  }
  return {
    // A crash may come before what the last input led to was told.
    started: (index) => {
      heard.forget(`${index}/`)
      for (const pair of owed.keys()) if (pair.startsWith(`${index}/`)) owed.delete(pair)
    },
    sent: (index, message) => {
      if (message.kind === 'prepare' && message.signer === index) sent.add(`${index}`, message.body)
    },
    arrived: (index, message, status) => {
      const { kind, signer } = message
      if (!faulty.has(signer)) return
      const statement = statementOf(message)
      if (statement === undefined || statement.sequence === 0 || !isCounted(statement, kind, status())) return
      // A proposal counts from the moment at which the replica voted for it.
      const { view, sequence, digest } = statement
      const list = `${index}/${kind}/${signer}`
      const earlier = kind === 'pre-prepare' ? sent.find(`${index}`, view, sequence) : heard.add(list, statement)
      if (earlier !== undefined && !equalBytes(earlier, digest))
        owed.set(`${index}/${signer}`, `${kind} view ${view} sequence ${sequence}`)
    },
    accused: (index, effect) => accused.add(`${index}/${settings.indexes.get(effect.accused) ?? -1}`),
    finished: () => {
      for (const [pair, what] of owed) {
        const [index, signer] = pair.split('/')
        if (!accused.has(pair))
          report('S10', `replica ${index} saw replica ${signer} contradict itself, ${what}, and kept silent`)
      }
    },
  }
}
