/**
 * Block headers: nothing in them depends on the view of consensus, so that every replica computes the same one.
 *
 * `[v, chainId, memberEpoch, height, timeMs, parent, transactionsRoot, count, receiptsRoot, stateRoot, historyRoot,
 * membersHash, nextMembersHash]`. Its digest is SHA-256 of these bytes, which makes the CID of the header the name of the
 * block. `historyRoot` is the RFC 6962 root over the digests of all earlier headers: one certificate on a late block then
 * proves every block before it.
 */

import type { CID } from 'multiformats/cid'

import type { Result } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import { createCid, DAG_CBOR_CODEC } from '../primitives/content-id.ts'
import { sha256, taggedHash, type Digest32 } from '../primitives/hash.ts'
import { toPublicKey } from '../primitives/did.ts'
import { createId, toDigest, type ChainId } from '../primitives/ids.ts'
import {
  bytesOf,
  counter,
  encodeShape,
  mapped,
  parseShape,
  timeMs,
  versioned,
  type Shape,
} from '../primitives/shape.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'
import type { GenesisMember } from './genesis.ts'

/** What every replica computes from a batch and the block before it. */
export interface Header {
  readonly chainId: ChainId
  readonly memberEpoch: number
  /** From 1; the genesis is height 0. */
  readonly height: number
  readonly timeMs: number
  /** Digest of the header before; of the genesis for height 1. */
  readonly parent: Digest32
  /** RFC 6962 root over id | r | s of each transaction. */
  readonly transactionsRoot: Digest32
  readonly count: number
  /** RFC 6962 root over the receipts. */
  readonly receiptsRoot: Digest32
  readonly stateRoot: Digest32
  /** RFC 6962 root over the digests of all headers before this one. */
  readonly historyRoot: Digest32
  readonly membersHash: Digest32
  readonly nextMembersHash: Digest32
}

const digest = bytesOf(32) as Shape<Digest32>
const chainIdShape: Shape<ChainId> = mapped(digest, {
  parse: (bytes) => createId('chain', bytes),
  format: (chainId) => toDigest(chainId),
})

/** A header inside blocks, messages and bundles. */
export const headerShape: Shape<Header> = versioned(1, {
  chainId: chainIdShape,
  memberEpoch: counter,
  height: counter,
  timeMs,
  parent: digest,
  transactionsRoot: digest,
  count: counter,
  receiptsRoot: digest,
  stateRoot: digest,
  historyRoot: digest,
  membersHash: digest,
  nextMembersHash: digest,
})

/** Returns the canonical bytes of a header. */
export function encodeHeader(header: Header): Bytes {
  return encodeShape(header, headerShape, { object: 'header' })
}

/** Reads a header. Total; form only. */
export function parseHeader(bytes: Uint8Array): Result<Header, CodecErrorCode> {
  return parseShape(bytes, headerShape, { object: 'header' })
}

/** Returns the digest that certificates sign and the next header names. */
export function hashHeader(header: Header): Digest32 {
  return sha256(encodeHeader(header))
}

/** Returns the CID of a block: that of its header. */
export function headerCid(header: Header): CID {
  return createCid(DAG_CBOR_CODEC, hashHeader(header))
}

/** Returns the hash of a set of members in their order: their keys, without the proofs of these. */
export function hashMembers(members: readonly GenesisMember[]): Digest32 {
  return taggedHash(
    LEDGER_TAGS.members,
    members.map(({ did, bls }) => (bls === undefined ? toPublicKey(did) : [toPublicKey(did), bls.publicKey])),
  )
}
