import { beforeAll, describe, expect, test } from 'vitest'

import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { parseId } from '../../src/primitives/ids.ts'
import {
  attestCommitment,
  commitPerson,
  commitValues,
  compileRequirement,
  createRequirement,
  deriveRecordNullifier,
  deriveStudyNullifier,
  encodeZkObject,
  findPresentationFault,
  fromSnarkjs,
  generatePersonSecret,
  generateProofKeys,
  parseZkObject,
  prove,
  publicInputsOf,
  toSnarkjs,
  verifyProof,
  verifyProofs,
  verifyRelation,
  type Attestation,
  type Opening,
  type Presentation,
  type ProofContext,
  type ProofKeys,
  type RequirementFacts,
  type Statement,
} from '../../src/zk/index.ts'
import { FIELD_ORDER, invertField } from '../../src/zk/field.ts'
import { createProof, parseProofPoints } from '../../src/zk/groth16/proof.ts'
import {
  chainId,
  commitmentOptions,
  createTestRandom,
  digestOf,
  hospital,
  institution,
  issuedAtMs,
  patient,
  personSecret,
  recordSerial,
  schema,
  values,
} from './fixtures.ts'

const requirement = createRequirement(schema, (r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)), {
  issuers: [hospital.did],
  ageMsMax: 1_000_000,
})
const circuit = compileRequirement(requirement)
const opening = commitValues(schema, values, commitmentOptions, createTestRandom('opening'))
const attestation = attestCommitment(opening, { signer: hospital, chainId })
const context: ProofContext = {
  chainId,
  study: digestOf('study'),
  verifier: institution.did,
  nonce: new Uint8Array(32).fill(5),
  expiresAtMs: issuedAtMs + 500_000,
  isExclusive: true,
  terms: digestOf('price and licence'),
}
const statement: Statement = { attestation, context }
const nowMs = issuedAtMs + 1_000

let keys: ProofKeys
let presentation: Presentation
beforeAll(async () => {
  keys = await generateProofKeys(circuit, { trust: 'single-verifier' })
  presentation = await prove(keys.provingKey, { circuit, statement, opening, personSecret })
}, 60_000)

const fault = (
  change: {
    statement?: Partial<Statement>
    context?: Partial<ProofContext>
    presentation?: Partial<Presentation>
  } = {},
  options: Partial<Parameters<typeof findPresentationFault>[1]> = {},
): string | undefined =>
  findPresentationFault(keys.verifyingKey, {
    circuit,
    nowMs,
    presentation: { ...presentation, ...change.presentation },
    statement: { attestation, ...change.statement, context: { ...context, ...change.context } },
    ...options,
  })

const attest = (changed: Opening, signer = hospital): Attestation => attestCommitment(changed, { signer, chainId })

