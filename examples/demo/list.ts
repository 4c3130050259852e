/**
 * A list of validated transactions: what stands in the place of a ledger until the demo has one.
 *
 * Whatever is published goes through its bytes: parsed, validated, its nonce checked; then it changes the directory, the
 * policy and every key ring that follows.
 */
import type { KeyRing } from 'vitalseal/keys'
import { createPolicyIndex, type PolicyIndex } from 'vitalseal/policy'
import {
  createVerifier,
  unwrap,
  type ChainId,
  type Did,
  type Label,
  type Signer,
  type Verified,
} from 'vitalseal/primitives'
import {
  createTransaction,
  encodeTransaction,
  parseTransaction,
  signTransaction,
  validateTransaction,
  type Draft,
  type Transaction,
} from 'vitalseal/transactions'

/** A transaction of any kind, as the list keeps it. */
export type Published = Verified<Transaction>

/** The list and what follows from it. */
export interface PublishedList {
  readonly transactions: readonly Published[]
  readonly bytes: readonly Uint8Array[]
  readonly policy: PolicyIndex<Label>
  indexOf(did: Did): number | undefined
  accountAt(index: number): Did | undefined
  /** Adds sender, nonce and time, signs, and publishes. */
  publish(draft: Draft, signer: Signer): Promise<Published>
  /** Publishes bytes as they come from anywhere. */
  publishBytes(bytes: Uint8Array): Promise<Published>
  /** Lets a key ring follow, from the first transaction on. */
  follow(ring: KeyRing): Promise<void>
}

/** Returns an empty list of one chain. */
export function createList(options: { readonly chainId: ChainId; readonly nowMs: () => number }): PublishedList {
  const { chainId, nowMs } = options
  const verifier = createVerifier()
  const transactions: Published[] = []
  const encoded: Uint8Array[] = []
  const policy = createPolicyIndex<Label>()
  const accounts: Did[] = []
  const nonces = new Map<string, number>()
  const rings: KeyRing[] = []

  async function publishBytes(bytes: Uint8Array): Promise<Published> {
    const valid = unwrap(validateTransaction(unwrap(parseTransaction(bytes)), { chainId, verifier }))
    const nonceNext = nonces.get(valid.sender) ?? 0
    if (valid.nonce !== nonceNext) {
      const message = `nonce ${valid.nonce} of ${valid.sender}, expected ${nonceNext}`
      throw Object.assign(new Error(message), { code: 'ERR_NONCE' })
    }
    nonces.set(valid.sender, nonceNext + 1)
    transactions.push(valid)
    encoded.push(bytes)
    if (valid.kind === 'register' && valid.operation === 'add') accounts.push(valid.subject)
    if (valid.kind === 'access') {
      const { patient, grantee, grants, sender: grantor } = valid
      policy.apply({ patient, grantor, grantee, grants }, { height: transactions.length })
    }
    if (valid.kind === 'key') for (const ring of rings) await ring.apply(valid)
    return valid
  }

  return {
    transactions,
    bytes: encoded,
    policy,
    indexOf(did) {
      const index = accounts.indexOf(did)
      return index === -1 ? undefined : index
    },
    accountAt: (index) => accounts[index],
    publishBytes,
    publish(draft, signer) {
      const nonce = nonces.get(signer.did) ?? 0
      const unsigned = createTransaction({ ...draft, sender: signer.did, nonce, issuedAtMs: nowMs() })
      return publishBytes(encodeTransaction(signTransaction(unsigned, { chainId, signer })))
    },
    async follow(ring) {
      rings.push(ring)
      for (const transaction of transactions) {
        if (transaction.kind === 'key') await ring.apply(transaction)
      }
    },
  }
}
