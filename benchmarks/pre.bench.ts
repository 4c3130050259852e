/**
 * Proxy re-encryption: every algorithm beside the sum of the operations that it consists of, warm and cold, and a thousand
 * records through one capsule beside one capsule for each.
 *
 * Warm means that owner, condition and re-key are known; the capsules are new. Cold means that nothing is known, as for the
 * first object of a process. What an algorithm costs beside its group operations (hashing, encoding, copying, reading again)
 * must stay below a third of them; that ratio is the median of several short runs, because each call takes long beside what
 * else a machine does. The rival is in `comparison/pre.mjs`.
 */

import { bls12_381 } from '@noble/curves/bls12-381.js'

import { unwrap } from '../src/errors.ts'
import {
  createEpochOpener,
  createEpochSealer,
  createPreKeyPair,
  createReEncryptionKey,
  decapsulate,
  encapsulate,
  generatePreKeyPair,
  ibpre,
  parsePreObject,
  reEncrypt,
  rewrapKey,
  verifyCapsule,
  verifyReEncryptionKey,
  wrapKey,
  type Capsule,
  type Condition,
  type ReEncryptionKey,
} from '../src/pre/index.ts'
import { createAgreementKey } from '../src/primitives/agreement.ts'
import { generatePreSecret } from '../src/primitives/bls-secret.ts'
import type { BlsScalar } from '../src/primitives/bls12-381.ts'
import type { Verified } from '../src/primitives/bytes.ts'
import { sha256, taggedHash } from '../src/primitives/hash.ts'
import type { G1Element, G2Element, GtElement } from '../src/primitives/pairing-groups.ts'
import { createPairingGroups } from '../src/primitives/portable-groups.ts'
import { randomBytes } from '../src/primitives/random.ts'
import { createSigner, createVerifier } from '../src/primitives/signature.ts'
import { PRE_TAGS } from '../src/primitives/tags.ts'
import { interleave, median, type Report } from './measure.ts'

const NOW_MS = 1_780_000_000_000
const END_MS = 1_790_000_000_000
/** More than a proxy remembers, so that no conversion is answered from memory. */
const CAPSULES = 300
const RECORDS = 1_000
const RECORD_BYTES = 1_024
const SLOW = { rounds: 25, msPerRound: 40 }
/** Of the runs whose median ratio counts. */
const SHORT = { rounds: 7, msPerRound: 30 }
const SHORT_RUNS = 9

const groups = createPairingGroups()
const condition: Condition = { type: 'http://loinc.org|8867-4', epoch: '2026-06' }
const owner = { keys: generatePreKeyPair('delegator'), signer: createSigner(randomBytes(32)) }
const institution = generatePreKeyPair('delegatee')
const to = { publicKey: institution.publicKey }

/** Runs the area. */
export async function run(report: Report): Promise<void> {
  const operations = createOperations()
  await measurePrimitives(report, operations)
  await measureAlgorithms(report, operations)
  await measureCold(report)
  await measureIdentityBased(report, operations)
  await measureRecords(report)
  demandSizes(report)
}

function milliseconds(report: Report, impl: string, seconds: Readonly<Record<string, number>>): void {
  for (const [op, median] of Object.entries(seconds))
    report.figure({ op, impl, median: median * 1_000, unit: 'ms', n: 1 })
}

function at(seconds: Readonly<Record<string, number>>, name: string): number {
  return seconds[name] as number
}

const scalar = (BigInt(`0x${Buffer.from(sha256(Uint8Array.of(1))).toString('hex')}`) >> 1n) as BlsScalar

type Operations = Readonly<Record<string, () => unknown>>

