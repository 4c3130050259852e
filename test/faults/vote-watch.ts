/** Watches everything that members sign, and remembers it across their lives: one vote for one thing, or it is a fault. */

import type { Genesis } from '../../src/chain/index.ts'
import { authenticateMessages, type ReplicaConfig } from '../../src/pbft/index.ts'
import { toHex } from '../../src/primitives/bytes.ts'

/** What was seen. */
export interface VoteWatch {
  /** Takes bytes that a member sent. */
  see(bytes: Uint8Array): void
  /** Signed messages that were seen. */
  readonly voteCount: number
  /** Two different ones for the same thing. */
  readonly doubles: readonly string[]
}

/** Kinds of which a member signs one for each view and number; STATUS and FETCH are said anew each time. */
const VOTES = new Set(['pre-prepare', 'prepare', 'commit', 'exec-vote', 'view-change', 'new-view'])

/** Returns a watch that has seen nothing. */
export function createVoteWatch(genesis: Genesis): VoteWatch {
  const config: ReplicaConfig = { chainId: genesis.chainId, members: genesis.members }
  // What a member sent is its own, whether its signature holds or not.
  const verifier = { verify: () => true }
  const seen = new Map<string, string>()
  const doubles: string[] = []
  return {
    get voteCount() {
      return seen.size
    },
    doubles,
    see(bytes) {
      const [message] = authenticateMessages([bytes], { config, verifier })
      if (message?.ok !== true) {
        doubles.push('bytes that are no message')
        return
      }
      const { kind, from, body, digest } = message.value
      if (!VOTES.has(kind) || digest === undefined) return
      const { view = 0, sequence = 0 } = body as { readonly view?: number; readonly sequence?: number }
      const name = `${from} ${kind} view ${view} sequence ${sequence}`
      const known = seen.get(name)
      const value = toHex(digest)
      if (known === undefined) seen.set(name, value)
      else if (known !== value) doubles.push(name)
    },
  }
}
