/**
 * The commitment to a record: h = Poseidon(root, schema, subject, issuedAtMs, rho, person, record serial) over the salted
 * tree of its values (PS writes H(delta, r)).
 *
 * Made by the issuer, who vouches for the values; the patient receives the opening, sealed, and proves with it. h hides
 * the record: rho and the salts come from 32 fresh bytes, never used twice, since two commitments under one secret would
 * show which blocks are equal. h itself is public and links all proofs made with it: one commitment per study.
 */

import { rejectArgument, type Result } from '../../errors.ts'
import type { Brand, Bytes } from '../../primitives/bytes.ts'
import type { CodecErrorCode } from '../../primitives/codec.ts'
import { toPublicKey, type Did } from '../../primitives/did.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { hkdfTagged } from '../../primitives/kdf.ts'
import { codecLimits, TIME_MS_MAX } from '../../primitives/limits.ts'
import { drawBytes, randomBytes, type RandomSource } from '../../primitives/random.ts'
import {
  account,
  bytesOf,
  encodeShape,
  listOf,
  mapped,
  bytesUpTo,
  Mismatch,
  nullable,
  parseShape,
  timeMs,
  versioned,
  type Shape,
} from '../../primitives/shape.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import {
  digestToField,
  encodeField,
  FIELD_BYTES,
  FIELD_ORDER,
  parseField,
  toInteger,
  type FieldElement,
} from '../field.ts'
import type { PersonCommitment } from './person.ts'
import { hashPoseidon } from './poseidon.ts'
import { countLeaves, treeShapeOf, type Schema, type Values } from './schema.ts'
import { buildTree, layOutBlocks, rootOf, usedBlocks, type TreeLevels } from './tree.ts'
import { LEAVES_MAX } from './tree-shape.ts'
import { ABSENT, encodeValues } from './values.ts'

/** h, 32 bytes of a field element: hides a record and binds to it. */
export type Commitment = Brand<Bytes, 'Commitment'>

/** What a commitment is bound to besides the values. */
export interface CommitmentOptions {
  /** The account that may claim with it. */
  readonly subject: Did
  /** When the issuer vouched for the values. */
  readonly issuedAtMs: number
  /** From the patient: binds the record to one person without naming her. */
  readonly person: PersonCommitment
  /** The issuer's name of the record, the same in every commitment to it; 32 bytes. */
  readonly recordSerial: Digest32
}

/** What opens a commitment. Secret: it holds the values, and proofs can be made with it. */
export interface Opening extends CommitmentOptions {
  readonly commitment: Commitment
  /** Id of the record schema. */
  readonly schema: Digest32
  /** 32 fresh bytes from which salts and rho come. */
  readonly secret: Bytes
  /** The values as field elements, in the order of the schema. */
  readonly leaves: readonly FieldElement[]
}

/** Fields of the hash h, and the tree under it. */
export interface OpenedRecord {
  readonly levels: TreeLevels
  readonly blocks: readonly (readonly FieldElement[])[]
  readonly rho: FieldElement
  /** The inputs of h in their order. */
  readonly inputs: readonly FieldElement[]
}

const SECRET_BYTES = 32
/** HKDF output for one element: 128 bits more than r has. */
const SALT_BYTES = 48
const RHO = 'rho'

/** Returns the element that stands for an account. */
export function subjectToField(subject: Did): FieldElement {
  return digestToField(taggedHash(ZK_TAGS.zkSubject, toPublicKey(subject)))
}

function deriveSalt(secret: Uint8Array, index: number | typeof RHO): FieldElement {
  return toInteger(hkdfTagged(secret, ZK_TAGS.zkSalt, [index], SALT_BYTES)) % FIELD_ORDER
}

/** Builds the tree and the inputs of h again. Kept inside the library. */
export function openRecord(opening: Omit<Opening, 'commitment'>, schema: Schema): OpenedRecord {
  const { leaves, secret, subject, issuedAtMs, person, recordSerial } = opening
  const salts = Array.from({ length: usedBlocks(leaves.length) }, (_, i) => deriveSalt(secret, i))
  const blocks = layOutBlocks(leaves, salts)
  const levels = buildTree(blocks, treeShapeOf(schema))
  const rho = deriveSalt(secret, RHO)
  const inputs = [
    rootOf(levels),
    digestToField(opening.schema),
    subjectToField(subject),
    BigInt(issuedAtMs),
    rho,
    toInteger(person),
    digestToField(recordSerial),
    0n,
  ]
  return { levels, blocks, rho, inputs }
}