/** Group operations as they are here. */
function createOperations(): Operations {
  const bytes1 = bls12_381.G1.Point.BASE.multiply(scalar).toBytes(true)
  const bytes2 = bls12_381.G2.Point.BASE.multiply(scalar).toBytes(true)
  const p = groups.parseG1(bytes1) as G1Element
  const q = groups.parseG2(bytes2) as G2Element
  const r = groups.multiplyBaseG1(scalar)
  const q2 = groups.multiplyBaseG2(scalar)
  const lines = groups.prepareG2(q)
  const z = groups.pair([[p, lines]]) as GtElement
  const table = groups.prepareGt(z)
  const bytesT = groups.encodeGt(z)
  const digest = taggedHash(PRE_TAGS.preReKey, 'x')
  const signature = owner.signer.sign(PRE_TAGS.preReKey, ['x'])
  const verifier = createVerifier()
  let count = 0
  return {
    pair: () => groups.pair([[p, lines]]),
    'pair two': () =>
      groups.pair([
        [p, lines],
        [p, lines],
      ]),
    'pair three': () =>
      groups.pair([
        [p, lines],
        [p, lines],
        [p, lines],
      ]),
    lines: () => groups.prepareG2(q),
    'parse G1': () => groups.parseG1(bytes1),
    'parse G2': () => groups.parseG2(bytes2),
    'parse GT': () => groups.parseGt(bytesT),
    // Of a point that was just computed, which takes an inversion; the addition before it is a hundredth of a multiple.
    'encode G1': () => groups.encodeG1(groups.addG1(p, r) as G1Element),
    'encode G2': () => groups.encodeG2(groups.addG2(q, q2) as G2Element),
    'encode GT': () => groups.encodeGt(z),
    'power GT': () => groups.powerGt(z, scalar),
    'power GT public': () => groups.powerGtPublic(z, scalar),
    'power GT table': () => groups.powerPreparedGt(table, scalar),
    'base G1': () => groups.multiplyBaseG1(scalar),
    'base G2': () => groups.multiplyBaseG2(scalar),
    'multiply G1': () => groups.multiplyG1(p, scalar),
    'multiply G1 public': () => groups.multiplyG1Public(p, scalar),
    'multiply G2': () => groups.multiplyG2(q, scalar),
    'multiply G2 public': () => groups.multiplyG2Public(q, scalar),
    'hash to G2': () => groups.hashToG2(Uint8Array.of(count++ & 255), PRE_TAGS.preCondition),
    sign: () => owner.signer.sign(PRE_TAGS.preReKey, ['x']),
    verify: () => verifier.verify({ signer: owner.signer.did, digest, signature }),
  }
}

async function measurePrimitives(report: Report, operations: Operations): Promise<void> {
  const p1 = bls12_381.G1.Point.BASE.multiply(scalar)
  const p2 = bls12_381.G2.Point.BASE.multiply(scalar)
  const slow = bls12_381.pairing(p1, p2)
  milliseconds(report, 'groups', await interleave(operations, SLOW))
  const bare = {
    pair: () => bls12_381.pairing(p1, p2),
    'power GT': () => bls12_381.fields.Fp12.pow(slow, scalar),
    'multiply G1': () => p1.multiplyUnsafe(scalar),
    'multiply G2': () => p2.multiplyUnsafe(scalar),
  }
  milliseconds(report, 'curve package', await interleave(bare, SLOW))
}

/** Capsules in turn, each read from its bytes, so that none has been checked before. */
function createTurn(): () => Capsule {
  const encoded = Array.from(
    { length: CAPSULES },
    () => encapsulate({ to: owner.keys.publicKey, condition }).capsule.bytes,
  )
  let turn = 0
  return () => unwrap(parsePreObject('capsule', encoded[turn++ % CAPSULES] as Uint8Array))
}

function makeReKey(wanted: Condition = condition): Verified<ReEncryptionKey> {
  const key = createReEncryptionKey({ ...owner, to, condition: wanted, expiresAtMs: END_MS })
  if (!verifyReEncryptionKey(key, { signer: owner.signer.did, nowMs: NOW_MS })) throw new Error('refused')
  return key
}

function checked(capsule: Capsule): Verified<Capsule> {
  if (!verifyCapsule(capsule)) throw new Error('refused')
  return capsule
}

/** An operation so many times. */
function times(count: number, part: string): readonly string[] {
  return Array.from({ length: count }, () => part)
}

/** An algorithm, and the group operations that it consists of. */
interface Counted {
  readonly call: () => unknown
  readonly parts: readonly string[]
}

