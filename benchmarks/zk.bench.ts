/**
 * Proofs of requirements: constraints, keys, proving, verification one by one and in batches, and the multi-scalar
 * multiplication beside noble's. Leaves out/bench/zk-touched.svg, zk-record.svg, zk-paper.svg and zk.json.
 *
 * With VITALSEAL_BENCH_ZK=long also the proofs that take minutes: 20 and 50 attributes far apart, 100 and all of 1,000; and 1,000 claims on a
 * ledger instead of 200.
 *
 * Beside them stand two sets of figures that were not measured here, on other machines: snarkjs 0.7.6 (GPL, outside of this
 * repository; prove 2^12 1.7 s and 2^14 4.8 s of one thread, verify 13 to 18 ms without subgroup checks), and PS's Table 3 and
 * 4 (libsnark on an i7-4770M, 1,000 inputs: keys 16.3 s, prove 52 s, verify 0.614 s, proving key 15.3 MB, verifying key
 * 31.5 kB, proof 125.4 kB).
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

import { normalizeZ, pippenger } from '@noble/curves/abstract/curve.js'

import { pairingCurve } from '../src/primitives/bls12-381.ts'
import { sha256, type Digest32 } from '../src/primitives/hash.ts'
import { parseId, randomBytes, unwrap } from '../src/primitives/index.ts'
import { createSigner } from '../src/primitives/signature.ts'
import { drawField } from '../src/zk/field.ts'
import { baseFieldOfG2 } from '../src/zk/groth16/base-field.ts'
import { multiplyAndSum, multiplyAndSumG1 } from '../src/zk/groth16/multi-scalar.ts'
import { fromG1, fromG2 } from '../src/zk/groth16/pairing.ts'
import {
  attestCommitment,
  commitPerson,
  commitValues,
  compileRequirement,
  createRequirement,
  createSchema,
  encodeZkObject,
  generatePersonSecret,
  generateProofKeys,
  hashPoseidon,
  prove,
  verifyProof,
  verifyProofs,
  type Attribute,
  type Presentation,
  type ProofKeys,
  type RequirementCircuit,
  type Schema,
  type Statement,
  type VerifyRequirementOptions,
} from '../src/zk/index.ts'
import { interleave, median, type Report } from './measure.ts'
import { measureClaims } from './zk-claims.ts'
import { drawComparison, drawCosts, PAPER, type Placement, type Point } from './zk-plots.ts'

const FOLDER = join('out', 'bench')
const isLong = process.env['VITALSEAL_BENCH_ZK'] === 'long'

const BATCH = 32
const CLAIMS = 1_000
const TIME_MS = 1_780_000_000_000
const hospital = createSigner(new Uint8Array(32).fill(7))
const patient = createSigner(new Uint8Array(32).fill(8))
const institution = createSigner(new Uint8Array(32).fill(9))
const chainId = unwrap(parseId('chain', '11'.repeat(32)))

/** Runs the area. */
export async function run(report: Report): Promise<void> {
  report.note('other machines: snarkjs proves 2^12 in 1.7 s and verifies in 13 to 18 ms without subgroup checks;')
  report.note('PS for 1,000 inputs: keys 16.3 s, prove 52 s, verify 0.614 s, keys 15.3 MB and 31.5 kB, proof 125.4 kB')
  report.note('keys and proofs: processor time of one thread, collecting garbage included')
  const counted = measureConstraints(report)
  await measureSums(report)
  await measureProofs(report, counted)
  const { perSecond, claims } = await measureClaims(isLong ? CLAIMS : CLAIMS / 5)
  report.figure({ op: 'claims on a ledger', impl: 'rule and proof', median: perSecond, unit: 'claims/s', n: claims })
}

type Wide = Schema<Readonly<Record<string, { readonly kind: 'int'; readonly bits: number }>>>

function wideSchema(count: number): Wide {
  const attributes: Record<string, Attribute> = {}
  for (let i = 0; i < count; i++) attributes[`a${i}`] = { kind: 'int', bits: 32 }
  return createSchema(`wide-${count}`, attributes) as unknown as Wide
}

