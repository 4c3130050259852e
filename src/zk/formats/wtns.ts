/**
 * `.wtns` files: the values of all wires of a circuit (iden3's format, version 2). Secret, as the values are.
 */

import { fail, succeed, type Result } from '../../errors.ts'
import { concatBytes, joinBytes, type Bytes } from '../../primitives/bytes.ts'
import { FIELD_BYTES, FIELD_ORDER } from '../field.ts'
import type { Witness } from '../relations/relation.ts'
import {
  readSections,
  SectionReader,
  writeElement,
  writeModulus,
  writeSections,
  writeUint32,
} from './binary-sections.ts'

const MAGIC = 'wtns'
const VERSION = 2
const HEADER = 1
const VALUES = 2

/** Returns the `.wtns` file of a witness. Secret. */
export function encodeWtns(witness: Witness): Bytes {
  const header = concatBytes(writeUint32(FIELD_BYTES), writeModulus(), writeUint32(witness.length))
  return writeSections(MAGIC, VERSION, [
    [HEADER, header],
    [VALUES, joinBytes(witness.map(writeElement))],
  ])
}

/**
 * Reads a `.wtns` file over the scalar field of BLS12-381. Total. Whether the values satisfy a circuit is another question.
 *
 * @returns the witness, or `ERR_CODEC_MALFORMED`
 */
export function parseWtns(bytes: Uint8Array): Result<Witness, 'ERR_CODEC_MALFORMED'> {
  const sections = readSections(bytes, MAGIC, VERSION)
  const [header, body] = [sections?.get(HEADER), sections?.get(VALUES)]
  const witness = header === undefined || body === undefined ? undefined : readValues(header, body)
  if (witness !== undefined) return succeed(witness)
  const expected = 'values in the scalar field of BLS12-381, version 2'
  return fail('ERR_CODEC_MALFORMED', `wtns: expected ${expected}`, {
    path: 'wtns',
    details: { byteOffset: 0, expected },
  })
}

function readValues(header: Uint8Array, body: Uint8Array): Witness | undefined {
  const head = new SectionReader(header)
  if (head.uint32() !== FIELD_BYTES || head.integer() !== FIELD_ORDER) return undefined
  const count = head.uint32()
  if (!head.isComplete || body.length !== count * FIELD_BYTES) return undefined
  const reader = new SectionReader(body)
  const values = Array.from({ length: count }, () => reader.integer())
  return values.every((value) => value < FIELD_ORDER) && values[0] === 1n ? values : undefined
}