function createAlgorithms(): Readonly<Record<string, Counted>> {
  const next = createTurn()
  const key = makeReKey()
  const converted = Array.from({ length: 50 }, () => reEncrypt(checked(next()), key).bytes)
  let turn = 0
  const nextConverted = () => unwrap(parsePreObject('re-encrypted-capsule', converted[turn++ % 50] as Uint8Array))
  const proofOf = ['base G1', 'multiply G1 public', 'encode G1']
  const check = ['parse G1', ...proofOf]
  const openings = ['encode GT', 'base G1', 'encode G1', 'base G1', 'encode G1']
  return {
    encapsulate: {
      call: () => encapsulate({ to: owner.keys.publicKey, condition }),
      parts: ['power GT public', ...openings],
    },
    check: { call: () => verifyCapsule(next()), parts: check },
    're-encrypt with check': {
      call: () => reEncrypt(checked(next()), key),
      parts: [...check, 'pair', 'encode GT'],
    },
    'decapsulate, owner': { call: () => decapsulate(next(), owner.keys), parts: ['parse G1', 'pair', ...openings] },
    'decapsulate, delegatee': {
      call: () => decapsulate(nextConverted(), institution),
      parts: ['parse GT', 'power GT', 'power GT public', ...openings],
    },
    're-key': {
      call: () => createReEncryptionKey({ ...owner, to, condition, expiresAtMs: END_MS }),
      // E, X and the commitment of the proof of e; the shared point; rk.
      parts: [...times(3, 'base G1'), 'multiply G1', ...times(4, 'encode G1'), 'multiply G2', 'sign'],
    },
    'check of a re-key': {
      call: () => {
        const again = unwrap(parsePreObject('re-encryption-key', key.bytes))
        return verifyReEncryptionKey(again, { signer: owner.signer.did, nowMs: NOW_MS })
      },
      parts: ['verify', ...times(2, 'parse G1'), ...proofOf, 'parse G2', ...times(2, 'lines'), 'pair two'],
    },
  }
}

async function measureAlgorithms(report: Report, operations: Operations): Promise<void> {
  for (const [name, counted] of Object.entries(createAlgorithms())) {
    await measureCounted(report, { name, impl: 'cpre, warm', operations, counted })
  }
}

/** The time of an algorithm, and how it compares with that of its parts. */
async function measureCounted(
  report: Report,
  of: {
    readonly name: string
    readonly impl: string
    readonly operations: Operations
    readonly counted: Counted
  },
): Promise<void> {
  const { name, impl, operations, counted } = of
  const { call, parts } = counted
  const sum = () => parts.map((part) => operations[part]?.())
  const runs: { readonly whole: number; readonly ratio: number }[] = []
  for (let run = 0; run < SHORT_RUNS; run++) {
    const seconds = await interleave({ whole: call, parts: sum }, SHORT)
    runs.push({ whole: at(seconds, 'whole'), ratio: at(seconds, 'whole') / at(seconds, 'parts') })
  }
  const whole = median(runs.map((run) => run.whole))
  report.figure({ op: name, impl, median: whole * 1_000, unit: 'ms', n: 1 })
  const value = median(runs.map(({ ratio }) => ratio))
  report.demand({ ratio: `${name} / its group operations`, value, demand: '<= 1.3', holds: value <= 1.3 })
}

