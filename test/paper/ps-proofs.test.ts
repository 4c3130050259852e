/**
 * Proofs as PS prints them (4.2.6 and 4.2.7): the patient makes the keys, and the contract compares her proof with one of the
 * institution. Both are carried out here to the letter, fail as they must, and are tried on ours.
 */

import { beforeAll, describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { generatorOfG1, generatorOfG2, multiplyG1, multiplyG2 } from '../../src/primitives/bls12-381-group.ts'
import { encodeScalar, type BlsScalar } from '../../src/primitives/bls12-381.ts'
import type { PreSecret } from '../../src/primitives/bls-secret.ts'
import { equalBytes } from '../../src/primitives/bytes.ts'
import {
  attestCommitment,
  commitValues,
  compileRequirement,
  createRequirement,
  findPresentationFault,
  generateProofKeys,
  prove,
  publicInputsOf,
  verifyProof,
  verifyRelation,
  type Presentation,
  type ProofKeys,
  type Statement,
} from '../../src/zk/index.ts'
import { FIELD_ORDER, invertField } from '../../src/zk/field.ts'
import { createProof } from '../../src/zk/groth16/proof.ts'
import { createVerifyingKey } from '../../src/zk/groth16/verifying-key.ts'
import {
  chainId,
  commitmentOptions,
  digestOf,
  hospital,
  institution,
  issuedAtMs,
  personSecret,
  schema,
  values,
} from '../zk/fixtures.ts'

const requirement = createRequirement(schema, (r) => r.gte('glucose', '6.1'), { issuers: [hospital.did] })
const circuit = compileRequirement(requirement)
const nowMs = issuedAtMs

function statementAbout(glucose: `${number}`) {
  const opening = commitValues(schema, { ...values, glucose }, commitmentOptions)
  const attestation = attestCommitment(opening, { signer: hospital, chainId })
  const context = {
    chainId,
    study: digestOf('study'),
    verifier: institution.did,
    nonce: new Uint8Array(32).fill(1),
    expiresAtMs: nowMs + 1,
  }
  return { opening, statement: { attestation, context } satisfies Statement }
}

let keys: ProofKeys
let published: Presentation
let patients: Presentation
const { opening, statement } = statementAbout('6.3')

beforeAll(async () => {
  keys = await generateProofKeys(circuit, { trust: 'single-verifier' })
  const order = { circuit, statement, opening, personSecret }
  published = await prove(keys.provingKey, order)
  patients = await prove(keys.provingKey, order)
}, 60_000)

describe('comparing π, R and h with π′, R′ and h′ (4.2.7)', () => {
  /** The contract's last check, as printed. */
  const compare = (one: Presentation, other: Presentation) =>
    equalBytes(one.proof.bytes, other.proof.bytes) && one.result === other.result

  it('refuses whoever proved the very same, since proofs are randomized', () => {
    expect(verifyProof(keys.verifyingKey, { circuit, presentation: patients, statement, nowMs })).toBe(true)
    expect(compare(patients, published)).toBe(false)
  })

  it('accepts whoever copies π′ from the contract, where it is published', () => {
    expect(compare({ ...published }, published)).toBe(true)
  })

  it('accepts no copy here: the account of the claimant, the institution and the study are under the proof', () => {
    const copied = statementAbout('5.9').statement
    const shown = { circuit, presentation: published, statement: copied, nowMs }
    expect(findPresentationFault(keys.verifyingKey, shown)).toBe('proof')
  })
})

describe('ZKPKeyGen by the patient (4.2.6, step 5)', () => {
  const reduce = (value: bigint) => ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER
  const scalar = (value: bigint) => encodeScalar(reduce(value) as BlsScalar)
  const g1 = (value: bigint) => multiplyG1(generatorOfG1(), scalar(value) as PreSecret)
  const g2 = (value: bigint) => multiplyG2(generatorOfG2(), scalar(value) as PreSecret)
  const [alpha, beta, gamma, delta] = [3n, 5n, 7n, 11n] as const
  const inputKeys = [13n, 17n, 19n, 23n, 29n, 31n, 37n] as const

  /** VK_C of a patient who keeps what she drew. */
  const forgeKey = () =>
    unwrap(
      createVerifyingKey(circuit.id, 'verifier', {
        alpha: g1(alpha),
        beta: g2(beta),
        gamma: g2(gamma),
        delta: g2(delta),
        inputs: inputKeys.map(g1),
      }),
    )

  /** A proof of whatever is stated, from a, b and what she drew: c = (ab - alpha beta - gamma sum x_i k_i) / delta. */
  function forgeProof(inputs: readonly bigint[]) {
    const [a, b] = [41n, 43n]
    const sum = [1n, ...inputs].reduce((total, x, i) => total + x * (inputKeys[i] as bigint), 0n)
    const c = reduce(a * b - alpha * beta - gamma * sum) * invertField(delta)
    return createProof({ a: g1(a), b: g2(b), c: g1(c) })
  }

  const low = statementAbout('5.9').statement
  /** R, h and the rest as the forger likes: 5.9 mmol/L "meets" it, and the nullifiers are no person's. */
  const forge = () => {
    const key = forgeKey()
    const nullifiers = { study: published.nullifiers.study, record: null }
    const stated = { statement: low, presentation: { proof: published.proof, result: true, nullifiers } }
    const inputs = publicInputsOf(key, { circuit, ...stated })
    return { key, inputs, presentation: { ...stated.presentation, proof: forgeProof(inputs) } }
  }

  it('lets her prove what is not so: the key is hers, and so are its secrets', () => {
    const { key, inputs, presentation } = forge()
    expect(verifyRelation(key, { proof: presentation.proof, inputs })).toBe(true)
  })

  it('comes to nothing here: the key is the one that the listing names', () => {
    const { presentation } = forge()
    expect(verifyProof(keys.verifyingKey, { circuit, presentation, statement: low, nowMs })).toBe(false)
  })
})