describe('a presentation', () => {
  test('counts, says what it should and has fixed sizes', () => {
    expect(verifyProof(keys.verifyingKey, { circuit, nowMs, presentation, statement })).toBe(true)
    expect(fault()).toBeUndefined()
    expect(presentation.result).toBe(true)
    expect(presentation.nullifiers.study).toEqual(deriveStudyNullifier(personSecret, context.study))
    expect(presentation.nullifiers.record).toEqual(deriveRecordNullifier(personSecret, recordSerial))
    expect(encodeZkObject(presentation.proof)).toHaveLength(192)
    expect(keys.verifyingKey.bytes).toHaveLength(672)
    expect(encodeZkObject(keys.verifyingKey).length).toBeLessThanOrEqual(720)
  })

  test('holds nothing of the record or the secret', () => {
    const printed = JSON.stringify(presentation, (_, value: unknown) =>
      value instanceof Uint8Array ? toHex(value) : value,
    )
    for (const secret of [personSecret, opening.secret, commitPerson(personSecret)]) {
      expect(printed).not.toContain(toHex(secret))
    }
  })

  test('does not serve another patient, verifier, chain, study, time, nonce or other terms', () => {
    // Somebody else with an attestation of his own for the same h: the terms name the claimant.
    const thief: Attestation = attest({ ...opening, subject: institution.did })
    expect(fault({ statement: { attestation: thief } })).toBe('proof')
    expect(fault({ statement: { attestation: { ...attestation, subject: institution.did } } })).toBe('attestation')
    expect(fault({ context: { verifier: patient.did } })).toBe('proof')
    expect(fault({ context: { study: digestOf('another') } })).toBe('proof')
    expect(fault({ context: { nonce: new Uint8Array(32).fill(6) } })).toBe('proof')
    expect(fault({ context: { expiresAtMs: context.expiresAtMs + 1 } })).toBe('proof')
    expect(fault({ context: { terms: digestOf('another price') } })).toBe('proof')
    expect(fault({ context: { terms: undefined as never } })).toBe('proof')
    const otherChain = unwrap(parseId('chain', '22'.repeat(32)))
    expect(fault({ context: { chainId: otherChain } })).toBe('attestation')
    const attested = attestCommitment(opening, { signer: hospital, chainId: otherChain })
    expect(fault({ statement: { attestation: attested }, context: { chainId: otherChain } })).toBe('proof')
  })

  test('counts until it expires, and while the attestation is young', () => {
    expect(fault({}, { nowMs: context.expiresAtMs - 1 })).toBeUndefined()
    expect(fault({}, { nowMs: context.expiresAtMs })).toBe('expired')
    expect(fault({}, { nowMs: Number.NaN })).toBe('expired')
    expect(fault({}, { nowMs: issuedAtMs - 1 })).toBe('age')
    const late = { expiresAtMs: issuedAtMs + 9_000_000 }
    expect(fault({ context: late }, { nowMs: issuedAtMs + 1_000_000 })).toBe('proof')
    expect(fault({ context: late }, { nowMs: issuedAtMs + 1_000_001 })).toBe('age')
  })

  test('needs an issuer that is accepted', () => {
    expect(fault({ statement: { attestation: attest(opening, patient) } })).toBe('issuer')
    expect(fault({ statement: { attestation: { ...attestation, schema: digestOf('x') } } })).toBe('schema')
    expect(fault({ statement: { attestation: { ...attestation, issuedAtMs: issuedAtMs + 1 } } })).toBe('attestation')
  })

  test('changed into other bytes is the same claim, by its nullifiers', () => {
    // (s A, B / s, C) is a proof as well, which anybody can make: only what it proves tells claims apart.
    const { a, b, c } = unwrap(parseProofPoints(presentation.proof.bytes))
    const s = 12_345n
    const changed = createProof({ a: a.multiply(s) as typeof a, b: b.multiply(invertField(s)) as typeof b, c })
    const again: Presentation = { ...presentation, proof: changed }
    expect(fault({ presentation: again })).toBeUndefined()
    const bytesSeen = new Set([toHex(presentation.proof.bytes)])
    const nullifiersSeen = new Set([toHex(presentation.nullifiers.study)])
    expect(bytesSeen.has(toHex(again.proof.bytes))).toBe(false)
    expect(nullifiersSeen.has(toHex(again.nullifiers.study))).toBe(true)
  })

  test('has nullifiers that cannot be chosen', () => {
    const { study, record } = presentation.nullifiers
    const other = deriveStudyNullifier(generatePersonSecret(createTestRandom('x')), context.study)
    const change = (nullifiers: object): string | undefined =>
      fault({ presentation: { nullifiers: { study, record, ...nullifiers } } })
    expect(change({ study: other })).toBe('proof')
    expect(change({ record: other })).toBe('proof')
    expect(change({ record: null })).toBe('nullifiers')
    expect(change({ record: new Uint8Array(32) })).toBe('nullifiers')
    const alias = (BigInt(`0x${toHex(study)}`) + FIELD_ORDER).toString(16).padStart(64, '0')
    expect(change({ study: Uint8Array.from(Buffer.from(alias, 'hex')) })).toBe('nullifiers')
    expect(change({ study: study.subarray(1) })).toBe('nullifiers')
    expect(fault({ context: { isExclusive: false } })).toBe('nullifiers')
    expect(fault({ context: { isExclusive: false }, presentation: { nullifiers: { study, record: null } } })).toBe(
      'proof',
    )
  })

  test('is refused, not thrown at, where it is malformed', () => {
    const odd = [
      { context: { nonce: new Uint8Array(15) } },
      { context: { nonce: 'x' } },
      { context: { study: new Uint8Array(31) } },
      { context: { expiresAtMs: 1e300 } },
      { context: { verifier: 'did:key:x' } },
      { context: { terms: new Uint8Array(5) } },
      { statement: { attestation: {} } },
      { presentation: { nullifiers: undefined } },
      { presentation: { result: 1 } },
      { presentation: { proof: { kind: 'proof', bytes: new Uint8Array(191) } } },
      { presentation: { proof: undefined } },
      { presentation: { proof: null } },
      { statement: { attestation: null } },
    ]
    for (const change of odd) expect(fault(change as never)).toBeDefined()
    const strange = [undefined, { presentation: null, statement }, { presentation: {}, statement }] as never[]
    const items = [{ presentation, statement }, ...strange]
    expect(verifyProofs(keys.verifyingKey, items, { circuit, nowMs })).toEqual([true, false, false, false])
  })

  test('is judged the same by who knows facts of the requirement only', () => {
    const {
      digest,
      schema: { id },
      issuers,
      ageMsMax,
      checksWithdrawal,
    } = requirement
    const facts: RequirementFacts = {
      id: circuit.id,
      requirement: { digest, schema: { id }, issuers, ageMsMax, checksWithdrawal },
    }
    const judge = (change: Partial<RequirementFacts['requirement']>): string | undefined =>
      fault({}, { circuit: { ...facts, requirement: { ...facts.requirement, ...change } } })
    expect(judge({})).toBeUndefined()
    const options = { circuit: facts, presentation, statement }
    expect(verifyProof(keys.verifyingKey, { ...options, nowMs })).toBe(true)
    expect(verifyProofs(keys.verifyingKey, [{ presentation, statement }], { circuit: facts, nowMs })).toEqual([true])
    expect(publicInputsOf(keys.verifyingKey, options)).toEqual(
      publicInputsOf(keys.verifyingKey, { ...options, circuit }),
    )
    expect(judge({ digest: digestOf('another') })).toBe('proof')
    expect(judge({ schema: { id: digestOf('another') } })).toBe('schema')
    expect(judge({ issuers: [institution.did] })).toBe('issuer')
    expect(judge({ ageMsMax: 999 })).toBe('age')
    expect(judge({ ageMsMax: null })).toBeUndefined()
    expect(judge({ checksWithdrawal: true })).toBe('withdrawn')
    expect(fault({}, { circuit: { ...facts, id: digestOf('another') } })).toBe('key')
  })

  test('says no when asked for a failure', () => {
    expect(fault({}, { result: false })).toBe('result')
    expect(fault({ presentation: { result: false } })).toBe('result')
    expect(fault({ presentation: { result: false } }, { result: false })).toBe('proof')
  })

  test('belongs to the circuit of its key', async () => {
    const other = compileRequirement(
      createRequirement(schema, (r) => r.gte('age', 40), { issuers: [hospital.did], ageMsMax: 1_000_000 }),
    )
    expect(fault({}, { circuit: other })).toBe('key')
    await expect(prove(keys.provingKey, { circuit: other, statement, opening, personSecret })).rejects.toMatchObject({
      code: 'ERR_ZK_KEY_MISMATCH',
    })
  })

  test('asks about withdrawal where the requirement says so', () => {
    const asking = { ...circuit, requirement: { ...requirement, checksWithdrawal: true } } as unknown as typeof circuit
    expect(fault({}, { circuit: asking })).toBe('withdrawn')
    expect(fault({}, { circuit: asking, isWithdrawn: () => true })).toBe('withdrawn')
    expect(fault({}, { circuit: asking, isWithdrawn: () => false })).toBeUndefined()
  })

  test('goes through other formats', () => {
    const inputs = publicInputsOf(keys.verifyingKey, { circuit, presentation, statement })
    const text = (value: object): unknown => JSON.parse(JSON.stringify(value))
    const proof = unwrap(fromSnarkjs('proof', text(toSnarkjs(presentation.proof))))
    const key = unwrap(fromSnarkjs('verifying-key', text(toSnarkjs(keys.verifyingKey)), { circuit: circuit.id }))
    expect(proof).toEqual(presentation.proof)
    expect(key).toEqual(keys.verifyingKey)
    expect(unwrap(fromSnarkjs('inputs', text(toSnarkjs(inputs))))).toEqual(inputs)
    expect(verifyRelation(key, { proof, inputs })).toBe(true)
    expect(unwrap(parseZkObject('proof', encodeZkObject(presentation.proof)))).toEqual(presentation.proof)
    expect(unwrap(parseZkObject('verifying-key', encodeZkObject(keys.verifyingKey)))).toEqual(keys.verifyingKey)
    expect(unwrap(parseZkObject('proving-key', encodeZkObject(keys.provingKey))).circuit).toEqual(circuit.id)
  })
})