/** Returns h of an opened record. */
export function hashRecord(record: OpenedRecord): Commitment {
  return encodeField(hashPoseidon('commitment', record.inputs)) as Commitment
}

function finish(parts: Omit<Opening, 'commitment'>, schema: Schema): Opening {
  return Object.freeze({ ...parts, commitment: hashRecord(openRecord(parts, schema)) })
}

/**
 * Commits to the values of a record. Run by the issuer, who checks them first.
 *
 * Cost: about 1.5 ms for each 15 attributes.
 *
 * @param values - what is left out is absent
 * @param options - what it is bound to
 * @param random - 32 bytes; a repeated answer lets readers compare records
 * @returns the opening, which goes to the patient, sealed; its `commitment` is public
 * @throws When a value does not fit the schema or an option has another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function commitValues<S>(
  schema: Schema<S>,
  values: Values<S>,
  options: CommitmentOptions,
  random: RandomSource = randomBytes,
): Opening {
  const { subject, issuedAtMs, person, recordSerial } = options
  if (!Number.isSafeInteger(issuedAtMs) || issuedAtMs < 0 || issuedAtMs > TIME_MS_MAX) {
    rejectArgument('issuedAtMs', 'milliseconds UTC', `${issuedAtMs}`)
  }
  if (!parseField(person).ok) rejectArgument('person', 'the commitment to a person secret', 'other bytes')
  if (!(recordSerial instanceof Uint8Array) || recordSerial.length !== 32) {
    rejectArgument('recordSerial', '32 bytes', 'something else')
  }
  const leaves = Object.freeze(encodeValues(schema, values))
  const parts = {
    subject,
    issuedAtMs,
    person: Uint8Array.from(person) as PersonCommitment,
    recordSerial: Uint8Array.from(recordSerial) as Digest32,
    schema: Uint8Array.from(schema.id) as Digest32,
    secret: drawBytes(random, SECRET_BYTES),
    leaves,
  }
  return finish(parts, schema as unknown as Schema)
}

/** A leaf: null where absent, otherwise big-endian without leading zeros. */
const leaf: Shape<FieldElement> = mapped(nullable(bytesUpTo(FIELD_BYTES)), {
  parse(bytes) {
    if (bytes === null) return ABSENT
    const value = toInteger(bytes)
    return bytes[0] === 0 || value >= ABSENT ? new Mismatch('a field element without leading zeros') : value
  },
  format(value) {
    if (value === ABSENT) return null
    const bytes = encodeField(value)
    const first = bytes.findIndex((byte) => byte !== 0)
    return first < 0 ? new Uint8Array(0) : bytes.slice(first)
  },
})

const openingShape = versioned(1, {
  schema: bytesOf(32) as unknown as Shape<Digest32>,
  subject: account,
  issuedAtMs: timeMs,
  person: bytesOf(FIELD_BYTES) as unknown as Shape<PersonCommitment>,
  recordSerial: bytesOf(32) as unknown as Shape<Digest32>,
  secret: bytesOf(SECRET_BYTES),
  leaves: listOf(leaf, { name: 'leaves', countMax: LEAVES_MAX, countMin: 1 }),
})

const openingLimits = { ...codecLimits, bytesMax: 64 + 40 * LEAVES_MAX + 1_024 }

/** Returns the encoding of an opening. Secret: seal it before it leaves. */
export function encodeOpening(opening: Opening): Bytes {
  return encodeShape(opening, openingShape, { object: 'opening', limits: openingLimits })
}

/**
 * Reads an opening and computes its commitment anew. Total. Compare the commitment with the attested one.
 *
 * @param schema - the one the record was committed under
 * @returns the opening, or why it is none; `ERR_CODEC_MALFORMED` also where it was made under another schema
 */
export function parseOpening<S>(bytes: Uint8Array, schema: Schema<S>): Result<Opening, CodecErrorCode> {
  const known = schema as unknown as Schema
  const shape = mapped(openingShape, {
    parse: (parts) =>
      parts.leaves.length !== countLeaves(known) || parts.schema.some((byte, i) => byte !== known.id[i])
        ? new Mismatch('an opening under this schema').within('schema', 1)
        : parseField(parts.person).ok
          ? parts
          : new Mismatch('a field element').within('person', 4),
    format: (parts) => parts,
  })
  const parts = parseShape(bytes, shape, { object: 'opening', limits: openingLimits })
  return parts.ok ? { ok: true, value: finish(parts.value, known) } : parts
}
