/**
 * Disputes: the institution shows the issuer what its share opens to, and the issuer tells by computing whether that is what
 * it attested. Neither has to be believed by the other.
 *
 * The institution shows the secret of the one re-key, with a proof that it is the right one. The issuer reads the two blocks
 * by their digests on the ledger, opens them, and compares h and the serial of the record. It learns nothing new: the record
 * is its own.
 */

import { rejectArgument } from '../errors.ts'
import type { KeyRecord } from '../identity/index.ts'
import {
  openShown,
  parsePreObject,
  showOpening,
  SHOWN_OPENING_BYTES,
  type PreKeyPair,
  type ReEncryptedCapsule,
} from '../pre/index.ts'
import type { JudgeStep } from '../transactions/index.ts'
import { equalBytes, toHex, type Bytes } from '../primitives/bytes.ts'
import { sha256 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { bytesOf, encodeShape, nullable, parseShape, transactionId, versioned } from '../primitives/shape.ts'
import type { Schema } from '../zk/index.ts'
import type { ClaimHistory } from './evaluate.ts'
import { openShareWith, parseShareBlock, type SharedClaim } from './share.ts'

const OBJECT = 'evidence'
const evidenceShape = versioned(1, { claim: transactionId, shown: nullable(bytesOf(SHOWN_OPENING_BYTES)) })

/** Facts of a claim that its share must agree with. */
export function sharedClaimOf({ claimed }: Pick<ClaimHistory, 'claimed'>): SharedClaim {
  const { transaction } = claimed
  return { ...transaction, claimant: transaction.sender }
}

/** The conversion by the re-key that the claim names, whatever it opens to. */
function readConverted(bytes: Uint8Array | undefined, claim: SharedClaim): ReEncryptedCapsule | undefined {
  const parsed = bytes === undefined ? undefined : parsePreObject('re-encrypted-capsule', bytes)
  return parsed?.ok === true && parsed.value.reKeyId === toHex(claim.reKey) ? parsed.value : undefined
}

/**
 * Returns what an institution shows the issuer about a share; its SHA-256 goes into the dispute. For the issuer alone: it
 * opens the share.
 *
 * @param of - `converted`: undefined where the store has no such block
 */
export function createEvidence(
  of: {
    readonly claim: TransactionId
    readonly facts: SharedClaim
    readonly converted: Uint8Array | undefined
    readonly keys: PreKeyPair<'delegatee'>
  },
  random: RandomSource = randomBytes,
): Bytes {
  const converted = readConverted(of.converted, of.facts)
  const isForUs = converted !== undefined && equalBytes(converted.delegatee, of.keys.publicKey)
  const shown = isForUs ? showOpening(converted, of.keys, {}, random) : undefined
  return encodeShape({ claim: of.claim, shown: shown ?? null }, evidenceShape, { object: OBJECT })
}

/** What an issuer goes by. */
export interface DisputeCase {
  readonly history: ClaimHistory
  /** That of the listing. */
  readonly schema: Schema
  /** What the institution shows. */
  readonly evidence: Uint8Array
  /** Key record of the institution when the claim was made. */
  readonly institution: KeyRecord
  /** The two blocks by their digests on the ledger; undefined where the store has none. */
  readonly block: Uint8Array | undefined
  readonly converted: Uint8Array | undefined
}

/** The secret that an institution shows; undefined where the evidence is not that of the dispute. */
function readEvidence({ history, evidence }: DisputeCase): { readonly shown: Bytes | null } | undefined {
  const { claimed, steps } = history
  const dispute = steps.find(({ transaction }) => transaction.step === 'dispute')?.transaction
  if (dispute?.step !== 'dispute' || !equalBytes(sha256(evidence), dispute.evidence)) return undefined
  const parsed = parseShape(evidence, evidenceShape, { object: OBJECT })
  return parsed.ok && parsed.value.claim === claimed.transaction.id ? parsed.value : undefined
}

/** Whether the conversion is the one that the proxy recorded. */
function isRecorded({ history, converted }: DisputeCase): boolean {
  const step = history.steps.find(({ transaction }) => transaction.step === 'convert')?.transaction
  return step?.step === 'convert' && converted !== undefined && equalBytes(sha256(converted), step.converted)
}

/** Whether the capsule that was converted is the one in the share. */
function isOfBlock({ capsule }: ReEncryptedCapsule, block: Uint8Array): boolean {
  const share = parseShareBlock(block)
  return share.ok && share.value.capsule.id === capsule.id
}

/**
 * Returns the verdict on a disputed share. Total but for the schema; whoever has the same blocks comes to the same one.
 *
 * Run by the issuer. An institution that shows nothing, or something else, is not heard: it pays. What opens to something
 * else than was attested is not as attested: the claimant sealed it. What is not in the store, was not converted by the
 * re-key of the claim, or does not open, counts as not converted: the proxy may have done that, and nobody else loses by it.
 *
 * Cost: about 20 ms, and the hashes of the commitment.
 *
 * @throws When the schema is another than the listing's, under which nothing honest would open: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export async function judgeShare(dispute: DisputeCase): Promise<JudgeStep['verdict']> {
  const { history, schema, institution, block } = dispute
  if (!equalBytes(schema.id, history.listing.schema)) rejectArgument('schema', 'the schema of the listing', 'another')
  const claim = sharedClaimOf(history)
  const evidence = readEvidence(dispute)
  if (evidence === undefined) return 'as-attested'
  const converted = isRecorded(dispute) ? readConverted(dispute.converted, claim) : undefined
  if (block === undefined || converted === undefined || !isOfBlock(converted, block)) return 'not-converted'
  const key = institution.pre?.delegatee.publicKey
  if (key === undefined || !equalBytes(converted.delegatee, key)) return 'not-converted'
  const opened = openShown(converted, evidence.shown ?? undefined)
  if (opened.kind === 'not-shown') return 'as-attested'
  if (opened.kind === 'does-not-open') return 'not-converted'
  const share = await openShareWith(opened.key, block, { claim, schema })
  return share.ok ? 'as-attested' : 'not-as-attested'
}
