/**
 * Policy on the ledger: the grants of the state, asked as `policy` asks.
 *
 * The state is the only source: for each question the few sets that can matter (the grantee's own and those of the roles
 * that his live credentials give him) are read and judged. POLICYCHECK has the owner as a parameter; the paper's looks up
 * the requester's own policies.
 */

import {
  createPolicyIndex,
  evaluateAccess,
  findCoverage,
  type AccessRequest,
  type Action,
  type Coverage,
  type Decision,
  type Grantee,
  type GrantSet,
  type HeldCredential,
  type PolicyIndex,
} from '../policy/index.ts'
import type { Did } from '../primitives/did.ts'
import type { Label } from '../primitives/label.ts'
import { heldCredentials } from './credentials.ts'
import { grantSetsShape, keys } from './entities.ts'
import type { StateReader } from './state.ts'

/** Every set that an owner's grantors made for a grantee. */
export function grantSets(state: StateReader, owner: Did, grantee: Grantee): readonly GrantSet<Label>[] {
  const sets = state.get(keys.grants(owner, grantee), grantSetsShape) ?? []
  return sets.map(({ grantor, grants }) => ({ patient: owner, grantor, grantee, grants }))
}

function indexFor(state: StateReader, owner: Did, requester: Did, held: readonly HeldCredential[]): PolicyIndex<Label> {
  const roles = held.flatMap(({ role, organisation }) =>
    organisation === null ? [] : grantSets(state, owner, { role, organisation }),
  )
  return createPolicyIndex<Label>([...grantSets(state, owner, requester), ...roles])
}

/** POLICYCHECK at block time. */
export function decide(state: StateReader, request: Omit<AccessRequest<Label>, 'credentials'>): Decision<Label> {
  const { patient, requester } = request
  const credentials = heldCredentials(state, requester)
  return evaluateAccess(indexFor(state, patient, requester, credentials), { ...request, credentials })
}

/** What a grantee's grants cover at block time; undefined when nothing. */
export function coverageOf(
  state: StateReader,
  of: { readonly patient: Did; readonly grantee: Did; readonly atMs: number; readonly action?: Action },
): Coverage<Label> | undefined {
  // Those that begin later too: a deny for their role may end the coverage.
  const credentials = heldCredentials(state, of.grantee)
  return findCoverage(indexFor(state, of.patient, of.grantee, credentials), { ...of, credentials })
}

/** Tells whether a coverage holds a type. */
export function covers(coverage: Pick<Coverage<Label>, 'dataTypes' | 'except'>, label: Label): boolean {
  return (coverage.dataTypes === 'all' || coverage.dataTypes.includes(label)) && !coverage.except.includes(label)
}
