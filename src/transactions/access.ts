/**
 * T_access (DP Protocol 2): the whole set of grants of one grantor to one grantee.
 *
 * A new set replaces the one before it and names, in `supersedes`, the T_access that made that one; an empty set revokes
 * (CL's validity bit 0) and applies whatever it names. The paper appends to a set and then reads "one" of it, which leaves
 * revocation ambiguous.
 */

import { ACTIONS, PURPOSES, type Grantee, type GrantTerms, type Obligation, type TimeWindow } from '../policy/index.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import { GRANTS_MAX } from '../primitives/limits.ts'
import { ROLES } from '../primitives/roles.ts'
import {
  account,
  choice,
  choices,
  constant,
  either,
  identifier,
  label,
  listOf,
  mapped,
  Mismatch,
  nullable,
  timeMs,
  transactionId,
  tuple,
  type Shape,
  type ShapeType,
} from '../primitives/shape.ts'
import { compareText, formsOf, isAscending, refuseField, type KindDefinition } from './kind.ts'

/** Body of T_access. */
export interface AccessBody {
  /** Whose data it is; the sender is the grantor. */
  readonly patient: Did
  readonly grantee: Grantee
  /** POLICY_{p,m}; empty revokes. */
  readonly grants: readonly GrantTerms<Label>[]
  /** The T_access that made the current set; null when there is none. */
  readonly supersedes: TransactionId | null
}

/** Types that one grant may list. */
const LABELS_MAX = 1_024
/** Security labels that one obligation redacts. */
const REDACTIONS_MAX = 64
/** Obligations of one grant. */
const OBLIGATIONS_MAX = 16

const roleGrantee = tuple({ role: choice('role', ROLES), organisation: identifier })

/**
 * A party as 33 bytes, a role as a pair.
 *
 * @internal
 */
export const grantee: Shape<Grantee> = either<Did, Exclude<Grantee, Did>>(account, roleGrantee, {
  isFirst: (value) => value instanceof Uint8Array,
  isFirstValue: (value) => typeof value === 'string',
})

const dataTypes: Shape<readonly Label[] | 'all'> = either<readonly Label[], 'all'>(
  mapped(listOf(label, { name: 'types', countMin: 1, countMax: LABELS_MAX }), {
    parse: (labels) =>
      isAscending(labels, compareText) && !labels.includes(ALL_TYPES_LABEL)
        ? labels
        : new Mismatch('distinct labels in ascending order, none of them zero'),
    format: (labels) => labels,
  }),
  constant('all'),
  { isFirst: (value) => Array.isArray(value), isFirstValue: (value): value is readonly Label[] => value !== 'all' },
)

const obligation = formsOf<Obligation, 'kind'>('kind', {
  redact: { labels: listOf(identifier, { name: 'labels', countMin: 1, countMax: REDACTIONS_MAX }) },
  'notify-patient': {},
  'exclusive-until': { untilMs: timeMs },
  'delete-after': { afterMs: timeMs },
})

const wireTerms = tuple({
  dataTypes,
  actions: choices('actions', ACTIONS),
  purposes: choices('purposes', PURPOSES),
  accessFromMs: timeMs,
  accessUntilMs: timeMs,
  dataFromMs: nullable(timeMs),
  dataUntilMs: nullable(timeMs),
  effect: choice('effect', ['permit', 'deny']),
  obligations: listOf(obligation, { name: 'obligations', countMax: OBLIGATIONS_MAX }),
})

function windowOf(fromMs: number, untilMs: number): TimeWindow | Mismatch {
  return fromMs < untilMs ? { fromMs, untilMs } : new Mismatch('a window whose start is before its end')
}

/**
 * The terms of one grant, without its parties.
 *
 * @internal
 */
export const grantTerms: Shape<GrantTerms<Label>> = mapped<ShapeType<typeof wireTerms>, GrantTerms<Label>>(wireTerms, {
  parse(wire) {
    const access = windowOf(wire.accessFromMs, wire.accessUntilMs)
    if (access instanceof Mismatch) return access.within('accessUntilMs', 4)
    if ((wire.dataFromMs === null) !== (wire.dataUntilMs === null)) {
      return new Mismatch('both ends of the data window or none').within('dataUntilMs', 6)
    }
    const data = wire.dataFromMs === null ? undefined : windowOf(wire.dataFromMs, wire.dataUntilMs as number)
    if (data instanceof Mismatch) return data.within('dataUntilMs', 6)
    const { dataTypes, actions, purposes, effect, obligations } = wire
    return { dataTypes, actions, purposes, access, ...(data === undefined ? {} : { data }), effect, obligations }
  },
  format: ({ dataTypes, actions, purposes, access, data, effect = 'permit', obligations = [] }) => ({
    dataTypes: dataTypes === 'all' ? dataTypes : [...new Set(dataTypes)].sort(compareText),
    actions,
    purposes,
    accessFromMs: access.fromMs,
    accessUntilMs: access.untilMs,
    dataFromMs: data?.fromMs ?? null,
    dataUntilMs: data?.untilMs ?? null,
    effect,
    obligations,
  }),
})

/** T_access. */
export const accessKind: KindDefinition<AccessBody> = {
  version: 6,
  sentBy: 'grant',
  body: tuple({
    patient: account,
    grantee,
    grants: listOf(grantTerms, { name: 'grants', countMax: GRANTS_MAX }),
    supersedes: nullable(transactionId),
  }),
  check: ({ patient, grantee }) =>
    grantee === patient ? refuseField('grantee', 'another party than the patient') : undefined,
}
