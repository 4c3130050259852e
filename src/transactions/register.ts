/**
 * register: a registrar admits an account, replaces its signing key, or revokes it.
 *
 * Where the genesis names no registrars an account registers itself. The record in it is signed by the key that it
 * introduces; the replacement of a key is signed by the old key as well, which only the ledger knows.
 */

import {
  credentialsShape,
  keyRecordShape,
  signatureShape,
  validateCredential,
  validateKeyRecord,
  type Credential,
  type KeyRecord,
} from '../identity/index.ts'
import type { Failure } from '../errors.ts'
import type { Did } from '../primitives/did.ts'
import { account, choice, nullable, tuple } from '../primitives/shape.ts'
import type { Signature } from '../primitives/signature.ts'
import { refuseField, type KindDefinition, type ProofContext, type ValidationCode } from './kind.ts'

/** Body of a register transaction. */
export interface RegisterBody {
  readonly operation: 'add' | 'rotate-key' | 'revoke'
  /** The account: its first signing key, for ever. */
  readonly subject: Did
  /** Null when revoking. */
  readonly keys: KeyRecord | null
  /** E-Certs and T-Certs of the subject. */
  readonly credentials: readonly Credential[]
  /** Rotation only: the old key's signature over the new record. */
  readonly previousSignature: Signature | null
}

function checkProofs({ keys, credentials }: RegisterBody, context: ProofContext): Failure<ValidationCode> | undefined {
  if (keys !== null) {
    const valid = validateKeyRecord(keys, context)
    if (!valid.ok) return { ...valid, path: `transaction.keys.${valid.path}` }
  }
  for (const [index, credential] of credentials.entries()) {
    const { chainId, verifier, signingKeyOf = (account: Did) => account } = context
    const signingKey = signingKeyOf(credential.issuer)
    const valid = validateCredential(credential, { chainId, verifier, signingKey })
    if (!valid.ok) return { ...valid, path: `transaction.credentials.${index}.${valid.path}` }
  }
  return undefined
}

/** register. */
export const registerKind: KindDefinition<RegisterBody> = {
  version: 1,
  sentBy: 'account',
  body: tuple({
    operation: choice('operation', ['add', 'rotate-key', 'revoke']),
    subject: account,
    keys: nullable(keyRecordShape),
    credentials: credentialsShape,
    previousSignature: nullable(signatureShape),
  }),
  check({ operation, subject, keys, credentials, previousSignature }) {
    const isRevoking = operation === 'revoke'
    const stranger = credentials.findIndex((credential) => credential.subject !== subject)
    if (stranger !== -1) return refuseField(`credentials.${stranger}.subject`, 'the subject of the registration')
    if (isRevoking && credentials.length > 0) return refuseField('credentials', 'none when revoking')
    if ((operation === 'rotate-key') !== (previousSignature !== null))
      return refuseField('previousSignature', "the old key's signature when rotating, otherwise null")
    if (isRevoking !== (keys === null)) return refuseField('keys', 'a key record, or null when revoking')
    if (keys !== null && keys.did !== subject) return refuseField('keys.did', 'the subject')
    return operation === 'add' && keys?.signingKey !== subject
      ? refuseField('keys.signingKey', 'the subject, whose first key it is')
      : undefined
  },
  checkProofs,
}
