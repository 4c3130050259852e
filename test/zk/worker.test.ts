import { buildSync } from 'esbuild'
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isVitalsealError, unwrap, VitalsealError } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import type { Progress } from '../../src/primitives/progress.ts'
import {
  attestCommitment,
  commitValues,
  compileRequirement,
  createRemoteProver,
  createRequirement,
  createSchema,
  encodeOpening,
  generatePersonSecret,
  parseZkObject,
  serveProver,
  verifyProof,
  type RemoteKeys,
  type RemoteProver,
  type Requirement,
  type Statement,
  type WorkerLike,
} from '../../src/zk/index.ts'
import {
  chainId,
  commitmentOptions,
  createTestRandom,
  digestOf,
  hospital,
  institution,
  issuedAtMs,
  personSecret,
} from './fixtures.ts'

const schema = createSchema('small', { age: { kind: 'int', bits: 8 } })
const requirement = createRequirement(schema, (r) => r.gte('age', 40), {
  issuers: [hospital.did],
}) as unknown as Requirement
const opening = commitValues(schema, { age: 81 }, commitmentOptions, createTestRandom('opening'))
const attestation = attestCommitment(opening, { signer: hospital, chainId })
const nonce = new Uint8Array(32).fill(5)
const context = { chainId, study: digestOf('study'), verifier: institution.did, nonce, expiresAtMs: issuedAtMs + 1_000 }
const statement: Statement = { attestation, context }
const trust = 'single-verifier'

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    return isVitalsealError(error) ? error.code : `another error: ${String(error)}`
  }
  return 'no error'
}

