/**
 * The rule of claim: the ledger itself checks that the claimant's record meets the requirement, and locks her price.
 *
 * The attestation names the sender, the proof names everything that she agrees to: whoever takes a claim on its way can
 * neither send it as his own nor change it. Nullifiers keep a person to one claim in a study, and an exclusively sold record
 * to one licence at a time, whichever account claims and whichever issuer attests.
 */

import {
  apply,
  holdsRole,
  isLiveAccount,
  moveEscrow,
  refuse,
  signingKeyOf,
  type Execution,
  type RefusalCode,
  type Rule,
  type StateReader,
  type StateWriter,
} from '../../chain/index.ts'
import type { Verified } from '../../primitives/bytes.ts'
import type { Did } from '../../primitives/did.ts'
import { TIME_MS_MAX } from '../../primitives/limits.ts'
import { transactionId } from '../../primitives/shape.ts'
import type { Transaction } from '../../transactions/index.ts'
import type { Nullifier, RequirementFacts, VerifyingKey } from '../../zk/index.ts'
import {
  claimShape,
  licenceShape,
  listingShape,
  personShape,
  sharesLeftShape,
  sharingKeys,
  type ListingEntry,
} from '../entities.ts'
import { statementOfClaim } from '../terms.ts'
import type { SharingPorts } from './ports.ts'

type Claim = Verified<Transaction<'claim'>>

/** A time so much later; never beyond the last one there is. */
export function laterBy(timeMs: number, spanMs: number): number {
  return Math.min(timeMs + spanMs, TIME_MS_MAX)
}

/** Returns the rule. */
export function createClaimRule(ports: SharingPorts): Rule<'claim'> {
  return (state, claim, execution) => {
    const { sender: claimant } = claim
    const listing = state.get(sharingKeys.listing(claim.listing), listingShape)
    const sharesLeft = state.get(sharingKeys.sharesLeft(claim.listing), sharesLeftShape) ?? 0
    if (listing === undefined || sharesLeft === 0) return refuse(claimant, 'ERR_SHARING_LISTING')
    const { timeMs } = execution
    const fault =
      findTermsFault(state, claim, { listing, timeMs }) ??
      findPartyFault(state, claim, { listing, timeMs }) ??
      findNullifierFault(state, claim, { listing, timeMs }) ??
      findProofFault(state, claim, { listing, execution, ports })
    if (fault !== undefined) return refuse(claimant, fault)
    if (!moveEscrow(state, { from: claim.listing, to: claim.id, amount: listing.price }))
      return refuse(claimant, 'ERR_CHAIN_BALANCE')
    state.set(sharingKeys.sharesLeft(claim.listing), sharesLeft - 1, sharesLeftShape)
    const untilMs = note(state, claim, { listing, timeMs })
    return apply(claimant, { untilMs })
  }
}

interface Judged {
  readonly listing: ListingEntry
  readonly timeMs: number
}

/** What the listing asks of claim and attestation, but for the proof. */
function findTermsFault(state: StateReader, claim: Claim, { listing, timeMs }: Judged): RefusalCode | undefined {
  const { issuer, commitment, attestedAtMs, expiresAtMs } = claim
  const { issuers, ageMsMax, checksWithdrawal, exclusiveForMs } = listing
  const ageMs = timeMs - attestedAtMs
  if (timeMs >= listing.expiresAtMs) return 'ERR_SHARING_LISTING'
  if (timeMs >= expiresAtMs) return 'ERR_SHARING_PROOF'
  if (!issuers.includes(issuer)) return 'ERR_SHARING_LISTING'
  if (ageMs < 0 || (ageMsMax !== null && ageMs > ageMsMax)) return 'ERR_SHARING_PROOF'
  if (checksWithdrawal && state.has(sharingKeys.withdrawn(issuer, commitment))) return 'ERR_SHARING_PROOF'
  return (claim.recordNullifier === null) === (exclusiveForMs === null) ? undefined : 'ERR_SHARING_LISTING'
}

