/**
 * BLS shares of checkpoints: from EXEC-VOTEs to a certificate of constant size, when the host asks for it.
 *
 * A member with a BLS key adds its share to the EXEC-VOTE of each checkpoint. The share is not signed: whoever alters one on the way
 * spoils nothing but this share, and the aggregate is made of others. Bounded by the number of members.
 */

import { rejectArgument } from '../errors.ts'
import type { BlsSigner } from '../primitives/bls-signature.ts'
import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import { aggregateShares, type Aggregation } from './aggregate.ts'
import { signExecutionShare, type Certificate } from './certificate.ts'
import type { Settings } from './config.ts'
import type { Core } from './core.ts'
import type { ExecVote, VerifiedMessage } from './message.ts'

/**
 * Stops where a replica would sign shares with another key than the group knows.
 *
 * @throws When the signer is not that of the member: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function assertBlsSigner(settings: Settings, self: number, blsSigner: BlsSigner | undefined): void {
  if (blsSigner === undefined) return
  const key = settings.memberRecords[self]?.bls?.publicKey
  if (key === undefined || !equalBytes(key, blsSigner.publicKey))
    rejectArgument('blsSigner', 'the BLS key that the configuration has for this member', 'another key')
}

/** Returns this replica's share of a block that will be a checkpoint; nothing for others, and where it has no key. */
export function shareOf(
  core: Core,
  block: { readonly sequence: number; readonly headerDigest: Digest32 },
  closes: boolean,
) {
  const { blsSigner, settings } = core
  const { sequence: height, headerDigest } = block
  const { chainId, memberEpoch, checkpointEvery } = settings
  if (blsSigner === undefined || (height % checkpointEvery !== 0 && !closes)) return {}
  return { share: signExecutionShare({ chainId, memberEpoch, height, headerDigest }, { blsSigner }) }
}

/** Called when a checkpoint becomes stable, before its votes are forgotten. */
export function keepShares(core: Core, { height, headerDigest }: Certificate): void {
  const byMember = new Map(core.execVotes.shares(height, headerDigest))
  core.shares = { height, headerDigest, byMember }
}

/** Tells whether the vote has a share of the last stable checkpoint that is not here yet. */
export function wantsShare({ shares }: Core, { sequence, headerDigest, share }: ExecVote, signer: number): boolean {
  if (shares === undefined || share === undefined || shares.byMember.has(signer)) return false
  // Where nobody had a share, the group has no use for them.
  return shares.byMember.size > 0 && shares.height === sequence && equalBytes(shares.headerDigest, headerDigest)
}

/** Takes the share of a vote that came after its checkpoint was stable; returns whether it did. */
export function keepLateShare(core: Core, { signer, body }: VerifiedMessage<'exec-vote'>): boolean {
  if (!wantsShare(core, body, signer)) return false
  core.shares?.byMember.set(signer, body.share as Bytes)
  return true
}

/** Adds up the shares of the last stable checkpoint; undefined where there are none. */
export function aggregateCheckpoint(core: Core, blsVerifier: BlsVerifier): Aggregation | undefined {
  const { shares, settings } = core
  if (shares === undefined || shares.byMember.size === 0) return undefined
  const { chainId, memberEpoch, memberRecords: members } = settings
  const { height, headerDigest, byMember } = shares
  return aggregateShares({ chainId, memberEpoch, height, headerDigest }, byMember, { members, blsVerifier })
}
