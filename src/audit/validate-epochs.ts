/**
 * From the members of the genesis to those who certify the head, by the headers that closed the epochs between.
 *
 * Each closing header is certified by the members before it and names the hash of those after it. So whoever trusts the
 * genesis, and that of each set fewer than a third were faulty, knows the next set; nobody outside of the path has a say.
 */

import { equalBytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { hashMerkleLeaf, verifyInclusion } from '../primitives/merkle.ts'
import { parseCertificate, verifyCertificate } from '../pbft/index.ts'
import { hashHeader, hashMembers, parseHeader, type Genesis, type Header, type MemberSet } from '../chain/index.ts'
import type { EpochClosing, PatientBundle } from './bundle-format.ts'
import { breakAt, refuseCertificate, refuseProof } from './refusal.ts'
import { checkTrusted, type Verification } from './verification.ts'

/** Reads a header of this chain; whose members certified it is for {@link checkEpoch}. */
export function readHeader(bytes: Uint8Array, genesis: Genesis, place: number): Header {
  const parsed = parseHeader(bytes)
  if (!parsed.ok) breakAt(place, 'header', parsed.message)
  const { chainId, height } = parsed.value
  if (chainId !== genesis.chainId) breakAt(height, 'chain id', 'expected that of the genesis, found another')
  return parsed.value
}

/** Returns the sets of members up to the head, oldest first, or stops at the first link that breaks. */
export function readEpochs(bundle: PatientBundle, head: Header, verification: Verification): readonly MemberSet[] {
  const { genesis, epochs } = bundle
  const sets: MemberSet[] = [{ memberEpoch: 0, heightFirst: 1, members: genesis.members }]
  for (const closing of epochs)
    sets.push(readClosing({ genesis, head, present: sets.at(-1) as MemberSet }, closing, verification))
  return sets
}

function readClosing(
  at: { readonly genesis: Genesis; readonly head: Header; readonly present: MemberSet },
  closing: EpochClosing,
  verification: Verification,
): MemberSet {
  const { genesis, head, present } = at
  const header = readHeader(closing.header, genesis, present.heightFirst)
  const { height, nextMembersHash, membersHash } = header
  if (height < present.heightFirst || height >= head.height)
    breakAt(height, 'order', `expected the end of an epoch from ${present.heightFirst} on and before the head`)
  checkEpoch([present], header)
  const hash = hashHeader(header)
  checkTrusted(height, hash, verification.trustedHead)
  checkCertificate({ header, hash, certificate: closing.certificate }, present, verification)
  const proof = { root: head.historyRoot, count: head.height - 1, index: height - 1 }
  if (!verifyInclusion({ ...proof, leafHash: hashMerkleLeaf(hash), proof: closing.historyProof }))
    refuseProof(height, 'its header under the head')
  const { members } = closing
  if (equalBytes(membersHash, nextMembersHash) || !equalBytes(hashMembers(members), nextMembersHash))
    breakAt(height, 'members', 'expected those whom its header names as the next, found others')
  return { memberEpoch: present.memberEpoch + 1, heightFirst: height + 1, members }
}

/** Stops where a header is not of the member epoch of its height. */
export function checkEpoch(sets: readonly MemberSet[], { height, memberEpoch, membersHash }: Header): MemberSet {
  const set = sets.findLast(({ heightFirst }) => heightFirst <= height) as MemberSet
  if (memberEpoch !== set.memberEpoch)
    breakAt(height, 'member epoch', `expected ${set.memberEpoch}, found ${memberEpoch}`)
  if (!equalBytes(membersHash, hashMembers(set.members)))
    breakAt(height, 'members', 'expected those of the epoch, found others')
  return set
}

/** Stops where no quorum of these members certified a header. */
export function checkCertificate(
  of: { readonly header: Header; readonly hash: Digest32; readonly certificate: Uint8Array },
  { memberEpoch, members }: MemberSet,
  verification: Verification,
): void {
  const { header, hash, certificate: bytes } = of
  const { height, chainId } = header
  const certificate = parseCertificate(bytes)
  if (!certificate.ok) breakAt(height, 'certificate', certificate.message)
  const { verifier, blsVerifier } = verification
  const holds =
    certificate.value.height === height &&
    certificate.value.memberEpoch === memberEpoch &&
    verifyCertificate(certificate.value, { members, chainId, headerDigest: hash, verifier, blsVerifier })
  if (!holds) refuseCertificate(height, memberEpoch)
}
