/**
 * The state machine that simulations order unless they bring their own: a hash chain over the requests executed, each once.
 *
 * Requests carry a keyed hash of their client, so that a faulty replica cannot invent one.
 */

import { fail, rejectArgument, succeed, type Result } from '../../errors.ts'
import { concatBytes, equalBytes, fromHex, fromUtf8, toHex, toUtf8, type Bytes } from '../../primitives/bytes.ts'
import { sha256, type Digest32 } from '../../primitives/hash.ts'
import type { ProposedBatch, Request } from '../batch.ts'
import type { Application, Applied, Head } from '../types.ts'

const MARK_BYTES = 8
const ZERO = sha256(new Uint8Array())

function clientMark(client: Uint8Array, payload: Uint8Array): Uint8Array {
  return sha256(concatBytes(toUtf8('client secret'), client, payload)).subarray(0, MARK_BYTES)
}

/**
 * Returns a request of a simulated client.
 *
 * @param client - its number
 * @param payload - the same payload is the same request
 */
export function createSimulatedRequest(client: number, payload: string): Request {
  const name = toUtf8(`client ${client}`)
  const body = toUtf8(payload)
  const bytes = concatBytes(clientMark(name, body), body)
  return { id: sha256(concatBytes(name, body)), client: name, bytes }
}

interface State {
  readonly height: number
  readonly parent: Digest32
  readonly headerDigest: Digest32
  readonly timeMs: number
  /** Hash chain over the executed ids: the state, as far as a header is concerned. */
  readonly stateRoot: Digest32
  readonly executed: string[]
}

/** A state machine for simulations, with its log of executed request ids. */
export interface SimulatedApplication extends Application {
  /** Ids of the requests executed, in order. */
  executed(): readonly string[]
}

function malformed(expected: string): Result<never> {
  return fail('ERR_CODEC_MALFORMED', `expected ${expected}`, { details: { byteOffset: 0, expected } })
}

function chain(root: Digest32, id: string): Digest32 {
  return sha256(concatBytes(root, toUtf8(id)))
}

function hashHeader(header: Pick<State, 'height' | 'parent' | 'timeMs' | 'stateRoot'>): Digest32 {
  const { height, parent, timeMs, stateRoot } = header
  return sha256(concatBytes(toUtf8(`${height}/${timeMs}/`), parent, stateRoot))
}

function encodeState({ height, parent, timeMs, executed }: State): Bytes {
  return toUtf8(JSON.stringify([height, toHex(parent), timeMs, executed]))
}

function decodeState(bytes: Uint8Array): State {
  const [height, parentHex, timeMs, executed] = JSON.parse(fromUtf8(bytes)) as [number, string, number, string[]]
  const parent = fromHex(parentHex) as Digest32
  const stateRoot = executed.reduce(chain, ZERO)
  return {
    height,
    parent,
    timeMs,
    stateRoot,
    executed,
    headerDigest: hashHeader({ height, parent, timeMs, stateRoot }),
  }
}

/** Requests that were judged: replicas of one simulation see the same objects again and again. */
const judged = new WeakMap<Request, Result<unknown>>()

function judge(request: Request): Result<unknown> {
  let result = judged.get(request)
  if (result === undefined) {
    const payload = request.bytes.subarray(MARK_BYTES)
    const isGenuine = equalBytes(request.bytes.subarray(0, MARK_BYTES), clientMark(request.client, payload))
    const isNamed = equalBytes(request.id, sha256(concatBytes(request.client, payload)))
    result = isGenuine && isNamed ? succeed(request) : malformed('a request of its client')
    judged.set(request, result)
  }
  return result
}

/** Returns a state machine at its beginning. */
export function createSimulatedApplication(): SimulatedApplication {
  let state: State = { height: 0, parent: ZERO, headerDigest: ZERO, timeMs: 0, stateRoot: ZERO, executed: [] }
  let done = new Set<string>()

  function check(request: Request): Result<unknown> {
    return done.has(toHex(request.id)) ? malformed('a request that was not executed before') : judge(request)
  }

  function apply(batch: ProposedBatch, height: number): Applied {
    if (height !== state.height + 1) rejectArgument('height', `${state.height + 1}`, `${height}`)
    const fresh = batch.requests.map((request) => toHex(request.id)).filter((id) => !done.has(id) && done.add(id))
    const stateRoot = fresh.reduce(chain, state.stateRoot)
    const header = { height, parent: state.headerDigest, timeMs: Math.max(state.timeMs, batch.timeMs), stateRoot }
    const headerDigest = hashHeader(header)
    state.executed.push(...fresh)
    state = { ...header, headerDigest, executed: state.executed }
    return { block: toUtf8(JSON.stringify([height, header.timeMs, fresh])), headerDigest, stateRoot }
  }

  function head(): Head {
    const { height, headerDigest, stateRoot } = state
    return { height, headerDigest, stateRoot }
  }

  function restore(chunks: Iterable<Uint8Array>, expected: Pick<Head, 'height' | 'headerDigest'>): Result<Head> {
    try {
      const restored = decodeState(concatBytes(...chunks))
      const isExpected = equalBytes(restored.headerDigest, expected.headerDigest) && restored.height === expected.height
      if (!isExpected) return malformed('that height and header')
      state = restored
      done = new Set(restored.executed)
      return succeed(head())
    } catch {
      return malformed('a snapshot')
    }
  }

  return {
    head,
    check,
    validate: (batch) => batch.requests.map(judge).find((result) => !result.ok) ?? succeed(batch),
    apply,
    snapshot: () => [encodeState(state)],
    restore,
    executed: () => state.executed,
  }
}
