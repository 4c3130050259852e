/**
 * The port behind which members' BLS signatures are added up and verified, and its implementation.
 *
 * Certificates of constant size need a pairing, which a bundle without them should not carry: `pbft` and `chain` know the
 * port only. A key takes part in an aggregate only after its proof of possession was checked here, wherever the member came
 * from: with a key made out of the others' keys its owner could sign for all of them.
 */

import {
  aggregateBlsSignatures,
  validateBlsPossession,
  verifyBlsAggregate,
  type BlsPublicKey,
  type BlsSigner,
  type BlsTag,
} from './bls-signature.ts'
import { copyBytes, toHex, type Bytes, type Verified } from './bytes.ts'
import type { CborValue } from './codec.ts'
import { toPublicKey, type Did } from './did.ts'
import type { Member, MemberBlsKey } from './member.ts'
import { createRecentMap } from './recent.ts'
import { parseSignerBitmap } from './signer-bitmap.ts'

/** An aggregate, and which members it should be of. */
export interface MembersAggregate {
  /** All members in their order. */
  readonly members: readonly Member[]
  /** Who signed, as `encodeSignerBitmap` writes it. */
  readonly bitmap: Uint8Array
  readonly tag: BlsTag
  readonly fields: readonly CborValue[]
  /** 48 bytes. */
  readonly signature: Uint8Array
}

/** Port: adds up and verifies BLS signatures of members. Total on foreign bytes. */
export interface BlsVerifier {
  /** Tells whether a member has a BLS key and its owner holds the secret. */
  verifyPossession(member: Member): boolean
  /** Tells whether every member that the bitmap names holds its key and signed the tagged tuple. */
  verifyAggregate(aggregate: MembersAggregate): boolean
  /** Returns the sum of signatures of one tuple, 48 bytes; undefined where one of them is no point. Verifies nothing. */
  aggregate(signatures: readonly Uint8Array[]): Bytes | undefined
}

/** Keys that are remembered with what their proofs said: several groups of the largest size. */
const KEYS_MAX = 1_024

function possessionContext(did: Did): readonly CborValue[] {
  return [toPublicKey(did)]
}

/**
 * Returns the BLS key of a member with its proof, for the genesis or for a change of members.
 *
 * The proof is for this account, not for one ledger: the account may be a member of several.
 */
export function createMemberBlsKey(signer: BlsSigner, did: Did): MemberBlsKey {
  return Object.freeze({
    publicKey: copyBytes(signer.publicKey),
    proof: signer.provePossession(possessionContext(did)),
  })
}

/**
 * Returns a verifier of members' aggregates.
 *
 * Cost: about 17 ms for each key once, then about 16 ms an aggregate, whatever the number of members.
 */
export function createBlsVerifier(): BlsVerifier {
  const known = createRecentMap<string, { readonly key: Verified<BlsPublicKey> | undefined }>(KEYS_MAX)

  function keyOf({ did, bls }: Member): Verified<BlsPublicKey> | undefined {
    if (bls === undefined) return undefined
    const { publicKey, proof } = bls
    const name = `${did} ${toHex(publicKey)} ${toHex(proof)}`
    const remembered = known.get(name)
    if (remembered !== undefined) return remembered.key
    const valid = validateBlsPossession({ publicKey, proof, context: possessionContext(did) })
    const key = valid.ok ? valid.value : undefined
    known.set(name, { key })
    return key
  }

  return {
    verifyPossession: (member) => keyOf(member) !== undefined,
    verifyAggregate({ members, bitmap, ...signed }) {
      const signers = parseSignerBitmap(bitmap, members.length)
      if (!signers.ok) return false
      const named = new Set(signers.value)
      // Who did not sign costs nothing. A member without a key stands as none: an aggregate that names it does not hold.
      const keys = members.map((member, index) => (named.has(index) ? keyOf(member) : undefined))
      return verifyBlsAggregate({ members: keys as readonly Verified<BlsPublicKey>[], bitmap, ...signed })
    },
    aggregate(signatures) {
      if (signatures.length === 0) return undefined
      const sum = aggregateBlsSignatures(signatures)
      return sum.ok ? sum.value : undefined
    },
  }
}
