/**
 * The rule of T_access (DP Protocol 2): replaces the set of (owner, grantor, grantee), and closes the key epoch when it
 * takes something from somebody who holds keys.
 *
 * Order inside a block is free: a revocation after a rotation without the doctor closes nothing, one before it does.
 */

import { isNarrowing, type Grantee } from '../../policy/index.ts'
import type { Did } from '../../primitives/did.ts'
import type { TransactionId } from '../../primitives/ids.ts'
import { transactionId } from '../../primitives/shape.ts'
import {
  accountShape,
  epochShape,
  grantSetsShape,
  GRANTORS_PER_PAIR_MAX,
  holderShape,
  keys,
  type EpochEntry,
  type GrantSetEntry,
} from '../entities.ts'
import { coverageOf, covers } from '../grants.ts'
import { apply, refuse, type Execution, type Rule } from '../rule.ts'
import type { StateReader, StateWriter } from '../state.ts'
import { narrowRekeys } from './rekey.ts'

/** Replaces a set of grants. */
export const applyAccess: Rule<'access'> = (state, transaction, execution) => {
  const { id, sender: grantor, patient, grantee, grants, supersedes } = transaction
  // Delegation of grants to other grantors comes with its own kind.
  if (grantor !== patient) return refuse(patient, 'ERR_CHAIN_GRANTOR')
  if (typeof grantee === 'string' && !state.has(keys.account(grantee))) return refuse(patient, 'ERR_CHAIN_ACCOUNT')
  const sets = state.get(keys.grants(patient, grantee), grantSetsShape) ?? []
  const before = sets.find((set) => set.grantor === grantor)
  // A revocation applies whatever it names: it must not fail because somebody was faster.
  if (grants.length > 0 && supersedes !== (before?.transaction ?? null)) return refuse(patient, 'ERR_CHAIN_PREVIOUS')
  const others = sets.filter((set) => set.grantor !== grantor)
  const after: GrantSetEntry = { grantor, transaction: id, grants }
  if (others.length >= GRANTORS_PER_PAIR_MAX) return refuse(patient, 'ERR_CHAIN_LIMIT')
  state.set(keys.grants(patient, grantee), [...others, after], grantSetsShape)
  state.append(keys.grantee(grantee), id, transactionId)
  closeEpoch(state, { patient, grantee, before, after }, execution)
  return apply(patient)
}

interface Change {
  readonly patient: Did
  readonly grantee: Grantee
  readonly before: GrantSetEntry | undefined
  readonly after: GrantSetEntry
}

function closeEpoch(state: StateWriter, change: Change, { timeMs }: Execution): void {
  const { patient, grantee } = change
  const current = state.get(keys.epoch(patient), epochShape)
  if (current === undefined) return
  const next =
    typeof grantee === 'string'
      ? narrowRekeys(state, { patient, grantee, current: afterParty(state, change, current, timeMs) }, { timeMs })
      : afterRole(change, current, timeMs)
  if (next !== current) state.set(keys.epoch(patient), next, epochShape)
}

function afterParty(state: StateReader, change: Change, current: EpochEntry, timeMs: number): EpochEntry {
  const { patient, grantee } = change
  const did = grantee as Did
  const holder = state.get(keys.holder(patient, did), holderShape)
  if (holder?.epoch !== current.epoch) return current
  const coverage = heldCoverage(state, { patient, grantee: did, atMs: timeMs })
  const isTaken =
    coverage === undefined ||
    // Another doctor's key opens whatever that doctor seals: any narrowing may concern it.
    (holder.holdsHanded && narrows(change, timeMs)) ||
    (holder.dataTypes === 'all'
      ? coverage.dataTypes !== 'all' || coverage.except.length > 0
      : !holder.dataTypes.every((label) => covers(coverage, label)))
  if (isTaken) return { ...current, mustRotate: true }
  return coverage.untilMs < current.notAfterMs ? { ...current, notAfterMs: coverage.untilMs } : current
}

/** What a recipient may hold now: types to read; for who only writes, no type. */
export function heldCoverage(
  state: StateReader,
  of: { readonly patient: Did; readonly grantee: Did; readonly atMs: number },
) {
  if (state.get(keys.account(of.grantee), accountShape)?.isRevoked !== false) return undefined
  const reading = coverageOf(state, of)
  if (reading !== undefined) return reading
  const writing = coverageOf(state, { ...of, action: 'write' })
  return writing === undefined ? undefined : { dataTypes: [], except: [], untilMs: writing.untilMs }
}

/** Whoever matches a role is not listed: any narrowing of a role may take something from somebody. */
function afterRole(change: Change, current: EpochEntry, timeMs: number): EpochEntry {
  return narrows(change, timeMs) ? { ...current, mustRotate: true } : current
}

function narrows({ before, after }: Change, atMs: number): boolean {
  return isNarrowing({ before: before?.grants ?? [], after: after.grants, atMs })
}

/** The T_access that made the current set of a grantor; null when there is none. */
export function currentSet(
  state: StateReader,
  of: { readonly patient: Did; readonly grantor: Did; readonly grantee: Grantee },
): TransactionId | null {
  const sets = state.get(keys.grants(of.patient, of.grantee), grantSetsShape) ?? []
  return sets.find(({ grantor }) => grantor === of.grantor)?.transaction ?? null
}