describe('many presentations', () => {
  test('each is judged', async () => {
    const plain: Statement = { attestation, context: { ...context, isExclusive: false } }
    const second = await prove(keys.provingKey, { circuit, statement: plain, opening, personSecret })
    expect(second.nullifiers.record).toBeNull()
    const items = [
      { presentation, statement },
      { presentation: second, statement: plain },
      { presentation: second, statement },
      { presentation: { ...presentation, proof: second.proof }, statement },
      { presentation, statement },
    ]
    expect(verifyProofs(keys.verifyingKey, items, { circuit, nowMs })).toEqual([true, true, false, false, true])
    expect(verifyProofs(keys.verifyingKey, items, { circuit, nowMs: context.expiresAtMs })).toEqual(
      items.map(() => false),
    )
  })
})

describe('proving', () => {
  const attempt = async (change: object): Promise<string> => {
    try {
      await prove(keys.provingKey, { circuit, statement, opening, personSecret, ...change })
    } catch (error) {
      if (isVitalsealError(error)) return `${error.code} ${error.path}`
      throw error
    }
    return 'no error'
  }

  test('refuses a record that does not meet the requirement, naming no value', async () => {
    const poor = commitValues(schema, { ...values, age: 39 }, commitmentOptions, createTestRandom('poor'))
    const change = { opening: poor, statement: { attestation: attest(poor), context } }
    expect(await attempt(change)).toBe('ERR_ZK_REQUIREMENT_NOT_MET ')
    const error: unknown = await prove(keys.provingKey, { circuit, personSecret, ...change }).catch((e: unknown) => e)
    expect(JSON.stringify(error)).not.toContain('39')
    const absent = commitValues(schema, { glucose: '9.9' }, commitmentOptions, createTestRandom('absent'))
    expect(await attempt({ opening: absent, statement: { attestation: attest(absent), context } })).toBe(
      'ERR_ZK_REQUIREMENT_NOT_MET ',
    )
  })

  test('refuses what does not belong together', async () => {
    const other = commitValues(schema, values, commitmentOptions, createTestRandom('other'))
    expect(await attempt({ opening: other })).toBe('ERR_ARGUMENT_INVALID opening')
    expect(await attempt({ personSecret: generatePersonSecret() })).toBe('ERR_ARGUMENT_INVALID personSecret')
    expect(await attempt({ statement: { attestation: attest(opening, patient), context } })).toBe(
      'ERR_ARGUMENT_INVALID attestation',
    )
    expect(await attempt({ statement: { attestation, context: { ...context, nonce: new Uint8Array(1) } } })).toBe(
      'ERR_ARGUMENT_INVALID context.nonce',
    )
  })

  test('reports a failure truthfully in mode report', async () => {
    const report = compileRequirement(
      createRequirement(schema, (r) => r.is('smoker'), { issuers: [hospital.did] }),
      { mode: 'report' },
    )
    const reportKeys = await generateProofKeys(report, { trust: 'single-verifier' })
    const told = await prove(reportKeys.provingKey, { circuit: report, statement, opening, personSecret })
    expect(told.result).toBe(false)
    const options = { circuit: report, nowMs, presentation: told, statement }
    expect(verifyProof(reportKeys.verifyingKey, options)).toBe(false)
    expect(verifyProof(reportKeys.verifyingKey, { ...options, result: false })).toBe(true)
    const lied = { ...options, presentation: { ...told, result: true } }
    expect(verifyProof(reportKeys.verifyingKey, lied)).toBe(false)
  }, 60_000)
})
