/**
 * The policy once more, slow and obvious: a list of everything that was ever said, filtered for each question and each
 * moment. A second opinion on `src/policy`, which it shares only types with.
 */

import type {
  AccessRequest,
  Coverage,
  CoverageQuery,
  Grantee,
  GrantSet,
  GrantTerms,
  HeldCredential,
  Obligation,
} from '../../src/policy/index.ts'
import type { Did } from '../../src/primitives/did.ts'

/** Each purpose with what it is a kind of, up to the top. */
const UPWARDS: Readonly<Record<string, readonly string[]>> = {
  TREAT: ['TREAT'],
  ETREAT: ['ETREAT', 'TREAT'],
  BTG: ['BTG', 'ETREAT', 'TREAT'],
  ERTREAT: ['ERTREAT', 'ETREAT', 'TREAT'],
  COC: ['COC', 'TREAT'],
  HRESCH: ['HRESCH'],
  BIORCH: ['BIORCH', 'HRESCH'],
  CLINTRCH: ['CLINTRCH', 'HRESCH'],
  PATRQT: ['PATRQT'],
  HPAYMT: ['HPAYMT'],
  HOPERAT: ['HOPERAT'],
  PUBHLTH: ['PUBHLTH'],
}
const KNOWN_ACTIONS = ['access', 'write', 'collect', 'correct', 'use', 'disclose']
const KNOWN_DUTIES = ['redact', 'notify-patient', 'exclusive-until', 'delete-after']
export const END_MS = 8_640_000_000_000_000

interface Answer {
  readonly kind: 'permit' | 'deny' | 'indeterminate'
  readonly obligations: readonly string[]
}

/** Everything that was ever said. */
export class PolicyModel {
  readonly #said: GrantSet[] = []

  apply(set: GrantSet): void {
    this.#said.push(set)
  }

  /** The terms that count for somebody at a moment, the newest set of each grantor for each name of his. */
  termsFor(patient: Did, names: readonly Grantee[]): readonly GrantTerms[] {
    const texts = names.map((name) => JSON.stringify(name))
    return this.#said
      .filter((set) => set.patient === patient && texts.includes(JSON.stringify(set.grantee)))
      .filter((set) => this.#newest(set) === set)
      .flatMap(({ grants }) => grants)
      .filter(({ dataTypes }) => dataTypes.length > 0)
  }

  #newest({ patient, grantor, grantee }: GrantSet): GrantSet | undefined {
    const parties = JSON.stringify([patient, grantor, grantee])
    return this.#said.findLast((set) => JSON.stringify([set.patient, set.grantor, set.grantee]) === parties)
  }

  /** The answer at the moment of the request. */
  answer(request: AccessRequest): Answer {
    const { patient, requester, atMs, credentials } = request
    if (patient === requester) return { kind: 'permit', obligations: [] }
    const names = [requester, ...rolesAt(credentials, atMs)]
    const live = this.termsFor(patient, names).filter((terms) => holds(terms, request))
    const dated = (terms: GrantTerms): boolean => terms.data !== undefined && request.dataAtMs === undefined
    const sure = live.filter((terms) => !isOdd(terms) && !dated(terms))
    const answerOf = (kind: Answer['kind']): Answer => ({ kind, obligations: [] })
    if (sure.some(({ effect }) => effect === 'deny')) return answerOf('deny')
    if (live.some((terms) => isOdd(terms) || (dated(terms) && terms.effect === 'deny')))
      return answerOf('indeterminate')
    if (sure.length > 0)
      return { kind: 'permit', obligations: sortedTexts(sure.flatMap((terms) => terms.obligations ?? [])) }
    return answerOf(live.length > 0 ? 'indeterminate' : 'deny')
  }

  /** The first moment after the request's at which the answer is less, tried out at each moment when anything changes. */
  untilMs(request: AccessRequest): number {
    const { obligations } = this.answer(request)
    const later = this.#changes(request.credentials).filter((change) => change > request.atMs)
    const isLess = ({ kind, obligations: asked }: Answer): boolean =>
      kind !== 'permit' || asked.some((text) => !obligations.includes(text))
    return later.find((atMs) => isLess(this.answer({ ...request, atMs }))) ?? END_MS
  }

