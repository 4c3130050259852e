/**
 * Whether a block may be executed as the next one, judged by what the blocks before it decided: it follows them, and a quorum
 * of their members signed its header. Nothing is executed, so that a block that may not costs the ledger nothing.
 */

import { fail, type Failure, type Result } from '../errors.ts'
import { parseCertificate, verifyCertificate } from '../pbft/certificate.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import type { Verifier } from '../primitives/signature.ts'
import { parseBlock, type Block } from './block.ts'
import { hashHeader } from './header.ts'
import { checkLimits, type Ledger } from './ledger.ts'
import type { StoredBlock } from './store.ts'

/** Why a block is not taken. */
export type ReplayCode =
  | 'ERR_CODEC_MALFORMED'
  | 'ERR_CODEC_NOT_CANONICAL'
  | 'ERR_CODEC_TRAILING_BYTES'
  | 'ERR_CODEC_LIMIT'
  | 'ERR_CODEC_VERSION'
  | 'ERR_CHAIN_CERTIFICATE'
  | 'ERR_CHAIN_PROOF'

/** Returns the block when it is the next one of the ledger, or why it is not. Cost: one check for each signature of the certificate. */
export function judgeBlock(
  ledger: Ledger,
  { height, block: bytes, certificate: certificateBytes }: StoredBlock,
  verifiers: { readonly verifier: Verifier; readonly blsVerifier?: BlsVerifier | undefined },
): Result<Block, ReplayCode> {
  const block = parseBlock(bytes)
  if (!block.ok) return block
  const certificate = parseCertificate(certificateBytes)
  if (!certificate.ok) return certificate
  const { header, transactions } = block.value
  const limits = checkLimits(transactions, ledger.genesis)
  if (!limits.ok) return limits
  const { chainId } = ledger.genesis
  const { members, memberEpoch } = ledger.members
  const head = ledger.head()
  const follows = height === head.height + 1 && header.height === height && equalBytes(header.parent, head.headerDigest)
  if (!follows) return refuseBlock(height, 'it does not follow the block before it')
  const holds =
    certificate.value.height === height &&
    certificate.value.memberEpoch === memberEpoch &&
    verifyCertificate(certificate.value, { members, chainId, headerDigest: hashHeader(header), ...verifiers })
  if (!holds) {
    const message = `block ${height}: no quorum of its members signed it`
    return fail('ERR_CHAIN_CERTIFICATE', message, { path: `blocks.${height}`, details: { height, memberEpoch } })
  }
  return block
}

/** Says that a block is not what it should be. */
export function refuseBlock(height: number, because: string): Failure<'ERR_CHAIN_PROOF'> {
  return fail('ERR_CHAIN_PROOF', `block ${height}: ${because}`, { path: `blocks.${height}`, details: { height } })
}
