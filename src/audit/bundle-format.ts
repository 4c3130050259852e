/**
 * The form of an audit bundle: CARv1, its root a manifest, and each block once in the order in which the manifest leads to it.
 *
 * `[1, genesis, ledger or null, patient or null]`, one of the two present. Of a ledger: for each member epoch pages of
 * `[block, certificate]`. Of a patient: `[patient33, epochs, head, accounts, own count, own, excerpts]`. The epochs lead from
 * the members of the genesis to those who certify the head: for each change the header that closes the epoch, certified by the
 * members before, and the members whose hash it names. Everything else is proven from the head: earlier headers by
 * `historyRoot`, transactions and receipts by the roots of their header, accounts and the patient's list of transactions by
 * `stateRoot`.
 *
 * One content in one order has one encoding; whatever is left over, missing or elsewhere is refused.
 */

import { encodeMapProof, parseMapProof, type MapProof } from '../primitives/authenticated-map-proof.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { codecLimits, KEY_TRANSACTION_BYTES_MAX, type CodecLimits } from '../primitives/limits.ts'
import { memberListShape, type Member } from '../primitives/member.ts'
import {
  account,
  bytesOf,
  bytesUpTo,
  counter,
  link,
  listOf,
  mapped,
  Mismatch,
  nullable,
  transactionId,
  tuple,
  versioned,
  type Shape,
  type ShapeType,
} from '../primitives/shape.ts'
import type { Genesis, StoredBlock } from '../chain/index.ts'
import type { CarLimits } from '../storage/index.ts'

const MIB = 1024 * 1024

/** Entries of one page: blocks or excerpts, transactions of the patient, accounts. */
export const PAGE_ENTRIES_MAX = { blocks: 256, own: 64, accounts: 64 } as const
const PAGES_MAX = 4_096
const PROOF_BYTES_MAX = 10_240
const VALUE_BYTES_MAX = 64 * 1024

/** Limits of a bundle, which is read at once. */
export const bundleLimits: CarLimits = {
  bytesMax: 1024 * MIB,
  rootsMax: 1,
  blocksMax: 2_200_000,
  // A block of a ledger has limits of its own.
  blockBytesMax: 20 * MIB,
}

/** Limits of one page or excerpt. */
export const pageLimits: CodecLimits = {
  ...codecLimits,
  bytesMax: 20 * MIB,
  itemsMax: 400_000,
  stringBytesMax: KEY_TRANSACTION_BYTES_MAX,
}

/** A link to a block of the bundle. */
export type Link = ShapeType<typeof link>

/** A value of the state, or that there is none, with its proof. */
export interface ProvenValue {
  readonly value: Bytes | null
  readonly proof: MapProof
}

/** An account at the head: its number and keys, and its credentials. */
export interface ProvenAccount {
  readonly did: Did
  readonly account: ProvenValue
  readonly credentials: ProvenValue
}

/** One entry of the list of a patient's transactions. */
export interface OwnEntry {
  readonly id: TransactionId
  readonly proof: MapProof
}

/** One transaction out of a block. */
export interface ExcerptEntry {
  /** Position in the block. */
  readonly position: number
  readonly transaction: Bytes
  readonly receipt: Bytes
  /** Siblings under `transactionsRoot` and under `receiptsRoot`, from the leaf upwards. */
  readonly transactionProof: readonly Bytes[]
  readonly receiptProof: readonly Bytes[]
}

/** A header, that it is in the history of the head, and some of its transactions. */
export interface Excerpt {
  readonly header: Bytes
  /** Siblings under the head's `historyRoot`; none for the head itself. */
  readonly historyProof: readonly Bytes[]
  readonly transactions: readonly ExcerptEntry[]
}

/** The end of a member epoch: the header of its last block, and who follows. */
export interface EpochClosing {
  readonly header: Bytes
  readonly certificate: Bytes
  /** Siblings under the head's `historyRoot`. */
  readonly historyProof: readonly Bytes[]
  /** The members of the next epoch, in order. */
  readonly members: readonly Member[]
}

