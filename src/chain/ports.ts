/** What a ledger is executed with besides its genesis and its blocks. The same everywhere, or its copies part ways. */

import type { PreKeyVerifier } from '../identity/index.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import type { Verifier } from '../primitives/signature.ts'
import type { RuleTable } from './rules/table.ts'

/** Rules and verifiers of a ledger; each may be left out where the ledger does without. */
export interface LedgerPorts {
  /** Default: the rules of a consortium. Kinds beyond those need theirs: `secureSharingRules` of `vitalseal/presets`. */
  readonly rules?: RuleTable | undefined
  /** Default `createVerifier` of `vitalseal/primitives`; `node` has a faster one. */
  readonly verifier?: Verifier | undefined
  /** Needed where accounts have PRE keys: without it such registrations stay out. */
  readonly preKeyVerifier?: PreKeyVerifier | undefined
  /** Needed where members have BLS keys: for their possession, and for certificates of constant size. */
  readonly blsVerifier?: BlsVerifier | undefined
}
