/**
 * The state of a ledger: an authenticated map under typed keys, with a draft on top for one transaction at a time.
 *
 * A rule writes into the draft; it is kept or dropped whole, so that a refused transaction changes nothing but what the
 * executor writes for it. Lists have a counted prefix: the entry without a number holds how many there are, which makes
 * "all records of this label" provable and findable without a scan.
 */

import { rejectArgument, unwrap } from '../errors.ts'
import { createAuthenticatedMap, type AuthenticatedMap, type MapSnapshot } from '../primitives/authenticated-map.ts'
import type { MapProof } from '../primitives/authenticated-map-proof.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { codecLimits, COUNTER_MAX, MAP_VALUE_BYTES_MAX, type CodecLimits } from '../primitives/limits.ts'
import { createRecentMap } from '../primitives/recent.ts'
import { Mismatch, parseShape, uint, type Shape } from '../primitives/shape.ts'

/** A key: its kind first, then parties, labels and numbers as text and integers. */
export type StateKey = readonly [kind: string, ...rest: readonly (string | number)[]]

/** What can be read of a state. */
export interface StateReader {
  get<T>(key: StateKey, shape: Shape<T>): T | undefined
  has(key: StateKey): boolean
  /** How many entries a list has. */
  count(list: StateKey): number
  /** One entry of a list, from 0. */
  entry<T>(list: StateKey, index: number, shape: Shape<T>): T | undefined
}

/** A state that a rule may change. */
export interface StateWriter extends StateReader {
  set<T>(key: StateKey, value: T, shape: Shape<T>): void
  delete(key: StateKey): void
  /** Adds an entry at the end of a list and returns its index. */
  append<T>(list: StateKey, value: T, shape: Shape<T>): number
}

/** The state of a ledger. */
export interface State extends StateReader {
  /** Runs `change` on a draft and keeps what it wrote unless it returns `'drop'`. */
  draft<R>(change: (writer: StateWriter) => { readonly keep: boolean; readonly result: R }): R
  root(): Digest32
  prove(key: StateKey): MapProof
  snapshot(): MapSnapshot
  rollback(to: MapSnapshot): void
}

const counterShape = uint(COUNTER_MAX)

/** Decoded values that were read lately; values are frozen by use, never changed in place. */
const RECENT_VALUES = 16_384

interface Decoded {
  readonly value: unknown
}

interface Written extends Decoded {
  readonly key: StateKey
  /** Undefined deletes. */
  readonly bytes: Bytes | undefined
}

/** A value may be made of several transactions: it has the limits of the map, not those of one. */
const stateLimits: CodecLimits = { ...codecLimits, bytesMax: MAP_VALUE_BYTES_MAX, itemsMax: 2 ** 20 }

/** Parts are other people's text (an organisation, say): no text may look like two parts, or a number like its digits. */
const nameOf = (key: StateKey) => JSON.stringify(key)

/** Returns the empty state, or the one over a restored map. */
export function createState(map: AuthenticatedMap = createAuthenticatedMap()): State {
  let decoded = createRecentMap<string, Decoded>(RECENT_VALUES)
  const base: Layer = {
    read: (_name, key) => map.get(key),
    has: (_name, key) => map.has(key),
    recall: (name) => decoded.get(name),
    remember: (name, value) => {
      decoded.set(name, { value })
    },
  }
  return {
    ...createReader(base),
    draft(change) {
      const written = new Map<string, Written>()
      const { keep, result } = change(createWriter(base, written))
      if (!keep) return result
      for (const [name, { key, bytes, value }] of written) {
        decoded.set(name, { value })
        if (bytes === undefined) map.delete(key)
        else map.set(key, bytes)
      }
      return result
    },
    root: () => map.root(),
    prove: (key) => map.prove(key),
    snapshot: () => map.snapshot(),
    rollback(to) {
      map.rollback(to)
      decoded = createRecentMap(RECENT_VALUES)
    },
  }
}

interface Layer {
  read(name: string, key: StateKey): Bytes | undefined
  has(name: string, key: StateKey): boolean
  recall(name: string): Decoded | undefined
  remember(name: string, value: unknown): void
}

function createReader(layer: Layer): StateReader {
  const reader: StateReader = {
    get<T>(key: StateKey, shape: Shape<T>): T | undefined {
      const name = nameOf(key)
      const recalled = layer.recall(name)
      if (recalled !== undefined) return recalled.value as T | undefined
      const bytes = layer.read(name, key)
      const options = { object: key[0], limits: stateLimits }
      const value = bytes === undefined ? undefined : unwrap(parseShape(bytes, shape, options))
      layer.remember(name, value)
      return value
    },
    has: (key) => layer.has(nameOf(key), key),
    count: (list) => reader.get(list, counterShape) ?? 0,
    entry: (list, index, shape) => reader.get([...list, index], shape),
  }
  return reader
}

function createWriter(base: Layer, written: Map<string, Written>): StateWriter {
  const reader = createReader({
    read: (name, key) => (written.has(name) ? written.get(name)?.bytes : base.read(name, key)),
    has: (name, key) => (written.has(name) ? written.get(name)?.bytes !== undefined : base.has(name, key)),
    recall: (name) => written.get(name) ?? base.recall(name),
    remember: (name, value) => {
      base.remember(name, value)
    },
  })
  const writer: StateWriter = {
    ...reader,
    set(key, value, shape) {
      const wire = shape.write(value)
      // What a replica remembers is what another one, restored from a snapshot, reads: never the value as it was given.
      const kept = shape.read(wire)
      if (kept instanceof Mismatch) rejectArgument(key[0], kept.expected, 'another value')
      written.set(nameOf(key), { key, bytes: encodeCbor(wire, stateLimits), value: kept })
    },
    delete(key) {
      written.set(nameOf(key), { key, bytes: undefined, value: undefined })
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