  #changes(credentials: readonly HeldCredential[] = []): readonly number[] {
    const windows = this.#said.flatMap(({ grants }) => grants.flatMap(({ access, data }) => [access, data ?? access]))
    const times = windows.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs])
    const validities = credentials.flatMap(({ notBeforeMs, notAfterMs }) => [notBeforeMs, notAfterMs])
    return [...new Set([...times, ...validities])].sort((left, right) => left - right)
  }

  /** Whether somebody may do something with a type for some purpose. */
  isCovered(query: CoverageQuery, dataType: AccessRequest['dataType']): boolean {
    const { patient, grantee, action = 'access', atMs, dataAtMs = atMs } = query
    const request = { ...query, patient, requester: grantee, dataType, action, atMs, dataAtMs }
    return Object.keys(UPWARDS).some(
      (purpose) => this.answer({ ...request, purpose: purpose as AccessRequest['purpose'] }).kind === 'permit',
    )
  }

  /** Whether a coverage is what the answers say, now and until its end. */
  judge(query: CoverageQuery, coverage: Coverage | undefined, types: readonly AccessRequest['dataType'][]): string {
    const says = (type: (typeof types)[number]): boolean => {
      if (coverage === undefined) return false
      return coverage.dataTypes === 'all' ? !coverage.except.includes(type) : coverage.dataTypes.includes(type)
    }
    const wrong = types.find((type) => says(type) !== this.isCovered(query, type))
    if (wrong !== undefined) return `${wrong} is wrong now`
    if (coverage === undefined) return 'right'
    const held = types.filter(says)
    const losses = this.#changes(query.credentials)
      .filter((change) => change > query.atMs)
      .filter((atMs) => held.some((type) => !this.isCovered({ ...query, atMs }, type)))
    const untilMs = losses[0] ?? END_MS
    return untilMs === coverage.untilMs ? 'right' : `ends at ${String(untilMs)}, not at ${String(coverage.untilMs)}`
  }
}

function rolesAt(credentials: readonly HeldCredential[] = [], atMs: number): readonly Grantee[] {
  return credentials
    .filter(({ notBeforeMs, notAfterMs }) => notBeforeMs <= atMs && atMs < notAfterMs)
    .flatMap(({ role, organisation }) => (organisation === null ? [] : [{ role, organisation }]))
}

/** Whether some word is unknown. */
function isOdd({ actions, purposes, effect = 'permit', obligations = [] }: GrantTerms): boolean {
  return (
    actions.some((action) => !KNOWN_ACTIONS.includes(action)) ||
    purposes.some((purpose) => !(purpose in UPWARDS)) ||
    !['permit', 'deny'].includes(effect) ||
    obligations.some(({ kind }) => !KNOWN_DUTIES.includes(kind))
  )
}

/** Whether the known clauses let the grant concern the request; an unknown word may stand for each. */
function holds(terms: GrantTerms, request: AccessRequest): boolean {
  const { dataTypes, actions, purposes, access, data } = terms
  const { dataType, action, purpose, atMs, dataAtMs } = request
  return (
    (dataTypes === 'all' || dataTypes.includes(dataType)) &&
    actions.some((word) => word === action || !KNOWN_ACTIONS.includes(word)) &&
    purposes.some((word) => UPWARDS[purpose]?.includes(word) === true || !(word in UPWARDS)) &&
    access.fromMs <= atMs &&
    atMs < access.untilMs &&
    (data === undefined || dataAtMs === undefined || (data.fromMs <= dataAtMs && dataAtMs < data.untilMs))
  )
}

/** The obligations as texts, each once. */
export function sortedTexts(obligations: readonly Obligation[]): readonly string[] {
  return [...new Set(obligations.map((obligation) => JSON.stringify(obligation)))].sort()
}
