/**
 * Which endpoints a client asks for blocks, and how far the ledger is for certain: pure choices from what endpoints claim.
 *
 * Up to f members lie or sleep. Of f + 1 that are asked one answers; of f + 1 that claim a height one has it.
 */

import { deriveQuorum } from '../pbft/certificate.ts'
import type { Did } from '../primitives/did.ts'
import type { Endpoint } from './connect-endpoint.ts'

/** What is looked at of an endpoint. */
export type SourceView = Pick<Endpoint, 'state' | 'member' | 'height' | 'stalls'>

/** Returns f of a group: how many members may fail. */
export function faultMaxOf(members: readonly Did[]): number {
  return deriveQuorum(members.length).faultMax
}

const isProved = ({ state }: SourceView) => state === 'proved'

/** The best claim of each member; of anybody where none is a member, as for a client that is behind the epochs. */
function claimsOf(endpoints: readonly SourceView[], members: readonly Did[]): number[] {
  const best = new Map<Did, number>()
  for (const { member, height } of endpoints.filter(isProved)) {
    if (member !== undefined) best.set(member, Math.max(height, best.get(member) ?? 0))
  }
  const ofMembers = [...best].filter(([member]) => members.includes(member))
  const claims = ofMembers.length > 0 ? ofMembers : [...best]
  return claims.map(([, height]) => height).sort((left, right) => right - left)
}

/**
 * Returns a height that the ledger has unless more than f members lie: the claim number f + 1 from above; the lowest where
 * there are fewer claims.
 */
export function certainHeight(endpoints: readonly SourceView[], members: readonly Did[]): number {
  const claims = claimsOf(endpoints, members)
  return claims[Math.min(faultMaxOf(members), claims.length - 1)] ?? 0
}

/**
 * Returns the endpoints to ask: of distinct members, those first that were not found wanting; at most `countMax`, which is
 * f + 1, or all of them where the client cannot measure time and so cannot find out who keeps it waiting.
 */
export function chooseSources<E extends SourceView>(
  endpoints: readonly E[],
  options: { readonly members: readonly Did[]; readonly countMax: number },
): readonly E[] {
  const { members, countMax } = options
  const isMember = ({ member }: E) => member !== undefined && members.includes(member)
  const proved = endpoints.filter(isProved)
  const [inside, outside] = [proved.filter(isMember), proved.filter((endpoint) => !isMember(endpoint))]
  const byPatience = (left: E, right: E) => left.stalls - right.stalls
  const ordered = [...inside.sort(byPatience), ...outside.sort(byPatience)]
  const firsts = ordered.filter(
    ({ member }, index) => ordered.findIndex((endpoint) => endpoint.member === member) === index,
  )
  const others = ordered.filter((endpoint) => !firsts.includes(endpoint))
  return [...firsts, ...others].slice(0, countMax)
}
