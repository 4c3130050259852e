/**
 * delegate: fills or empties one of an account's slots 1 to 8 (a phone gateway, a health manager).
 *
 * Sent by the account itself, never by a delegate: a lost phone cannot make itself a successor.
 */

import { delegateShape, type DelegateChange } from '../identity/index.ts'
import { isAgreementPublicKey } from '../primitives/agreement.ts'
import { refuseField, type KindDefinition } from './kind.ts'

/** Body of a delegate transaction. */
export type DelegateBody = DelegateChange

/** delegate. */
export const delegateKind: KindDefinition<DelegateBody> = {
  version: 2,
  sentBy: 'account',
  body: delegateShape,
  check(body, sender) {
    if (body.signingKey === null) return undefined
    if (body.signingKey === sender) return refuseField('signingKey', 'another key than that of the account')
    if (body.agreement !== null && !isAgreementPublicKey(body.agreement)) {
      return refuseField('agreement', 'a canonical X25519 key that is not of low order')
    }
    return undefined
  },
}