/** What is asked: bounds on so many attributes of a record, the first ones, which share blocks, or ones far apart. */
interface Sizes {
  readonly attributes: number
  readonly touched: number
  readonly placement?: Placement
}

function compileRanges({ attributes, touched, placement = 'side by side' }: Sizes): RequirementCircuit {
  const stride = placement === 'far apart' ? Math.floor(attributes / touched) : 1
  const requirement = createRequirement(
    wideSchema(attributes),
    (r) =>
      r.all(
        ...Array.from({ length: touched }, (_, i) =>
          r.between(`a${i * stride}`, { lower: 1_000, upper: 4_000_000_000 }),
        ),
      ),
    { issuers: [hospital.did] },
  )
  return compileRequirement(requirement)
}

const TOUCHED = [1, 5, 10, 20, 50, 100, 1_000]
const RECORDS = [10, 15, 100, 960, 1_000, 1_920, 3_840]
const PLACEMENTS = ['side by side', 'far apart'] as const

/** Constraints of all sizes, which are counted without proving anything. */
function measureConstraints(report: Report): Point[] {
  const count = (sizes: Required<Sizes>): Point => ({ ...sizes, constraints: compileRanges(sizes).constraintCount })
  const points = PLACEMENTS.flatMap((placement) => [
    ...TOUCHED.map((touched) => count({ attributes: 1_000, touched, placement })),
    ...RECORDS.filter((attributes) => attributes !== 1_000).map((attributes) =>
      count({ attributes, touched: 5, placement }),
    ),
  ])
  for (const { attributes, touched, placement, constraints: median } of points) {
    if (attributes === 1_000) {
      report.figure({ op: 'of 1,000 attributes, n touched', impl: placement, median, unit: 'constraints', n: touched })
    }
    if (touched === 5) {
      report.figure({ op: '5 touched of n attributes', impl: placement, median, unit: 'constraints', n: attributes })
    }
  }
  const { constraints } = points.find(({ attributes, touched }) => attributes === 1_000 && touched === 5)!
  report.demand({
    ratio: 'constraints, 5 of 1,000 attributes in one block',
    value: constraints,
    demand: '<= 3500',
    holds: constraints <= 3_500,
  })
  return points
}

async function measureSums(report: Report): Promise<void> {
  for (const [group, count, least] of [
    ['G1', 1_024, undefined],
    ['G1', 4_096, 2],
    ['G2', 1_024, undefined],
  ] as const) {
    const scalars = Array.from({ length: count }, () => drawField(randomBytes))
    const seconds = await (group === 'G1' ? compareG1(count, scalars) : compareG2(count, scalars))
    const { ours, noble } = seconds as { ours: number; noble: number }
    report.figure({ op: `multi-scalar ${group}`, impl: 'vitalseal', median: ours * 1e3, unit: 'ms', n: count })
    report.figure({ op: `multi-scalar ${group}`, impl: 'noble', median: noble * 1e3, unit: 'ms', n: count })
    const value = noble / ours
    const ratio = `multi-scalar multiplication of ${count} in ${group}: noble / ours`
    if (least === undefined) report.note(`${ratio}: ${value.toFixed(2)}`)
    else report.demand({ ratio, value, demand: `>= ${least}`, holds: value >= least })
  }
}

/** Different points without structure that matters: multiples of the generator. */
function multiples<P extends { add(other: P): P }>(base: P, count: number): P[] {
  const points = [base]
  while (points.length < count) points.push(points.at(-1)!.add(base))
  return points
}

function compareG1(count: number, scalars: bigint[]): Promise<Record<string, number>> {
  const { Point } = pairingCurve.G1
  const points = normalizeZ(Point, multiples(Point.BASE, count))
  const vector = fromG1(points as never)
  return interleave(
    { ours: () => multiplyAndSumG1(vector, scalars), noble: () => pippenger(Point, points, scalars) },
    { rounds: 7, msPerRound: 1 },
  )
}

function compareG2(count: number, scalars: bigint[]): Promise<Record<string, number>> {
  const { Point } = pairingCurve.G2
  const points = normalizeZ(Point, multiples(Point.BASE, count))
  const vector = fromG2(points as never)
  return interleave(
    { ours: () => multiplyAndSum(baseFieldOfG2, vector, scalars), noble: () => pippenger(Point, points, scalars) },
    { rounds: 5, msPerRound: 1 },
  )
}