/** Everybody of whom a step or a payment is expected must be there, and be what he passes for. */
function findPartyFault(state: StateReader, claim: Claim, { listing, timeMs }: Judged): RefusalCode | undefined {
  const { sender, issuer, payee, proxy } = claim
  const { institution } = listing
  // A proxy that is one of the two ends is none.
  if (new Set([sender, proxy, institution]).size < 3) return 'ERR_SHARING_LISTING'
  if (![payee, proxy, issuer, institution].every((did) => isLiveAccount(state, did))) return 'ERR_CHAIN_ACCOUNT'
  const isCertified =
    holdsRole(state, issuer, { role: 'issuer', atMs: timeMs }) &&
    holdsRole(state, proxy, { role: 'proxy', atMs: timeMs }) &&
    holdsRole(state, institution, { role: 'institution', atMs: timeMs })
  return isCertified ? undefined : 'ERR_CHAIN_CREDENTIAL'
}

function findNullifierFault(state: StateReader, claim: Claim, { listing, timeMs }: Judged): RefusalCode | undefined {
  const { studyNullifier, recordNullifier } = claim
  if (state.has(sharingKeys.person(listing.institution, studyNullifier))) return 'ERR_SHARING_CLAIMED'
  if (recordNullifier === null) return undefined
  const licence = state.get(sharingKeys.licence(recordNullifier), licenceShape)
  return licence !== undefined && timeMs < licence.untilMs ? 'ERR_SHARING_EXCLUSIVE' : undefined
}

/** The issuer's signature, then the proof: about 18 ms. */
function findProofFault(
  state: StateReader,
  claim: Claim,
  of: { readonly listing: ListingEntry; readonly execution: Execution; readonly ports: SharingPorts },
): RefusalCode | undefined {
  const { listing, execution, ports } = of
  const { chainId, timeMs, verifier } = execution
  // It was read when the listing was published.
  const key = ports.readKey(listing.verifyingKey) as VerifyingKey
  const issuerKey = signingKeyOf(state, claim.issuer) as Did
  const holds = ports.verifyClaim(key, {
    circuit: factsOf(key, listing),
    nowMs: timeMs,
    verifier: { verify: (item) => verifier.verify({ ...item, signer: issuerKey }) },
    // Looked up before, where the listing asks for it.
    isWithdrawn: () => false,
    presentation: {
      proof: { kind: 'proof', bytes: claim.proof },
      result: true,
      nullifiers: {
        study: claim.studyNullifier as Nullifier,
        record: claim.recordNullifier as Nullifier | null,
      },
    },
    statement: statementOfClaim({ ...listing, chainId, id: claim.listing }, claim, claim.sender),
    ...(ports.backend === undefined ? {} : { backend: ports.backend }),
  })
  return holds ? undefined : 'ERR_SHARING_PROOF'
}

function factsOf({ circuit: id }: VerifyingKey, listing: ListingEntry): RequirementFacts {
  const { requirement: digest, schema, issuers, ageMsMax, checksWithdrawal } = listing
  return { id, requirement: { digest, schema: { id: schema }, issuers, ageMsMax, checksWithdrawal } }
}

/** Writes the claim and what it uses up; returns its first deadline. */
function note(state: StateWriter, claim: Claim, { listing, timeMs }: Judged): number {
  const { id, sender: claimant, studyNullifier, recordNullifier } = claim
  const untilMs = laterBy(timeMs, listing.deadlines.convertWithinMs)
  const signingKey = signingKeyOf(state, claimant) as Did
  state.set(sharingKeys.claim(id), { ...claim, claimant, signingKey, state: 'claimed', untilMs }, claimShape)
  state.append(sharingKeys.claims(claim.listing), id, transactionId)
  state.set(sharingKeys.person(listing.institution, studyNullifier), id, personShape)
  if (recordNullifier !== null && listing.exclusiveForMs !== null) {
    const licence = { claim: id, untilMs: laterBy(timeMs, listing.exclusiveForMs) }
    state.set(sharingKeys.licence(recordNullifier), licence, licenceShape)
  }
  return untilMs
}
