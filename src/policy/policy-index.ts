/**
 * The grants in force, by owner and grantee.
 *
 * A set replaces the one before it of the same owner, grantor and grantee (CL: the last policy is the one considered);
 * an empty set revokes (DP). The index believes whoever applies a set about its signature and its turn: `supersedes` is
 * checked on the ledger. It does not believe that anyone may grant: unless told otherwise, only the owner may (DP
 * Protocol 2, line 4).
 */

import { fail, rejectArgument, succeed, unwrap, type Failure, type Result } from '../errors.ts'
import type { DataType, Did } from '../primitives/did.ts'
import { assertParties, textOf } from './grant.ts'
import { NONE } from './layout.ts'
import { PairTable } from './pair-table.ts'
import { RecordTable, type RecordFields } from './record-table.ts'
import { ALWAYS, findMalformed, intersect, readTerms, type Mutable, type ReadTerms } from './terms.ts'
import type { Grant, Grantee, GrantSet, GrantTerms, HeldCredential, TimeWindow } from './types.ts'

/** Grantors whose sets count for one owner and grantee. */
export const GRANTORS_MAX = 16
/** Grants of one set. */
export const GRANTS_PER_SET_MAX = 64

/** Shared clauses that the index remembers for the next grants; then it begins anew. */
const SHARED_MAX = 65_536

/** Decides whether `grantor` may grant access to data of `patient`. */
export type MayGrant = (parties: { readonly patient: Did; readonly grantor: Did }) => boolean

/** The grants in force. Made by {@link createPolicyIndex} only. */
export interface PolicyIndex<T extends string = DataType> {
  /** Grants in force or to come; expired ones count until they are replaced. */
  readonly grantCount: number
  /**
   * Replaces all that the grantor granted to the grantee, and returns what was replaced. A single grant is a set of one.
   *
   * A refused set changes nothing. Cost: grows with the grants of this pair only.
   *
   * @param change - own or foreign; terms that the library does not understand are kept, and make decisions indeterminate
   * @param at - block that holds it, for reasons
   * @returns the former set, or `ERR_POLICY_GRANTOR`, or `ERR_POLICY_LIMIT` beyond {@link GRANTORS_MAX} or {@link GRANTS_PER_SET_MAX}
   * @throws When the parties have a wrong form, so that there is no place to keep it: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
   */
  readonly apply: (
    change: Grant<T> | GrantSet<T>,
    at?: { readonly height?: number },
  ) => Result<GrantSet<T>, 'ERR_POLICY_GRANTOR' | 'ERR_POLICY_LIMIT'>
  /** Lists copies of the grants of an owner, to one grantee or to all, in the order of grantee and grantor. */
  readonly grants: (patient: Did, grantee?: Grantee) => readonly Grant<T>[]
}

/**
 * Returns an index of grants.
 *
 * @param grants - applied in order; the later ones replace earlier ones of the same owner, grantor and grantee
 * @param options - `mayGrant`: default only the owner himself
 * @throws When a grant is refused, with the code of `apply`. {@link VitalsealError}
 */
export function createPolicyIndex(
  grants?: Iterable<Grant | GrantSet>,
  options?: { readonly mayGrant?: MayGrant },
): PolicyIndex
/** The same for other names of types, such as the ledger's labels. */
export function createPolicyIndex<T extends string>(
  grants?: Iterable<Grant<T> | GrantSet<T>>,
  options?: { readonly mayGrant?: MayGrant },
): PolicyIndex<T>
export function createPolicyIndex<T extends string>(
  grants: Iterable<Grant<T> | GrantSet<T>> = [],
  options: { readonly mayGrant?: MayGrant } = {},
): PolicyIndex<T> {
  const index = new PolicyStore<T>(options.mayGrant ?? (({ patient, grantor }) => patient === grantor))
  for (const grant of grants) unwrap(index.apply(grant))
  return index
}

/**
 * Returns what is behind an index, for the queries of this folder.
 *
 * @throws When the index is of another make: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function storeOf<T extends string>(index: PolicyIndex<T>): PolicyStore<T> {
  return index instanceof PolicyStore
    ? (index as PolicyStore<T>)
    : rejectArgument('index', 'a policy index', typeof index)
}

/** Returns a grant as a set of one, and a set as it is. */
function toSet<T extends string>(change: Grant<T> | GrantSet<T>): GrantSet<T> {
  if ('grants' in change) return change
  const { grantor, patient = grantor, grantee } = change
  return { patient, grantor, grantee, grants: [change] }
}

