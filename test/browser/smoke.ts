/**
 * What the smoke page runs: the packed core, once through. It imports the package as a user does and knows neither
 * Node nor a test runner; it reports through the console, see run.mjs.
 */

import { deriveIdentity, generateSeed } from 'vitalseal/identity'
import { createKeyRing, type Directory, type KeyRing, type Recipient, rotateEpoch } from 'vitalseal/keys'
import { createGrant, createPolicyIndex, createWindow, evaluateAccess, explainDecision } from 'vitalseal/policy'
import {
  createId,
  createSigner,
  createVerifier,
  type DataType,
  equalBytes,
  type ErrorCode,
  isVitalsealError,
  parseDid,
  randomBytes,
  sha256,
  type Signature,
  taggedHash,
  TAGS,
  toHex,
  unwrap,
} from 'vitalseal/primitives'
import { createMemoryBlockstore, openRecord, sealRecord, storeRecord } from 'vitalseal/storage'
import {
  createTransaction,
  encodeTransaction,
  parseTransaction,
  signTransaction,
  type Transaction,
  type UnsignedTransaction,
  validateTransaction,
} from 'vitalseal/transactions'
import {
  attestCommitment,
  commitPerson,
  commitValues,
  compileRequirement,
  createRemoteProver,
  createRequirement,
  createSchema,
  generatePersonSecret,
  type Requirement,
  verifyProof,
  type WebWorkerLike,
} from 'vitalseal/zk'

const heartRate: DataType = 'http://loinc.org|8867-4'
const nowMs = 1_763_600_000_000
const chainId = createId('chain', sha256(randomBytes(32)))

/** What the page has of a browser and the compiler here does not know. */
const page = globalThis as unknown as {
  readonly Worker: new (url: string, options: { readonly type: 'module' }) => WebWorkerLike
}

