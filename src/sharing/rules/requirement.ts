/**
 * The rule of requirement: an institution publishes a listing and pays for all of its shares in advance, or takes it back.
 *
 * What a claim will be judged by must be sound when it is published: the key reads and binds six inputs, and the text says
 * what the fields say. A key that the institution made itself convinces the institution only, which pays for what it forges; an exclusive
 * licence binds others, and needs a key from a ceremony in which two others took part. That the key is one of the requirement's
 * circuit is for claimants to check, who compile it.
 */

import {
  holdsRole,
  isLiveAccount,
  lockEscrow,
  releaseEscrow,
  apply,
  refuse,
  signingKeyOf,
  type Execution,
  type Outcome,
  type RefusalCode,
  type Rule,
  type StateReader,
  type StateWriter,
} from '../../chain/index.ts'
import { equalBytes, type Verified } from '../../primitives/bytes.ts'
import type { Did } from '../../primitives/did.ts'
import { taggedHash } from '../../primitives/hash.ts'
import { toDigest } from '../../primitives/ids.ts'
import type { Role } from '../../primitives/roles.ts'
import { transactionId } from '../../primitives/shape.ts'
import { LEDGER_TAGS } from '../../primitives/tags.ts'
import type { PublishBody, Transaction, WithdrawBody } from '../../transactions/index.ts'
import { parseRequirement, parseSchema, type VerifyingKey } from '../../zk/index.ts'
import { listingShape, sharesLeftShape, sharingKeys } from '../entities.ts'
import type { SharingPorts } from './ports.ts'

type Sent<B> = Verified<Transaction<'requirement'>> & B

/** Bytes of the points of a key with six public inputs. */
const KEY_BYTES = 672
/** Others than the institution who must have taken part in the ceremony of a key on which others rely. */
const WITNESSES_MIN = 2
/** Who may be one, where registrars certify: patients have as many accounts as they like, and a witness must be somebody. */
const WITNESS_ROLES: readonly Role[] = ['issuer', 'institution', 'manager', 'validator']

/** Returns the rule. */
export function createRequirementRule(ports: SharingPorts): Rule<'requirement'> {
  return (state, transaction, execution) =>
    transaction.step === 'withdraw' ? withdraw(state, transaction) : publish(state, transaction, execution, ports)
}

function publish(state: StateWriter, listing: Sent<PublishBody>, execution: Execution, ports: SharingPorts): Outcome {
  const { id, sender: institution, price, sharesMax } = listing
  const fault = findFault(state, listing, execution, ports)
  if (fault !== undefined) return refuse(institution, fault)
  if (!lockEscrow(state, { name: id, payer: institution, amount: price * sharesMax }))
    return refuse(institution, 'ERR_CHAIN_BALANCE')
  state.set(sharingKeys.listing(id), { ...listing, institution }, listingShape)
  state.set(sharingKeys.sharesLeft(id), sharesMax, sharesLeftShape)
  state.append(sharingKeys.listings, id, transactionId)
  return apply(institution)
}

/** What costs least comes first: dates, then texts, then points of curves, then signatures. */
function findFault(
  state: StateReader,
  listing: Sent<PublishBody>,
  execution: Execution,
  { readKey }: SharingPorts,
): RefusalCode | undefined {
  const { sender, expiresAtMs, exclusiveForMs, witnesses } = listing
  const { timeMs } = execution
  if (!holdsRole(state, sender, { role: 'institution', atMs: timeMs })) return 'ERR_CHAIN_CREDENTIAL'
  if (timeMs >= expiresAtMs || !saysWhatItAsks(listing)) return 'ERR_SHARING_TERMS'
  const key = readKey(listing.verifyingKey)
  if (key?.bytes.length !== KEY_BYTES) return 'ERR_SHARING_TERMS'
  const isShared = key.setup === 'ceremony' && witnesses.length >= WITNESSES_MIN
  if (exclusiveForMs !== null && !isShared) return 'ERR_SHARING_TERMS'
  return witnesses.every((witness) => isWitness(state, witness, { key, institution: sender, execution }))
    ? undefined
    : 'ERR_SHARING_TERMS'
}

/** Tells whether the published text is that of the digests and terms beside it. */
function saysWhatItAsks(listing: PublishBody): boolean {
  const { text, schema: schemaId, requirement: digest, issuers, ageMsMax, checksWithdrawal } = listing
  if (text === null) return true
  const schema = parseSchema(text.schema)
  if (!schema.ok || !equalBytes(schema.value.id, schemaId)) return false
  const requirement = parseRequirement(text.requirement, schema.value)
  if (!requirement.ok || !equalBytes(requirement.value.digest, digest)) return false
  const said = requirement.value
  return (
    said.issuers.join() === issuers.join() && said.ageMsMax === ageMsMax && said.checksWithdrawal === checksWithdrawal
  )
}

/** Tells whether somebody else than the institution says that he took part in the ceremony of a key. */
function isWitness(
  state: StateReader,
  { account, signature }: PublishBody['witnesses'][number],
  of: { readonly key: VerifyingKey; readonly institution: Did; readonly execution: Execution },
): boolean {
  const { chainId, verifier, timeMs: atMs } = of.execution
  const signer = isLiveAccount(state, account) ? signingKeyOf(state, account) : undefined
  if (account === of.institution || signer === undefined) return false
  if (!WITNESS_ROLES.some((role) => holdsRole(state, account, { role, atMs }))) return false
  const digest = taggedHash(LEDGER_TAGS.sharingWitness, toDigest(chainId), of.key.digest)
  return verifier.verify({ signer, digest, signature })
}

/** Closes a listing; what was claimed before goes on. */
function withdraw(state: StateWriter, { sender, listing: id }: Sent<WithdrawBody>): Outcome {
  const listing = state.get(sharingKeys.listing(id), listingShape)
  if (listing === undefined || !state.has(sharingKeys.sharesLeft(id))) return refuse(sender, 'ERR_SHARING_LISTING')
  if (listing.institution !== sender) return refuse(sender, 'ERR_SHARING_STATE')
  if (!releaseEscrow(state, { name: id, payee: sender })) return refuse(sender, 'ERR_CHAIN_BALANCE')
  state.delete(sharingKeys.sharesLeft(id))
  return apply(sender)
}
