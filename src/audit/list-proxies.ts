/** Proxies: who was let convert what for whom, by what the ledger says, and what they said that they converted. */

import type { LedgerView } from '../chain/index.ts'
import { createPolicyIndex } from '../policy/index.ts'
import { toHex } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import { coverageIn, covers, holdingsOf, nameOfRekey } from './holdings.ts'

/** One re-key that an owner recorded. */
export interface ProxyEntry {
  readonly proxy: Did
  readonly delegatee: Did
  readonly label: Label
  readonly epoch: number
  /** Id of the re-key, hexadecimal. */
  readonly reKey: string
  /** The transaction that recorded it. */
  readonly since: TransactionId
  /** When it ends, or ended; no later than the grants under which it was. */
  readonly untilMs: number
  /** Whether the ledger takes conversions with it at the height of the view. */
  readonly isInUse: boolean
  /** Conversions that the proxy recorded, oldest first. */
  readonly conversions: readonly TransactionId[]
}

/** An entry while the ledger is read. */
interface Known extends Omit<ProxyEntry, 'untilMs' | 'isInUse' | 'conversions'> {
  untilMs: number
  readonly conversions: TransactionId[]
}

/**
 * Lists every re-key that a patient recorded, oldest first, with those that have ended.
 *
 * A proxy and its delegatee together open the type and epoch of their re-key whether a conversion is recorded or not; what a
 * proxy kept after the end of a re-key, nobody sees.
 *
 * @param view - the whole ledger, or everything that concerns the patient
 */
export function listProxies(view: LedgerView, patient: Did): readonly ProxyEntry[] {
  const { book } = holdingsOf(view, patient)
  const policy = createPolicyIndex<Label>()
  const found = new Map<string, Known>()
  const uses = (delegatee: Did, atMs: number) =>
    coverageIn({ policy, book }, { patient, grantee: delegatee, atMs, action: 'use' })
  for (const { transaction, height, timeMs, patient: owner } of view.transactions({})) {
    if (owner !== patient) continue
    if (transaction.kind === 'rekey') {
      const { proxy, delegatee, label, epoch, untilMs, id: since } = transaction
      const reKey = toHex(transaction.reKey)
      const entry = { proxy, delegatee, label, epoch, reKey, since, untilMs, conversions: [] }
      found.set(nameOfRekey(transaction), entry)
    } else if (transaction.kind === 'conversion') {
      found.get(nameOfRekey(transaction))?.conversions.push(transaction.id)
    } else if (transaction.kind === 'access') {
      const { sender: grantor, grantee, grants } = transaction
      policy.apply({ patient, grantor, grantee, grants }, { height })
      // As the rule does: what the new set does not cover ends, and does not come back.
      for (const entry of found.values()) {
        if (entry.delegatee !== grantee) continue
        const coverage = uses(entry.delegatee, timeMs)
        const endMs = coverage !== undefined && covers(coverage, entry.label) ? coverage.untilMs : timeMs
        entry.untilMs = Math.min(entry.untilMs, endMs)
      }
    }
  }
  return [...found.values()].map((entry) => {
    const { proxy, delegatee, label, untilMs } = entry
    const coverage = uses(delegatee, view.timeMs)
    const isCovered = coverage !== undefined && covers(coverage, label)
    const isKnown = [patient, proxy, delegatee].every((party) => book.account(party)?.isRevoked === false)
    const isInUse = isCovered && view.timeMs < untilMs && isKnown
    return { ...entry, conversions: [...entry.conversions], isInUse }
  })
}
