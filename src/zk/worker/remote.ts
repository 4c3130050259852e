/**
 * The page's side of a worker that makes keys and proofs: the same work, the same errors and the same progress as here, only
 * elsewhere.
 *
 * The worker compiles the circuit from the requirement that it is given and keeps the keys that it made or checked; a page
 * holds numbers for them. Secrets go to the worker as copies, of which the worker erases the bytes when the proof is made.
 */

import { rejectArgument, unwrap, VitalsealError, type Failure, type Result } from '../../errors.ts'
import type { Bytes } from '../../primitives/bytes.ts'
import { throwIfAborted, type Progress, type ProgressOptions } from '../../primitives/progress.ts'
import { encodeOpening, type Opening } from '../commitment/commit.ts'
import type { PersonSecret } from '../commitment/person.ts'
import { encodeSchema } from '../commitment/schema-file.ts'
import { parseVerifyingKey, type KeyErrorCode, type VerifyingKey } from '../groth16/verifying-key.ts'
import type { RequirementMode } from '../requirement/compile.ts'
import type { Presentation } from '../requirement/present.ts'
import { encodeRequirement, type Requirement } from '../requirement/requirement.ts'
import type { Statement } from '../requirement/statement.ts'
import {
  listen,
  send,
  type CircuitSource,
  type Order,
  type PageMessage,
  type WorkerLike,
  type WorkerMessage,
} from './messages.ts'

/** A proving key that a worker holds and may prove with: it made or checked the key itself. */
export interface RemoteKey {
  /** What it proves. */
  readonly requirement: Requirement
  readonly verifyingKey: VerifyingKey
}

/** Keys that a worker made, as files for others. */
export interface RemoteKeys {
  readonly key: RemoteKey
  /** For whoever verifies. */
  readonly verifyingKey: Bytes
  /** For provers. */
  readonly provingKey: Bytes
  /** For provers too: with it they check the proving key. */
  readonly audit: Bytes
}

/** Which circuit of a requirement is meant. */
export interface RemoteOptions extends ProgressOptions {
  /** Default `assert`. */
  readonly mode?: RequirementMode
}

/** What is proved in a worker. */
export interface RemoteProveOptions extends ProgressOptions {
  readonly statement: Statement
  /** Secret. */
  readonly opening: Opening
  /** Secret. */
  readonly personSecret: PersonSecret
}

/** Makes keys and proofs in a worker. */
export interface RemoteProver {
  /**
   * As `generateProofKeys`: makes keys that convince the party that runs it, and nobody else.
   *
   * @throws What it throws there; when the worker is gone: `ERR_ZK_WORKER`. {@link VitalsealError}
   */
  generateKeys(
    requirement: Requirement,
    options: RemoteOptions & { readonly trust: 'single-verifier' },
  ): Promise<RemoteKeys>
  /**
   * As `parseZkObject` and `validateProvingKey`: checks a key that somebody else made.
   *
   * @returns the key, or why it may not be used
   * @throws When ended by the signal: `ERR_ABORTED`; when the worker is gone: `ERR_ZK_WORKER`. {@link VitalsealError}
   */
  validateKey(
    requirement: Requirement,
    options: RemoteOptions & { readonly provingKey: Uint8Array; readonly audit: Uint8Array },
  ): Promise<Result<RemoteKey, KeyErrorCode | 'ERR_ZK_KEY_MISMATCH'>>
  /**
   * As `prove`.
   *
   * @throws What it throws there; when the worker is gone: `ERR_ZK_WORKER`. {@link VitalsealError}
   */
  prove(key: RemoteKey, options: RemoteProveOptions): Promise<Presentation>
}

interface Job {
  readonly options: ProgressOptions
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: Error) => void
  /** What the caller's own function threw; it ended the work. */
  thrown?: Error
}

function gone(): VitalsealError {
  return new VitalsealError('ERR_ZK_WORKER', 'the worker ended, failed to load, or sent what cannot be read', {
    details: {},
  })
}

/** Numbers the jobs of one worker and brings each answer to its own. */
class Jobs {
  readonly #worker: WorkerLike
  readonly #jobs = new Map<number, Job>()
  #next = 0
  #isGone = false

