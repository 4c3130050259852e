/**
 * What an institution does with a share that was converted for it: open, compare, and dispute with evidence.
 */

import type { LedgerView } from '../chain/index.ts'
import { isVitalsealError, unwrap, VitalsealError } from '../errors.ts'
import type { PreKeyPair } from '../pre/index.ts'
import { equalBytes } from '../primitives/bytes.ts'
import { createCid, createRecordId, RAW_CODEC } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import { sha256 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { RandomSource } from '../primitives/random.ts'
import {
  CONVERTED_SHARE_BYTES_MAX,
  createEvidence,
  evaluateShare,
  findClaim,
  openListing,
  openShare,
  SHARE_BLOCK_BYTES_MAX,
  sharedClaimOf,
  type ClaimHistory,
  type OpenedShare,
} from '../sharing/index.ts'
import { readBlock, type Blockstore } from '../storage/index.ts'
import { readValues, type Attributes, type Requirement, type Values } from '../zk/index.ts'
import type { ActorCore } from './actor.ts'

/** A share that an institution opened, and that is what its issuer attested. */
export interface ReceivedShare extends OpenedShare {
  readonly claim: TransactionId
  readonly listing: TransactionId
  /** The pseudonym of the patient in this study. */
  readonly claimant: Did
  readonly issuer: Did
  readonly attestedAtMs: number
  /** The attested values, as far as an opening tells them: the codes of a list are in the record. */
  readonly values: Values<Attributes>
}

function refuse(claim: TransactionId): never {
  throw new VitalsealError('ERR_SHARING_STATE', `claim ${claim}: not converted for this party`, { details: {} })
}

/** The history of a claim that was converted. */
export function findConverted(
  view: LedgerView,
  claim: TransactionId,
): ClaimHistory & { readonly converted: Uint8Array } {
  const history = findClaim(view, claim) ?? refuse(claim)
  const step = history.steps.find(({ transaction }) => transaction.step === 'convert')?.transaction
  return step?.step === 'convert' ? { ...history, converted: step.converted } : refuse(claim)
}

/** Tells whether these bytes are the evidence that a dispute names. */
export function isEvidenceOf({ steps }: ClaimHistory, evidence: Uint8Array): boolean {
  const dispute = steps.find(({ transaction }) => transaction.step === 'dispute')?.transaction
  return dispute?.step === 'dispute' && equalBytes(sha256(evidence), dispute.evidence)
}

/** Reads a block by its digest on the ledger. */
export function readByDigest(blocks: Blockstore, digest: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  const cid = createCid(RAW_CODEC, digest)
  return readBlock(blocks, cid, { bytesMax, record: createRecordId(cid), signal: undefined })
}

/** As {@link readByDigest}; undefined where the store has no such block, or a damaged one. */
export async function findByDigest(
  blocks: Blockstore,
  digest: Uint8Array,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  try {
    return await readByDigest(blocks, digest, bytesMax)
  } catch (error) {
    if (isVitalsealError(error, 'ERR_STORAGE_NOT_FOUND') || isVitalsealError(error, 'ERR_STORAGE_CORRUPT'))
      return undefined
    throw error
  }
}

/** Opens a share; see {@link Institution}. */
export async function receiveShare(
  { did, options }: ActorCore,
  keys: PreKeyPair<'delegatee'>,
  asked: { readonly claim: TransactionId; readonly requirement: Requirement | undefined },
): Promise<ReceivedShare> {
  const { claim, requirement } = asked
  const { blocks, ledger } = options
  const history = findConverted(await ledger.view(), claim)
  const { listing, claimed } = history
  if (listing.institution !== did) refuse(claim)
  const { schema } = unwrap(openListing(listing, requirement)).asked
  const { share, sender: claimant, issuer, attestedAtMs } = claimed.transaction
  const block = await readByDigest(blocks, share, SHARE_BLOCK_BYTES_MAX)
  const converted = await readByDigest(blocks, history.converted, CONVERTED_SHARE_BYTES_MAX)
  const opened = unwrap(await openShare(block, converted, { claim: sharedClaimOf(history), schema, keys }))
  const values = readValues(schema, opened.opening)
  return { ...opened, claim, listing: listing.id, claimant, issuer, attestedAtMs, values }
}

/** Disputes a share with evidence; see {@link Institution}. */
export async function disputeShare(
  core: ActorCore,
  keys: PreKeyPair<'delegatee'>,
  claim: TransactionId,
): Promise<{ readonly evidence: Uint8Array<ArrayBuffer>; readonly untilMs: number }> {
  const { blocks, ledger } = core.options
  const view = await ledger.view()
  const history = findConverted(view, claim)
  const converted = await findByDigest(blocks, history.converted, CONVERTED_SHARE_BYTES_MAX)
  const facts = sharedClaimOf(history)
  // Whoever crashed before the issuer had the evidence makes the same again. Its nonce is secret by the key that it is made of.
  const random: RandomSource = (byteCount) => facts.reKey.slice(0, byteCount)
  const evidence = createEvidence({ claim, facts, converted, keys }, random)
  const state = unwrap(evaluateShare(view, claim))
  if (state.kind === 'disputed' && isEvidenceOf(history, evidence)) return { evidence, untilMs: state.untilMs }
  const receipt = await core.submit({ kind: 'share', step: 'dispute', claim, evidence: sha256(evidence) })
  return { evidence, untilMs: receipt.untilMs ?? receipt.timeMs }
}