/** Bundles the script of a worker, as an application would. */
function startWorker(script: string): Worker {
  const { outputFiles } = buildSync({
    stdin: { contents: script, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    write: false,
    tsconfigRaw: {},
    logLevel: 'warning',
  })
  return new Worker(outputFiles[0]!.text, { eval: true })
}

const SCRIPT = `
import { parentPort } from 'node:worker_threads'
import { serveProver } from '../../src/zk/index.ts'
serveProver(parentPort)
`

describe('a worker thread', () => {
  let worker: Worker
  let prover: RemoteProver
  let keys: RemoteKeys
  const steps: Progress[] = []
  beforeAll(async () => {
    worker = startWorker(SCRIPT)
    prover = createRemoteProver(worker)
    keys = await prover.generateKeys(requirement, { trust, onProgress: (progress) => void steps.push(progress) })
  })
  afterAll(async () => {
    await worker.terminate()
  })

  test('makes and checks keys and makes proofs that hold here, while this thread goes on', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    const seen: string[] = []
    const { provingKey, audit } = keys
    const checked = unwrap(await prover.validateKey(requirement, { provingKey, audit }))
    expect(checked.verifyingKey).toEqual(keys.key.verifyingKey)
    const presentation = await prover.prove(checked, {
      statement,
      opening,
      personSecret,
      onProgress: ({ step, done, total }) => void seen.push(`${step} ${done}/${total}`),
    })
    clearInterval(timer)
    expect(turns).toBeGreaterThan(20)
    const options = { circuit: compileRequirement(requirement), statement, nowMs: issuedAtMs }
    expect(verifyProof(unwrap(parseZkObject('verifying-key', keys.verifyingKey)), { ...options, presentation })).toBe(
      true,
    )
    expect(keys.key.verifyingKey.digest).toEqual(unwrap(parseZkObject('verifying-key', keys.verifyingKey)).digest)
    expect(seen).toEqual(['quotient 0/7', 'H 1/7', 'A 2/7', 'B 3/7', 'B 4/7', 'C 5/7', 'check 6/7', 'check 7/7'])
    expect(steps.at(-1)).toMatchObject({ step: 'points' })
    expect(steps.at(-1)!.done).toBe(steps.at(-1)!.total)
    // The caller's secrets are as they were.
    expect(toHex(personSecret)).toBe(toHex(generatePersonSecret(createTestRandom('person'))))
  })

  test('ends at the next step when told, and takes the next work', async () => {
    const controller = new AbortController()
    const seen: string[] = []
    const onProgress = ({ step }: Progress): void => {
      seen.push(step)
      if (step === 'A') controller.abort()
    }
    const { signal } = controller
    const work = prover.prove(keys.key, { statement, opening, personSecret, signal, onProgress })
    expect(await codeOf(work)).toBe('ERR_ABORTED')
    expect(seen).toEqual(['quotient', 'H', 'A'])
    expect(await codeOf(prover.prove(keys.key, { statement, opening, personSecret, signal }))).toBe('ERR_ABORTED')
    const thrown = new Error('the page closed its dialog')
    const refused = prover.generateKeys(requirement, {
      trust,
      onProgress() {
        throw thrown
      },
    })
    await expect(refused).rejects.toBe(thrown)
  })

  test('passes errors on with their codes, and no secret in them', async () => {
    const poor = commitValues(schema, { age: 39 }, commitmentOptions, createTestRandom('poor'))
    const poorStatement = { attestation: attestCommitment(poor, { signer: hospital, chainId }), context }
    const work = prover.prove(keys.key, { statement: poorStatement, opening: poor, personSecret })
    const error = await work.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(VitalsealError)
    expect(error).toMatchObject({
      code: 'ERR_ZK_REQUIREMENT_NOT_MET',
      details: { requirement: toHex(requirement.digest) },
    })
    const printed = JSON.stringify(error) + String((error as Error).stack)
    for (const secret of [personSecret, poor.secret, encodeOpening(poor)]) expect(printed).not.toContain(toHex(secret))
    const stranger = prover.prove(keys.key, { statement, opening, personSecret: generatePersonSecret() })
    expect(await codeOf(stranger)).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOf(prover.generateKeys(requirement, { trust: 'none' as never }))).toBe('ERR_ARGUMENT_INVALID')
  })

  test('refuses keys that do not pass the check, and its own under another object', async () => {
    const { provingKey, audit } = keys
    const changed = provingKey.map((byte, at) => (at === provingKey.length - 1 ? byte ^ 1 : byte))
    expect(await prover.validateKey(requirement, { provingKey: changed, audit })).toMatchObject({ ok: false })
    expect(await prover.validateKey(requirement, { provingKey: audit, audit })).toMatchObject({ ok: false })
    const other = createRequirement(schema, (r) => r.gte('age', 41), { issuers: [hospital.did] })
    expect(await prover.validateKey(other as unknown as Requirement, { provingKey, audit })).toMatchObject({
      ok: false,
      code: 'ERR_ZK_KEY_MISMATCH',
    })
    expect(await codeOf(prover.prove({ ...keys.key }, { statement, opening, personSecret }))).toBe(
      'ERR_ZK_INSECURE_KEY',
    )
  })
})

describe('a worker that is gone', () => {
  test('is said to be, for work in progress and for more', async () => {
    const worker = startWorker(SCRIPT)
    const prover = createRemoteProver(worker)
    const work = prover.generateKeys(requirement, { trust, onProgress: () => void worker.terminate() })
    expect(await codeOf(work)).toBe('ERR_ZK_WORKER')
    expect(await codeOf(prover.generateKeys(requirement, { trust }))).toBe('ERR_ZK_WORKER')
  })

  test('also when it did not load', async () => {
    const prover = createRemoteProver(new Worker('throw new Error("no script")', { eval: true }))
    expect(await codeOf(prover.generateKeys(requirement, { trust }))).toBe('ERR_ZK_WORKER')
  })
})

