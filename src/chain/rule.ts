/**
 * What a rule is: it looks at the state before a transaction, writes into the draft, or refuses with a code.
 */

import type { Verified } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId } from '../primitives/ids.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import type { Verifier } from '../primitives/signature.ts'
import type { Transaction, TransactionKind } from '../transactions/index.ts'
import type { RefusalCode } from './receipt.ts'
import type { StateWriter } from './state.ts'

/** Where and when a transaction is executed. */
export interface Execution {
  readonly chainId: ChainId
  readonly height: number
  /** Position in the block. */
  readonly position: number
  /** Block time. Nothing else is the time. */
  readonly timeMs: number
  readonly verifier: Verifier
  /** Checks possession of members' BLS keys; without it none is taken. */
  readonly blsVerifier?: BlsVerifier | undefined
}

/** What became of a transaction. */
export interface Outcome {
  /** Whose affairs it concerns: it is listed under `own/<owner>`. */
  readonly owner: Did
  /** Null when applied. */
  readonly code: RefusalCode | null
  /** Of a permitted read: until when the permit counts. */
  readonly untilMs?: number
}

/** Judges and applies one kind of transaction. Pure but for the draft, which is dropped when it refuses. */
export type Rule<K extends TransactionKind = TransactionKind> = (
  state: StateWriter,
  transaction: Verified<Transaction<K>>,
  execution: Execution,
) => Outcome

/** Returns that a transaction is applied. */
export function apply(owner: Did, facts: { readonly untilMs?: number } = {}): Outcome {
  return { owner, code: null, ...facts }
}

/** Returns that a transaction is refused. */
export function refuse(owner: Did, code: RefusalCode): Outcome {
  return { owner, code }
}
