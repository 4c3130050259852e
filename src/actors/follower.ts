/**
 * What every actor keeps of its ledger: who is who, what was granted, which records there are, and the keys it was given.
 *
 * A follower reads block after block, in the background; nothing in it waits for the network. Whoever submitted something
 * waits until the follower has read the block that holds it, so that the next question sees it.
 */

import type { Committed, FollowedBlock, LedgerClient } from '../chain/index.ts'
import type { Identity, KeyRecord } from '../identity/index.ts'
import { createKeyRing, type Directory, type KeyOutcome, type KeyRing } from '../keys/index.ts'
import { createPolicyIndex, type GrantSet, type PolicyIndex } from '../policy/index.ts'
import type { Verified } from '../primitives/bytes.ts'
import type { RecordId } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label, Labeler } from '../primitives/label.ts'
import type { RecordKind } from '../storage/index.ts'
import { createRekeyBook, type ConversionView, type RekeyView } from './rekey-book.ts'

/** A record on the ledger. */
export interface RecordEntry {
  readonly id: TransactionId
  readonly patient: Did
  /** Who sealed it: the patient, or the doctor under whose diagnosis key it is. */
  readonly author: Did
  readonly record: RecordId
  readonly label: Label
  readonly epoch: number
  readonly kind: RecordKind
  readonly issuedAtMs: number
}

/** What an actor knows of its ledger. */
export interface Follower extends Directory {
  readonly keyRing: KeyRing
  readonly policy: PolicyIndex<Label>
  /** Height of the last block that was read. */
  height(): number
  /** Block time of that block. */
  timeMs(): number
  /** Resolves when a block has been read. */
  reached(height: number): Promise<void>
  keysOf(did: Did): Verified<KeyRecord> | undefined
  record(id: TransactionId): RecordEntry | undefined
  /** Records that a patient sealed under a type and epoch, oldest first. */
  recordsOf(of: { readonly patient: Did; readonly label: Label; readonly epoch: number }): readonly TransactionId[]
  /** A re-key that was recorded and not revoked since. */
  rekey(of: { readonly patient: Did; readonly delegatee: Did; readonly reKey: string }): RekeyView | undefined
  /** Whether a re-key has not ended, and a grant to its delegatee himself lives; what he has by a role does not count. */
  isRekeyInUse(view: RekeyView, atMs: number): boolean
  conversion(id: TransactionId): ConversionView | undefined
  /** The T_access that made the current set of a grantor for a grantee; null when there is none. */
  currentSet(of: { readonly patient: Did; readonly grantor: Did; readonly grantee: Did }): TransactionId | null
  /** The parties that a patient granted anything, ever. */
  granteesOf(patient: Did): readonly Did[]
  /** The delegates of an account that are in use. */
  delegatesOf(did: Did): readonly DelegateView[]
  /** Called with each committed transaction, after the follower has taken it in. */
  onCommitted(listener: (entry: Committed, outcome: KeyOutcome | undefined) => void): void
  /** Stops reading. */
  stop(): void
}

/** A delegate in use. */
export interface DelegateView {
  readonly slot: number
  readonly agreement: Uint8Array | null
  readonly rights: readonly ('publish' | 'rotate' | 'grant')[]
  readonly notAfterMs: number
}

