/**
 * The grants in force, by owner and grantee.
 *
 * A set replaces the one before it of the same owner, grantor and grantee (CL: the last policy is the one considered);
 * an empty set revokes (DP). The index believes whoever applies a set about its signature and its turn: `supersedes` is
 * checked on the ledger. It does not believe that anyone may grant: unless told otherwise, only the owner may (DP
 * Protocol 2, line 4).
 */

import { fail, rejectArgument, succeed, unwrap, type Result } from '../errors.ts'
import type { DataType, Did } from '../primitives/did.ts'
import { assertParties, isSameGrantee } from './grant.ts'
import { NONE, PairTable } from './pair-table.ts'
import { RecordTable, type RecordFields } from './record-table.ts'
import { createClauses, createOpaqueClauses, findMalformed, findUnknown, isTime, type Clauses } from './terms.ts'
import { END_OF_TIME_MS, type Grant, type Grantee, type GrantSet, type GrantTerms } from './types.ts'

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
    : rejectArgument('index', 'an index made by createPolicyIndex', typeof index)
}

/** Returns a grant as a set of one, and a set as it is. */
function toSet<T extends string>(change: Grant<T> | GrantSet<T>): GrantSet<T> {
  if (typeof change !== 'object' || change === null)
    rejectArgument('change', 'a grant or a set of grants', typeof change)
  if ('grants' in change) return change
  const { grantor, patient = grantor, grantee } = change
  return { patient, grantor, grantee, grants: [change] }
}

/** Tells whether terms name other parties than the set that they are in. */
function contradicts<T extends string>(terms: GrantTerms<T>, set: GrantSet<T>): boolean {
  const { patient = set.patient, grantor = set.grantor, grantee = set.grantee } = terms as Partial<Grant<T>>
  return patient !== set.patient || grantor !== set.grantor || !isSameGrantee(grantee, set.grantee)
}

/** The index as the queries of this folder see it. */
export class PolicyStore<T extends string> implements PolicyIndex<T> {
  readonly pairs: PairTable = new PairTable()
  readonly records: RecordTable<T> = new RecordTable<T>()
  readonly #mayGrant: MayGrant
  readonly #shared = new Map<string, Clauses<T>>()

  constructor(mayGrant: MayGrant) {
    this.#mayGrant = mayGrant
  }

  /** Grants in force or to come. */
  get grantCount(): number {
    return this.records.count
  }

  /** Replaces a set; see {@link PolicyIndex}. */
  apply(
    change: Grant<T> | GrantSet<T>,
    at: { readonly height?: number } = {},
  ): Result<GrantSet<T>, 'ERR_POLICY_GRANTOR' | 'ERR_POLICY_LIMIT'> {
    const set = toSet(change)
    const { patient, grantor, grantee } = set
    assertParties(set)
    if (at.height !== undefined && !isTime(at.height)) rejectArgument('height', 'a height', typeof at.height)
    if (!Array.isArray(set.grants)) rejectArgument('grants', 'a list of grants', typeof set.grants)
    if (!this.#mayGrant({ patient, grantor })) {
      return fail('ERR_POLICY_GRANTOR', `"grantor" may not grant access to data of "patient"`, { details: { grantor } })
    }
    // Grants of no type say nothing; a set of nothing else revokes.
    const grants = set.grants.filter((terms) => (terms as GrantTerms<T> | null)?.dataTypes?.length !== 0)
    const excess = this.#excess(set, grants.length)
    if (excess !== undefined) {
      const { limit, allowed, found } = excess
      return fail('ERR_POLICY_LIMIT', `"grants" expected at most ${allowed} ${limit}, found ${found}`, {
        details: excess,
      })
    }
    const replaced = this.#removeSet(set)
    if (grants.length > 0) this.#insertSet({ ...set, grants }, at.height)
    return succeed({ patient, grantor, grantee, grants: replaced })
  }