  constructor(worker: WorkerLike) {
    this.#worker = worker
    listen(
      worker,
      (message) => {
        // What cannot be read comes from another version, or the port is closed: no job of this worker can end well.
        this.#hear(message).catch(() => {
          this.#break()
        })
      },
      () => {
        this.#break()
      },
    )
  }

  async run(order: Order, options: ProgressOptions): Promise<unknown> {
    throwIfAborted(options.signal)
    if (this.#isGone) throw gone()
    const job = this.#next++
    return new Promise((resolve, reject: (reason: Error) => void) => {
      this.#jobs.set(job, { options, resolve, reject })
      try {
        send(this.#worker, { kind: 'start', job, order })
      } catch {
        this.#jobs.delete(job)
        rejectArgument('options', 'what can be copied to a worker', 'something else')
      }
    })
  }

  async #hear(message: PageMessage | WorkerMessage): Promise<void> {
    const job = this.#jobs.get(message.job)
    if (job === undefined) return
    switch (message.kind) {
      case 'progress': {
        const kind = (await this.#mayGoOn(job, message.progress)) ? 'go on' : 'end'
        send(this.#worker, { kind, job: message.job })
        return
      }
      case 'done':
        job.resolve(message.value)
        break
      case 'failed': {
        const { code, path, details } = message.error
        job.reject(job.thrown ?? new VitalsealError(code, message.error.message, { path, details }))
        break
      }
      default:
        return
    }
    this.#jobs.delete(message.job)
  }

  async #mayGoOn(job: Job, progress: Progress): Promise<boolean> {
    const { signal, onProgress } = job.options
    try {
      await onProgress?.(progress)
    } catch (error) {
      job.thrown = error instanceof Error ? error : new Error('onProgress threw', { cause: error })
      return false
    }
    return signal?.aborted !== true
  }

  #break(): void {
    this.#isGone = true
    for (const { reject } of this.#jobs.values()) reject(gone())
    this.#jobs.clear()
  }
}

/** What an answer holds; an answer that holds something else comes from a worker of another version. */
async function readAnswer<T>(answer: Promise<unknown>, read: (value: unknown) => T): Promise<T> {
  const value = await answer
  try {
    return read(value)
  } catch {
    throw gone()
  }
}

function sourceOf(requirement: Requirement, { mode = 'assert' }: RemoteOptions): CircuitSource {
  return { schema: encodeSchema(requirement.schema), requirement: encodeRequirement(requirement), mode }
}

/** Numbers of keys in the worker that holds them. */
type Held = WeakMap<RemoteKey, number>

function hold(held: Held, requirement: Requirement, found: { key: number; verifyingKey: Uint8Array }): RemoteKey {
  const key = Object.freeze({ requirement, verifyingKey: unwrap(parseVerifyingKey(found.verifyingKey)) })
  held.set(key, found.key)
  return key
}

/**
 * Returns a prover that works in a worker which called {@link serveProver}. The page stays responsive, as each step is
 * reported; a worker that is terminated from outside leaves its work unanswered where the runtime does not say so.
 *
 * @param worker - a `Worker` of a browser or of `node:worker_threads`, one for each prover; other messages may share it
 * @example
 * const prover = createRemoteProver(new Worker(new URL('./prover-worker.js', import.meta.url), { type: 'module' }))
 */
export function createRemoteProver(worker: WorkerLike): RemoteProver {
  const jobs = new Jobs(worker)
  const held: Held = new WeakMap()
  return Object.freeze({
    async generateKeys(requirement: Requirement, options: Parameters<RemoteProver['generateKeys']>[1]) {
      const order = { kind: 'generate', source: sourceOf(requirement, options), trust: options.trust } as const
      return readAnswer(jobs.run(order, options), (value) => {
        const made = value as { readonly key: number } & Omit<RemoteKeys, 'key'>
        const { verifyingKey, provingKey, audit } = made
        return Object.freeze({ key: hold(held, requirement, made), verifyingKey, provingKey, audit })
      })
    },
    async validateKey(requirement: Requirement, options: Parameters<RemoteProver['validateKey']>[1]) {
      const order = {
        kind: 'validate',
        source: sourceOf(requirement, options),
        provingKey: Uint8Array.from(options.provingKey),
        audit: Uint8Array.from(options.audit),
      } as const
      return readAnswer(jobs.run(order, options), (value) => {
        const answer = value as
          | { readonly ok: true; readonly value: { readonly key: number; readonly verifyingKey: Uint8Array } }
          | Failure<KeyErrorCode | 'ERR_ZK_KEY_MISMATCH'>
        return answer.ok ? { ok: true as const, value: hold(held, requirement, answer.value) } : answer
      })
    },
    async prove(key: RemoteKey, options: RemoteProveOptions) {
      const { statement } = options
      const number = held.get(key)
      if (number === undefined) {
        throw new VitalsealError('ERR_ZK_INSECURE_KEY', '"key" expected one that this worker made or checked', {
          path: 'key',
          details: { check: 'not validated' },
        })
      }
      // Copies: of a view, a runtime would send everything around it as well.
      const [opening, personSecret] = [encodeOpening(options.opening), Uint8Array.from(options.personSecret)]
      const answer = jobs.run({ kind: 'prove', key: number, statement, opening, personSecret }, options)
      opening.fill(0)
      personSecret.fill(0)
      return readAnswer(answer, (value) => {
        const { proof, result, nullifiers } = value as Presentation
        return Object.freeze({ proof: Object.freeze(proof), result, nullifiers: Object.freeze(nullifiers) })
      })
    },
  })
}
