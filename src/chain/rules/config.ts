/**
 * The rule of config: the members of the next epoch, approved by a quorum of the present ones.
 *
 * The block that holds it is the last of its epoch: the members that ordered it certify it, its header names those who
 * follow. One change a block; what else is in the block counts as ever. See docs/decisions/008-change-of-members.md.
 */

import { equalBytes } from '../../primitives/bytes.ts'
import type { Member } from '../../primitives/member.ts'
import { deriveQuorum } from '../../pbft/certificate.ts'
import { hashMemberChange, type ConfigBody } from '../../transactions/index.ts'
import { keys, memberSetShape, type MemberSet } from '../entities.ts'
import { hashMembers } from '../header.ts'
import { apply, refuse, type Execution, type Rule } from '../rule.ts'
import type { StateReader } from '../state.ts'

/** The members that order the next block, or that were just decided. */
export function membersOf(state: StateReader): MemberSet {
  return state.get(keys.members, memberSetShape) as MemberSet
}

/** Replaces the members. */
export const applyConfig: Rule<'config'> = (state, transaction, execution) => {
  const { sender, members } = transaction
  if (findMemberFault(state, transaction, execution) !== undefined) return refuse(sender, 'ERR_CHAIN_MEMBERS')
  const { memberEpoch } = membersOf(state)
  const next = { memberEpoch: memberEpoch + 1, heightFirst: execution.height + 1, members }
  state.set(keys.members, next, memberSetShape)
  return apply(sender)
}

/**
 * Returns why a change of members does not count, or undefined.
 *
 * What costs nothing comes first; signatures are checked until one fails; pairings only when a quorum has approved.
 */
export function findMemberFault(state: StateReader, change: ConfigBody, execution: Execution): string | undefined {
  const present = membersOf(state)
  if (execution.height < present.heightFirst) return 'the members were changed in this block already'
  if (change.memberEpoch !== present.memberEpoch) {
    return `it closes member epoch ${change.memberEpoch}, and the present one is ${present.memberEpoch}`
  }
  if (equalBytes(hashMembers(change.members), hashMembers(present.members))) return 'these are the members'
  return findApprovalFault(present.members, change, execution) ?? findBlsFault(present.members, change, execution)
}

function findApprovalFault(
  members: readonly Member[],
  { approvals, ...change }: ConfigBody,
  { chainId, verifier }: Execution,
): string | undefined {
  const { quorum } = deriveQuorum(members.length)
  if (approvals.length < quorum) return `${approvals.length} members approve, ${quorum} are needed`
  const digest = hashMemberChange({ ...change, chainId })
  for (const { member, signature } of approvals) {
    const signer = members[member]?.did
    if (signer === undefined || !verifier.verify({ signer, digest, signature })) {
      return `the approval of member ${member} does not hold`
    }
  }
  return undefined
}

function findBlsFault(
  present: readonly Member[],
  { members }: ConfigBody,
  { blsVerifier }: Execution,
): string | undefined {
  const isKnown = (member: Member): boolean =>
    present.some(({ did, bls }) => did === member.did && bls !== undefined && isSameKey(bls, member.bls))
  const fault = members.find(
    (member) => member.bls !== undefined && !isKnown(member) && blsVerifier?.verifyPossession(member) !== true,
  )
  return fault === undefined ? undefined : `no proof that ${fault.did} holds its BLS key`
}

function isSameKey(left: NonNullable<Member['bls']>, right: Member['bls']): boolean {
  return right !== undefined && equalBytes(left.publicKey, right.publicKey) && equalBytes(left.proof, right.proof)
}
