/**
 * Capsules: a key, sealed for the owner under conditions, which proxies with a re-key for one of them may convert.
 *
 * On the wire `[1, 1, 1, delegator48, conditions, associatedData, core]`; core is C | V... | ch | s: the point g^r, the
 * hidden message for each condition, and a proof that whoever made the capsule knows r. With one condition it takes 144
 * bytes. Reading looks at the form only; points are decoded where they are used, and every bit is covered there.
 */

import { succeed, type Result } from '../errors.ts'
import { concatBytes, copyBytes, fromHex, toHex, type Bytes } from '../primitives/bytes.ts'
import type { CborValue, CodecErrorCode } from '../primitives/codec.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import {
  bytesOf,
  bytesUpTo,
  encodeShape,
  mapped,
  Mismatch,
  parseShape,
  tuple,
  type Shape,
} from '../primitives/shape.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import { conditionField, CONDITIONS_MAX, conditionsShape, type Condition } from './condition.ts'
import { PRE_PUBLIC_KEY_BYTES } from './keys.ts'
import { reread, rereadWhole, type ObjectCodec } from './reread.ts'
import { header, headerOf, SUITES } from './suite.ts'

/** Bytes of associated data. */
export const ASSOCIATED_DATA_BYTES_MAX = 1_024
/** Bytes of a message, a mask, a challenge and a response. */
const WORD_BYTES = 32
const POINT_BYTES = 48
const CORE_BYTES_MAX = POINT_BYTES + WORD_BYTES * (CONDITIONS_MAX + 2)

/** What everybody knows about a capsule. */
export interface CapsuleFacts {
  /** Public key of the owner, 48 bytes. */
  readonly delegator: Bytes
  /** One to eight, ascending; a re-key for any of them converts it. */
  readonly conditions: readonly Condition[]
  /** What the capsule is bound to besides, visible; empty where there is nothing. */
  readonly associatedData: Bytes
}

/** A key sealed for its owner under conditions. 144 bytes of group material for one condition, and labels. */
export interface Capsule extends CapsuleFacts {
  readonly kind: 'capsule'
  /** Digest of the body, hexadecimal: two capsules of one id are the same capsule. */
  readonly id: string
  /** C | V... | ch | s. */
  readonly core: Bytes
  /** The encoding. */
  readonly bytes: Bytes
}

/** The four parts of a core. */
export interface CapsuleParts {
  /** g^r, 48 bytes. */
  readonly point: Bytes
  /** The hidden message, 32 bytes for each condition. */
  readonly masked: readonly Bytes[]
  /** Challenge and response of the proof, 32 bytes each. */
  readonly challenge: Bytes
  readonly response: Bytes
}

/** Joins the parts of a core. */
export function joinCore({ point, masked, challenge, response }: CapsuleParts): Bytes {
  return concatBytes(point, ...masked, challenge, response)
}

/** Takes the core of a capsule apart. */
export function splitCore({ core, conditions }: Pick<Capsule, 'core' | 'conditions'>): CapsuleParts {
  const masksEnd = POINT_BYTES + WORD_BYTES * conditions.length
  return {
    point: core.slice(0, POINT_BYTES),
    masked: conditions.map((_, i) => core.slice(POINT_BYTES + WORD_BYTES * i, POINT_BYTES + WORD_BYTES * (i + 1))),
    challenge: core.slice(masksEnd, masksEnd + WORD_BYTES),
    response: core.slice(masksEnd + WORD_BYTES),
  }
}

/** Facts in the order in which transcripts hash them. */
export function factFields({ delegator, conditions, associatedData }: CapsuleFacts): readonly CborValue[] {
  return [SUITES.cpre, delegator, conditions.map(conditionField), associatedData]
}

/** Digest of the body: everything but the proof, which it is hashed into. */
export function hashCapsule(facts: CapsuleFacts, { point, masked }: Pick<CapsuleParts, 'point' | 'masked'>): Digest32 {
  return taggedHash(PRE_TAGS.preCapsule, ...factFields(facts), point, masked)
}

interface Wire extends CapsuleFacts {
  readonly core: Bytes
}

const factShapes = {
  delegator: bytesOf(PRE_PUBLIC_KEY_BYTES),
  conditions: conditionsShape,
  associatedData: bytesUpTo(ASSOCIATED_DATA_BYTES_MAX),
  core: bytesUpTo(CORE_BYTES_MAX),
}

function hasCoreLength({ core, conditions }: Wire): boolean {
  return core.length === POINT_BYTES + WORD_BYTES * (conditions.length + 2)
}

/** A capsule inside of another object: `[delegator48, conditions, associatedData, core]`. */
export const capsuleFieldsShape: Shape<Wire> = mapped(tuple(factShapes), {
  parse: (wire) => (hasCoreLength(wire) ? wire : new Mismatch('a core of as many parts as there are conditions')),
  format: (wire) => wire,
})

const capsuleShape: Shape<Wire> = mapped(tuple({ ...header('cpre', 'capsule'), ...factShapes }), {
  parse: (wire) => (hasCoreLength(wire) ? wire : new Mismatch('a core of as many parts as there are conditions')),
  format: (wire) => ({ ...headerOf('cpre', 'capsule'), ...wire }),
})

const OBJECT = 'capsule'

/** Returns the capsule of its parts; `digest` where it has just been computed. */
export function createCapsule(wire: Wire, digest?: Digest32): Capsule {
  const { conditions } = wire
  const delegator = copyBytes(wire.delegator)
  const associatedData = copyBytes(wire.associatedData)
  const core = copyBytes(wire.core)
  const facts = { delegator, conditions, associatedData }
  const id = toHex(digest ?? hashCapsule(facts, splitCore({ core, conditions })))
  const bytes = encodeShape({ ...facts, core }, capsuleShape, { object: OBJECT })
  return Object.freeze({ kind: 'capsule' as const, ...facts, id, core, bytes })
}

/** Reads a capsule. Total; form only. */
export function parseCapsule(bytes: Uint8Array): Result<Capsule, CodecErrorCode> {
  const parsed = parseShape(bytes, capsuleShape, { object: OBJECT })
  return parsed.ok ? succeed(createCapsule(parsed.value)) : parsed
}

const codec: ObjectCodec<Capsule> = {
  kind: 'capsule',
  encode: (capsule) => encodeShape(capsule, capsuleShape, { object: OBJECT }),
  parse: parseCapsule,
}

/** A capsule of one's own; undefined for what is none. */
export function rereadCapsule(capsule: Capsule): Capsule | undefined {
  return reread(capsule, codec)
}

/** A capsule of one's own; undefined for what is none, or says another id or encoding than its parts have. */
export function rereadWholeCapsule(capsule: Capsule): Capsule | undefined {
  return rereadWhole(capsule, codec)
}

/** The same capsule in another object, which may be given away. */
export function copyCapsule(capsule: Capsule): Capsule {
  return createCapsule(capsule, fromHex(capsule.id) as unknown as Digest32)
}
