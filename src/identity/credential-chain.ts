/**
 * Chains of credentials: from a party up to a registrar that the ledger names.
 *
 * A chain is `[leaf, ..., root]`: each issuer is the subject of the next credential, and the root's issuer is one of the
 * ledger's registrars. Who may issue what:
 *
 * | issuer | may certify | in which organisation |
 * | --- | --- | --- |
 * | registrar named by the ledger | every role | any |
 * | certified registrar | every role but registrar | any |
 * | institution | patient, clinician, analyser, issuer, manager | its own |
 * | issuer | patient, by T-Cert | none |
 *
 * A T-Cert certifies nobody further: pseudonyms do not issue. A quota is lent, not made: an issuer that is no registrar
 * gives at most the number in its own credential, and none where its own has none. All of a chain must be valid at the
 * same time, so that the end of an institution's credential ends those of its staff.
 */

import { rejectArgument, succeed, type Failure, type Result } from '../errors.ts'
import type { Verified } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { ChainId } from '../primitives/ids.ts'
import { ROLES, type Role } from '../primitives/roles.ts'
import { createVerifier, type SignedDigest, type Verifier } from '../primitives/signature.ts'
import { checkCredential, isCredentialLive, refuseCredential, refuseSignature, type Credential } from './credential.ts'

/** Credentials in one chain. */
export const CREDENTIAL_CHAIN_MAX = 4

/** Which roles a certified party may certify. Those absent certify nobody. */
export const ISSUABLE_ROLES: { readonly [R in Role]?: readonly Role[] } = {
  registrar: ROLES.filter((role) => role !== 'registrar'),
  institution: ['patient', 'clinician', 'analyser', 'issuer', 'manager'],
  issuer: ['patient'],
}

/** How a chain is judged. */
export interface CredentialChainOptions {
  readonly chainId: ChainId
  /** Block time. */
  readonly atMs: number
  /** The accounts that the ledger names as registrars. */
  readonly registrars: readonly Did[]
  /** Default {@link createVerifier}; its `verifyBatch` is used where it has one. */
  readonly verifier?: Verifier
  /** The current signing key of an account, where it may have changed; default: the account itself. */
  readonly signingKeyOf?: (account: Did) => Did
}

type Refusal = Failure<'ERR_IDENTITY_INVALID'> | undefined

/** What stands against `issued` being certified by the holder of `issuer`. */
function findIssuerFault(issued: Credential, issuer: Credential, path: string): Refusal {
  const refuse = (field: string, expected: string) => refuseCredential(`${path}.${field}`, expected)
  if (issued.issuer !== issuer.subject) return refuse('issuer', 'the subject of the next credential')
  if (issuer.kind === 'T-Cert') return refuse('issuer', 'an issuer with an E-Cert; a pseudonym issues nothing')
  if (ISSUABLE_ROLES[issuer.role]?.includes(issued.role) !== true) {
    return refuse('role', `a role that ${issuer.role} may certify`)
  }
  if (issuer.role === 'registrar') return undefined
  if (issuer.role === 'issuer' && issued.kind !== 'T-Cert') return refuse('kind', 'a T-Cert from an issuer')
  if (issued.kind === 'E-Cert' && issued.organisation !== issuer.organisation) {
    return refuse('organisation', 'the organisation of its issuer')
  }
  if (issued.quotaPerMinute !== null && issued.quotaPerMinute > (issuer.quotaPerMinute ?? 0)) {
    return refuse('quotaPerMinute', 'at most the quota of its issuer, or null')
  }
  return undefined
}

/** The first credential that may not stand where it stands, looked for without any signature. */
function findChainFault(chain: readonly Credential[], { atMs, registrars }: CredentialChainOptions): Refusal {
  const parties = new Set<Did>()
  for (const [index, credential] of chain.entries()) {
    const path = `credentials.${index}`
    if (parties.has(credential.subject))
      return refuseCredential(`${path}.subject`, 'a party that is not in the chain yet')
    parties.add(credential.subject)
    if (atMs < credential.notBeforeMs) return refuseCredential(`${path}.notBeforeMs`, 'a credential that has begun')
    if (!isCredentialLive(credential, atMs))
      return refuseCredential(`${path}.notAfterMs`, 'a credential that has not ended')
    const next = chain[index + 1]
    const fault = next === undefined ? undefined : findIssuerFault(credential, next, path)
    if (fault !== undefined) return fault
  }
  const { issuer } = chain.at(-1) as Credential
  const path = `credentials.${chain.length - 1}.issuer`
  if (parties.has(issuer)) return refuseCredential(path, 'a party that is not in the chain yet')
  return registrars.includes(issuer) ? undefined : refuseCredential(path, 'a registrar of the ledger')
}

function isChainLength(chain: unknown): boolean {
  return Array.isArray(chain) && chain.length >= 1 && chain.length <= CREDENTIAL_CHAIN_MAX
}

function verifyAll(items: readonly SignedDigest[], verifier: Verifier): readonly boolean[] {
  return verifier.verifyBatch?.(items) ?? items.map((item) => verifier.verify(item))
}

/**
 * Returns the credentials of a chain marked `Verified`, or the first rule that the chain breaks.
 *
 * Total. Cost: one signature verification for each credential, after everything that costs less. Not looked at: whether
 * the ledger has revoked one of the parties; state knows that.
 *
 * @param chain - `[leaf, ..., root]`, 1 to 4 credentials
 * @param options - ledger, block time, registrars
 * @returns the chain, or `ERR_IDENTITY_INVALID` or `ERR_SIGNATURE_INVALID` with a path such as `credentials.1.role`
 * @throws When `atMs` is no time: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function validateCredentials(
  chain: readonly Credential[],
  options: CredentialChainOptions,
): Result<readonly Verified<Credential>[], 'ERR_IDENTITY_INVALID' | 'ERR_SIGNATURE_INVALID'> {
  const { chainId, atMs, verifier = createVerifier(), signingKeyOf = (account: Did) => account } = options
  // Comparisons with NaN are false, so that an expired credential would look live.
  if (!Number.isSafeInteger(atMs)) rejectArgument('atMs', 'integer milliseconds', 'something else')
  if (!isChainLength(chain)) {
    return refuseCredential('credentials', `1 to ${CREDENTIAL_CHAIN_MAX} credentials`)
  }
  const digests: Digest32[] = []
  for (const [index, credential] of chain.entries()) {
    const checked = checkCredential(credential, { chainId, path: `credentials.${index}` })
    if (!checked.ok) return checked
    digests.push(checked.value)
  }
  const fault = findChainFault(chain, options)
  if (fault !== undefined) return fault
  const items = chain.map(({ issuer, signature }, index) => {
    return { signer: signingKeyOf(issuer), digest: digests[index] as Digest32, signature }
  })
  const refused = verifyAll(items, verifier).indexOf(false)
  if (refused !== -1) return refuseSignature(`credentials.${refused}`, (chain[refused] as Credential).issuer)
  return succeed(chain as readonly Verified<Credential>[])
}