interface Proven extends Point {
  readonly circuit: RequirementCircuit
  readonly keys: ProofKeys
  readonly presentation: Presentation
  readonly statement: Statement
}

/** Which sizes are proved; the others are only counted. */
function sizesToProve(): Required<Sizes>[] {
  const near = (attributes: number, touched: number) => ({ attributes, touched, placement: 'side by side' as const })
  const far = (attributes: number, touched: number) => ({ attributes, touched, placement: 'far apart' as const })
  return [
    ...[1, 10, 20, 50].map((touched) => near(1_000, touched)),
    ...[5, 10].map((touched) => far(1_000, touched)),
    ...[10, 100, 3_840].map((attributes) => near(attributes, 5)),
    far(100, 5),
    far(3_840, 5),
    ...(isLong ? [far(1_000, 20), far(1_000, 50), near(1_000, 100), near(1_000, 1_000)] : []),
  ]
}

async function measureProofs(report: Report, counted: readonly Point[]): Promise<void> {
  const inputs = Array.from({ length: 16 }, (_, i) => BigInt(i))
  for (const count of [2, 8, 16]) {
    const { hash } = await interleave({ hash: () => hashPoseidon('node', inputs.slice(0, count)) })
    report.figure({ op: 'Poseidon', impl: 'vitalseal', median: hash! * 1e3, unit: 'ms', n: count })
  }
  const proven = await proveAndReport(report, { attributes: 1_000, touched: 5, placement: 'side by side' }, 3)
  demandProof(report, proven)
  const verifySeconds = await measureVerification(report, proven)
  const points = [...counted, toPoint(proven)]
  for (const sizes of sizesToProve()) points.push(toPoint(await proveAndReport(report, sizes, 1)))
  plot(report, points, { proven, verifySeconds })
}

/** Without the keys, which are not kept. */
function toPoint({ attributes, touched, placement, constraints, ...times }: Proven): Point {
  const { keySeconds, proveSeconds, keyMB } = times
  return { attributes, touched, placement, constraints, keySeconds, proveSeconds, keyMB } as Point
}

/** Time of the processor, collecting garbage included: one thread computes, and what else the machine does stays out. */
function secondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

async function proveAndReport(report: Report, sizes: Required<Sizes>, rounds: number): Promise<Proven> {
  const { attributes, touched, placement } = sizes
  const circuit = compileRanges(sizes)
  const n = circuit.constraintCount
  const what = `${touched} of ${attributes.toLocaleString('en-US')}${placement === 'far apart' ? ', far apart' : ''}`
  const personSecret = generatePersonSecret()
  const digest = (text: string): Digest32 => sha256(new TextEncoder().encode(text))
  const values = Object.fromEntries(
    Object.keys(circuit.requirement.schema.attributes).map((name, i) => [name, 1_000 + i]),
  )
  const person = commitPerson(personSecret)
  const options = { subject: patient.did, issuedAtMs: TIME_MS, person, recordSerial: digest('record') }
  const opening = commitValues(circuit.requirement.schema, values as never, options)
  const attestation = attestCommitment(opening, { signer: hospital, chainId })
  const context = {
    chainId,
    study: digest('study'),
    verifier: institution.did,
    nonce: randomBytes(32),
    expiresAtMs: TIME_MS + 1_000,
  }
  const statement = { attestation, context }
  const beforeKeys = process.cpuUsage()
  const keys = await generateProofKeys(circuit, { trust: 'single-verifier' })
  const keySeconds = secondsSince(beforeKeys)
  report.figure({ op: `keys, ${what}`, impl: 'vitalseal', median: keySeconds, unit: 's', n })
  const seconds: number[] = []
  let presentation: Presentation | undefined
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    presentation = await prove(keys.provingKey, { circuit, statement, opening, personSecret })
    seconds.push(secondsSince(before))
  }
  if (presentation === undefined) throw new Error('nothing was proved')
  const proveSeconds = median(seconds)
  report.figure({ op: `prove, ${what}`, impl: 'vitalseal', median: proveSeconds, unit: 's', n })
  const keyMB = encodeZkObject(keys.provingKey).length / 1e6
  report.figure({ op: `proving key, ${what}`, impl: 'vitalseal', median: keyMB, unit: 'MB', n })
  return { ...sizes, constraints: n, keySeconds, proveSeconds, keyMB, circuit, keys, presentation, statement }
}

