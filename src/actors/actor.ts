/**
 * What every actor has: an identity, a ledger that it follows, and `submit`, which adds sender, nonce and time, signs, and
 * waits until the transaction is final and read.
 */

import type { AppliedReceipt, Committed, LedgerClient } from '../chain/index.ts'
import type { Identity } from '../identity/index.ts'
import type { KeyDrafts, KeyRing } from '../keys/index.ts'
import { isVitalsealError, VitalsealError, type ErrorCode, type ErrorDetails } from '../errors.ts'
import type { Clock } from '../primitives/clock.ts'
import type { DataType, Did } from '../primitives/did.ts'
import type { RecordId } from '../primitives/content-id.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label, Labeler } from '../primitives/label.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { openRecord, type Blockstore } from '../storage/index.ts'
import { createTransaction, signTransaction, type Draft } from '../transactions/index.ts'
import { createFollower, type Follower, type RecordEntry } from './follower.ts'

/** What an actor is made of: ports only. */
export interface ActorOptions {
  readonly identity: Identity
  readonly ledger: LedgerClient
  /** Where ciphertexts are; shared with others. */
  readonly blocks: Blockstore
  /** Stamps transactions and never decides; `Date.now` fits. */
  readonly clock: Clock
  readonly random?: RandomSource
  /** Labels of the owner's types; default the identity's private ones. Pass the public ones where a ledger uses these. */
  readonly labeler?: Labeler
}

/** What happens on the ledger, as an actor sees it. */
export type ActorEvent = { readonly height: number; readonly patient: Did } & (
  | {
      readonly kind: 'reading'
      readonly id: TransactionId
      readonly record: RecordId
      /** Undefined where the actor does not know the type behind the label. */
      readonly dataType: DataType | undefined
      /** Whether the actor holds the key. */
      readonly openable: boolean
    }
  | { readonly kind: 'diagnosis'; readonly id: TransactionId; readonly record: RecordId; readonly by: Did }
  | { readonly kind: 'granted' | 'revoked'; readonly grantee: Did; readonly labels: readonly Label[] | 'all' }
  | { readonly kind: 'read' | 'refused'; readonly by: Did; readonly record: RecordId | null }
)

/** A record that was sealed and is final. */
export interface Sealed {
  readonly id: TransactionId
  readonly record: RecordId
  readonly height: number
}

/** A record that was opened. */
export interface Opened {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly dataType: DataType | undefined
  readonly from: Did
}

/** What every actor has. */
export interface Actor {
  readonly did: Did
  readonly keyRing: KeyRing
  /**
   * Adds sender, nonce and time, signs, submits, and waits until the block is final and read.
   *
   * @throws When the ledger refused: the code of its receipt, with `ERR_CHAIN_REFUSED` as cause. {@link VitalsealError}
   */
  submit(draft: Draft, options?: ProgressOptions): Promise<AppliedReceipt>
  /** What happens on the ledger, from a height on. */
  follow(options?: ProgressOptions & { readonly heightFirst?: number }): AsyncIterable<ActorEvent>
  /** Stops following; the identity stays usable. */
  close(): void
}

/** An actor with what its folder needs besides. */
export interface ActorCore extends Actor {
  readonly follower: Follower
  readonly options: ActorOptions
  readonly random: RandomSource
  /** Sends tx_keys one after the other, each naming the one before; true when all were applied. */
  submitKeys(drafts: KeyDrafts): Promise<AppliedReceipt | undefined>
  /** Opens a record with the keys held. */
  openEntry(entry: RecordEntry): Promise<Opened>
}

