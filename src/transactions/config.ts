/**
 * config: replaces the members of the group, in their order, and thereby closes the member epoch.
 *
 * Any account may send it; what counts are the approvals, signatures of a quorum of the present members over the next list
 * and the epoch that it closes. So nobody changes who decides but those who decide, and an approval is worth nothing in
 * another epoch or on another ledger. Who the present members are only the ledger knows: approvals are checked there, and
 * proofs of possession of BLS keys after them, since each costs a pairing.
 */

import { toDigest, type ChainId } from '../primitives/ids.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { MEMBERS_MAX } from '../primitives/limits.ts'
import { memberListShape, type Member } from '../primitives/member.ts'
import { counter, listOf, tuple, uint, writeShape } from '../primitives/shape.ts'
import type { Signature, Signer } from '../primitives/signature.ts'
import type { CborValue } from '../primitives/codec.ts'
import { TAGS } from '../primitives/tags.ts'
import { signatureShape } from '../identity/index.ts'
import { checkOrder, type KindDefinition } from './kind.ts'

/** A present member's signature over the next members. */
export interface MemberApproval {
  /** Index among the present members. */
  readonly member: number
  readonly signature: Signature
}

/** What members approve. */
export interface MemberChange {
  readonly chainId: ChainId
  /** The epoch that the change closes: the present one. */
  readonly memberEpoch: number
  /** The next members, in the order that gives indexes. */
  readonly members: readonly Member[]
}

/** Body of a config transaction. */
export interface ConfigBody {
  readonly memberEpoch: number
  readonly members: readonly Member[]
  /** Ascending by member. */
  readonly approvals: readonly MemberApproval[]
}

/** config. */
export const configKind: KindDefinition<ConfigBody> = {
  version: 11,
  sentBy: 'account',
  body: tuple({
    memberEpoch: counter,
    members: memberListShape,
    approvals: listOf(tuple({ member: uint(MEMBERS_MAX - 1), signature: signatureShape }), {
      name: 'approvals',
      countMax: MEMBERS_MAX,
    }),
  }),
  check: ({ approvals }) => checkOrder('approvals', approvals, (left, right) => left.member - right.member),
}

function changeFields({ chainId, memberEpoch, members }: MemberChange): readonly CborValue[] {
  return [toDigest(chainId), memberEpoch, writeShape(members, memberListShape, { object: 'members' })]
}

/**
 * Returns the digest that approvals sign, 32 bytes.
 *
 * @throws When the members are no list of distinct members: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function hashMemberChange(change: MemberChange): Digest32 {
  return taggedHash(TAGS.memberChange, ...changeFields(change))
}

/**
 * Returns a present member's approval of the next members.
 *
 * Look at the list before: a quorum of approvals hands the ledger over to it.
 *
 * @throws When the members are no list of distinct members: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function approveMembers(change: MemberChange, options: { readonly signer: Signer }): Signature {
  return options.signer.sign(TAGS.memberChange, changeFields(change))
}
