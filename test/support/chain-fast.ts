/** Ledgers without signatures, for tests in which they are not the subject: the verifier believes everything. */

import { createGenesis, createLedger, type Genesis, type Ledger } from '../../src/chain/index.ts'
import type { Did } from '../../src/primitives/did.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import { createId } from '../../src/primitives/ids.ts'
import type { Signature, Verifier } from '../../src/primitives/signature.ts'
import { createTransaction, encodeTransaction, hashTransaction, type Draft } from '../../src/transactions/index.ts'

export const believingVerifier: Verifier = { verify: () => true }
export const emptySignature = new Uint8Array(65).fill(1) as Signature

/** A transaction that a believing verifier accepts. */
export function forge(
  genesis: Genesis,
  draft: Draft,
  by: { readonly sender: Did; readonly delegate?: number; readonly nonce: number; readonly issuedAtMs: number },
): { readonly bytes: Bytes; readonly id: TransactionId } {
  const unsigned = createTransaction({ ...draft, delegate: 0, ...by })
  const id = createId('transaction', hashTransaction(unsigned, { chainId: genesis.chainId }))
  return { bytes: encodeTransaction({ ...unsigned, signature: emptySignature }), id }
}

export const believe = (genesis: Genesis): Ledger => createLedger({ genesis, verifier: believingVerifier })

export { createGenesis }