/** Everything new: the condition, and the pair of keys that remembers nothing. */
async function measureCold(report: Report): Promise<void> {
  let count = 0
  const fresh = (): Condition => ({ type: `type ${count++}`, epoch: '2026-06' })
  const secrets = [generatePreSecret(), generatePreSecret()] as const
  const cold = {
    owner: createPreKeyPair(secrets[0], 'delegator'),
    delegatee: createPreKeyPair(secrets[1], 'delegatee'),
  }
  const own = encapsulate({ to: cold.owner.publicKey, condition }).capsule
  const foreign = createReEncryptionKey({
    keys: cold.owner,
    signer: owner.signer,
    to: { publicKey: cold.delegatee.publicKey },
    condition,
    expiresAtMs: END_MS,
  })
  if (!verifyReEncryptionKey(foreign, { signer: owner.signer.did, nowMs: NOW_MS })) throw new Error('refused')
  const forCold = reEncrypt(checked(own), foreign)
  /** A proxy that starts: nothing is known, as it is for groups of its own. */
  const convertFirst = () => {
    const apart = { groups: { ...groups } }
    const key = unwrap(parsePreObject('re-encryption-key', foreign.bytes))
    const capsule = unwrap(parsePreObject('capsule', own.bytes))
    if (!verifyReEncryptionKey(key, { signer: owner.signer.did, nowMs: NOW_MS, ...apart })) throw new Error('refused')
    if (!verifyCapsule(capsule, apart)) throw new Error('refused')
    return reEncrypt(capsule, key, apart)
  }
  const seconds = await interleave(
    {
      // A new pair of keys remembers nothing; making it takes 0.2 ms of this.
      'decapsulate, owner': () => decapsulate(own, createPreKeyPair(secrets[0], 'delegator')),
      'decapsulate, delegatee': () => decapsulate(forCold, createPreKeyPair(secrets[1], 'delegatee')),
      encapsulate: () => encapsulate({ to: owner.keys.publicKey, condition: fresh() }),
      're-key': () => createReEncryptionKey({ ...owner, to, condition: fresh(), expiresAtMs: END_MS }),
      're-encrypt with check, and the check of its re-key': convertFirst,
      're-key, made and checked': () => makeReKey(fresh()),
    },
    { rounds: 15, msPerRound: 40 },
  )
  milliseconds(report, 'cpre, cold', seconds)
  report.note(`a converted capsule weighs ${forCold.bytes.length} bytes with ids and labels`)
}

async function measureIdentityBased(report: Report, operations: Operations): Promise<void> {
  const { parameters, masterKey } = ibpre.setup()
  const [alice, bob] = ['alice', 'bob'].map((identity) => ibpre.keyGen({ parameters, masterKey, identity }))
  const secretKey = alice as NonNullable<typeof alice>
  const delegatee = bob as NonNullable<typeof bob>
  const data = new Uint8Array(64)
  const type = 'heart rate'
  const ciphertext = await ibpre.encrypt(data, { parameters, identity: 'alice', type })
  const reKey = ibpre.reKeyGen({ parameters, secretKey, toIdentity: 'bob', type })
  const converted = ibpre.reEncrypt(ciphertext, { parameters, reKey })
  const signature = ibpre.authSign(data, { parameters, secretKey })
  const powers = ['base G1', ...times(4, 'multiply G1 public'), ...times(3, 'encode G1')]
  const sealing = [...powers, 'power GT table', 'encode GT', ...powers]
  const derive = [...times(2, 'multiply G2 public'), ...times(2, 'multiply G2'), ...times(2, 'base G2')]
  const three = times(3, 'encode G2')
  const check = [...times(3, 'parse G1'), ...times(8, 'multiply G1 public'), ...times(3, 'encode G1')]
  const algorithms: Readonly<Record<string, Counted>> = {
    keyGen: {
      call: () => ibpre.keyGen({ parameters, masterKey, identity: 'alice' }),
      parts: ['parse G2', 'multiply G2 public', 'multiply G2', 'base G2', ...times(2, 'encode G2')],
    },
    encrypt: { call: async () => ibpre.encrypt(data, { parameters, identity: 'alice', type }), parts: sealing },
    reKeyGen: {
      call: () => ibpre.reKeyGen({ parameters, secretKey, toIdentity: 'bob', type }),
      parts: [...sealing, ...derive, ...times(3, 'multiply G2'), ...three, ...derive, ...three],
    },
    reEncrypt: {
      call: () => ibpre.reEncrypt(ciphertext, { parameters, reKey }),
      parts: [...check, 'pair three', 'encode GT'],
    },
    'decrypt, owner': {
      call: () => ibpre.decrypt(ciphertext, { parameters, secretKey }),
      parts: [...times(3, 'parse G1'), 'pair two', ...sealing],
    },
    'decrypt, delegatee': {
      call: () => ibpre.decrypt(converted, { parameters, secretKey: delegatee }),
      parts: ['parse GT', 'power GT', ...sealing],
    },
    authSign: { call: () => ibpre.authSign(data, { parameters, secretKey }), parts: [...derive, ...three] },
    authVerify: {
      call: () => ibpre.authVerify(data, { parameters, identity: 'alice', signature }),
      parts: [...times(3, 'parse G2'), ...times(3, 'lines'), ...times(2, 'multiply G1 public'), 'pair three'],
    },
  }
  for (const [name, counted] of Object.entries(algorithms)) {
    await measureCounted(report, { name, impl: 'ibpre, warm', operations, counted })
  }
  const [one, two] = [createAgreementKey(randomBytes(32)), createAgreementKey(randomBytes(32))]
  const wrapped = wrapKey(randomBytes(32), { to: one.publicKey, condition })
  const baseline = await interleave(
    { rewrap: () => rewrapKey(wrapped, { agreement: one, to: two.publicKey, condition }) },
    { rounds: 15, msPerRound: 20 },
  )
  milliseconds(report, 'rewrap', baseline)
}