/** Every block of a ledger from the first on. */
export interface LedgerBundle {
  readonly form: 'ledger'
  /** As the bundle has it: whoever made the bundle chose it. */
  readonly genesis: Genesis
  readonly heightLast: number
  readonly blocks: readonly StoredBlock[]
  /** Height of the first block of each member epoch, as the bundle lists them. */
  readonly epochs: readonly number[]
}

/** What concerns one patient, with proofs. */
export interface PatientBundle {
  readonly form: 'patient'
  /** As the bundle has it: whoever made the bundle chose it. */
  readonly genesis: Genesis
  readonly heightLast: number
  readonly patient: Did
  /** The changes of members before the head, oldest first. */
  readonly epochs: readonly EpochClosing[]
  readonly head: { readonly header: Bytes; readonly certificate: Bytes }
  readonly accounts: readonly ProvenAccount[]
  /** How many transactions concern the patient, and which. */
  readonly own: { readonly count: number; readonly proof: MapProof; readonly entries: readonly OwnEntry[] }
  readonly excerpts: readonly Excerpt[]
}

/** A bundle as it was read: its form holds, nothing in it is believed yet. */
export type AuditBundle = LedgerBundle | PatientBundle

const mapProof: Shape<MapProof> = mapped(bytesUpTo(PROOF_BYTES_MAX), {
  parse(bytes) {
    const parsed = parseMapProof(bytes)
    return parsed.ok ? parsed.value : new Mismatch('a proof of the state')
  },
  format: encodeMapProof,
})
const provenValue: Shape<ProvenValue> = tuple({ value: nullable(bytesUpTo(VALUE_BYTES_MAX)), proof: mapProof })
const siblings = listOf(bytesOf(32), { name: 'siblings', countMax: 64 })
const pages = listOf(link, { name: 'pages', countMax: PAGES_MAX })
const headerBytes = bytesUpTo(1_024)

/** The root. */
export const manifestShape = versioned(1, {
  genesis: link,
  ledger: nullable(
    tuple({
      epochs: listOf(tuple({ memberEpoch: counter, pages }), { name: 'member epochs', countMin: 1, countMax: 1_024 }),
    }),
  ),
  patient: nullable(
    tuple({
      patient: account,
      epochs: listOf(link, { name: 'member epochs', countMax: 1_024 }),
      head: link,
      accounts: pages,
      ownCount: counter,
      ownProof: mapProof,
      own: pages,
      excerpts: pages,
    }),
  ),
})
/** Blocks of a ledger with their certificates. */
export const blockPageShape = listOf(tuple({ block: link, certificate: link }), {
  name: 'blocks',
  countMin: 1,
  countMax: PAGE_ENTRIES_MAX.blocks,
})
/** The newest header and its certificate. */
export const headShape = tuple({ header: headerBytes, certificate: bytesUpTo(pageLimits.stringBytesMax) })
/** The end of a member epoch. */
export const epochClosingShape: Shape<EpochClosing> = tuple({
  header: headerBytes,
  certificate: bytesUpTo(pageLimits.stringBytesMax),
  historyProof: siblings,
  members: memberListShape,
})
/** Accounts. */
export const accountPageShape: Shape<readonly ProvenAccount[]> = listOf(
  tuple({ did: account, account: provenValue, credentials: provenValue }),
  { name: 'accounts', countMin: 1, countMax: PAGE_ENTRIES_MAX.accounts },
)
/** The patient's list of transactions. */
export const ownPageShape: Shape<readonly OwnEntry[]> = listOf(tuple({ id: transactionId, proof: mapProof }), {
  name: 'transactions',
  countMin: 1,
  countMax: PAGE_ENTRIES_MAX.own,
})
/** Links to excerpts. */
export const excerptPageShape = listOf(link, { name: 'excerpts', countMin: 1, countMax: PAGE_ENTRIES_MAX.blocks })
/** An excerpt of a block. */
export const excerptShape: Shape<Excerpt> = tuple({
  header: headerBytes,
  historyProof: siblings,
  transactions: listOf(
    tuple({
      position: counter,
      transaction: bytesUpTo(KEY_TRANSACTION_BYTES_MAX),
      receipt: bytesUpTo(1_024),
      transactionProof: siblings,
      receiptProof: siblings,
    }),
    { name: 'transactions', countMax: 65_536 },
  ),
})
