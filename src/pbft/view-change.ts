/**
 * The mathematics of the view change, without state (pbft.md 1.7): what follows from a set of VIEW-CHANGEs.
 *
 * The papers change the leader and "restart the PRE-PREPARE phase". A new leader that knows nothing of the old view may then
 * give a sequence number that one replica has committed to another batch. Here every VIEW-CHANGE carries certificates of
 * what its sender prepared; any Q of them contain one of a correct replica that knows of each committed batch; and O follows
 * from them alone, so that every backup computes it again and accepts no other.
 */

import { equalBytes, type Verified } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { settleConfig, type ReplicaConfig, type Settings } from './config.ts'
import type { NewView, NewViewEntry, PeerMessage, ViewChange } from './message.ts'
import type { PreparedCertificate } from './shape.ts'

/** What a set of VIEW-CHANGEs orders in the new view. */
export interface NewViewOrder {
  /** minS: the newest stable checkpoint proven in the set. */
  readonly stable: number
  /** O: one entry for each sequence number above, up to the last that anyone prepared. */
  readonly order: readonly NewViewEntry[]
}

/**
 * Returns O, the order that a set of valid VIEW-CHANGEs leads to. Pure.
 *
 * For each sequence number above the newest checkpoint the prepared certificate of the highest view decides; where there is
 * none, nothing can have been committed, and the null batch fills the gap.
 *
 * @param viewChanges - bodies whose certificates have been verified, of Q distinct members
 */
export function computeO(viewChanges: readonly Pick<ViewChange, 'stable' | 'prepared'>[]): NewViewOrder {
  const stable = Math.max(0, ...viewChanges.map((viewChange) => viewChange.stable))
  const chosen = new Map<number, PreparedCertificate>()
  let last = stable
  for (const certificate of viewChanges.flatMap(({ prepared }) => prepared)) {
    const { sequence, view } = certificate
    if (sequence <= stable) continue
    const earlier = chosen.get(sequence)
    if (earlier === undefined || view > earlier.view) chosen.set(sequence, certificate)
    last = Math.max(last, sequence)
  }
  const order: NewViewEntry[] = []
  for (let sequence = stable + 1; sequence <= last; sequence++) {
    order.push({ sequence, digest: chosen.get(sequence)?.digest ?? null })
  }
  return { stable, order }
}

/**
 * Returns O for verified VIEW-CHANGE messages: what the NEW-VIEW of that view must say. Pure.
 *
 * Messages of other kinds, of a second view, of a member already counted, or whose certificates do not hold, are left out.
 *
 * @param messages - out of `authenticateMessages`
 * @param config - configuration of the group
 * @returns the entries, digest null for the null batch; undefined when fewer than Q remain
 */
export function computeNewView(
  messages: readonly Verified<PeerMessage>[],
  config: ReplicaConfig,
): readonly NewViewEntry[] | undefined {
  const settings = settleConfig(config)
  const valid = new Map<number, ViewChange>()
  let view: number | undefined
  for (const message of messages) {
    if (message.kind !== 'view-change' || message.fault !== null) continue
    view ??= message.body.view
    if (message.body.view === view && !valid.has(message.signer)) valid.set(message.signer, message.body)
  }
  return valid.size < settings.quorum ? undefined : computeO([...valid.values()]).order
}

/** Tells whether a NEW-VIEW names VIEW-CHANGEs of a quorum, one of each member. */
export function namesQuorum(settings: Settings, { viewChanges }: NewView): boolean {
  const signers = new Set(viewChanges.map(({ signer }) => signer))
  const areMembers = [...signers].every((signer) => signer < settings.replicaCount)
  return areMembers && signers.size === viewChanges.length && signers.size >= settings.quorum
}

/** Returns why a NEW-VIEW does not follow from the VIEW-CHANGEs that it names, or null. */
export function newViewFault(
  settings: Settings,
  body: NewView,
  viewChanges: readonly { readonly signer: number; readonly body: ViewChange }[],
): string | null {
  const signers = new Set(viewChanges.map(({ signer }) => signer))
  if (signers.size !== viewChanges.length || signers.size < settings.quorum) return 'fewer than Q view changes'
  if (viewChanges.some((viewChange) => viewChange.body.view !== body.view)) return 'a view change of another view'
  const { order } = computeO(viewChanges.map((viewChange) => viewChange.body))
  const isSame = order.length === body.order.length && order.every((entry, at) => isSameEntry(entry, body.order[at]))
  return isSame ? null : 'another order than follows from its view changes'
}

function isSameEntry(left: NewViewEntry, right: NewViewEntry | undefined): boolean {
  return left.sequence === right?.sequence && isSameDigest(left.digest, right.digest)
}

function isSameDigest(left: Digest32 | null, right: Digest32 | null): boolean {
  return left === null || right === null ? left === right : equalBytes(left, right)
}
