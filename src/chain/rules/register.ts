/**
 * The rule of register: a registrar adds an account, replaces its signing key, renews its credentials, or revokes it.
 *
 * Where the genesis names no registrars (development), each account registers itself. A revoked account keeps its number,
 * its history and its nonces, and sends nothing any more; its grants count for nothing at once, while keys that it holds
 * are the owners' to rotate.
 */

import { isSameStatement, RIGHTS, verifyKeyRotation, type Credential } from '../../identity/index.ts'
import type { Verified } from '../../primitives/bytes.ts'
import type { Did } from '../../primitives/did.ts'
import { TIME_MS_MAX } from '../../primitives/limits.ts'
import type { Transaction } from '../../transactions/index.ts'
import {
  accountIdShape,
  accountShape,
  CREDENTIALS_PER_ACCOUNT_MAX,
  credentialListShape,
  keys,
  SLOTS,
  slotShape,
  type SlotEntry,
} from '../entities.ts'
import { mayIssue, registrarsOf } from '../credentials.ts'
import type { RefusalCode } from '../receipt.ts'
import { apply, refuse, type Execution, type Outcome, type Rule } from '../rule.ts'
import type { StateWriter } from '../state.ts'

type Registration = Verified<Transaction<'register'>>

/** Changes the account register. */
export const applyRegister: Rule<'register'> = (state, transaction, execution) => {
  const { sender, subject, operation } = transaction
  const registrars = registrarsOf(state)
  const isAllowed = registrars.length === 0 ? sender === subject : registrars.includes(sender)
  if (!isAllowed) return refuse(subject, 'ERR_CHAIN_REGISTRAR')
  switch (operation) {
    case 'add':
      return add(state, transaction, execution)
    case 'rotate-key':
      return rotateKey(state, transaction, execution)
    case 'revoke':
      return revoke(state, subject)
  }
}

function add(state: StateWriter, transaction: Registration, execution: Execution): Outcome {
  const { subject, keys: record, credentials } = transaction
  const known = state.get(keys.account(subject), accountShape)
  if (known?.isRevoked === true || record === null) return refuse(subject, 'ERR_CHAIN_ACCOUNT')
  if (known === undefined) {
    const index = state.append(keys.index, subject, accountIdShape)
    state.set(keys.account(subject), { index, isRevoked: false, keys: record }, accountShape)
    // An account that registers itself has sent this transaction already.
    const slot = state.get(keys.slot(subject, 0), slotShape)
    state.set(keys.slot(subject, 0), { ...accountSlot(record.signingKey), nonceNext: slot?.nonceNext ?? 0 }, slotShape)
  }
  const fault = addCredentials(state, subject, credentials, execution)
  return fault === undefined ? apply(subject) : refuse(subject, fault)
}

/** The slot of an account's own key. */
export function accountSlot(signingKey: Did): SlotEntry {
  return { signingKey, agreement: null, rights: RIGHTS, notAfterMs: TIME_MS_MAX, nonceNext: 0, keyEpoch: 0 }
}

/** Adds what the registrars, or those they certified, say about an account; what has expired makes room. */
function addCredentials(
  state: StateWriter,
  subject: Did,
  added: readonly Credential[],
  { timeMs }: Execution,
): RefusalCode | undefined {
  if (added.length === 0) return undefined
  if (!added.every((credential) => mayIssue(state, credential, timeMs))) return 'ERR_CHAIN_CREDENTIAL'
  const held = (state.get(keys.credentials(subject), credentialListShape) ?? []).filter(
    (credential) => timeMs < credential.notAfterMs && !added.some((other) => isSameStatement(credential, other)),
  )
  const all = [...held, ...added]
  if (all.length > CREDENTIALS_PER_ACCOUNT_MAX) return 'ERR_CHAIN_CREDENTIAL'
  state.set(keys.credentials(subject), all, credentialListShape)
  return undefined
}

function rotateKey(state: StateWriter, transaction: Registration, execution: Execution): Outcome {
  const { subject, keys: record, credentials, previousSignature: signature } = transaction
  const { chainId, verifier } = execution
  const known = state.get(keys.account(subject), accountShape)
  const slot = state.get(keys.slot(subject, 0), slotShape)
  const signingKey = slot?.signingKey ?? null
  if (
    known?.isRevoked !== false ||
    slot === undefined ||
    record === null ||
    signature === null ||
    signingKey === null
  ) {
    return refuse(subject, 'ERR_CHAIN_ACCOUNT')
  }
  const isAgreed = verifyKeyRotation({ record, chainId }, { signingKey, signature, verifier })
  if (!isAgreed || record.signingKey === signingKey) return refuse(subject, 'ERR_CHAIN_ACCOUNT')
  state.set(keys.account(subject), { ...known, keys: record }, accountShape)
  state.set(keys.slot(subject, 0), { ...slot, signingKey: record.signingKey }, slotShape)
  const fault = addCredentials(state, subject, credentials, execution)
  return fault === undefined ? apply(subject) : refuse(subject, fault)
}

function revoke(state: StateWriter, subject: Did): Outcome {
  const known = state.get(keys.account(subject), accountShape)
  if (known?.isRevoked !== false) return refuse(subject, 'ERR_CHAIN_ACCOUNT')
  state.set(keys.account(subject), { ...known, isRevoked: true }, accountShape)
  for (const number of SLOTS) {
    const slot = state.get(keys.slot(subject, number), slotShape)
    if (slot !== undefined) state.set(keys.slot(subject, number), { ...slot, signingKey: null }, slotShape)
  }
  state.delete(keys.credentials(subject))
  return apply(subject)
}