async function secondsOf(work: () => Promise<void> | void): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e9
}

/** A thousand records sealed, converted and opened, by one capsule and by one capsule each. */
async function measureRecords(report: Report): Promise<void> {
  const key = makeReKey()
  const data = new Uint8Array(RECORD_BYTES).fill(7)
  const through = async (sealers: number): Promise<readonly [number, number, number]> => {
    const perSealer = RECORDS / sealers
    const sealed: { readonly capsule: Uint8Array; readonly records: Uint8Array[] }[] = []
    const sealing = await secondsOf(async () => {
      for (let i = 0; i < sealers; i++) {
        const sealer = createEpochSealer({ to: owner.keys.publicKey, condition })
        const records: Uint8Array[] = []
        for (let j = 0; j < perSealer; j++) records.push(await sealer.seal(`record ${j}`, data))
        sealed.push({ capsule: sealer.capsule.bytes, records })
      }
    })
    const capsules: Uint8Array[] = []
    const converting = await secondsOf(() => {
      for (const { capsule } of sealed) {
        capsules.push(reEncrypt(checked(unwrap(parsePreObject('capsule', capsule))), key).bytes)
      }
    })
    const opening = await secondsOf(async () => {
      for (const [i, { records }] of sealed.entries()) {
        const converted = unwrap(parsePreObject('re-encrypted-capsule', capsules[i] as Uint8Array))
        const opener = createEpochOpener(decapsulate(converted, institution))
        for (const [j, record] of records.entries()) await opener.open(`record ${j}`, record)
      }
    })
    return [sealing, converting, opening]
  }
  const totals: number[] = []
  for (const [impl, sealers] of [
    ['one capsule', 1],
    ['a capsule each', RECORDS],
  ] as const) {
    const parts = await through(sealers)
    totals.push(parts.reduce((sum, seconds) => sum + seconds, 0))
    for (const [i, op] of ['seal', 'convert', 'open'].entries()) {
      report.figure({
        op: `${op} records of 1 KiB`,
        impl,
        median: (parts[i] as number) * 1_000,
        unit: 'ms',
        n: RECORDS,
      })
    }
  }
  const [one = 1, each = 0] = totals
  const ratio = `${RECORDS} records of 1 KiB, a capsule each / one capsule`
  report.demand({ ratio, value: each / one, demand: '> 1', holds: each > one })
}

function demandSizes(report: Report): void {
  const { capsule } = encapsulate({ to: owner.keys.publicKey, condition })
  const converted = reEncrypt(checked(capsule), makeReKey())
  const labels = condition.type.length + (condition.epoch as string).length + 8
  const material = capsule.core.length + converted.element.length + converted.ephemeral.length
  // That the owner knows the scalar of E, which the design had not foreseen.
  const proof = converted.ephemeralProof.length
  const ids = 48 + 48 + 33 + 32
  const most = (ratio: string, value: number, limit: number) =>
    report.demand({ ratio, value, demand: `<= ${limit}`, holds: value <= limit })
  most('bytes of group material in a capsule', capsule.core.length, 144)
  most('bytes of group material in a converted capsule', material, 144 + 288 + 48)
  most('bytes of the proof of E in a converted capsule', proof, 64)
  most('bytes of a capsule besides, without labels', capsule.bytes.length - 144 - labels, 64)
  most(
    'bytes of a converted capsule besides, without ids and labels',
    converted.bytes.length - material - proof - ids - labels,
    64,
  )
}