  #excess(
    set: GrantSet<T>,
    grantCount: number,
  ): { readonly limit: string; readonly allowed: number; readonly found: number } | undefined {
    if (grantCount > GRANTS_PER_SET_MAX)
      return { limit: 'grants of a set', allowed: GRANTS_PER_SET_MAX, found: grantCount }
    const grantors = new Set([this.pairs.find(set.grantor)])
    for (const record of this.recordsOf(set.patient, set.grantee)) grantors.add(this.records.grantorOf(record))
    if (grantCount === 0 || grantors.size <= GRANTORS_MAX) return undefined
    return { limit: 'grantors for one grantee', allowed: GRANTORS_MAX, found: grantors.size }
  }

  #removeSet({ patient, grantor, grantee }: GrantSet<T>): readonly Grant<T>[] {
    const { pairs, records } = this
    const pair = this.pairOf(patient, grantee)
    const number = pairs.find(grantor)
    const removed: Grant<T>[] = []
    let previous = NONE
    for (let record = pairs.firstRecord(pair); record !== NONE;) {
      const next = records.next(record)
      if (records.grantorOf(record) === number) {
        removed.push(this.grantOf(record, patient, grantee))
        if (previous === NONE) pairs.setFirstRecord(pair, next)
        else records.setNext(previous, next)
        records.remove(record)
      } else previous = record
      record = next
    }
    return removed
  }

  /** Puts the grants where their grantor belongs in the order of names, so that no history shows in decisions. */
  #insertSet(set: GrantSet<T>, height: number | undefined): void {
    const { pairs, records } = this
    const patient = pairs.intern(set.patient)
    const pair = pairs.internPair(patient, pairs.intern(set.grantee))
    const grantor = pairs.intern(set.grantor)
    let previous = NONE
    let next = pairs.firstRecord(pair)
    while (next !== NONE && pairs.partyOf(records.grantorOf(next)) < set.grantor) {
      previous = next
      next = records.next(next)
    }
    for (const terms of set.grants.toReversed()) next = records.insert(this.#read(terms, set, grantor, height), next)
    if (previous === NONE) pairs.setFirstRecord(pair, next)
    else records.setNext(previous, next)
  }

  #read(terms: GrantTerms<T>, set: GrantSet<T>, grantor: number, height: number | undefined): RecordFields<T> {
    const malformed = findMalformed(terms)
    if (malformed === undefined && !contradicts(terms, set)) {
      const { access, data } = terms
      return { clauses: this.#share(terms), access, data, grantor, height }
    }
    const clauses = createOpaqueClauses<T>(terms, malformed?.clause ?? 'terms')
    return { clauses, access: { fromMs: 0, untilMs: END_OF_TIME_MS }, data: undefined, grantor, height }
  }

  /** Returns the clauses of the terms, the same object for equal terms where one is still remembered. */
  #share(terms: GrantTerms<T>): Clauses<T> {
    // What is known is strings and integers only, so that equal texts mean equal terms; of the unknown that is not sure.
    if (findUnknown(terms) !== undefined) return createClauses(terms)
    const { dataTypes, actions, purposes, effect, obligations } = terms
    const text = JSON.stringify([dataTypes, actions, purposes, effect, obligations])
    const known = this.#shared.get(text)
    if (known !== undefined) return known
    if (this.#shared.size >= SHARED_MAX) this.#shared.clear()
    const clauses = createClauses(terms)
    this.#shared.set(text, clauses)
    return clauses
  }

  /** Lists grants; see {@link PolicyIndex}. */
  grants(patient: Did, grantee?: Grantee): readonly Grant<T>[] {
    return (grantee === undefined ? this.granteesOf(patient) : [grantee]).flatMap((name) =>
      this.recordsOf(patient, name).map((record) => this.grantOf(record, patient, name)),
    )
  }

  /** Lists to whom an owner ever granted something, in the order of names, roles after parties. */
  granteesOf(patient: Did): readonly Grantee[] {
    const grantees: { readonly name: Grantee; readonly text: string }[] = []
    for (const pair of this.pairs.pairsOf(this.pairs.find(patient))) {
      const name = this.pairs.nameOf(this.pairs.granteeOf(pair))
      grantees.push({ name, text: typeof name === 'string' ? name : `role:${name.role}:${name.organisation}` })
    }
    return grantees.sort((left, right) => (left.text < right.text ? -1 : 1)).map(({ name }) => name)
  }

  /** Returns the pair of an owner and a grantee, or NONE. */
  pairOf(patient: Did, grantee: Grantee): number {
    return this.pairs.findPair(this.pairs.find(patient), this.pairs.find(grantee))
  }

  /** Lists the records of an owner and a grantee in the order of grantors. */
  recordsOf(patient: Did, grantee: Grantee): readonly number[] {
    const found: number[] = []
    const { records } = this
    const first = this.pairs.firstRecord(this.pairOf(patient, grantee))
    for (let record = first; record !== NONE; record = records.next(record)) found.push(record)
    return found
  }

  /** Returns a copy of the grant in a record; one with an unknown clause as it came. */
  grantOf(record: number, patient: Did, grantee: Grantee): Grant<T> {
    const { dataTypes, actions, purposes, effect, obligations, source } = this.records.clausesOf(record)
    const grantor = this.pairs.partyOf(this.records.grantorOf(record))
    if (source !== undefined) return { ...source, patient, grantor, grantee }
    const access = this.records.accessOf(record)
    const data = this.records.dataOf(record)
    return {
      ...{ patient, grantor, grantee, dataTypes, actions, purposes, access, effect, obligations },
      ...(data && { data }),
    }
  }
}
