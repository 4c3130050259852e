/**
 * The rule of share: who may bring a claim from which state to which, until when, and who gets the money.
 *
 * Whoever is silent loses: without a conversion in time the price goes back, without an answer in time it is paid, and so it
 * is without a verdict, since the institution chose its issuers. Deadlines are half-open, by block time.
 */

import {
  apply,
  moveEscrow,
  refuse,
  releaseEscrow,
  type Execution,
  type Outcome,
  type RefusalCode,
  type Rule,
  type StateWriter,
} from '../../chain/index.ts'
import type { Did } from '../../primitives/did.ts'
import { toDigest, type TransactionId } from '../../primitives/ids.ts'
import {
  claimShape,
  licenceShape,
  listingShape,
  personShape,
  sharesLeftShape,
  sharingKeys,
  type ClaimEntry,
  type ClaimState,
  type ListingEntry,
} from '../entities.ts'
import { laterBy } from './claim.ts'

/** A claim, its listing, and when a step on it is executed. */
interface Case {
  readonly id: TransactionId
  readonly claim: ClaimEntry
  readonly listing: ListingEntry
  readonly timeMs: number
}

/** How a claim ends. */
type Ending =
  | { readonly state: 'settled' }
  /** `isVerdict`: the issuer found the share not as attested; otherwise nobody converted it, or not so that it opens. */
  | { readonly state: 'refunded'; readonly isVerdict: boolean }

/** What a step leads to: the next state and its deadline, an end, or a refusal. */
type Turn = { readonly state: ClaimState; readonly untilMs: number | null } | Ending | RefusalCode

/** Takes a step. */
export const applyShare: Rule<'share'> = (state, transaction, execution) => {
  const { sender, claim: id } = transaction
  const claim = state.get(sharingKeys.claim(id), claimShape)
  const listing = claim && state.get(sharingKeys.listing(claim.listing), listingShape)
  if (claim === undefined || listing === undefined) return refuse(sender, 'ERR_SHARING_STATE')
  const of = { id, claim, listing, timeMs: execution.timeMs }
  const turn = judgeStep(transaction, of, execution)
  // What a stranger tries concerns nobody but him; her list would be his to fill.
  if (typeof turn === 'string') return refuse(isParty(of, sender) ? claim.claimant : sender, turn)
  if (!('untilMs' in turn)) return end(state, of, turn)
  state.set(sharingKeys.claim(id), { ...claim, ...turn }, claimShape)
  return apply(claim.claimant, turn.untilMs === null ? {} : { untilMs: turn.untilMs })
}

type Step = Parameters<typeof applyShare>[1]

function isParty({ claim, listing }: Case, sender: Did): boolean {
  return [claim.claimant, claim.proxy, claim.issuer, listing.institution].includes(sender)
}

/** The state machine. */
function judgeStep(step: Step, of: Case, { verifier }: Execution): Turn {
  const { sender } = step
  const { claim, listing, timeMs } = of
  const { issuer, proxy, signingKey, untilMs } = claim
  const { institution } = listing
  switch (step.step) {
    case 'delegate':
      return isTurn(of, { from: 'claimed', isParty: sender === proxy })
        ? { state: 'delegated', untilMs }
        : 'ERR_SHARING_STATE'
    case 'convert':
      return isTurn(of, { from: 'delegated', isParty: sender === proxy })
        ? { state: 'converted', untilMs: laterBy(timeMs, listing.deadlines.answerWithinMs) }
        : 'ERR_SHARING_STATE'
    case 'acknowledge': {
      // Late is better than never: until somebody closes it, the outcome is the same.
      if (claim.state !== 'converted' || sender !== institution) return 'ERR_SHARING_STATE'
      const signed = { signer: signingKey, digest: toDigest(of.id), signature: step.claimSignature }
      return verifier.verify(signed) ? { state: 'settled' } : 'ERR_SHARING_PROOF'
    }
    case 'dispute':
      // Nobody is the judge of his own dispute.
      return isTurn(of, { from: 'converted', isParty: sender === institution && institution !== issuer })
        ? { state: 'disputed', untilMs: laterBy(timeMs, listing.deadlines.judgeWithinMs) }
        : 'ERR_SHARING_STATE'
    case 'judge':
      if (!isTurn(of, { from: 'disputed', isParty: sender === issuer })) return 'ERR_SHARING_STATE'
      return step.verdict === 'as-attested'
        ? { state: 'settled' }
        : { state: 'refunded', isVerdict: step.verdict === 'not-as-attested' }
    case 'close':
      return judgeSilence(of)
  }
}

/** Tells whether a claim waits for a step of this party, and it is not late. */
function isTurn(
  { claim, timeMs }: Case,
  { from, isParty }: { readonly from: ClaimState; readonly isParty: boolean },
): boolean {
  return isParty && claim.state === from && claim.untilMs !== null && timeMs < claim.untilMs
}

/** What the silence of whoever was expected to act leads to. */
function judgeSilence({ claim, timeMs }: Case): Turn {
  if (claim.untilMs === null || timeMs < claim.untilMs) return 'ERR_SHARING_STATE'
  const isConverted = claim.state === 'converted' || claim.state === 'disputed'
  return isConverted ? { state: 'settled' } : { state: 'refunded', isVerdict: false }
}

/** Pays or refunds, and frees what a refunded claim had used up. */
function end(state: StateWriter, of: Case, ending: Ending): Outcome {
  const { id, claim } = of
  const isPaid = ending.state === 'settled' ? releaseEscrow(state, { name: id, payee: claim.payee }) : refund(state, of)
  if (!isPaid) return refuse(claim.claimant, 'ERR_CHAIN_BALANCE')
  if (ending.state === 'refunded') free(state, of, ending)
  state.set(sharingKeys.claim(id), { ...claim, state: ending.state, untilMs: null }, claimShape)
  return apply(claim.claimant)
}

/** Gives the price back to a listing that goes on, with the share; otherwise to the institution. */
function refund(state: StateWriter, { id, claim, listing, timeMs }: Case): boolean {
  const sharesLeft = state.get(sharingKeys.sharesLeft(claim.listing), sharesLeftShape)
  if (sharesLeft === undefined || timeMs >= listing.expiresAtMs)
    return releaseEscrow(state, { name: id, payee: listing.institution })
  state.set(sharingKeys.sharesLeft(claim.listing), sharesLeft + 1, sharesLeftShape)
  return moveEscrow(state, { from: id, to: claim.listing, amount: 'all' })
}

/**
 * Lets the record be sold again; and the person claim again where nobody converted, since a proxy that lies must not cost her
 * the only claim she has. After a verdict she has had it.
 */
function free(state: StateWriter, { id, claim, listing }: Case, { isVerdict }: { readonly isVerdict: boolean }): void {
  const { studyNullifier, recordNullifier } = claim
  const person = sharingKeys.person(listing.institution, studyNullifier)
  if (!isVerdict && state.get(person, personShape) === id) state.delete(person)
  if (recordNullifier === null) return
  // A licence that ended meanwhile may have been followed by that of another claim.
  const licence = sharingKeys.licence(recordNullifier)
  if (state.get(licence, licenceShape)?.claim === id) state.delete(licence)
}
