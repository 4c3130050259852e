/**
 * The worker's side: makes keys, checks keys and proves, so that the page can go on drawing.
 */

import { isVitalsealError, unwrap, VitalsealError, type Result } from '../../errors.ts'
import type { Verified } from '../../primitives/bytes.ts'
import type { ProgressOptions } from '../../primitives/progress.ts'
import { parseOpening } from '../commitment/commit.ts'
import { parsePersonSecret } from '../commitment/person.ts'
import { parseSchema } from '../commitment/schema-file.ts'
import { encodeZkObject, parseZkObject } from '../formats/zk-object.ts'
import type { CurveBackend } from '../groth16/backend.ts'
import { generateProofKeys } from '../groth16/generate.ts'
import type { ProvingKey } from '../groth16/proving-key.ts'
import { validateProvingKey } from '../groth16/validate-key.ts'
import { compileRequirement, type RequirementCircuit } from '../requirement/compile.ts'
import { prove } from '../requirement/present.ts'
import { parseRequirement } from '../requirement/requirement.ts'
import { listen, send, type CircuitSource, type Order, type SentError, type WorkerLike } from './messages.ts'

/** How a worker computes. */
export interface ServeProverOptions {
  /** Default: the portable one. */
  readonly backend?: CurveBackend
}

interface HeldKey {
  readonly key: Verified<ProvingKey>
  readonly circuit: RequirementCircuit
}

function compile({ schema, requirement, mode }: CircuitSource): RequirementCircuit {
  return compileRequirement(unwrap(parseRequirement(requirement, unwrap(parseSchema(schema)))), { mode })
}

function toSentError(error: unknown): SentError {
  if (isVitalsealError(error)) return error.toJSON()
  // Whatever a runtime says of an error may quote values; its name does not.
  const name = error instanceof Error ? error.name : 'an error'
  return { code: 'ERR_ZK_WORKER', path: '', message: `the worker failed with ${name}`, details: {} }
}

/** One job after the other finds its keys here; a page names them by number. */
class ProverService {
  readonly #keys: HeldKey[] = []
  readonly #backend: { readonly backend?: CurveBackend }

  constructor({ backend }: ServeProverOptions) {
    this.#backend = backend === undefined ? {} : { backend }
  }

  async run(order: Order, options: ProgressOptions): Promise<unknown> {
    switch (order.kind) {
      case 'generate':
        return this.#generate(order, options)
      case 'validate':
        return this.#validate(order, options)
      case 'prove':
        return this.#prove(order, options)
    }
  }

  async #generate({ source, trust }: Order & { kind: 'generate' }, options: ProgressOptions): Promise<unknown> {
    const circuit = compile(source)
    const keys = await generateProofKeys(circuit, { ...options, ...this.#backend, trust })
    return {
      key: this.#keep({ key: keys.provingKey, circuit }),
      verifyingKey: encodeZkObject(keys.verifyingKey),
      provingKey: encodeZkObject(keys.provingKey),
      audit: encodeZkObject(keys.audit),
    }
  }

  async #validate(order: Order & { kind: 'validate' }, options: ProgressOptions): Promise<Result<unknown>> {
    const circuit = compile(order.source)
    const [key, audit] = [
      parseZkObject('proving-key', order.provingKey),
      parseZkObject('key-audit', order.audit),
    ] as const
    if (!key.ok) return key
    if (!audit.ok) return audit
    const checked = await validateProvingKey(key.value, { ...options, ...this.#backend, circuit, audit: audit.value })
    if (!checked.ok) return checked
    const verifyingKey = encodeZkObject(checked.value.verifyingKey)
    return { ok: true, value: { key: this.#keep({ key: checked.value, circuit }), verifyingKey } }
  }

  async #prove(order: Order & { kind: 'prove' }, options: ProgressOptions): Promise<unknown> {
    const { statement } = order
    try {
      const held = this.#keys[order.key]
      if (held === undefined) throw new VitalsealError('ERR_ZK_WORKER', 'the worker holds no such key', { details: {} })
      const { key, circuit } = held
      const opening = unwrap(parseOpening(order.opening, circuit.requirement.schema))
      const personSecret = unwrap(parsePersonSecret(order.personSecret))
      return await prove(key, { ...options, ...this.#backend, circuit, statement, opening, personSecret })
    } finally {
      order.opening.fill(0)
      order.personSecret.fill(0)
    }
  }

  #keep(held: HeldKey): number {
    return this.#keys.push(held) - 1
  }
}

/**
 * Makes the worker that calls it answer {@link createRemoteProver}. One line of a worker's script.
 *
 * @param port - the worker's side: `self` in a browser, `parentPort` of `node:worker_threads` in Node
 * @example
 * serveProver(self)
 */
export function serveProver(port: WorkerLike, options: ServeProverOptions = {}): void {
  const service = new ProverService(options)
  const waiting = new Map<number, { readonly goOn: () => void; readonly end: () => void }>()

  const start = async (job: number, order: Order): Promise<void> => {
    const onProgress: ProgressOptions['onProgress'] = async (progress) => {
      const answered = new Promise<void>((goOn, reject) => {
        const end = (): void => {
          reject(new VitalsealError('ERR_ABORTED', 'ended by the signal of the caller', { details: {} }))
        }
        waiting.set(job, { goOn, end })
      })
      send(port, { kind: 'progress', job, progress })
      await answered
    }
    try {
      send(port, { kind: 'done', job, value: await service.run(order, { onProgress }) })
    } catch (error) {
      send(port, { kind: 'failed', job, error: toSentError(error) })
    }
  }

  listen(port, (message) => {
    const { job, kind } = message
    if (kind === 'start') void start(job, message.order)
    if (kind !== 'go on' && kind !== 'end') return
    const answer = waiting.get(job)
    waiting.delete(job)
    if (kind === 'end') answer?.end()
    else answer?.goOn()
  })
}
