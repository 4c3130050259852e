/**
 * Policy against keys: who may read against who can open, and why they differ.
 *
 * Grants and keys are two ledgers of their own. Between a grant and the tx_key that follows it, after a revocation, with a
 * role that nobody asked for, they say different things; a person in charge wants to see that, in words.
 */

import { whoMayRead, type Action } from '../policy/index.ts'
import type { LedgerView } from '../chain/index.ts'
import type { RecordId } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { Label } from '../primitives/label.ts'
import { coverageIn, covers, holdingsOf, type Holdings, type Recording } from './holdings.ts'
import { holdersOf, type Holder } from './who-can-decrypt.ts'

/** A difference between what somebody may and what somebody can. */
export interface AccessGap {
  readonly kind: 'can-decrypt-may-not-read' | 'may-read-cannot-decrypt'
  readonly holder: Did
  readonly records: readonly RecordId[]
  /** For people, to be read after the holder's name; without a full stop. */
  readonly because: string
}

interface Comparing {
  readonly view: LedgerView
  readonly patient: Did
  readonly holdings: Holdings
}

interface Difference extends Pick<AccessGap, 'kind' | 'holder'> {
  /** `%` stands for the epochs. */
  readonly reason: string
  readonly records: Set<RecordId>
  readonly epochs: Set<number>
}

/**
 * Lists where policy and keys differ at the height of the view, over all records or those of one label.
 *
 * A grant for any purpose counts as leave to read. A holder who complained of a key counts on both sides: he may have it,
 * and he may be without it.
 *
 * @param view - the whole ledger, or everything that concerns the patient; in a view of one patient holders of a role are
 *   seen only where they are known to it
 */
export function compareAccess(
  view: LedgerView,
  query: { readonly patient: Did; readonly label?: Label },
): readonly AccessGap[] {
  const { patient, label } = query
  const holdings = holdingsOf(view, patient)
  const comparing: Comparing = { view, patient, holdings }
  const differences = new Map<string, Difference>()
  const readers = candidates(comparing)
  for (const recording of holdings.records) {
    if (label !== undefined && recording.label !== label) continue
    const holders = holdersOf(holdings, recording)
    for (const holder of holders.values())
      if (!mayRead(comparing, recording, holder))
        note(differences, recording, {
          kind: 'can-decrypt-may-not-read',
          holder: holder.holder,
          reason: whyStillOpen(comparing, holder),
        })
    for (const reader of readers) {
      const holder = holders.get(reader)
      if (holder !== undefined && holder.state !== 'complained') continue
      if (!mayRead(comparing, recording, { holder: reader, through: 'envelope' })) continue
      note(differences, recording, {
        kind: 'may-read-cannot-decrypt',
        holder: reader,
        reason: whyClosed(comparing, reader, holder),
      })
    }
  }
  return [...differences.values()].map(({ kind, holder, reason, records, epochs }) => ({
    kind,
    holder,
    records: [...records],
    because: reason.replace('%', nameEpochs(epochs)),
  }))
}

function note(
  differences: Map<string, Difference>,
  { record, epoch }: Recording,
  of: Pick<Difference, 'kind' | 'holder' | 'reason'>,
): void {
  const name = `${of.kind} ${of.holder} ${of.reason}`
  const difference = differences.get(name) ?? { ...of, records: new Set(), epochs: new Set() }
  difference.records.add(record)
  difference.epochs.add(epoch)
  differences.set(name, difference)
}

function nameEpochs(epochs: ReadonlySet<number>): string {
  const sorted = [...epochs].sort((a, b) => a - b)
  return `${sorted.length === 1 ? 'epoch' : 'epochs'} ${sorted.join(', ')}`
}

/** The owner, whom grants name, and who is certified to hold a role that a grant names. */
function candidates({ view, patient, holdings }: Comparing): ReadonlySet<Did> {
  const readers = new Set<Did>([patient])
  const roles: { readonly role: string; readonly organisation: string }[] = []
  for (const { grantee } of whoMayRead(view.policy, { patient, atMs: view.timeMs })) {
    if (typeof grantee === 'string') readers.add(grantee)
    else roles.push(grantee)
  }
  if (roles.length === 0) return readers
  for (const did of holdings.book.accounts()) {
    const held = holdings.book.held(did)
    const isHeld = roles.some((wanted) =>
      held.some(({ role, organisation }) => role === wanted.role && organisation === wanted.organisation),
    )
    if (isHeld) readers.add(did)
  }
  return readers
}

/** Whether policy lets somebody read a record now, for whatever purpose. */
function mayRead(
  { view, patient, holdings }: Comparing,
  { label, issuedAtMs }: Recording,
  { holder, through }: Pick<Holder, 'holder' | 'through'>,
): boolean {
  if (holder === patient) return true
  if (through === 'delegate' && isDelegate(holdings, { patient, holder, atMs: view.timeMs })) return true
  if (holdings.book.account(holder)?.isRevoked !== false) return false
  const of = { patient, grantee: holder, atMs: view.timeMs, dataAtMs: issuedAtMs }
  // For whom a proxy converted has leave to use; with leave to access he would have been given keys.
  const actions: readonly Action[] = through === 're-encryption' ? ['use', 'access'] : ['access']
  return actions.some((action) => {
    const coverage = coverageIn({ policy: view.policy, book: holdings.book }, { ...of, action })
    return coverage !== undefined && covers(coverage, label)
  })
}

function isDelegate(
  { book }: Holdings,
  { patient, holder, atMs }: { readonly patient: Did; readonly holder: Did; readonly atMs: number },
): boolean {
  for (let number = 1; number <= 8; number++) {
    const slot = book.slot(patient, number)
    if (slot?.signingKey === holder && atMs < slot.notAfterMs) return true
  }
  return false
}

function whyStillOpen({ view, patient, holdings }: Comparing, { holder, through }: Holder): string {
  if (through === 'delegate') return 'is no longer a delegate of the owner; the keys of % open them still'
  if (through === 'author') return 'sealed them under an own diagnosis key of %, which opens them still'
  if (holdings.book.account(holder)?.isRevoked === true)
    return 'was revoked by a registrar; the keys of % open them still'
  const last = lastAccess(view, patient, holder)
  if (last?.isRevocation === true)
    return `lost the grant in block ${last.height}; the keys of % were given before and open them still`
  return 'has no grant that covers them now; the keys of % open them still'
}

function lastAccess(
  view: LedgerView,
  patient: Did,
  holder: Did,
): { readonly height: number; readonly isRevocation: boolean } | undefined {
  let last: { readonly height: number; readonly isRevocation: boolean } | undefined
  for (const { transaction, height } of view.transactions({ kind: 'access', patient }))
    if (transaction.grantee === holder) last = { height, isRevocation: transaction.grants.length === 0 }
  return last
}

function whyClosed({ view, patient, holdings }: Comparing, reader: Did, holder: Holder | undefined): string {
  if (holder !== undefined) {
    const { since: transaction } = holder
    const answer = holdings.answer({ transaction, holder: reader })
    return `complained in block ${answer?.height ?? 0} that the envelope of % does not hold the committed keys`
  }
  if (reader === patient) return 'owns them, and has no envelope of % under the account key'
  const isNamed = whoMayRead(view.policy, { patient, atMs: view.timeMs }).some(({ grantee }) => grantee === reader)
  return isNamed
    ? 'may read them, and has no key of % that opens them; the owner can hand it over'
    : 'may read them by a role, which gives no key of % by itself; a read that asks for keys lets the owner answer'
}