/** Starts to follow a ledger from its first block. */
export function createFollower(options: {
  readonly identity: Identity
  readonly ledger: LedgerClient
  readonly delegateOf?: { readonly patient: Did; readonly slot: number }
  readonly labeler?: Labeler
}): Follower {
  const { identity, ledger, delegateOf, labeler } = options
  const accounts: Did[] = []
  const numbers = new Map<Did, number>()
  const records = new Map<TransactionId, RecordEntry>()
  const keyRecords = new Map<Did, Verified<KeyRecord>>()
  const sets = new Map<string, TransactionId>()
  const grantees = new Map<Did, Set<Did>>()
  const delegates = new Map<Did, Map<number, DelegateView>>()
  const policy = createPolicyIndex<Label>()
  const rekeys = createRekeyBook(policy)
  const listeners: ((entry: Committed, outcome: KeyOutcome | undefined) => void)[] = []
  const waiting: { readonly height: number; readonly wake: () => void; readonly fail: (error: unknown) => void }[] = []
  const abort = {
    aborted: false,
    addEventListener: (_kind: 'abort', listener: () => void) => void stops.push(listener),
  }
  const stops: (() => void)[] = []
  let height = 0
  let timeMs = 0
  let failure: Error | undefined

  const keyRing = createKeyRing({
    identity,
    chainId: ledger.chainId,
    directory: { indexOf: (did) => numbers.get(did), accountAt: (index) => accounts[index] },
    ...(delegateOf === undefined ? {} : { delegateOf }),
    ...(labeler === undefined ? {} : { labeler }),
  })

  async function take(entry: Committed): Promise<KeyOutcome | undefined> {
    const { transaction, receipt, patient } = entry
    if (receipt.code !== null) return undefined
    switch (transaction.kind) {
      case 'register': {
        const { subject, keys } = transaction
        if (keys === null) return undefined
        if (!numbers.has(subject)) numbers.set(subject, accounts.push(subject) - 1)
        keyRecords.set(subject, keys as Verified<KeyRecord>)
        return undefined
      }
      case 'delegate': {
        const slots = delegates.get(transaction.sender) ?? new Map<number, DelegateView>()
        delegates.set(transaction.sender, slots)
        if (transaction.signingKey === null) slots.delete(transaction.slot)
        else slots.set(transaction.slot, transaction)
        return undefined
      }
      case 'access': {
        const { grantee, grants, sender: grantor, id } = transaction
        const set: GrantSet<Label> = { patient, grantor, grantee, grants }
        policy.apply(set, { height: entry.height })
        rekeys.take(entry)
        if (typeof grantee !== 'string') return undefined
        sets.set(`${patient} ${grantor} ${grantee}`, id)
        grantees.set(patient, (grantees.get(patient) ?? new Set<Did>()).add(grantee))
        return undefined
      }
      case 'rekey':
      case 'conversion':
        rekeys.take(entry)
        return undefined
      case 'key':
        return keyRing.apply(transaction)
      case 'iot':
      case 'diagnosis':
      case 'data': {
        if (transaction.kind === 'data' && transaction.mode === 'read') return undefined
        const { id, sender: author, record, label, epoch, kind, issuedAtMs } = transaction
        records.set(id, { id, patient, author, record, label, epoch, kind, issuedAtMs })
        return undefined
      }
      default:
        return undefined
    }
  }

  async function takeBlock({ header, committed }: FollowedBlock): Promise<void> {
    for (const entry of committed) {
      const outcome = await take(entry)
      for (const listener of listeners) listener(entry, outcome)
    }
    height = header.height
    timeMs = header.timeMs
    for (const waiter of waiting.splice(0)) {
      if (waiter.height <= height) waiter.wake()
      else waiting.push(waiter)
    }
  }

  async function run(): Promise<void> {
    for await (const block of ledger.follow({ heightFirst: 1, signal: abort })) await takeBlock(block)
  }
  run().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error('following the ledger failed', { cause: error })
    for (const { fail } of waiting.splice(0)) fail(failure)
  })

  return {
    keyRing,
    policy,
    height: () => height,
    timeMs: () => timeMs,
    reached(wanted) {
      if (failure !== undefined) return Promise.reject(failure)
      if (wanted <= height) return Promise.resolve()
      return new Promise((wake, fail) => waiting.push({ height: wanted, wake, fail }))
    },
    indexOf: (did) => numbers.get(did),
    accountAt: (index) => accounts[index],
    keysOf: (did) => keyRecords.get(did),
    record: (id) => records.get(id),
    recordsOf: ({ patient, label, epoch }) =>
      [...records.values()]
        .filter((entry) => entry.patient === patient && entry.author === patient && entry.label === label)
        .flatMap((entry) => (entry.epoch === epoch ? entry.id : [])),
    rekey: (of) => rekeys.find(of),
    isRekeyInUse: (view, atMs) => rekeys.isInUse(view, atMs),
    conversion: (id) => rekeys.conversion(id),
    currentSet: ({ patient, grantor, grantee }) => sets.get(`${patient} ${grantor} ${grantee}`) ?? null,
    granteesOf: (patient) => [...(grantees.get(patient) ?? [])],
    delegatesOf: (did) => [...(delegates.get(did)?.values() ?? [])],
    onCommitted: (listener) => void listeners.push(listener),
    stop() {
      abort.aborted = true
      for (const stop of stops) stop()
    },
  }
}
