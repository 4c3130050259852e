/**
 * The rules of rekey and conversion: a proxy converts under a live grant and a recorded re-key, or not at all.
 *
 * What is converted is the key of a type in an epoch. A delegatee who may have it counts like a recipient of the epoch: the
 * epoch ends with his grant at the latest, and taking the type from him closes it. A T_access that no longer covers a re-key
 * ends it for good; a later grant needs another one. A role that is denied stops conversions for as long as it is.
 */

import { equalBytes } from '../../primitives/bytes.ts'
import type { Did } from '../../primitives/did.ts'
import { ALL_TYPES_LABEL } from '../../primitives/label.ts'
import {
  epochShape,
  keys,
  labelShape,
  REKEYS_PER_PAIR_MAX,
  rekeysShape,
  usedRekeyShape,
  type EpochEntry,
  type RekeyEntry,
} from '../entities.ts'
import { isLiveAccount } from '../credentials.ts'
import { coverageOf, covers } from '../grants.ts'
import type { RefusalCode } from '../receipt.ts'
import { apply, refuse, type Execution, type Rule } from '../rule.ts'
import type { StateReader, StateWriter } from '../state.ts'
import type { RekeyBody } from '../../transactions/index.ts'

/** Records a re-key. */
export const applyRekey: Rule<'rekey'> = (state, transaction, { timeMs }) => {
  const { sender: owner, reKey, proxy, delegatee, label, epoch, untilMs } = transaction
  const fault = findFault(state, owner, transaction, timeMs)
  if (fault !== undefined) return refuse(owner, fault)
  const inUse = rekeysOf(state, owner, delegatee).filter((entry) => timeMs < entry.untilMs)
  // Also one that has ended: what a proxy kept of it does not come back to life, and audits know each by its id.
  if (state.has(keys.usedRekey(owner, reKey))) return refuse(owner, 'ERR_CHAIN_REKEY')
  if (inUse.length >= REKEYS_PER_PAIR_MAX) return refuse(owner, 'ERR_CHAIN_LIMIT')
  state.set(keys.usedRekey(owner, reKey), 1, usedRekeyShape)
  state.set(keys.rekeys(owner, delegatee), [...inUse, { reKey, proxy, label, epoch, untilMs }], rekeysShape)
  const current = state.get(keys.epoch(owner), epochShape) as EpochEntry
  // Whoever has the key keeps it: nothing is sealed under it any more when he may no longer.
  if (untilMs < current.notAfterMs) state.set(keys.epoch(owner), { ...current, notAfterMs: untilMs }, epochShape)
  return apply(owner)
}

function findFault(state: StateReader, owner: Did, body: RekeyBody, timeMs: number): RefusalCode | undefined {
  const { proxy, delegatee, label, epoch, untilMs } = body
  // One party that is two of the three needs no proxy, or is none.
  if (new Set([owner, proxy, delegatee]).size < 3) return 'ERR_CHAIN_RECIPIENT'
  if (!isLiveAccount(state, proxy) || !isLiveAccount(state, delegatee)) return 'ERR_CHAIN_ACCOUNT'
  const current = state.get(keys.epoch(owner), epochShape)
  if (current?.epoch !== epoch) return 'ERR_CHAIN_EPOCH'
  if (current.mustRotate) return 'ERR_CHAIN_MUST_ROTATE'
  if (timeMs >= current.notAfterMs) return 'ERR_CHAIN_EPOCH_ENDED'
  // Zero stands for all types where keys are listed; a re-key is for one.
  const isListed = label !== ALL_TYPES_LABEL && state.get(keys.label(owner, label), labelShape)?.epoch === epoch
  if (!isListed) return 'ERR_CHAIN_LABEL'
  const coverage = usesOf(state, { patient: owner, grantee: delegatee, atMs: timeMs })
  const isCovered = coverage !== undefined && covers(coverage, label) && untilMs <= coverage.untilMs
  return isCovered && timeMs < untilMs ? undefined : 'ERR_POLICY_DENIED'
}

/** What a delegatee may use: what may be converted for him. */
function usesOf(state: StateReader, of: { readonly patient: Did; readonly grantee: Did; readonly atMs: number }) {
  return coverageOf(state, { ...of, action: 'use' })
}

function rekeysOf(state: StateReader, owner: Did, delegatee: Did): readonly RekeyEntry[] {
  return state.get(keys.rekeys(owner, delegatee), rekeysShape) ?? []
}

/** Notes a conversion, or refuses it; the ticket of the delegatee counts until the re-key ends. */
export const applyConversion: Rule<'conversion'> = (state, transaction, { timeMs }) => {
  const { sender: proxy, patient, delegatee, reKey } = transaction
  const entry = rekeysOf(state, patient, delegatee).find((each) => equalBytes(each.reKey, reKey))
  if (entry?.proxy !== proxy || timeMs >= entry.untilMs) return refuse(patient, 'ERR_CHAIN_REKEY')
  if (!isLiveAccount(state, delegatee) || !isLiveAccount(state, patient)) return refuse(patient, 'ERR_CHAIN_ACCOUNT')
  const coverage = usesOf(state, { patient, grantee: delegatee, atMs: timeMs })
  if (coverage === undefined || !covers(coverage, entry.label)) return refuse(patient, 'ERR_POLICY_DENIED')
  return apply(patient, { untilMs: Math.min(entry.untilMs, coverage.untilMs) })
}

/**
 * Ends the re-keys that the grants of a delegatee no longer cover, and shortens those that they cover for less long; returns
 * where the owner's keys stand afterwards. Run after his set of grants was replaced.
 */
export function narrowRekeys(
  state: StateWriter,
  of: { readonly patient: Did; readonly grantee: Did; readonly current: EpochEntry },
  { timeMs }: Pick<Execution, 'timeMs'>,
): EpochEntry {
  const { patient, grantee, current } = of
  const before = rekeysOf(state, patient, grantee)
  if (before.length === 0) return current
  const coverage = usesOf(state, { patient, grantee, atMs: timeMs })
  const after = before
    .filter(({ label, untilMs }) => timeMs < untilMs && coverage !== undefined && covers(coverage, label))
    .map((entry) => ({ ...entry, untilMs: Math.min(entry.untilMs, coverage?.untilMs ?? 0) }))
  state.set(keys.rekeys(patient, grantee), after, rekeysShape)
  const isCurrent = ({ epoch }: RekeyEntry) => epoch === current.epoch
  const isTaken = before.filter(isCurrent).length > after.filter(isCurrent).length
  const ends = after.filter(isCurrent).map(({ untilMs }) => untilMs)
  return {
    ...current,
    mustRotate: current.mustRotate || isTaken,
    notAfterMs: Math.min(current.notAfterMs, ...ends),
  }
}
