/**
 * The participant: a person in one study, under her pseudonym of that study (PS steps 2 to 9, the data owner's side).
 *
 * She claims: seals her record for the institution, proves that it meets the listing, and gives a proxy what it needs to
 * convert. Then she may be offline; the ledger pays, and where somebody is silent, anybody may close the claim. Carries the
 * code of proofs and pairings, which a patient's own actor does without.
 */

import type { AppliedReceipt } from '../chain/index.ts'
import { rejectArgument, unwrap } from '../errors.ts'
import type { KeyRecord, PreIdentity } from '../identity/index.ts'
import type { Verified } from '../primitives/bytes.ts'
import { createCid, createRecordId, RAW_CODEC } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import { createVerifier, type Verifier } from '../primitives/signature.ts'
import {
  evaluateShare,
  openAttested,
  proveClaim,
  sealShare,
  sealShareDelivery,
  type Attested,
  type OpenListing,
  type ShareState,
} from '../sharing/index.ts'
import { writeBlock } from '../storage/index.ts'
import {
  commitPerson,
  type CurveBackend,
  type PersonCommitment,
  type PersonSecret,
  type ProvingKey,
  type Schema,
} from '../zk/index.ts'
import { actorOf, createActorCore, registerIfNew, type Actor, type ActorCore, type ActorOptions } from './actor.ts'
import { preKeysOf } from './capsules.ts'

/** What a participant is made of. */
export type ParticipantOptions = ActorOptions & {
  /** Derived for this study alone: `deriveIdentity({ seed, circle: study, pre: createPreKeyMaker() })`. */
  readonly identity: PreIdentity
  /** One for each person, the same in every study; secret. */
  readonly personSecret: PersonSecret
}

/** What she claims with. */
export interface ClaimOrder extends ProgressOptions, Attested {
  /** The exact bytes that the issuer attested. */
  readonly record: Uint8Array
  /** Validated against `listing.asked`: see `validateProvingKey`. */
  readonly provingKey: Verified<ProvingKey>
  readonly proxy: Did
  /** Who is paid; default she herself. Another account of hers keeps the money apart from the study. */
  readonly payee?: Did
  /** From this time on the claim does not count; default an hour from now. */
  readonly expiresAtMs?: number
  readonly backend?: CurveBackend
}

/** A claim on the ledger. */
export interface Claimed {
  readonly id: TransactionId
  readonly height: number
  /** Until when the proxy must have converted. */
  readonly untilMs: number
  /** For the proxy; nobody else opens it. */
  readonly delivery: Uint8Array<ArrayBuffer>
}

/** A person in one study. */
export interface Participant extends Actor {
  /** What an issuer needs to attest for her, besides {@link did}; says nothing about the secret. */
  readonly person: PersonCommitment
  /**
   * Opens what an issuer made for her.
   *
   * @throws When it is not for this account, schema and ledger: `ERR_DECRYPTION_FAILED`. {@link VitalsealError}
   */
  openAttested(sealed: Uint8Array, options: { readonly schema: Schema }): Attested
  /**
   * Seals the share, stores it, proves, and claims. Send the delivery to the proxy.
   *
   * Before that, show her `explainRequirement(listing.asked)`, price and licence, and what `lintRequirement` finds. Cost:
   * that of the proof.
   *
   * @throws As `sealShare` and `proveClaim` do, before anything is proved; what the ledger refuses. {@link VitalsealError}
   */
  claim(listing: OpenListing, order: ClaimOrder): Promise<Claimed>
  /**
   * Returns where a claim stands, by the ledger and this clock.
   *
   * @throws When the ledger took no such claim: `ERR_SHARING_STATE`. {@link VitalsealError}
   */
  state(claim: TransactionId): Promise<ShareState>
  /**
   * Ends a claim on which somebody is silent: after a conversion it is paid, before that refunded, and she may claim again.
   *
   * @throws When no deadline has passed: `ERR_SHARING_STATE`. {@link VitalsealError}
   */
  closeClaim(claim: TransactionId): Promise<AppliedReceipt>
}

/**
 * Returns the participant's actor. Registers the identity where the ledger does not know it and everyone registers himself;
 * elsewhere a registrar admits her first, with a T-Cert.
 */
export async function createParticipant(options: ParticipantOptions): Promise<Participant> {
  const core = createActorCore(options)
  await registerIfNew(core)
  const { did } = core
  const { identity, ledger, clock, personSecret } = options
  return {
    ...actorOf(core),
    person: commitPerson(personSecret),
    openAttested: (sealed, { schema }) =>
      unwrap(
        openAttested(sealed, {
          subject: did,
          agreement: identity.agreement,
          schema,
          chainId: ledger.chainId,
          verifier: verifierOf((party) => core.follower.keysOf(party)),
        }),
      ),
    claim: (listing, order) => claim(core, options, listing, order),
    async state(id) {
      const view = await ledger.view()
      return unwrap(evaluateShare(view, id, { atMs: Math.max(view.timeMs, clock()) }))
    },
    closeClaim: (id) => core.submit({ kind: 'share', step: 'close', claim: id }),
  }
}

/** Verifies with the present key of an account, as the ledger does. */
function verifierOf(keysOf: (account: Did) => KeyRecord | undefined): Verifier {
  const verifier = createVerifier()
  return { verify: (item) => verifier.verify({ ...item, signer: keysOf(item.signer)?.signingKey ?? item.signer }) }
}

async function claim(
  core: ActorCore,
  { identity, personSecret, ledger, blocks, clock }: ParticipantOptions,
  listing: OpenListing,
  order: ClaimOrder,
): Promise<Claimed> {
  const { did, random } = core
  const { record, opening, proxy } = order
  const view = await ledger.view()
  const keysOf = (party: Did, argument: string): KeyRecord =>
    view.keys(party) ?? rejectArgument(argument, 'an account on the ledger', 'another')
  const atMs = Math.max(view.timeMs, clock())
  const [institution, converter] = [keysOf(listing.institution, 'listing'), keysOf(proxy, 'proxy')]
  const { signer } = identity
  const keys = preKeysOf(identity, 'delegator')
  // Nothing is claimed after the end of the listing, so no re-key needs to convert later than its claims.
  const { expiresAtMs = listing.expiresAtMs } = order
  const share = await sealShare(
    { listing, record, opening, personSecret, keys, signer, institution, expiresAtMs },
    random,
  )
  const verifier = verifierOf((party) => view.keys(party))
  const draft = await proveClaim(listing, { ...order, claimant: did, personSecret, share, atMs, verifier })
  const cid = createCid(RAW_CODEC, share.digest)
  await writeBlock(blocks, { cid, bytes: share.block }, { record: createRecordId(cid), signal: order.signal })
  const { id, height, untilMs } = await core.submit(draft, order)
  const reKey = { chainId: ledger.chainId, claim: id, reKey: share.reKey.bytes }
  const delivery = sealShareDelivery(reKey, { proxy: converter }, random)
  return { id, height, untilMs: untilMs ?? atMs, delivery }
}