/** Tells whether terms name other parties than the set that they are in. */
function contradicts<T extends string>(terms: GrantTerms<T>, set: GrantSet<T>): boolean {
  const { patient = set.patient, grantor = set.grantor, grantee = set.grantee } = terms as Partial<Grant<T>>
  // Foreign terms may say null.
  const other = textOf(grantee ?? ({} as Grantee))
  return patient !== set.patient || grantor !== set.grantor || other !== textOf(set.grantee)
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

function tooMany(limit: string, allowed: number, found: number): Failure<'ERR_POLICY_LIMIT'> {
  const details = { limit, allowed, found }
  return fail('ERR_POLICY_LIMIT', `"grants" expected at most ${allowed} ${limit}, found ${found}`, { details })
}

/** One grant to somebody, as the queries of this folder see it. */
export interface Entry<T extends string> {
  readonly record: number
  readonly terms: RecordFields<T>
  readonly grantor: Did
  /** As the grant names him. */
  readonly grantee: Grantee
  /** When access is granted, and the credential holds that leads to the grant. */
  readonly window: TimeWindow
}

/** Returns a copy of the grant that an entry is about; one with an unknown clause as it came. */
export function grantOf<T extends string>(patient: Did, { terms, grantor, grantee }: Entry<T>): Grant<T> {
  const { dataTypes, clauses, access, data } = terms
  const { actions, purposes, effect, obligations, source } = clauses
  if (source !== undefined) return { ...(JSON.parse(source) as Grant<T>), patient, grantor, grantee }
  // Assigned, since copying an object to add a field costs a microsecond.
  const grant: Mutable<Grant<T>> = {
    patient,
    grantor,
    grantee,
    dataTypes,
    actions,
    purposes,
    access,
    effect,
    obligations,
  }
  if (data !== undefined) grant.data = data
  return grant
}

/** The index as the queries of this folder see it. */
export class PolicyStore<T extends string> implements PolicyIndex<T> {
  readonly pairs: PairTable = new PairTable()
  readonly #records = new RecordTable<T>()
  readonly #mayGrant: MayGrant
  readonly #shared = new Map<string, unknown>()

  /** Makes an empty one. */
  constructor(mayGrant: MayGrant) {
    this.#mayGrant = mayGrant
  }

  /** Grants in force or to come. */
  get grantCount(): number {
    return this.#records.count
  }

  /** Replaces a set; see {@link PolicyIndex}. */
  apply(
    change: Grant<T> | GrantSet<T>,
    at: { readonly height?: number } = {},
  ): Result<GrantSet<T>, 'ERR_POLICY_GRANTOR' | 'ERR_POLICY_LIMIT'> {
    // Nothing at all has no parties either.
    const set = toSet(Object(change) as typeof change)
    const { patient, grantor, grantee } = set
    assertParties(set)
    if (!Array.isArray(set.grants)) rejectArgument('grants', 'a list of grants', typeof set.grants)
    if (!this.#mayGrant({ patient, grantor })) {
      return fail('ERR_POLICY_GRANTOR', '"grantor" may not grant for "patient"', { details: { grantor } })
    }
    // Grants of no type say nothing; a set of nothing else revokes.
    const grants = set.grants.filter((terms) => !isEmptyList((terms as GrantTerms<T> | null)?.dataTypes))
    const before = this.entriesOf(patient, grantee)
    const replaced = before.filter((entry) => entry.grantor === grantor)
    const grantors = new Set(before.map((entry) => entry.grantor)).add(grantor)
    if (grants.length > GRANTS_PER_SET_MAX) return tooMany('grants', GRANTS_PER_SET_MAX, grants.length)
    if (grants.length > 0 && grantors.size > GRANTORS_MAX) return tooMany('grantors', GRANTORS_MAX, grantors.size)
    for (const { record } of replaced) this.#records.remove(record)
    if (before.length + grants.length > 0) this.#link({ ...set, grants }, before, at.height)
    return succeed({ patient, grantor, grantee, grants: replaced.map((entry) => grantOf(patient, entry)) })
  }

  /** Stores a set and chains all grants of the pair in the order of their grantors' names, so that no history shows. */
  #link(set: GrantSet<T>, before: readonly Entry<T>[], height: number | undefined): void {
    const grantor = set.grantor === set.patient ? NONE : this.pairs.intern(set.grantor)
    const chain = [
      ...before.filter((entry) => entry.grantor < set.grantor).map(({ record }) => record),
      ...set.grants.map((terms) => this.#records.insert(this.#read(terms, set), grantor, height)),
      ...before.filter((entry) => entry.grantor > set.grantor).map(({ record }) => record),
    ]
    this.pairs.setFirstRecord(set.patient, set.grantee, this.#records.link(chain))
  }

  #read(terms: GrantTerms<T>, set: GrantSet<T>): ReadTerms<T> {
    const flaw = findMalformed(terms) ?? (contradicts(terms, set) ? 'terms' : undefined)
    return readTerms(terms, (text, make) => this.#share(text, make), flaw)
  }

  /** Returns what was made of an equal text, where it is still remembered. */
  #share<V>(text: string, make: (text: string) => V): V {
    const known = this.#shared.get(text) as V | undefined
    if (known !== undefined) return known
    if (this.#shared.size >= SHARED_MAX) this.#shared.clear()
    const made = make(text)
    this.#shared.set(text, made)
    return made
  }

  /** Lists grants; see {@link PolicyIndex}. */
  grants(patient: Did, grantee?: Grantee): readonly Grant<T>[] {
    const grantees = grantee === undefined ? this.pairs.granteesOf(patient) : [grantee]
    return grantees.flatMap((name) => this.entriesOf(patient, name).map((entry) => grantOf(patient, entry)))
  }

  /** Lists the grants of an owner to a grantee and, for each credential with an organisation, to its role. */
  entriesOf(patient: Did, grantee: Grantee, credentials: readonly HeldCredential[] = []): readonly Entry<T>[] {
    const entries: Entry<T>[] = []
    this.#collect(entries, patient, grantee, ALWAYS)
    for (const { role, organisation, notBeforeMs, notAfterMs } of credentials) {
      if (organisation === null) continue
      this.#collect(entries, patient, { role, organisation }, { fromMs: notBeforeMs, untilMs: notAfterMs })
    }
    return entries
  }

  #collect(entries: Entry<T>[], patient: Did, grantee: Grantee, validity: TimeWindow): void {
    let record = this.pairs.firstRecord(patient, grantee)
    for (; record !== NONE; record = this.#records.next(record)) {
      const terms = this.#records.read(record)
      const grantor = terms.grantor === NONE ? patient : (this.pairs.nameOf(terms.grantor) as Did)
      entries.push({ record, terms, grantor, grantee, window: intersect(terms.access, validity) })
    }
  }
}
