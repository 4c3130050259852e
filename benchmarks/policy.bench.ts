/**
 * Decisions at a million grants: time of a single call, load, and memory of all that the index keeps.
 *
 * Grants are streamed in and requests are made anew for each call, so that no text, object or hash is shared with the
 * index, as when they come off a wire. Each call is timed alone with the process clock, whose own cost is not subtracted.
 * Calls against the small and the large index take turns, one by one.
 */

import {
  createPolicyIndex,
  evaluateAccess,
  findCoverage,
  PURPOSES,
  unwrap,
  type AccessRequest,
  type Grantee,
  type GrantSet,
  type GrantTerms,
  type PolicyIndex,
} from '../src/policy/index.ts'
import type { DataType, Did } from '../src/primitives/did.ts'
import { heapUsedMiB, percentile, type Report } from './measure.ts'

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const DAY_MS = 24 * 60 * 60_000
const START_MS = 1_750_000_000_000
const DOCTORS = 10_000
const CODES = ['8867-4', '8310-5', '85354-9', '9279-1', '2708-6', '8302-2', '29463-7', '39156-5', '15074-8', '8478-0']

/** How grants are spread over patients, and whether types are the ledger's private labels. */
interface Spread {
  readonly name: string
  readonly perPatient: number
  readonly hasPrivateLabels: boolean
}

const SPREADS: readonly Spread[] = [
  { name: '10 grantees each', perPatient: 10, hasPrivateLabels: false },
  { name: '10 grantees each, private labels', perPatient: 10, hasPrivateLabels: true },
  { name: '1 grantee each', perPatient: 1, hasPrivateLabels: false },
]

const LARGE = 1_000_000
const SMALL = 1_000
const CALLS = 200_000
const WARM_CALLS = 20_000

