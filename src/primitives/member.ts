/**
 * Members of a group of replicas, as genesis, configuration, transactions and bundles write them.
 *
 * `[account33]`, or `[account33, key96, proof48]` with a BLS key for certificates of constant size. Nothing here loads a
 * pairing: whether the proof holds is for the port in `member-bls.ts`.
 */

import { toHex, type Bytes } from './bytes.ts'
import type { Did } from './did.ts'
import { MEMBERS_MAX } from './limits.ts'
import { account, bytesOf, listOf, mapped, Mismatch, tuple, type Shape } from './shape.ts'

/** The BLS key of a member, and the proof that its owner holds the secret. */
export interface MemberBlsKey {
  /** 96 bytes of G2. */
  readonly publicKey: Bytes
  /** 48 bytes: proof of possession for this member. */
  readonly proof: Bytes
}

/** One replica of the group; the order of a list of members gives indexes. */
export interface Member {
  /** Its signing key. */
  readonly did: Did
  /** Absent where it takes no part in aggregates. */
  readonly bls?: MemberBlsKey
}

const plain = tuple({ did: account })
const keyed = tuple({ did: account, publicKey: bytesOf(96), proof: bytesOf(48) })

/** A member. */
export const memberShape: Shape<Member> = {
  read(value) {
    if (!Array.isArray(value) || value.length === 1) return plain.read(value)
    const read = keyed.read(value)
    if (read instanceof Mismatch) return read
    const { did, publicKey, proof } = read
    return { did, bls: { publicKey, proof } }
  },
  write: ({ did, bls }) => (bls === undefined ? plain.write({ did }) : keyed.write({ did, ...bls })),
}

function areDistinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length
}

/** 1 to 256 members, none twice, by no key: who is named twice would have two votes. */
export const memberListShape: Shape<readonly Member[]> = mapped(
  listOf(memberShape, { name: 'members', countMin: 1, countMax: MEMBERS_MAX }),
  {
    parse(members) {
      const blsKeys = members.flatMap(({ bls }) => (bls === undefined ? [] : [toHex(bls.publicKey)]))
      return areDistinct(members.map(({ did }) => did)) && areDistinct(blsKeys)
        ? members
        : new Mismatch('elements that are distinct')
    },
    format: (members) => members,
  },
)