describe('a worker of another version', () => {
  type Said = Record<string, unknown>
  /** A port on which each message of the page gets this answer, twice. */
  const answering = (answerTo: (message: { kind: string; job: number }) => Said | undefined): RemoteProver => {
    let hear: ((event: { data: unknown }) => void) | undefined
    return createRemoteProver({
      postMessage(message) {
        const said = answerTo(message as { kind: string; job: number })
        const data = { channel: 'vitalseal/zk/prover/v1', job: (message as { job: number }).job, ...said }
        if (said === undefined) return
        queueMicrotask(() => hear?.({ data }))
        queueMicrotask(() => hear?.({ data }))
      },
      addEventListener(kind, listener) {
        if (kind === 'message') hear = listener
      },
    })
  }

  test.each<[string, Said]>([
    ['a failure without an error', { kind: 'failed' }],
    ['a failure of null', { kind: 'failed', error: null }],
    ['a result without keys', { kind: 'done' }],
    ['a result with a key that is none', { kind: 'done', value: { key: 0, verifyingKey: new Uint8Array(3) } }],
  ])('says %s: the work fails and nothing stays open', async (_case, said) => {
    expect(await codeOf(answering(() => said).generateKeys(requirement, { trust }))).toBe('ERR_ZK_WORKER')
  })

  test('answers twice: the first counts, once', async () => {
    const seen: string[] = []
    const failed = { kind: 'failed', error: { code: 'ERR_ABORTED', path: '', message: 'x', details: {} } }
    const port = answering(({ kind }) => (seen.push(kind), failed))
    expect(await codeOf(port.generateKeys(requirement, { trust }))).toBe('ERR_ABORTED')
    expect(await codeOf(port.generateKeys(requirement, { trust }))).toBe('ERR_ABORTED')
    expect(seen).toEqual(['start', 'start'])
  })

  test('closes its port while it works, or cannot be told what is asked', async () => {
    const progress = { kind: 'progress', progress: { done: 0, total: 1, step: 'x' } }
    const closing = answering(({ kind }) => {
      if (kind !== 'start') throw new Error('closed')
      return progress
    })
    expect(await codeOf(closing.generateKeys(requirement, { trust }))).toBe('ERR_ZK_WORKER')
    const refusing = answering(() => {
      throw new Error('cannot be cloned: a secret')
    })
    expect(await codeOf(refusing.generateKeys(requirement, { trust }))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('the port of a browser', () => {
  /** Both ends of a channel in one thread; what is posted is copied as between threads. */
  function connect(): { page: MessagePort; worker: MessagePort; end: () => void } {
    const { port1: page, port2: worker } = new MessageChannel()
    return { page, worker, end: () => page.close() }
  }
  const asPort = (port: MessagePort): WorkerLike => ({
    postMessage: (message) => {
      port.postMessage(message)
    },
    addEventListener(kind, listener) {
      if (kind === 'message') port.on('message', (data) => listener({ data }))
    },
  })

  test('carries other messages too, which are left alone', async () => {
    const { page, worker, end } = connect()
    serveProver(asPort(worker))
    const prover = createRemoteProver(asPort(page))
    for (const message of [undefined, null, 'text', { job: 0, kind: 'start' }, { channel: 'mine', job: 0 }]) {
      page.postMessage(message)
      worker.postMessage(message)
    }
    const channel = 'vitalseal/zk/prover/v1'
    page.postMessage({ channel, job: 7, kind: 'go on' })
    page.postMessage({ channel, job: 7, kind: 'end' })
    worker.postMessage({ channel, job: 7, kind: 'done', value: 1 })
    worker.postMessage({ channel, job: 7, kind: 'progress', progress: { done: 0, total: 1, step: 'x' } })
    const controller = new AbortController()
    const onProgress = (): void => {
      controller.abort()
    }
    const work = prover.generateKeys(requirement, { trust, signal: controller.signal, onProgress })
    expect(await codeOf(work)).toBe('ERR_ABORTED')
    end()
  })

  test('brings what a runtime throws as one code, without its words', async () => {
    const { page, worker, end } = connect()
    serveProver(asPort(worker), {
      backend: new Proxy({} as never, {
        get() {
          throw new TypeError('a secret')
        },
      }),
    })
    const prover = createRemoteProver(asPort(page))
    const error: unknown = await prover.generateKeys(requirement, { trust }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_ZK_WORKER' })
    expect((error as Error).message).toContain('TypeError')
    expect((error as Error).message).not.toContain('a secret')
    end()
  })
})