/** Fails the running check. */
function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected ${what}`)
}

/** Expects work to be refused with a code of the library. */
async function expectRefusal(work: () => unknown, code: ErrorCode): Promise<void> {
  let caught: unknown
  try {
    await work()
  } catch (error) {
    caught = error
  }
  expect(isVitalsealError(caught, code), `${code}, found ${String(caught)}`)
}

function party(circle: string) {
  return deriveIdentity({ seed: generateSeed(), circle })
}

const [ann, bob, eve] = [party('ann'), party('bob'), party('eve')] as const
const accounts = [ann.did, bob.did, eve.did]
const directory: Directory = {
  indexOf: (did) => (accounts.includes(did) ? accounts.indexOf(did) : undefined),
  accountAt: (index) => accounts[index],
}
const rings = {
  ann: createKeyRing({ identity: ann, chainId, directory }),
  bob: createKeyRing({ identity: bob, chainId, directory }),
  eve: createKeyRing({ identity: eve, chainId, directory }),
}

/** Signs as Ann, and reads the transaction back from its bytes as a stranger would. */
function send(unsigned: UnsignedTransaction) {
  const bytes = encodeTransaction(signTransaction(unsigned, { chainId, signer: ann.signer }))
  const parsed = unwrap(parseTransaction(bytes))
  return { bytes, transaction: unwrap(validateTransaction(parsed, { chainId })) }
}

let nonce = 0
async function rotateTo(recipients: readonly Recipient[]): Promise<void> {
  const { drafts, skipped } = await rotateEpoch(rings.ann, { dataTypes: [heartRate], recipients })
  expect(drafts.length === 1 && skipped.length === 0, 'one tx_key and nobody skipped')
  for (const draft of drafts) {
    const previous = rings.ann.latest(ann.did)
    const header = { sender: ann.did, nonce: nonce++, issuedAtMs: nowMs }
    const { transaction } = send(createTransaction({ ...draft, previous, ...header }))
    if (transaction.kind !== 'key') throw new Error('expected a tx_key')
    for (const ring of Object.values(rings)) await ring.apply(transaction)
  }
}

/** Seals bytes under Ann's newest key, records them in a tx_IoT, and returns what a reader needs. */
async function publish(plaintext: Uint8Array) {
  const blocks = createMemoryBlockstore()
  const sealed = await sealRecord(plaintext, { key: rings.ann.sealingKey(heartRate) })
  const record = await storeRecord(sealed, { blocks })
  const header = { sender: ann.did, nonce: nonce++, issuedAtMs: nowMs }
  const label = rings.ann.label(heartRate)
  const epoch = rings.ann.epochs(ann.did).at(-1)?.epoch ?? 0
  const { bytes, transaction } = send(createTransaction({ kind: 'iot', record, label, epoch, ...header }))
  if (transaction.kind !== 'iot') throw new Error('expected a tx_IoT')
  const open = (ring: KeyRing) => {
    const { label, epoch, record } = transaction as Transaction<'iot'>
    return openRecord(record, { key: ring.openingKey({ patient: ann.did, label, epoch }), blocks })
  }
  return { bytes, open }
}

const checks: Record<string, () => unknown> = {
  'runs without Node': () => {
    const names = globalThis as { readonly process?: unknown; readonly Buffer?: unknown }
    expect(names.process === undefined && names.Buffer === undefined, 'neither process nor Buffer')
  },

  'may not make code from text': () => {
    let refused = false
    try {
      // Through a variable, so that no tool mistakes this for a use of it.
      const make = Function as unknown as (text: string) => () => unknown
      make('return 1')()
    } catch {
      refused = true
    }
    expect(refused, 'the content policy to be in force')
  },

  'hashes the empty text as the standard says': () => {
    const digest = toHex(sha256(new Uint8Array(0)))
    expect(digest === 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'the digest of FIPS 180-4')
  },

  'draws different bytes each time': () => {
    expect(!equalBytes(randomBytes(32), randomBytes(32)), 'two different draws')
  },

  'signs and verifies': () => {
    const signer = createSigner(randomBytes(32))
    const verifier = createVerifier()
    const fields = ['reading', 44]
    const signature = signer.sign(TAGS.transaction, fields)
    const digest = taggedHash(TAGS.transaction, ...fields)
    expect(verifier.verify({ signer: signer.did, digest, signature }), 'a good signature to hold')
    const spoiled = Uint8Array.from(signature)
    spoiled[10] = (spoiled[10] ?? 0) ^ 1
    expect(!verifier.verify({ signer: signer.did, digest, signature: spoiled as Signature }), 'a spoiled one to fail')
    const other = taggedHash(TAGS.transaction, 'reading', 45)
    expect(!verifier.verify({ signer: signer.did, digest: other, signature }), 'it to fail for other fields')
    expect(unwrap(parseDid(signer.did)) === signer.did, 'the name to parse')
  },

  'refuses with a code': () => {
    const result = parseDid('did:key:nonsense')
    expect(!result.ok && result.code === 'ERR_CODEC_MALFORMED', 'ERR_CODEC_MALFORMED')
  },

  'decides by policy': () => {
    const grant = createGrant({
      grantor: ann.did,
      grantee: bob.did,
      dataTypes: [heartRate],
      actions: ['access'],
      purposes: ['TREAT'],
      access: createWindow({ fromMs: nowMs, days: 30 }),
    })
    const index = createPolicyIndex([grant])
    const request = { patient: ann.did, dataType: heartRate, action: 'access', purpose: 'ETREAT', atMs: nowMs } as const
    const permitted = evaluateAccess(index, { ...request, requester: bob.did })
    const denied = evaluateAccess(index, { ...request, requester: eve.did })
    expect(permitted.kind === 'permit', `a permit for the doctor, found ${explainDecision(permitted)}`)
    expect(denied.kind === 'deny', 'a denial for a stranger')
  },

  'opens small records for whom they are sealed, and for nobody else': async () => {
    await rotateTo([{ keys: bob.keys, index: 1, dataTypes: [heartRate] }])
    const reading = Uint8Array.from('{"resourceType":"Observation"}', (character) => character.charCodeAt(0))
    const { bytes, open } = await publish(reading)
    expect(bytes.length <= 176, `a tx_IoT of at most 176 bytes, found ${bytes.length}`)
    expect(equalBytes(await open(rings.bob), reading), 'the bytes that were sealed')
    await expectRefusal(() => open(rings.eve), 'ERR_KEYS_NOT_HELD')
  },

  'opens large records in frames, by Web Crypto': async () => {
    const image = new Uint8Array(3_000_000)
    for (let index = 0; index < image.length; index++) image[index] = index * 31
    const { open } = await publish(image)
    expect(equalBytes(await open(rings.bob), image), 'the bytes that were sealed')
  },

  'proves in a worker, and goes on drawing': async () => {
    const schema = createSchema('smoke', { age: { kind: 'int', bits: 8 } })
    const requirement = createRequirement(schema, (r) => r.gte('age', 40), { issuers: [eve.did] })
    const personSecret = generatePersonSecret()
    const opening = commitValues(
      schema,
      { age: 81 },
      {
        subject: ann.did,
        issuedAtMs: nowMs,
        person: commitPerson(personSecret),
        recordSerial: sha256(randomBytes(32)),
      },
    )
    const attestation = attestCommitment(opening, { signer: eve.signer, chainId })
    const context = { chainId, study: sha256(randomBytes(32)), verifier: bob.did, nonce: randomBytes(32) }
    const statement = { attestation, context: { ...context, expiresAtMs: nowMs + 1 } }

    let turns = 0
    const timer = setInterval(() => turns++, 10)
    const prover = createRemoteProver(new page.Worker('/prover.js', { type: 'module' }))
    // The type of the schema's own attributes does not cross to the worker.
    const asked = requirement as unknown as Requirement
    const { key } = await prover.generateKeys(asked, { trust: 'single-verifier' })
    const steps: string[] = []
    const onProgress = ({ step }: { readonly step: string }): void => void steps.push(step)
    const presentation = await prover.prove(key, { statement, opening, personSecret, onProgress })
    clearInterval(timer)
    expect(turns > 50, `the page to have time, found ${turns} turns`)
    expect(steps.length === 8, `8 steps, found ${steps.join(' ')}`)
    const options = { circuit: compileRequirement(requirement), presentation, statement, nowMs }
    expect(verifyProof(key.verifyingKey, options), 'a proof that holds')
    const controller = new AbortController()
    const { signal } = controller
    const end = (): void => {
      controller.abort()
    }
    await expectRefusal(
      () => prover.prove(key, { statement, opening, personSecret, signal, onProgress: end }),
      'ERR_ABORTED',
    )
  },

  'closes later records to whom was left out of a rotation': async () => {
    const earlier = await publish(Uint8Array.of(1))
    await rotateTo([])
    const later = await publish(Uint8Array.of(2))
    expect((await earlier.open(rings.bob))[0] === 1, 'the earlier record to stay open')
    expect((await later.open(rings.ann))[0] === 2, 'the owner to read')
    await expectRefusal(() => later.open(rings.bob), 'ERR_KEYS_NOT_HELD')
  },
}

for (const [name, check] of Object.entries(checks)) {
  try {
    await check()
    console.log(`pass ${name}`)
  } catch (error) {
    console.log(`fail ${name}: ${String(error)}`)
  }
}
console.log('done')
