/**
 * Verification of a bundle, against a chain id that comes from elsewhere.
 *
 * A bundle brings its own genesis, so that anyone can make one that holds in itself; the chain id decides which ledger it
 * is. Certificates show that a quorum of the members signed each block, and members of whom fewer than a third are faulty sign
 * no two blocks of one height. Whoever knows a block gives it as trusted head: then also a bundle of a group that conspires
 * must continue it, and one that leaves out the newest blocks is noticed.
 */

import { fail, rejectArgument, succeed, type Failure, type Result } from '../errors.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import { createVerifier } from '../primitives/signature.ts'
import { parseCertificate } from '../pbft/index.ts'
import {
  collectCommitted,
  createView,
  hashHeader,
  parseBlock,
  replayLedger,
  type AppliedBlock,
  type Genesis,
  type LedgerPorts,
  type MemberSet,
  type StoredBlock,
} from '../chain/index.ts'
import type { AuditBundle, LedgerBundle } from './bundle-format.ts'
import { describeEpochs, type AuditedLedger } from './evidence.ts'
import { breakAt, take, toFailure } from './refusal.ts'
import { validatePatientBundle } from './validate-patient.ts'
import { checkReach, checkTrusted, type TrustedHead, type Verification } from './verification.ts'

/** Codes that verifying a bundle gives. */
export type AuditCode = 'ERR_AUDIT_BROKEN' | 'ERR_CHAIN_CERTIFICATE' | 'ERR_CHAIN_PROOF'

/** How a bundle is verified. */
export interface ValidateBundleOptions extends ProgressOptions, LedgerPorts {
  /** The ledger that it must be of, from elsewhere than the bundle. This, or `genesis`. */
  readonly chainId?: ChainId
  readonly genesis?: Genesis
  readonly trustedHead?: TrustedHead
}

/**
 * Returns what a bundle holds as a view, or the first link that breaks.
 *
 * A whole ledger is executed again from its genesis; of one patient all proofs, signatures and the completeness of her
 * transactions are checked. Cost: about one signature verification for each transaction and those of the certificates.
 *
 * @param bundle - from {@link parseAuditBundle}
 * @param options - `chainId` or `genesis` from elsewhere; without either there is nothing to hold it against
 * @returns the view with its evidence, or `ERR_AUDIT_BROKEN`, `ERR_CHAIN_CERTIFICATE`, `ERR_CHAIN_PROOF`, each with the height
 * @throws When neither chain id nor genesis is given: `ERR_ARGUMENT_INVALID`; when the signal is aborted: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function validateAuditBundle(
  bundle: AuditBundle,
  options: ValidateBundleOptions,
): Promise<Result<AuditedLedger, AuditCode>> {
  const { genesis, chainId = genesis?.chainId, verifier = createVerifier(), ...rest } = options
  if (chainId === undefined) rejectArgument('options.chainId', 'the id of the ledger, from elsewhere', 'nothing')
  const found = bundle.genesis.chainId
  if (found !== chainId) {
    const message = `genesis: chain id: expected ${chainId}, found ${found}`
    return fail('ERR_AUDIT_BROKEN', message, { path: 'bundle.0', details: { height: 0, link: 'chain id' } })
  }
  const verification: Verification = { ...rest, verifier }
  try {
    checkReach(bundle, options.trustedHead)
    return succeed(
      bundle.form === 'ledger'
        ? await validateLedgerBundle(bundle, verification)
        : await validatePatientBundle(bundle, verification),
    )
  } catch (error) {
    return toFailure(error) as Failure<AuditCode>
  }
}

async function validateLedgerBundle(bundle: LedgerBundle, verification: Verification): Promise<AuditedLedger> {
  const { genesis, heightLast } = bundle
  const applied: AppliedBlock[] = []
  const epochs: MemberSet[] = [{ memberEpoch: 0, heightFirst: 1, members: genesis.members }]
  const replayed = await replayLedger(linkBlocks(bundle, verification), {
    ...verification,
    genesis,
    total: heightLast,
    onBlock(block) {
      applied.push(block)
      const { nextMembers } = block
      const { height, memberEpoch } = block.block.header
      if (nextMembers === null) return
      epochs.push({ memberEpoch: memberEpoch + 1, heightFirst: height + 1, members: nextMembers })
    },
  })
  // The form of blocks and certificates was judged on the way, so that this names a header or a certificate.
  const { header } = take(replayed)
  const committed = applied.flatMap(collectCommitted)
  const timeMs = header?.timeMs ?? genesis.timeMs
  const { chainId, registrars } = genesis
  const view = createView({ chainId, registrars, height: heightLast, timeMs, committed })
  const hash = header === undefined ? toDigest(chainId) : hashHeader(header)
  return {
    ...view,
    evidence: {
      form: 'ledger',
      patient: null,
      head: { height: heightLast, hash, timeMs },
      epochs: describeEpochs(epochs, heightLast),
      blockCount: heightLast,
      transactionCount: committed.length,
      refusedCount: committed.filter(({ receipt }) => receipt.code !== null).length,
    },
  }
}

/** Yields the blocks after looking at what holds them together, so that a break has a name before it has consequences. */
function* linkBlocks({ genesis, blocks, epochs }: LedgerBundle, { trustedHead }: Verification): Generator<StoredBlock> {
  let parent: Digest32 = toDigest(genesis.chainId)
  for (const stored of blocks) {
    const { height } = stored
    const block = parseBlock(stored.block)
    if (!block.ok) breakAt(height, 'block', block.message)
    const certificate = parseCertificate(stored.certificate)
    if (!certificate.ok) breakAt(height, 'certificate', certificate.message)
    const { header } = block.value
    if (header.chainId !== genesis.chainId) breakAt(height, 'chain id', 'expected that of the genesis, found another')
    if (header.height !== height) breakAt(height, 'height', `expected ${height}, found ${header.height}`)
    const memberEpoch = epochs.findLastIndex((heightFirst) => heightFirst <= height)
    if (header.memberEpoch !== memberEpoch)
      breakAt(height, 'member epoch', `expected ${memberEpoch}, under which it is listed, found ${header.memberEpoch}`)
    if (!equalBytes(header.parent, parent)) breakAt(height, 'parent', 'expected the block before it, found another')
    parent = hashHeader(header)
    checkTrusted(height, parent, trustedHead)
    yield stored
  }
}