/** A stream of numbers from a seed (mulberry32); the same in each run. */
function createStream(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** A new text of so many digits; in one piece, and never hashed before, as a parser hands it over. */
function textOf(stream: (below: number) => number, digits: string, start: string, length: number): string {
  const bytes = Buffer.from(start.padEnd(start.length + length))
  let entropy = 0
  for (let position = start.length; position < bytes.length; position++) {
    entropy = entropy < digits.length ? stream(2 ** 30) : Math.floor(entropy / digits.length)
    bytes[position] = digits.charCodeAt(entropy % digits.length)
  }
  return bytes.toString('latin1')
}

/** A text of the form of a did:key. */
function didOf(kind: 'patient' | 'doctor', number: number): Did {
  return textOf(createStream(number * 2 + (kind === 'patient' ? 0 : 1)), BASE58, 'did:key:zQ3s', 45) as Did
}

function typeOf(spread: Spread, patient: number, code: number): DataType {
  if (!spread.hasPrivateLabels) return `http://loinc.org|${CODES[code]!}`
  return textOf(createStream(patient * CODES.length + code), '0123456789abcdef', '', 32) as DataType
}

const doctorOf = (patient: number, place: number): number => (patient * 7_919 + place * 104_729) % DOCTORS

function granteeOf(patient: number, place: number): Grantee {
  if (place === 9) return { role: 'clinician', organisation: `hospital-${patient % 300}.example` }
  return didOf('doctor', doctorOf(patient, place))
}

function termsOf(spread: Spread, patient: number, stream: (below: number) => number): GrantTerms {
  const fromMs = START_MS + stream(300) * DAY_MS
  const isAll = stream(10) === 0
  const types = Array.from({ length: 1 + stream(3) }, (_, place) => typeOf(spread, patient, (stream(5) + place) % 10))
  return {
    dataTypes: isAll ? 'all' : types,
    actions: stream(4) === 0 ? ['access', 'write'] : ['access'],
    purposes: stream(5) === 0 ? ['TREAT', 'HRESCH'] : ['TREAT'],
    access: { fromMs, untilMs: fromMs + (30 + stream(300)) * DAY_MS },
    ...(stream(10) === 0 && { data: { fromMs: START_MS, untilMs: START_MS + 200 * DAY_MS } }),
    effect: stream(20) === 0 ? 'deny' : 'permit',
    ...(stream(8) === 0 && { obligations: [{ kind: 'notify-patient' }, { kind: 'delete-after', afterMs: START_MS }] }),
  }
}

function* grantsOf(spread: Spread, count: number): Generator<GrantSet> {
  const stream = createStream(count)
  for (let patient = 0; patient < count / spread.perPatient; patient++) {
    const did = didOf('patient', patient)
    for (let place = 0; place < spread.perPatient; place++) {
      yield {
        patient: did,
        grantor: did,
        grantee: granteeOf(patient, place),
        grants: [termsOf(spread, patient, stream)],
      }
    }
  }
}

/** Two of three requests come from somebody with a grant, one of three from a stranger; some show a credential. */
function requestOf(spread: Spread, count: number, stream: (below: number) => number): AccessRequest {
  const patient = stream(count / spread.perPatient)
  const doctor = stream(3) === 0 ? stream(DOCTORS) : doctorOf(patient, stream(Math.min(9, spread.perPatient)))
  const validity = { notBeforeMs: START_MS, notAfterMs: START_MS + 1_000 * DAY_MS }
  const isCertified = stream(4) === 0
  return {
    patient: didOf('patient', patient),
    requester: didOf('doctor', doctor),
    dataType: typeOf(spread, patient, 2 + stream(3)),
    action: stream(5) === 0 ? 'write' : 'access',
    purpose: PURPOSES[stream(3) === 0 ? stream(6) : 0]!,
    atMs: START_MS + stream(400) * DAY_MS,
    ...(stream(2) === 0 && { dataAtMs: START_MS + stream(400) * DAY_MS }),
    ...(isCertified && {
      credentials: [{ role: 'clinician', organisation: `hospital-${patient % 300}.example`, ...validity }],
    }),
  }
}

interface Subject {
  readonly index: PolicyIndex
  readonly count: number
  readonly stream: (below: number) => number
  readonly nanoseconds: number[]
  readonly kinds: Map<string, number>
}

function subjectOf(index: PolicyIndex, count: number): Subject {
  return { index, count, stream: createStream(42), nanoseconds: [], kinds: new Map() }
}

/** One decision, with the time that it took. */
function decide(spread: Spread, { index, count, stream, nanoseconds, kinds }: Subject): void {
  const request = requestOf(spread, count, stream)
  const start = process.hrtime.bigint()
  const decision = evaluateAccess(index, request)
  nanoseconds.push(Number(process.hrtime.bigint() - start))
  kinds.set(decision.kind, (kinds.get(decision.kind) ?? 0) + 1)
}

/** Prints figures and demands. */
export function run(report: Report): Promise<void> {
  for (const spread of SPREADS) runSpread(report, spread)
  return Promise.resolve()
}

function runSpread(report: Report, spread: Spread): void {
  const before = heapUsedMiB()
  const large = createPolicyIndex()
  const loadSeconds = load(large, grantsOf(spread, LARGE))
  const heapMiB = heapUsedMiB() - before
  if (large.grantCount !== LARGE) throw new Error('the index lost grants')

  const small = createPolicyIndex(grantsOf(spread, SMALL))
  const subjects = [subjectOf(small, SMALL), subjectOf(large, LARGE)] as const
  for (let call = 0; call < WARM_CALLS + CALLS; call++) for (const subject of subjects) decide(spread, subject)

  const op = `decision, ${spread.name}`
  const figures = subjects.map(({ nanoseconds: all, count, kinds }) => {
    const nanoseconds = all.slice(WARM_CALLS)
    const [median, p99] = [percentile(nanoseconds, 0.5) / 1000, percentile(nanoseconds, 0.99) / 1000]
    report.figure({ op: `${op}, median`, impl: 'vitalseal', median, unit: 'us', n: count })
    report.figure({ op: `${op}, p99`, impl: 'vitalseal', median: p99, unit: 'us', n: count })
    report.note(`  ${count} grants: ${[...kinds].map(([kind, times]) => `${kind} ${times}`).join(', ')}`)
    return { median, p99 }
  }) as [{ median: number; p99: number }, { median: number; p99: number }]
  report.figure({ op: `load, ${spread.name}`, impl: 'vitalseal', median: loadSeconds, unit: 's', n: LARGE })
  report.figure({ op: `heap, ${spread.name}`, impl: 'vitalseal', median: heapMiB, unit: 'MiB', n: LARGE })
  report.figure({
    op: `coverage, ${spread.name}`,
    impl: 'vitalseal',
    median: coverageMicroseconds(large),
    unit: 'us',
    n: LARGE,
  })

  const [few, many] = figures
  const megabytes = (heapMiB * 2 ** 20) / 1e6
  report.demand({ ratio: `${op}, p99 in us at 10^6`, value: many.p99, demand: '<= 10', holds: many.p99 <= 10 })
  const [medians, tails] = [many.median / few.median, many.p99 / few.p99]
  report.demand({ ratio: `${op}, p99 at 10^6 / 10^3`, value: tails, demand: '<= 3', holds: tails <= 3 })
  // Demanded is the tail; in the usual spread the middle keeps to it as well.
  if (spread === SPREADS[0]) {
    report.demand({ ratio: `${op}, median at 10^6 / 10^3`, value: medians, demand: '<= 3', holds: medians <= 3 })
  } else report.figure({ op: `${op}, median / at 10^3`, impl: 'vitalseal', median: medians, unit: 'times', n: LARGE })
  report.demand({ ratio: `load in s, ${spread.name}`, value: loadSeconds, demand: '<= 10', holds: loadSeconds <= 10 })
  report.demand({ ratio: `heap in MB, ${spread.name}`, value: megabytes, demand: '<= 300', holds: megabytes <= 300 })
}

function take<V>(values: Generator<V>, count: number): readonly V[] {
  const taken: V[] = []
  while (taken.length < count) {
    const next = values.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}

/** Applies what comes, a thousand sets at a time, and returns the seconds that this took; making them does not count. */
function load(index: PolicyIndex, sets: Generator<GrantSet>): number {
  let nanoseconds = 0n
  for (let chunk = take(sets, 1_000); chunk.length > 0; chunk = take(sets, 1_000)) {
    const start = process.hrtime.bigint()
    for (const set of chunk) unwrap(index.apply(set))
    nanoseconds += process.hrtime.bigint() - start
  }
  return Number(nanoseconds) / 1e9
}

function coverageMicroseconds(index: PolicyIndex): number {
  const stream = createStream(7)
  const times = Array.from({ length: 20_000 }, () => {
    const patient = stream(1_000)
    const query = {
      patient: didOf('patient', patient),
      grantee: didOf('doctor', doctorOf(patient, 0)),
      atMs: START_MS + 200 * DAY_MS,
    }
    const start = process.hrtime.bigint()
    findCoverage(index, query)
    return Number(process.hrtime.bigint() - start) / 1000
  })
  return percentile(times, 0.5)
}
