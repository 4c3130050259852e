/**
 * Re-keys and conversions as the ledger has them, for those who convert, receive, or serve what a conversion opens.
 *
 * It keeps what the rules of the ledger keep: a T_access that no longer covers a re-key ends it for good, and one that covers
 * it for less long shortens it. What a delegatee has by a role does not count here; the ledger decides about that, too.
 */

import type { Committed } from '../chain/index.ts'
import { findCoverage, type PolicyIndex } from '../policy/index.ts'
import { toHex } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'

/** A re-key that an owner recorded. */
export interface RekeyView {
  readonly patient: Did
  readonly proxy: Did
  readonly delegatee: Did
  readonly label: Label
  readonly epoch: number
  readonly untilMs: number
  /** Id of the re-key, hexadecimal. */
  readonly reKey: string
}

/** What a proxy recorded that it converted. */
export interface ConversionView extends Pick<RekeyView, 'patient' | 'delegatee' | 'label' | 'epoch'> {
  readonly reKey: Uint8Array
  /** SHA-256 of what came out. */
  readonly converted: Uint8Array
  /** Until when it counts as a ticket, unless the re-key ends before. */
  readonly untilMs: number
}

type Name = Pick<RekeyView, 'patient' | 'delegatee' | 'reKey'>

/** What is known of re-keys. */
export interface RekeyBook {
  /** Takes in what was applied; a T_access after the policy index has. */
  take(entry: Committed): void
  /** A re-key that was recorded and not revoked since. */
  find(of: Name): RekeyView | undefined
  /** Whether a re-key has not ended, and a grant to its delegatee himself lives. */
  isInUse(of: Name, atMs: number): boolean
  conversion(id: TransactionId): ConversionView | undefined
}

/** Returns an empty book over the grants of a ledger. */
export function createRekeyBook(policy: PolicyIndex<Label>): RekeyBook {
  const rekeys = new Map<string, RekeyView>()
  const conversions = new Map<TransactionId, ConversionView>()
  const nameOf = ({ patient, delegatee, reKey }: Name) => `${patient} ${delegatee} ${reKey}`

  /** Until when the delegatee may use the type; undefined where he may not. */
  function usesUntil({ patient, delegatee, label }: RekeyView, atMs: number): number | undefined {
    const coverage = findCoverage(policy, { patient, grantee: delegatee, atMs, action: 'use' })
    const isNamed = coverage?.dataTypes === 'all' || coverage?.dataTypes.includes(label) === true
    return coverage !== undefined && isNamed && !coverage.except.includes(label) ? coverage.untilMs : undefined
  }

  function narrow(patient: Did, delegatee: Did, atMs: number): void {
    for (const [name, view] of rekeys) {
      if (view.patient !== patient || view.delegatee !== delegatee) continue
      const endMs = usesUntil(view, atMs)
      if (endMs === undefined) rekeys.delete(name)
      else rekeys.set(name, { ...view, untilMs: Math.min(view.untilMs, endMs) })
    }
  }

  return {
    take({ transaction, receipt, patient, timeMs }) {
      if (transaction.kind === 'access') {
        if (typeof transaction.grantee === 'string') narrow(patient, transaction.grantee, timeMs)
      } else if (transaction.kind === 'rekey') {
        const { proxy, delegatee, label, epoch, untilMs } = transaction
        const view = { patient, proxy, delegatee, label, epoch, untilMs, reKey: toHex(transaction.reKey) }
        rekeys.set(nameOf(view), view)
      } else if (transaction.kind === 'conversion') {
        const { id, delegatee, reKey, converted } = transaction
        const view = rekeys.get(nameOf({ patient, delegatee, reKey: toHex(reKey) }))
        if (view === undefined) return
        const { label, epoch } = view
        const untilMs = receipt.untilMs ?? 0
        conversions.set(id, { patient, delegatee, label, epoch, reKey, converted, untilMs })
      }
    },
    find: (of) => rekeys.get(nameOf(of)),
    isInUse(of, atMs) {
      const known = rekeys.get(nameOf(of))
      return known !== undefined && atMs < known.untilMs && usesUntil(known, atMs) !== undefined
    },
    conversion: (id) => conversions.get(id),
  }
}
