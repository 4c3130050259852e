/** What a revocation changed, told honestly: keys that were given stay given. */

import { createPolicyIndex, type PolicyIndex } from '../policy/index.ts'
import type { Committed, LedgerView } from '../chain/index.ts'
import type { RecordId } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { Label } from '../primitives/label.ts'
import { createAccountBook, type AccountBook } from './account-book.ts'
import { coverageIn, holdingsOf } from './holdings.ts'
import { holdersOf } from './who-can-decrypt.ts'

/** What a reader who lost his grant still can, and what not. */
export interface RevocationEffect {
  /**
   * The first block from which on nothing that is sealed can be opened by the reader; 0 where he never could; null while he
   * may still receive keys or holds those in use.
   */
  readonly heightEffective: number | null
  /** Records of the patient that he can open with keys that he was given. */
  readonly stillOpen: readonly RecordId[]
  /** Records that he cannot open. */
  readonly closed: readonly RecordId[]
  /** Of those still open, the ones that he was permitted to read, and asked for. */
  readonly readBefore: readonly RecordId[]
}

/**
 * Says what the loss of a grant meant for what a reader can open, also where it expired or a registrar revoked him.
 *
 * That he deleted what he read, or that he kept a copy, nobody can show.
 *
 * @param view - the whole ledger, or everything that concerns the patient; in the latter case an expiry counts from the
 *   first block that concerns the patient
 */
export function assessRevocation(
  view: LedgerView,
  query: { readonly patient: Did; readonly grantee: Did },
): RevocationEffect {
  const { patient, grantee } = query
  const holdings = holdingsOf(view, patient)
  const stillOpen = new Set<RecordId>()
  const closed = new Set<RecordId>()
  let openedLast = 0
  for (const recording of holdings.records) {
    const isOpen = holdersOf(holdings, recording).has(grantee)
    if (isOpen) openedLast = Math.max(openedLast, recording.height)
    ;(isOpen ? stillOpen : closed).add(recording.record)
  }
  const readBefore = new Set<RecordId>()
  for (const { transaction } of view.transactions({ kind: 'data', patient, sender: grantee })) {
    if (transaction.mode === 'read' && transaction.record !== null && stillOpen.has(transaction.record))
      readBefore.add(transaction.record)
  }
  const lost = findLoss(view, query)
  return {
    // A record may stand in the same block, before the revocation.
    heightEffective: lost === null || openedLast === 0 || openedLast < lost ? lost : openedLast + 1,
    stillOpen: [...stillOpen],
    closed: [...closed],
    readBefore: [...readBefore],
  }
}

interface Walk {
  readonly patient: Did
  readonly grantee: Did
  readonly policy: PolicyIndex<Label>
  readonly book: AccountBook
  /** Number of the grantee. */
  readonly index: number | undefined
  /** The patient's current epoch, and the last in which the grantee received keys. */
  epoch: number
  epochHeld: number
}

/** The block in which the reader lost the last way to new records; 0 when there never was one, null when there still is. */
function findLoss(
  view: LedgerView,
  { patient, grantee }: { readonly patient: Did; readonly grantee: Did },
): number | null {
  const walk: Walk = {
    patient,
    grantee,
    policy: createPolicyIndex<Label>(),
    book: createAccountBook(view.registrars),
    index: view.indexOf(grantee),
    epoch: 0,
    epochHeld: 0,
  }
  let lost = 0
  let isReached = false
  for (const entry of view.transactions({})) {
    step(walk, entry)
    const isReachedNow = reaches(walk, entry.timeMs, isReached)
    if (isReached && !isReachedNow) lost = entry.height
    isReached = isReachedNow
  }
  // A window may have ended in a block that concerns others.
  if (isReached && !reaches(walk, view.timeMs, isReached)) return view.height
  return isReached ? null : lost
}

function step(walk: Walk, entry: Committed): void {
  const { transaction, height } = entry
  walk.book.apply(entry)
  if (entry.patient !== walk.patient) return
  if (transaction.kind === 'access') {
    const { patient, sender: grantor, grantee, grants } = transaction
    walk.policy.apply({ patient, grantor, grantee, grants }, { height })
  }
  if (transaction.kind === 'key') {
    walk.epoch = transaction.epoch
    if (transaction.envelopes.some(({ index }) => index === walk.index)) walk.epochHeld = transaction.epoch
  }
}

/**
 * Whether something sealed now may be opened by the grantee. A grant decides, since the ledger closes the epoch when it goes;
 * a registrar's revocation closes none, so that keys in use decide after it, until the owner rotates.
 */
function reaches({ patient, grantee, policy, book, epoch, epochHeld }: Walk, atMs: number, before: boolean): boolean {
  if (book.account(grantee)?.isRevoked === true) return before && epochHeld === epoch
  return coverageIn({ policy, book }, { patient, grantee, atMs }) !== undefined
}
