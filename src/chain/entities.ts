/**
 * What the state holds, and under which keys (DESIGN.md 3.9). One table: rules, queries and proofs use the same.
 */

import {
  keyRecordShape,
  rightsShape,
  credentialShape,
  type Credential,
  type KeyRecord,
  type Right,
} from '../identity/index.ts'
import type { GrantTerms, Grantee } from '../policy/index.ts'
import type { Did } from '../primitives/did.ts'
import type { RecordId } from '../primitives/content-id.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import { memberListShape, type Member } from '../primitives/member.ts'
import { COUNTER_MAX, DELEGATE_SLOT_MAX, GRANTS_MAX, TIME_MS_MAX } from '../primitives/limits.ts'
import {
  account,
  bytesOf,
  choice,
  counter,
  either,
  flag,
  identifier,
  constant,
  label,
  listOf,
  nullable,
  timeMs,
  transactionId,
  tuple,
  uint,
  type Shape,
} from '../primitives/shape.ts'
import { toHex, type Bytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { grantTermsShape } from '../transactions/index.ts'
import type { StateKey } from './state.ts'

/** `acct/<account>/<delegate>`: who signs for it now, and what it may. */
export interface SlotEntry {
  /** Null when the slot is empty or the account revoked; its nonce stays. */
  readonly signingKey: Did | null
  readonly agreement: Bytes | null
  readonly rights: readonly Right[]
  readonly notAfterMs: number
  /** Nonce of the next transaction. */
  readonly nonceNext: number
  /** Last epoch of whose keys it has an envelope; 0 for none. */
  readonly keyEpoch: number
}

/** `keys/<account>`: the account's number and its public keys. */
export interface AccountEntry {
  readonly index: number
  readonly isRevoked: boolean
  readonly keys: KeyRecord
}

/** One grantor's set in `grant/<owner>/<grantee>`. */
export interface GrantSetEntry {
  readonly grantor: Did
  /** The T_access that made it. */
  readonly transaction: TransactionId
  readonly grants: readonly GrantTerms<Label>[]
}

/** `epoch/<owner>`: where the owner's keys stand. */
export interface EpochEntry {
  readonly epoch: number
  /** The owner's last applied tx_key. */
  readonly latest: TransactionId
  /** Something was taken from a recipient: nothing more is sealed under this epoch's type keys. */
  readonly mustRotate: boolean
  /** First moment at which somebody who holds keys may no longer; half-open. */
  readonly notAfterMs: number
  /** Recipients of the epoch, in `holder/<owner>/<epoch>/<n>`. */
}

/** `key/<owner>/<recipient>`: what a recipient holds. */
export interface HolderEntry {
  /** The last epoch in which he received keys. */
  readonly epoch: number
  readonly dataTypes: readonly Label[] | 'all'
  /** To his diagnosis key of that epoch. */
  readonly commitment: Digest32
  /** That key was handed to somebody else. */
  readonly isHandedOver: boolean
  /** He was handed somebody's diagnosis key of that epoch. */
  readonly holdsHanded: boolean
  readonly untilMs: number
}

/** `label/<owner>/<label>`: the epoch that last listed it, and the commitment there. */
export interface LabelEntry {
  readonly epoch: number
  readonly commitment: Digest32
}

/** `content/<owner>/<record>`: which transaction recorded it, and how. */
export interface RecordEntry {
  readonly transaction: TransactionId
  readonly label: Label
  readonly epoch: number
  /** Who sealed it: the owner, or the doctor under whose diagnosis key it is. */
  readonly author: Did
  readonly kind: 'iot' | 'diagnosis' | 'data'
  readonly issuedAtMs: number
  readonly height: number
}

/** `tx/<id>`: what became of a transaction. */
export interface TransactionEntry {
  readonly height: number
  readonly position: number
  readonly owner: Did
  readonly kind: string
  /** Null when it was applied. */
  readonly code: string | null
}

/** One re-key in `rekey/<owner>/<delegatee>`: recorded, and neither ended nor revoked. */
export interface RekeyEntry {
  readonly reKey: Digest32
  readonly proxy: Did
  readonly label: Label
  readonly epoch: number
  /** Half-open; never after the end of the grants that allowed it. */
  readonly untilMs: number
}

/** `members`: a set of members and from where on it certifies. */
export interface MemberSet {
  /** Counts the sets, from 0. */
  readonly memberEpoch: number
  /** First block of the epoch. */
  readonly heightFirst: number
  /** In the order that gives indexes. */
  readonly members: readonly Member[]
}

/** Kind under which a T_data that reads is noted: it enters no record, so that no diagnosis can name it as its cause. */
export const READ_KIND = 'read'

/** `quota/<account>`: transactions in the current minute of block time. */
export interface QuotaEntry {
  readonly minute: number
  readonly count: number
}

/** Credentials of one account. */
export const CREDENTIALS_PER_ACCOUNT_MAX = 16
/** Grantors for one pair of owner and grantee. */
export const GRANTORS_PER_PAIR_MAX = 16
/** Re-keys in use for one pair of owner and delegatee. */
export const REKEYS_PER_PAIR_MAX = 256
/** Labels whose keys one recipient holds in one epoch; who needs more gets the key of all types. */
export const LABELS_PER_HOLDER_MAX = 4_096

const digest = bytesOf(32) as Shape<Digest32>
const RECORD_KINDS = ['iot', 'diagnosis', 'data'] as const
const labels = either<readonly Label[], 'all'>(
  listOf(label, { name: 'labels', countMax: LABELS_PER_HOLDER_MAX }),
  constant('all'),
  {
    isFirst: (value) => Array.isArray(value),
    isFirstValue: (value): value is readonly Label[] => value !== 'all',
  },
)

/** `acct/`: a slot. */
export const slotShape: Shape<SlotEntry> = tuple({
  signingKey: nullable(account),
  agreement: nullable(bytesOf(32)),
  rights: rightsShape,
  notAfterMs: timeMs,
  // One more than the last nonce there is: then the slot is used up.
  nonceNext: uint(COUNTER_MAX + 1),
  keyEpoch: counter,
})
/**
 * `keys/`: an account.
 *
 * @internal
 */
export const accountShape: Shape<AccountEntry> = tuple({ index: counter, isRevoked: flag, keys: keyRecordShape })
/**
 * `index/`: an account by its number.
 *
 * @internal
 */
export const accountIdShape: Shape<Did> = account
/**
 * `cred/`: credentials of an account.
 *
 * @internal
 */
export const credentialListShape: Shape<readonly Credential[]> = listOf(credentialShape, {
  name: 'credentials',
  countMax: CREDENTIALS_PER_ACCOUNT_MAX,
})
/** `grant/`: the sets for one grantee. */
export const grantSetsShape: Shape<readonly GrantSetEntry[]> = listOf(
  tuple({
    grantor: account,
    transaction: transactionId,
    grants: listOf(grantTermsShape, { name: 'grants', countMax: GRANTS_MAX }),
  }),
  { name: 'grantors', countMax: GRANTORS_PER_PAIR_MAX },
)
/** `epoch/`: where an owner's keys stand. */
export const epochShape: Shape<EpochEntry> = tuple({
  epoch: counter,
  latest: transactionId,
  mustRotate: flag,
  notAfterMs: uint(TIME_MS_MAX),
})
/** `key/`: what a recipient holds. */
export const holderShape: Shape<HolderEntry> = tuple({
  epoch: counter,
  dataTypes: labels,
  commitment: digest,
  isHandedOver: flag,
  holdsHanded: flag,
  untilMs: uint(TIME_MS_MAX),
})
/** `rekey/`: re-keys in use. */
export const rekeysShape: Shape<readonly RekeyEntry[]> = listOf(
  tuple({ reKey: digest, proxy: account, label, epoch: counter, untilMs: uint(TIME_MS_MAX) }),
  { name: 're-keys', countMax: REKEYS_PER_PAIR_MAX },
)
/** `label/`: a listed type. */
export const labelShape: Shape<LabelEntry> = tuple({ epoch: counter, commitment: digest })
/** `content/`: a record. */
export const recordShape: Shape<RecordEntry> = tuple({
  transaction: transactionId,
  label,
  epoch: counter,
  author: account,
  kind: choice('kind', RECORD_KINDS),
  issuedAtMs: timeMs,
  height: counter,
})
/**
 * `tx/`: what became of a transaction.
 *
 * @internal
 */
export const transactionShape: Shape<TransactionEntry> = tuple({
  height: counter,
  position: counter,
  owner: account,
  kind: identifier,
  code: nullable(identifier),
})
/** `quota/`: use of a minute. */
export const quotaShape: Shape<QuotaEntry> = tuple({ minute: uint(Number.MAX_SAFE_INTEGER), count: counter })
/**
 * `registrars`: who admits accounts.
 *
 * @internal
 */
export const accountListShape: Shape<readonly Did[]> = listOf(account, { name: 'accounts', countMax: 1_024 })
/**
 * `members`: who orders the next block.
 *
 * @internal
 */
export const memberSetShape: Shape<MemberSet> = tuple({
  memberEpoch: counter,
  heightFirst: uint(COUNTER_MAX + 1, 1),
  members: memberListShape,
})
/** Lists of labels. */
export const labelNameShape: Shape<Label> = label
/** Lists of transactions. */
export const transactionListShape: Shape<TransactionId> = transactionId
/** `rekey-id/<owner>/<id>`: that there was one. */
export const usedRekeyShape: Shape<1> = constant(1)
/** What is known of an envelope: it was offered, and what its recipient said. Wire positions: append only. */
export const ANSWERS = ['offered', 'acknowledged', 'complained'] as const
/** What is known of an envelope. */
export type Answer = (typeof ANSWERS)[number]
/** `answer/<tx_key>/<recipient>`. */
export const answerShape: Shape<Answer> = choice('answer', ANSWERS)
/** `bal/` and `esc/`: micro-units. */
export const balanceShape: Shape<number> = uint(Number.MAX_SAFE_INTEGER)

/** The text of a grantee in a key: a did, or role and organisation. */
export function granteeKey(grantee: Grantee): readonly (string | number)[] {
  return typeof grantee === 'string' ? [grantee] : ['role', grantee.role, grantee.organisation]
}

/** The keys of the state. */
export const keys = {
  /** A slot of an account: who signs for it. */
  slot: (did: Did, delegate: number): StateKey => ['acct', did, delegate],
  /** An account: its number and its keys. */
  account: (did: Did): StateKey => ['keys', did],
  /** List of accounts by number. */
  index: ['index'] as StateKey,
  /** Credentials of an account. */
  credentials: (did: Did): StateKey => ['cred', did],
  /** The sets of grants for one grantee. */
  grants: (owner: Did, grantee: Grantee): StateKey => ['grant', owner, ...granteeKey(grantee)],
  /** List of the T_access that name a grantee. */
  grantee: (grantee: Grantee): StateKey => ['grantee', ...granteeKey(grantee)],
  /** What a recipient holds. */
  holder: (owner: Did, recipient: Did): StateKey => ['key', owner, recipient],
  /** List of the recipients of one epoch. */
  holders: (owner: Did, epoch: number): StateKey => ['holder', owner, epoch],
  /** An owner's re-key was recorded once: its id is not used again. */
  usedRekey: (owner: Did, reKey: Digest32): StateKey => ['rekey-id', owner, toHex(reKey)],
  /** Re-keys in use for a delegatee. */
  rekeys: (owner: Did, delegatee: Did): StateKey => ['rekey', owner, delegatee],
  /** Where an owner's keys stand. */
  epoch: (owner: Did): StateKey => ['epoch', owner],
  /** List of the tx_keys of one epoch. */
  epochKeys: (owner: Did, epoch: number): StateKey => ['epoch', owner, epoch],
  /** A listed type. */
  label: (owner: Did, of: Label): StateKey => ['label', owner, of],
  /** List of the labels that an owner listed or has records of. */
  labels: (owner: Did): StateKey => ['label', owner],
  /** List of an owner's records of one label. */
  records: (owner: Did, of: Label): StateKey => ['rec', owner, of],
  /** A record. */
  content: (owner: Did, record: RecordId): StateKey => ['content', owner, record],
  /** What became of a transaction. */
  transaction: (id: TransactionId): StateKey => ['tx', id],
  /** List of every transaction that concerns an owner. */
  own: (owner: Did): StateKey => ['own', owner],
  /** Use of a minute. */
  quota: (did: Did): StateKey => ['quota', did],
  /** Micro-units of an account. */
  balance: (did: Did): StateKey => ['bal', did],
  /** Micro-units that are locked. */
  escrow: (name: string): StateKey => ['esc', name],
  /** What a recipient said about a tx_key. */
  answer: (transaction: TransactionId, recipient: Did): StateKey => ['answer', transaction, recipient],
  /** Who admits accounts. */
  registrars: ['registrars'] as StateKey,
  /** Who runs replicas. */
  members: ['members'] as StateKey,
} as const

/** Slots that an account can have. */
export const SLOTS: readonly number[] = Array.from({ length: DELEGATE_SLOT_MAX + 1 }, (_, slot) => slot)
