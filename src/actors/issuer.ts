/**
 * The issuer: a hospital that vouches for values of its records, takes its word back, and judges what an institution
 * disputes (PS's data provider; the contract's last word).
 */

import type { AppliedReceipt } from '../chain/index.ts'
import { rejectArgument, VitalsealError } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import {
  attestRecord,
  CONVERTED_SHARE_BYTES_MAX,
  evaluateShare,
  judgeShare,
  SHARE_BLOCK_BYTES_MAX,
} from '../sharing/index.ts'
import type { JudgeStep } from '../transactions/index.ts'
import type { Attestation, Commitment, PersonCommitment, Schema, Values } from '../zk/index.ts'
import { actorOf, createActorCore, registerIfNew, type Actor, type ActorCore, type ActorOptions } from './actor.ts'
import { findByDigest, findConverted, isEvidenceOf } from './receive-share.ts'

/** What a hospital is asked to vouch for. */
export interface AttestOrder<S> {
  readonly schema: Schema<S>
  /** As they are in the record: the hospital's own, never what somebody asks it to say. */
  readonly values: Values<S>
  /** The exact bytes of the record. */
  readonly record: Uint8Array
  /** The patient's pseudonym in the study, on the ledger. */
  readonly subject: Did
  /** From her: `participant.person`. The same each time: an issuer that takes another lets her claim twice. */
  readonly person: PersonCommitment
}

/** Who vouches for values. */
export interface Issuer extends Actor {
  /**
   * Commits to the values for one study and signs; `sealed` goes to the patient, and nobody else opens it.
   *
   * @throws When a value does not fit the schema or the subject is not on the ledger: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
   */
  attest<S>(order: AttestOrder<S>): Promise<{ readonly attestation: Attestation; readonly sealed: Bytes }>
  /** Takes its word on a commitment back, where a value was wrong: it claims nothing any more where a listing asks for that. */
  withdraw(commitment: Commitment): Promise<AppliedReceipt>
  /**
   * Judges a disputed share by what the institution handed over as evidence, and says the verdict on the ledger.
   *
   * A verdict is final. So nothing is said on other evidence than the dispute names, which anybody could send; an institution
   * that never shows its own pays when the deadline has passed. A block that the store does not have counts as not converted:
   * ask claimant and proxy for it before.
   *
   * @throws When the claim is not disputed, not of this issuer, or the time for a verdict has passed: `ERR_SHARING_STATE`; when
   *   the evidence is not that of the dispute: `ERR_SHARING_CONTENT`; when the schema is not the listing's:
   *   `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
   */
  judge(
    claim: TransactionId,
    options: { readonly schema: Schema; readonly evidence: Uint8Array },
  ): Promise<JudgeStep['verdict']>
}

/** Block times may lag behind a clock by so much, and no ledger takes an attestation from its future. */
const LAG_MS = 120_000

/** Returns the issuer's actor. Registers the identity where the ledger does not know it. */
export async function createIssuer(options: ActorOptions): Promise<Issuer> {
  const core = createActorCore(options)
  await registerIfNew(core)
  const { ledger, identity, clock } = options
  return {
    ...actorOf(core),
    async attest(order) {
      const view = await ledger.view()
      const subject = view.keys(order.subject) ?? rejectArgument('subject', 'an account on the ledger', 'another')
      const issuedAtMs = Math.max(view.timeMs, clock() - LAG_MS)
      const { chainId } = ledger
      return attestRecord(
        { ...order, subject, issuedAtMs, signer: identity.signer, issuer: core.did, chainId },
        core.random,
      )
    },
    withdraw: (commitment) => core.submit({ kind: 'withdrawal', commitment }),
    judge: (claim, shown) => judge(core, claim, shown),
  }
}

async function judge(
  core: ActorCore,
  claim: TransactionId,
  { schema, evidence }: { readonly schema: Schema; readonly evidence: Uint8Array },
): Promise<JudgeStep['verdict']> {
  const { blocks, ledger } = core.options
  const view = await ledger.view()
  const state = evaluateShare(view, claim)
  const history = findConverted(view, claim)
  const { claimed, listing } = history
  // Keys that the institution registered later open nothing that was made for the earlier ones.
  const institution = view.at(claimed.height).keys(listing.institution)
  if (!state.ok || state.value.kind !== 'disputed' || institution === undefined) {
    throw new VitalsealError('ERR_SHARING_STATE', `claim ${claim}: nothing to judge`, { details: {} })
  }
  if (!isEvidenceOf(history, evidence)) {
    throw new VitalsealError(
      'ERR_SHARING_CONTENT',
      '"evidence" expected what the dispute names, found something else',
      {
        path: 'evidence',
        details: {},
      },
    )
  }
  const block = await findByDigest(blocks, claimed.transaction.share, SHARE_BLOCK_BYTES_MAX)
  const converted = await findByDigest(blocks, history.converted, CONVERTED_SHARE_BYTES_MAX)
  const verdict = await judgeShare({ history, schema, evidence, institution, block, converted })
  await core.submit({ kind: 'share', step: 'judge', claim, verdict })
  return verdict
}