function demandProof(report: Report, { proveSeconds: value, presentation, keys }: Proven): void {
  report.demand({ ratio: 's to prove 5 of 1,000 attributes', value: value!, demand: '<= 4', holds: value! <= 4 })
  const { length } = presentation.proof.bytes
  report.demand({ ratio: 'bytes of a proof', value: length, demand: '= 192', holds: length === 192 })
  const keyBytes = keys.verifyingKey.bytes.length
  report.demand({ ratio: 'bytes of a verifying key', value: keyBytes, demand: '= 672', holds: keyBytes === 672 })
}

/** Leaves the pictures and the figures behind them. */
function plot(
  report: Report,
  points: readonly Point[],
  { proven, verifySeconds }: { readonly proven: Proven; readonly verifySeconds: number },
): void {
  const byCount = (axis: 'touched' | 'attributes') =>
    points
      .filter(({ attributes, touched }) => (axis === 'touched' ? attributes === 1_000 : touched === 5))
      .toSorted((left, right) => left[axis] - right[axis])
  const machine = `Node ${process.versions.node}, ${cpus()[0]?.model.trim() ?? 'unknown'}, one thread`
  const rows = [
    { name: 'make keys, s', ours: proven.keySeconds!, paper: PAPER.keySeconds },
    { name: 'prove, s', ours: proven.proveSeconds!, paper: PAPER.proveSeconds },
    { name: 'verify, s', ours: verifySeconds, paper: PAPER.verifySeconds },
    { name: 'proving key, MB', ours: proven.keyMB!, paper: 15.3 },
    { name: 'verifying key, kB', ours: proven.keys.verifyingKey.bytes.length / 1e3, paper: 31.5 },
    { name: 'proof, kB', ours: proven.presentation.proof.bytes.length / 1e3, paper: 125.4 },
  ]
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'zk-touched.svg'), drawCosts(byCount('touched'), 'touched', machine))
  writeFileSync(join(FOLDER, 'zk-record.svg'), drawCosts(byCount('attributes'), 'attributes', machine))
  writeFileSync(join(FOLDER, 'zk-paper.svg'), drawComparison(rows, 'vitalseal, 5 of 1,000 attributes (this machine)'))
  writeFileSync(join(FOLDER, 'zk.json'), `${JSON.stringify({ points, rows }, null, 2)}\n`)
  report.note(`plotted in ${join(FOLDER, 'zk-*.svg')}; figures in zk.json`)
}

async function measureVerification(report: Report, proven: Proven): Promise<number> {
  const { circuit, keys, presentation, statement } = proven
  const options: VerifyRequirementOptions = { circuit, nowMs: TIME_MS }
  const items = Array.from({ length: BATCH }, () => ({ presentation, statement }))
  const seconds = await interleave(
    {
      single: () => {
        if (!verifyProof(keys.verifyingKey, { ...options, presentation, statement })) throw new Error('does not hold')
      },
      batch: () => {
        if (!verifyProofs(keys.verifyingKey, items, options).every(Boolean)) throw new Error('does not hold')
      },
    },
    { rounds: 15, msPerRound: 1 },
  )
  const { single, batch } = seconds as { single: number; batch: number }
  const perProof = batch / BATCH
  report.figure({ op: 'verify', impl: 'one by one', median: single * 1e3, unit: 'ms', n: 1 })
  report.figure({ op: 'verify', impl: 'in a batch', median: perProof * 1e3, unit: 'ms', n: BATCH })
  const ms = single * 1e3
  report.demand({
    ratio: 'ms to verify, all subgroup checks and the attestation',
    value: ms,
    demand: '<= 25',
    holds: ms <= 25,
  })
  const gain = single / perProof
  report.demand({ ratio: 'single / batch of 32, per proof', value: gain, demand: '>= 2.5', holds: gain >= 2.5 })
  return single
}
