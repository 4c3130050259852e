/**
 * Credentials on the ledger: who may certify whom, and until when a credential counts.
 *
 * A credential lives no longer than the one of its issuer, up to a registrar: when an institution leaves, so do the roles of
 * its staff (`identity/credential-chain.ts` has the table of who may certify what). A registrar's revocation of an account
 * ends all that this account ever certified.
 */

import { isCredentialLive, ISSUABLE_ROLES, type Credential } from '../identity/index.ts'
import type { Did } from '../primitives/did.ts'
import type { Role } from '../primitives/roles.ts'
import { accountListShape, accountShape, credentialListShape, keys, slotShape } from './entities.ts'
import type { StateReader } from './state.ts'

/** Accounts that admit others; none where everyone registers himself. */
export function registrarsOf(state: StateReader): readonly Did[] {
  return state.get(keys.registrars, accountListShape) ?? []
}

/** The key that signs for an account now; undefined where none does. */
export function signingKeyOf(state: StateReader, did: Did): Did | undefined {
  return state.get(keys.slot(did, 0), slotShape)?.signingKey ?? undefined
}

/** Tells whether an account is registered and was not revoked. */
export function isLiveAccount(state: StateReader, did: Did): boolean {
  return state.get(keys.account(did), accountShape)?.isRevoked === false
}

function isRevoked(state: StateReader, did: Did): boolean {
  return state.get(keys.account(did), accountShape)?.isRevoked === true
}

/** Tells whether the holder of a credential may certify another one; a quota is lent, not made. */
function certifies(own: Credential, issued: Credential): boolean {
  if (own.kind !== 'E-Cert' || ISSUABLE_ROLES[own.role]?.includes(issued.role) !== true) return false
  if (own.role === 'registrar') return true
  if (own.role === 'issuer' && issued.kind !== 'T-Cert') return false
  if (issued.kind === 'E-Cert' && issued.organisation !== own.organisation) return false
  return issued.quotaPerMinute === null || issued.quotaPerMinute <= (own.quotaPerMinute ?? 0)
}

/**
 * The credentials of an account, each for as long as all of its chain counts; several where its issuer has several.
 *
 * Ends because each role certifies lower ones only.
 */
export function heldCredentials(state: StateReader, did: Did): readonly Credential[] {
  const listed = state.get(keys.credentials(did), credentialListShape) ?? []
  if (listed.length === 0) return listed
  const registrars = registrarsOf(state)
  return listed.flatMap((credential) => {
    const { issuer } = credential
    if (isRevoked(state, issuer)) return []
    if (registrars.includes(issuer)) return [credential]
    return heldCredentials(state, issuer).flatMap((own) => {
      const notBeforeMs = Math.max(own.notBeforeMs, credential.notBeforeMs)
      const notAfterMs = Math.min(own.notAfterMs, credential.notAfterMs)
      return certifies(own, credential) && notBeforeMs < notAfterMs ? [{ ...credential, notBeforeMs, notAfterMs }] : []
    })
  })
}

/** Tells whether an account holds a credential of a role that counts now; where nobody certifies, everyone holds every role. */
export function holdsRole(
  state: StateReader,
  did: Did,
  { role, atMs }: { readonly role: Role; readonly atMs: number },
): boolean {
  if (registrarsOf(state).length === 0) return true
  return heldCredentials(state, did).some((held) => held.role === role && isCredentialLive(held, atMs))
}

/** Tells whether the issuer of a credential may issue it at a time. */
export function mayIssue(state: StateReader, credential: Credential, atMs: number): boolean {
  const { issuer } = credential
  if (isRevoked(state, issuer)) return false
  if (registrarsOf(state).includes(issuer)) return true
  return heldCredentials(state, issuer).some((own) => isCredentialLive(own, atMs) && certifies(own, credential))
}
