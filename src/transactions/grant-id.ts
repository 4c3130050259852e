/**
 * Ids of single grants, for delegations, reports and receipts. They live here because `policy` has neither hash nor codec.
 */

import type { Grant } from '../policy/index.ts'
import { taggedHash } from '../primitives/hash.ts'
import { createId, type GrantId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import { account, writeShape } from '../primitives/shape.ts'
import { TAGS } from '../primitives/tags.ts'
import { grantee, grantTerms } from './access.ts'

/**
 * Returns the id of a grant as it stands on the ledger: owner, grantor, grantee and terms.
 *
 * @throws When the grant has no wire form: `ERR_ARGUMENT_INVALID` with the path. {@link VitalsealError}
 */
export function hashGrant(grant: Grant<Label>): GrantId {
  const parties = [
    writeShape(grant.patient ?? grant.grantor, account, { object: 'grant.patient' }),
    writeShape(grant.grantor, account, { object: 'grant.grantor' }),
    writeShape(grant.grantee, grantee, { object: 'grant.grantee' }),
  ]
  const digest = taggedHash(TAGS.grant, ...parties, writeShape(grant, grantTerms, { object: 'grant' }))
  return createId('grant', digest)
}
