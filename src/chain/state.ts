/**
 * The state of a ledger: an authenticated map under typed keys, with a draft on top for one transaction at a time.
 *
 * A rule writes into the draft; it is kept or dropped whole, so that a refused transaction changes nothing but what the
 * executor writes for it. What is kept waits until somebody asks for the root, at the end of a block: an entry that many of
 * its transactions change (a nonce, a count) is encoded and hashed once. Lists have a counted prefix: the entry without a number holds how many there are, which makes
 * "all records of this label" provable and findable without a scan.
 */

import { rejectArgument, unwrap } from '../errors.ts'
import { createAuthenticatedMap, type AuthenticatedMap, type MapSnapshot } from '../primitives/authenticated-map.ts'
import type { MapProof } from '../primitives/authenticated-map-proof.ts'
import { encodeCbor, type CborValue } from '../primitives/codec.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { codecLimits, COUNTER_MAX, MAP_VALUE_BYTES_MAX, type CodecLimits } from '../primitives/limits.ts'
import { Mismatch, parseShape, uint, type Shape } from '../primitives/shape.ts'

/** A key: its kind first, then parties, labels and numbers as text and integers. */
export type StateKey = readonly [kind: string, ...rest: readonly (string | number)[]]

/** What can be read of a state. */
export interface StateReader {
  /** The value of a key; undefined when it is absent. */
  get<T>(key: StateKey, shape: Shape<T>): T | undefined
  /** Whether a key is present. */
  has(key: StateKey): boolean
  /** How many entries a list has. */
  count(list: StateKey): number
  /** One entry of a list, from 0. */
  entry<T>(list: StateKey, index: number, shape: Shape<T>): T | undefined
}

/** A state that a rule may change. */
export interface StateWriter extends StateReader {
  /** Sets a value. */
  set<T>(key: StateKey, value: T, shape: Shape<T>): void
  /** Deletes a key. */
  delete(key: StateKey): void
  /** Adds an entry at the end of a list and returns its index. */
  append<T>(list: StateKey, value: T, shape: Shape<T>): number
}

/** The state of a ledger. */
export interface State extends StateReader {
  /** Runs `change` on a draft and keeps what it wrote unless it returns `'drop'`. */
  draft<R>(change: (writer: StateWriter) => { readonly keep: boolean; readonly result: R }): R
  /** The root that headers commit to. */
  root(): Digest32
  /** Proof that a key is present or absent under the root. */
  prove(key: StateKey): MapProof
  /** Keeps the present; to be released. */
  snapshot(): MapSnapshot
  /** Makes a kept snapshot the present again. */
  rollback(to: MapSnapshot): void
}

const counterShape = uint(COUNTER_MAX)

/** Decoded values in each of two generations; values are frozen by use, never changed in place. */
const GENERATION_VALUES = 16_384

interface Decoded {
  readonly value: unknown
}

interface Written extends Decoded {
  readonly key: StateKey
  /** Undefined deletes. */
  readonly wire: CborValue | undefined
}

/** A value may be made of several transactions: it has the limits of the map, not those of one. */
const stateLimits: CodecLimits = { ...codecLimits, bytesMax: MAP_VALUE_BYTES_MAX, itemsMax: 2 ** 20 }

/**
 * The name of a key among what is remembered. Parts are other people's text (an organisation, say): no text may look like
 * two parts, or a number like its digits.
 */
function nameOf(key: StateKey): string {
  let name = ''
  for (const part of key) name += typeof part === 'number' ? `#${part}` : `${part.length}:${part}`
  return name
}

/** Returns the empty state, or the one over a restored map. */
export function createState(map: AuthenticatedMap = createAuthenticatedMap()): State {
  let decoded = createGenerations()
  const waiting = new Map<string, Written>()
  const recall = (name: string) => waiting.get(name) ?? decoded.get(name)
  const base: Layer = {
    recall,
    has: (name, key) => {
      const known = recall(name)
      return known === undefined ? map.has(key) : known.value !== undefined
    },
    load(name, key, shape) {
      const bytes = map.get(key)
      const options = { object: key[0], limits: stateLimits }
      const value = bytes === undefined ? undefined : unwrap(parseShape(bytes, shape, options))
      decoded.set(name, { value })
      return value
    },
  }

  function flush(): void {
    for (const [name, { key, wire, value }] of waiting) {
      decoded.set(name, { value })
      if (wire === undefined) map.delete(key)
      else map.set(key, encodeCbor(wire, stateLimits))
    }
    waiting.clear()
  }

  const written = new Map<string, Written>()
  const writer = createWriter(base, written)

  return {
    ...createReader(base),
    draft(change) {
      // Left over where a rule threw.
      written.clear()
      const { keep, result } = change(writer)
      if (keep) for (const [name, entry] of written) waiting.set(name, entry)
      written.clear()
      return result
    },
    root() {
      flush()
      return map.root()
    },
    prove(key) {
      flush()
      return map.prove(key)
    },
    snapshot() {
      flush()
      return map.snapshot()
    },
    rollback(to) {
      waiting.clear()
      map.rollback(to)
      decoded = createGenerations()
    },
  }
}

interface Generations {
  get(name: string): Decoded | undefined
  set(name: string, value: Decoded): void
}

/** Forgets what was in neither of the last two generations: unlike a strict order of use, this costs nothing to read. */
function createGenerations(): Generations {
  let [young, old] = [new Map<string, Decoded>(), new Map<string, Decoded>()]
  const set = (name: string, value: Decoded): void => {
    young.set(name, value)
    if (young.size < GENERATION_VALUES) return
    old = young
    young = new Map()
  }
  return {
    set,
    get(name) {
      const known = young.get(name)
      if (known !== undefined) return known
      const older = old.get(name)
      if (older !== undefined) set(name, older)
      return older
    },
  }
}

interface Layer {
  recall(name: string): Decoded | undefined
  has(name: string, key: StateKey): boolean
  /** Reads what is not remembered. */
  load<T>(name: string, key: StateKey, shape: Shape<T>): T | undefined
}

function createReader(layer: Layer): StateReader {
  const reader: StateReader = {
    get<T>(key: StateKey, shape: Shape<T>): T | undefined {
      const name = nameOf(key)
      const recalled = layer.recall(name)
      return recalled === undefined ? layer.load(name, key, shape) : (recalled.value as T | undefined)
    },
    has: (key) => layer.has(nameOf(key), key),
    count: (list) => reader.get(list, counterShape) ?? 0,
    entry: (list, index, shape) => reader.get([...list, index], shape),
  }
  return reader
}

function createWriter(base: Layer, written: Map<string, Written>): StateWriter {
  const reader = createReader({
    recall: (name) => written.get(name) ?? base.recall(name),
    has(name, key) {
      const known = written.get(name)
      return known === undefined ? base.has(name, key) : known.value !== undefined
    },
    load: (name, key, shape) => base.load(name, key, shape),
  })
  const writer: StateWriter = {
    ...reader,
    set(key, value, shape) {
      const wire = shape.write(value)
      // What a replica remembers is what another one, restored from a snapshot, reads: never the value as it was given.
      const kept = shape.read(wire)
      if (kept instanceof Mismatch) rejectArgument(key[0], kept.expected, 'another value')
      written.set(nameOf(key), { key, wire, value: kept })
    },
    delete(key) {
      written.set(nameOf(key), { key, wire: undefined, value: undefined })
    },
    append(list, value, shape) {
      const index = reader.count(list)
      writer.set([...list, index], value, shape)
      writer.set(list, index + 1, counterShape)
      return index
    },
  }
  return writer
}
