/**
 * The proxy's work on shares: it takes the re-key of a claim, says so on the ledger, and converts the capsule of the share
 * (PS 4.2.8).
 *
 * The ledger says which block, for whom and until when; the proxy compares all of it before it says that it can convert, since
 * the claim then waits for it alone.
 */

import type { LedgerView } from '../chain/index.ts'
import { VitalsealError } from '../errors.ts'
import {
  reEncrypt,
  verifyCapsule,
  verifyReEncryptionKey,
  type Capsule,
  type Condition,
  type ReEncryptionKey,
} from '../pre/index.ts'
import { equalBytes, toHex, type Verified } from '../primitives/bytes.ts'
import { createCid, createRecordId, hashBlock, RAW_CODEC } from '../primitives/content-id.ts'
import { sha256 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import {
  conditionOfClaim,
  evaluateShare,
  findClaim,
  openShareDelivery,
  parseShareBlock,
  SHARE_BLOCK_BYTES_MAX,
  type ClaimHistory,
  type PendingShare,
  type ShareDelivery,
} from '../sharing/index.ts'
import { readBlock, writeBlock } from '../storage/index.ts'
import type { ActorCore } from './actor.ts'

/** A share that a proxy is to convert. */
export interface HeldShare {
  readonly claim: TransactionId
  readonly reKey: Verified<ReEncryptionKey>
  readonly capsule: Verified<Capsule>
  /** Deadline of the conversion; once it is recorded, that of the institution's answer. */
  readonly untilMs: number
}

/** A share that was compared with the ledger and the store. */
export interface JudgedShare {
  readonly share: HeldShare
  /** Says on the ledger that the share can be converted, where that was not said before. */
  readonly say: () => Promise<void>
}

/** Opens a delivery of a share; undefined for any other. */
export function openShareFor({ did, options }: ActorCore, delivery: Uint8Array): ShareDelivery | undefined {
  const { identity, ledger } = options
  return openShareDelivery(delivery, { chainId: ledger.chainId, proxy: did, agreement: identity.agreement })
}

function refuse(claim: TransactionId): never {
  throw new VitalsealError('ERR_SHARING_STATE', `claim ${claim}: nothing for this proxy to convert now`, {
    details: {},
  })
}

function mismatch(what: string): never {
  throw new VitalsealError('ERR_PRE_CONDITION_MISMATCH', `the re-key has ${what} than the claim says`, { details: {} })
}

/** A claim that waits for this proxy. */
function findWaiting(
  { did, options }: ActorCore,
  view: LedgerView,
  claim: TransactionId,
): { readonly history: ClaimHistory; readonly state: PendingShare } {
  const state = evaluateShare(view, claim, { atMs: Math.max(view.timeMs, options.clock()) })
  const history = findClaim(view, claim)
  if (!state.ok || history?.claimed.transaction.proxy !== did) return refuse(claim)
  const { value } = state
  const isWaiting = value.kind === 'claimed' || value.kind === 'delegated' || value.kind === 'converted'
  return isWaiting && (value.kind === 'converted' || !value.isOverdue) ? { history, state: value } : refuse(claim)
}

function isSameCondition(left: Condition, right: Condition): boolean {
  return (
    left.type === right.type && left.epoch === right.epoch && (left.extra ?? []).join() === (right.extra ?? []).join()
  )
}

/** A re-key whose every term is that of the claim. */
function checkReKey(
  reKey: ReEncryptionKey,
  view: LedgerView,
  { claimed, listing }: ClaimHistory,
  nowMs: number,
): Verified<ReEncryptionKey> {
  const { sender, studyNullifier } = claimed.transaction
  const { institution } = listing
  const [owner, reader] = [view.keys(sender), view.keys(institution)]
  if (reKey.id !== toHex(claimed.transaction.reKey)) mismatch('another id')
  if (reKey.delegatorAccount !== sender || reKey.delegateeAccount !== institution) mismatch('other parties')
  if (owner?.pre === undefined || !equalBytes(owner.pre.delegator.publicKey, reKey.delegator)) mismatch('another owner')
  if (reader?.pre === undefined || !equalBytes(reader.pre.delegatee.publicKey, reKey.delegatee))
    mismatch('another reader')
  if (!isSameCondition(reKey.condition, conditionOfClaim(listing, studyNullifier))) mismatch('another condition')
  return verifyReEncryptionKey(reKey, { signer: owner.signingKey, nowMs }) ? reKey : mismatch('another signature')
}

/** The capsule in the block that the claim names. */
async function readCapsule({ options }: ActorCore, { claimed }: ClaimHistory): Promise<Verified<Capsule>> {
  const cid = createCid(RAW_CODEC, claimed.transaction.share)
  const asked = { bytesMax: SHARE_BLOCK_BYTES_MAX, record: createRecordId(cid), signal: undefined }
  const block = parseShareBlock(await readBlock(options.blocks, cid, asked))
  if (block.ok && verifyCapsule(block.value.capsule)) return block.value.capsule
  throw new VitalsealError('ERR_SHARING_CONTENT', 'the block that the claim names holds no share', {
    path: 'share',
    details: {},
  })
}

/**
 * Compares a delivery with the ledger and the store. Keep it before it is said that the share can be converted: the claim
 * then waits for this proxy, and its owner may be offline.
 *
 * @throws When no such claim waits for this proxy: `ERR_SHARING_STATE`; when the re-key has other terms than it:
 *   `ERR_PRE_CONDITION_MISMATCH`; when the block is missing or no share: `ERR_STORAGE_NOT_FOUND` or `ERR_SHARING_CONTENT`. {@link VitalsealError}
 */
export async function judgeDelivery(core: ActorCore, { claim, reKey: offered }: ShareDelivery): Promise<JudgedShare> {
  const view = await core.options.ledger.view()
  const { history, state } = findWaiting(core, view, claim)
  const nowMs = Math.max(view.timeMs, core.options.clock())
  const reKey = checkReKey(offered, view, history, nowMs)
  const capsule = await readCapsule(core, history)
  // Whether the capsule is the re-key's to convert shows at once, and not when the claim waits for it.
  reEncrypt(capsule, reKey, { nowMs })
  return {
    share: { claim, reKey, capsule, untilMs: state.untilMs },
    async say() {
      if (state.kind === 'claimed') await core.submit({ kind: 'share', step: 'delegate', claim })
    },
  }
}

/**
 * Converts a share, records that, and gives the result to the shared store. Where only the store failed: the same again, until
 * the institution has to answer.
 *
 * @param onRecorded - hears that deadline
 * @throws When the claim no longer waits for this proxy: `ERR_SHARING_STATE`. {@link VitalsealError}
 */
export async function convertShare(
  core: ActorCore,
  { claim, reKey, capsule }: HeldShare,
  onRecorded: (untilMs: number) => void,
): Promise<{ readonly id: TransactionId; readonly height: number }> {
  const { blocks, ledger } = core.options
  const { history, state } = findWaiting(core, await ledger.view(), claim)
  const { bytes } = reEncrypt(capsule, reKey)
  const done = state.kind === 'converted' ? history.steps.at(-1) : undefined
  const { id, height, untilMs } =
    done === undefined
      ? await core.submit({ kind: 'share', step: 'convert', claim, converted: sha256(bytes) })
      : { id: done.transaction.id, height: done.height, untilMs: state.untilMs }
  onRecorded(untilMs ?? state.untilMs)
  // After the ledger has it: what nobody recorded is given to nobody.
  const cid = hashBlock(RAW_CODEC, bytes)
  await writeBlock(blocks, { cid, bytes }, { record: createRecordId(cid), signal: undefined })
  return { id, height }
}
