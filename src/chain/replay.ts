/**
 * Full verification of a ledger: every block executed again from the genesis, every header and certificate compared.
 */

import { succeed, type Failure, type Result } from '../errors.ts'
import { equalBytes } from '../primitives/bytes.ts'
import { reportStep, type ProgressOptions } from '../primitives/progress.ts'
import { createVerifier, type Verifier } from '../primitives/signature.ts'
import type { Genesis } from './genesis.ts'
import { encodeHeader } from './header.ts'
import { judgeBlock, refuseBlock, type ReplayCode } from './judge-block.ts'
import { createLedger, findUnknownKind, type AppliedBlock, type Ledger } from './ledger.ts'
import type { LedgerPorts } from './ports.ts'
import type { StoredBlock } from './store.ts'

/**
 * Returns the ledger that the blocks make, or the first that does not follow from the ones before it.
 *
 * Trusts the genesis and nothing else. Cost: that of executing everything, signatures included.
 *
 * @param blocks - from height 1 on, in order
 * @param options - `onBlock`: called with each block that holds
 */
export async function replayLedger(
  blocks: Iterable<StoredBlock> | AsyncIterable<StoredBlock>,
  options: ProgressOptions &
    LedgerPorts & {
      readonly genesis: Genesis
      readonly onBlock?: (applied: AppliedBlock) => void
      /** How many blocks there are, for progress. */
      readonly total?: number
    },
): Promise<Result<Ledger, ReplayCode>> {
  const { genesis, rules, verifier = createVerifier(), preKeyVerifier, blsVerifier, onBlock, total = 0 } = options
  const unknown = findUnknownKind(genesis, rules)
  if (unknown !== undefined) return refuseBlock(0, 'the genesis names a kind for which there is no rule')
  const unproven = genesis.members.find(
    (member) => member.bls !== undefined && blsVerifier?.verifyPossession(member) === false,
  )
  if (unproven !== undefined) return refuseBlock(0, `genesis: no proof that ${unproven.did} holds its BLS key`)
  const ledger = createLedger({ genesis, rules, verifier, preKeyVerifier, blsVerifier })
  let height = 0
  for await (const stored of blocks) {
    const failure = replayBlock(ledger, { ...stored, height: ++height }, { verifier, blsVerifier, onBlock })
    if (failure !== undefined) return failure
    await reportStep(options, { done: height, total, step: 'replay' })
  }
  return succeed(ledger)
}

/**
 * Executes the next stored block on a ledger, once its certificate holds by the members that the blocks before it decided;
 * returns why it does not follow, if so. The ledger is of no use only where a quorum signed a header that its transactions
 * do not give.
 */
export function replayBlock(
  ledger: Ledger,
  stored: StoredBlock,
  options: Pick<LedgerPorts, 'blsVerifier'> & {
    readonly verifier: Verifier
    readonly onBlock?: ((applied: AppliedBlock) => void) | undefined
  },
): Failure<ReplayCode> | undefined {
  const { onBlock, ...verifiers } = options
  const judged = judgeBlock(ledger, stored, verifiers)
  if (!judged.ok) return judged
  const { header, transactions } = judged.value
  const applied = ledger.applyBatch({ transactions, timeMs: header.timeMs })
  if (!equalBytes(encodeHeader(applied.block.header), encodeHeader(header))) {
    return refuseBlock(stored.height, 'its header is not the one that its transactions give')
  }
  onBlock?.(applied)
  return undefined
}
