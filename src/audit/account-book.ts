/**
 * Accounts as the registrations and delegations say, one transaction after the other, in the order of the ledger.
 *
 * It repeats what the rules of register and delegate do to the state, so that an auditor who sees only some accounts
 * can compare the result with a proof of the state, and knows which key signed at which time.
 */

import { isSameStatement, RIGHTS, type Credential, type KeyRecord, type Right } from '../identity/index.ts'
import { heldCredentials, stateKeys, type Committed, type StateKey, type StateReader } from '../chain/index.ts'
import type { Did } from '../primitives/did.ts'
import { DELEGATE_SLOT_MAX, TIME_MS_MAX } from '../primitives/limits.ts'
import type { Transaction } from '../transactions/index.ts'

/** Who signs for a slot of an account, and what it may. */
export interface Slot {
  readonly signingKey: Did
  readonly rights: readonly Right[]
  /** First moment at which it no longer counts. */
  readonly notAfterMs: number
}

/** An account as it stands. */
export interface BookedAccount {
  readonly keys: KeyRecord
  readonly isRevoked: boolean
}

/** Accounts, credentials and slots after what was applied so far. */
export interface AccountBook {
  /** Takes a transaction; only applied registrations and delegations change anything. */
  apply(entry: Committed): void
  account(did: Did): BookedAccount | undefined
  /** The credentials that the ledger keeps for an account; expired ones may be among them. */
  credentials(did: Did): readonly Credential[]
  /** Of these, what counts, each for as long as those of its issuers do. */
  held(did: Did): readonly Credential[]
  slot(did: Did, delegate: number): Slot | undefined
  /** Every account that registered. */
  accounts(): Iterable<Did>
}

const nameOf = (did: Did, delegate: number) => `${did} ${delegate}`

/**
 * Returns a book without accounts.
 *
 * @param registrars - those of the genesis, with whom every chain of credentials ends
 */
export function createAccountBook(registrars: readonly Did[]): AccountBook {
  const accounts = new Map<Did, BookedAccount>()
  const credentials = new Map<Did, readonly Credential[]>()
  const slots = new Map<string, Slot>()

  function setKeys(did: Did, keys: KeyRecord): void {
    accounts.set(did, { keys, isRevoked: false })
    slots.set(nameOf(did, 0), { signingKey: keys.signingKey, rights: RIGHTS, notAfterMs: TIME_MS_MAX })
  }

  function revoke(did: Did): void {
    const known = accounts.get(did)
    if (known !== undefined) accounts.set(did, { ...known, isRevoked: true })
    for (let slot = 0; slot <= DELEGATE_SLOT_MAX; slot++) slots.delete(nameOf(did, slot))
    credentials.delete(did)
  }

  function register({ operation, subject, keys, credentials: added }: Transaction<'register'>, timeMs: number): void {
    if (operation === 'revoke') {
      revoke(subject)
      return
    }
    // Adding a known account adds credentials; its keys stay.
    if (keys !== null && (operation === 'rotate-key' || !accounts.has(subject))) setKeys(subject, keys)
    if (added.length === 0) return
    const held = (credentials.get(subject) ?? []).filter(
      (credential) => timeMs < credential.notAfterMs && !added.some((other) => isSameStatement(credential, other)),
    )
    credentials.set(subject, [...held, ...added])
  }

  function delegate(transaction: Transaction<'delegate'>): void {
    const name = nameOf(transaction.sender, transaction.slot)
    if (transaction.signingKey === null) slots.delete(name)
    else {
      const { signingKey, rights, notAfterMs } = transaction
      slots.set(name, { signingKey, rights, notAfterMs })
    }
  }

  /** What the rules read of a state when they judge credentials: accounts, their credentials, the registrars. */
  function read([kind, did]: StateKey): unknown {
    if (kind === stateKeys.registrars[0]) return registrars
    if (kind === stateKeys.account(did as Did)[0]) return accounts.get(did as Did)
    return kind === stateKeys.credentials(did as Did)[0] ? credentials.get(did as Did) : undefined
  }
  const reader: StateReader = {
    get: (key) => read(key) as never,
    has: (key) => read(key) !== undefined,
    count: () => 0,
    entry: () => undefined,
  }

  return {
    apply({ transaction, receipt, timeMs }) {
      if (receipt.code !== null) return
      if (transaction.kind === 'register') register(transaction, timeMs)
      if (transaction.kind === 'delegate') delegate(transaction)
    },
    account: (did) => accounts.get(did),
    credentials: (did) => credentials.get(did) ?? [],
    held: (did) => heldCredentials(reader, did),
    slot: (did, number) => slots.get(nameOf(did, number)),
    accounts: () => accounts.keys(),
  }
}