/** Starts what all actors share. */
export function createActorCore(
  options: ActorOptions,
  as: { readonly delegateOf?: { readonly patient: Did; readonly slot: number } } = {},
): ActorCore {
  const { identity, ledger, blocks, clock, random = randomBytes, labeler } = options
  const follower = createFollower({
    identity,
    ledger,
    ...as,
    ...(labeler === undefined ? {} : { labeler }),
  })
  const sender = as.delegateOf?.patient ?? identity.did
  const delegate = as.delegateOf?.slot ?? 0
  let turn: Promise<unknown> = Promise.resolve()

  async function send(draft: Draft, progress: ProgressOptions | undefined): Promise<AppliedReceipt> {
    const nonce = await ledger.nonce({ sender, delegate })
    const unsigned = createTransaction({ ...draft, sender, delegate, nonce, issuedAtMs: clock() })
    const transaction = signTransaction(unsigned, { chainId: ledger.chainId, signer: identity.signer })
    try {
      const receipt = await ledger.submit(transaction, progress)
      await follower.reached(receipt.height)
      return receipt
    } catch (error) {
      if (!isVitalsealError(error, 'ERR_CHAIN_REFUSED')) throw error
      await follower.reached(error.details.height)
      throw refusedBy(error)
    }
  }

  const core: ActorCore = {
    did: sender,
    keyRing: follower.keyRing,
    follower,
    options,
    random,
    submit(draft, progress) {
      // One at a time: two transactions of one slot must not take the same nonce.
      const result = turn.then(() => send(draft, progress))
      turn = result.catch(() => undefined)
      return result
    },
    async submitKeys({ drafts }) {
      let receipt: AppliedReceipt | undefined
      for (const draft of drafts) receipt = await core.submit({ ...draft, previous: core.keyRing.latest(sender) })
      return receipt
    },
    async openEntry(entry) {
      const { patient, author, label, epoch, record, kind } = entry
      const key =
        author === patient
          ? core.keyRing.openingKey({ patient, label, epoch })
          : core.keyRing.diagnosisKey({ patient, doctor: author, label, epoch })
      const bytes = await openRecord(record, { key, blocks, kind })
      return { bytes, dataType: core.keyRing.dataType({ patient, label }), from: author }
    },
    async *follow({ heightFirst = 1, ...progress } = {}) {
      for await (const { header, committed } of ledger.follow({ heightFirst, ...progress })) {
        await follower.reached(header.height)
        for (const entry of committed) {
          const event = toEvent(core, entry)
          if (event !== undefined) yield event
        }
      }
    },
    close: () => {
      follower.stop()
    },
  }
  return core
}

/** What everybody may see of a core: not its options, which hold the identity and whatever other secrets it was made with. */
export function actorOf(core: ActorCore): Actor {
  const { did, keyRing } = core
  return {
    did,
    keyRing,
    submit: (draft, options) => core.submit(draft, options),
    follow: (options) => core.follow(options),
    close: () => {
      core.close()
    },
  }
}

/** The refusal as the error of its own code, with the ledger's as cause. */
function refusedBy(cause: VitalsealError<'ERR_CHAIN_REFUSED'>): VitalsealError {
  const { code, height } = cause.details
  const details: Partial<Record<ErrorCode, ErrorDetails[ErrorCode]>> = {
    ERR_POLICY_DENIED: { reasons: ['no grant on the ledger permits this now'], height },
    ERR_POLICY_INDETERMINATE: { reasons: ['a grant holds a clause that the ledger does not understand'] },
    ERR_KEYS_COMMITMENT: { epoch: 0 },
  }
  return new VitalsealError(code as 'ERR_CHAIN_ACCOUNT', `refused by the ledger in block ${height}`, {
    details: details[code as ErrorCode] ?? {},
    cause,
  })
}

function isOpenable({ keyRing }: ActorCore, { patient, label, epoch }: RecordEntry): boolean {
  try {
    return keyRing.openingKey({ patient, label, epoch }).epoch === epoch
  } catch (error) {
    if (isVitalsealError(error, 'ERR_KEYS_NOT_HELD')) return false
    throw error
  }
}

function toEvent(core: ActorCore, { transaction, receipt, height, patient }: Committed): ActorEvent | undefined {
  const base = { height, patient }
  if (transaction.kind === 'data' && transaction.mode === 'read') {
    const kind = receipt.code === null ? 'read' : 'refused'
    return { ...base, kind, by: transaction.sender, record: transaction.record }
  }
  if (receipt.code !== null) return undefined
  switch (transaction.kind) {
    case 'iot':
    case 'data': {
      const entry = core.follower.record(transaction.id)
      if (entry === undefined) return undefined
      const { id, record, label } = entry
      const dataType = core.keyRing.dataType({ patient, label })
      return { ...base, kind: 'reading', id, record, dataType, openable: isOpenable(core, entry) }
    }
    case 'diagnosis':
      return { ...base, kind: 'diagnosis', id: transaction.id, record: transaction.record, by: transaction.sender }
    case 'access': {
      const { grantee, grants } = transaction
      if (typeof grantee !== 'string') return undefined
      const labels = grants.some(({ dataTypes }) => dataTypes === 'all')
        ? 'all'
        : [...new Set(grants.flatMap(({ dataTypes }) => dataTypes as readonly Label[]))]
      return { ...base, kind: grants.length === 0 ? 'revoked' : 'granted', grantee, labels }
    }
    default:
      return undefined
  }
}

/** Registers an identity where the ledger does not know it; for ledgers on which everyone registers himself. */
export async function registerIfNew(core: ActorCore): Promise<void> {
  const { identity, ledger } = core.options
  const view = await ledger.view({ patient: identity.did })
  await core.follower.reached(view.height)
  if (view.keys(identity.did) !== undefined) return
  const { did: subject, keys } = identity
  await core.submit({ kind: 'register', operation: 'add', subject, keys, credentials: [], previousSignature: null })
}
