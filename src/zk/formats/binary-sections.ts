/**
 * The container that `.r1cs`, `.wtns`, `.zkey` and `.ptau` files share (iden3's binary format): four letters, a version, and sections of a
 * number, a length and bytes, all numbers little-endian. Sizes are checked before anything is read.
 */

import { concatBytes, toHex, fromHex, toUtf8, type Bytes } from '../../primitives/bytes.ts'
import { FIELD_BYTES, FIELD_ORDER, type FieldElement } from '../field.ts'

/** Largest file that is read. */
export const FILE_BYTES_MAX: number = 512 * 1024 * 1024
const SECTIONS_MAX = 16
const HEAD_BYTES = 12
const SECTION_HEAD_BYTES = 12

/** Returns a number of four bytes. */
export function writeUint32(value: number): Bytes {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

/** Returns a number of eight bytes. */
export function writeUint64(value: number): Bytes {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes
}

/** Returns an element, 32 bytes. */
export function writeElement(value: FieldElement): Bytes {
  return fromHex(value.toString(16).padStart(2 * FIELD_BYTES, '0')).reverse()
}

/** Returns the modulus, 32 bytes. */
export function writeModulus(): Bytes {
  return fromHex(FIELD_ORDER.toString(16).padStart(2 * FIELD_BYTES, '0')).reverse()
}

/** Returns a file of sections. */
export function writeSections(
  magic: string,
  version: number,
  sections: readonly (readonly [number, Uint8Array])[],
): Bytes {
  const parts = sections.flatMap(([type, body]) => [writeUint32(type), writeUint64(body.length), body])
  return concatBytes(toUtf8(magic), writeUint32(version), writeUint32(sections.length), ...parts)
}

/** Reads numbers one after the other; remembers when there were too few bytes instead of throwing. */
export class SectionReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #position = 0
  #isShort = false

  /** Starts at the first byte. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Whether all bytes were read and none was missing. */
  get isComplete(): boolean {
    return !this.#isShort && this.#position === this.#bytes.length
  }

  /** Whether bytes were missing. */
  get isShort(): boolean {
    return this.#isShort
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#position
  }

  /** Reads four bytes. */
  uint32(): number {
    const position = this.#take(4)
    return position === undefined ? 0 : this.#view.getUint32(position, true)
  }

  /** Reads eight bytes; what is beyond the safe integers counts as missing. */
  uint64(): number {
    const position = this.#take(8)
    const value = position === undefined ? 0n : this.#view.getBigUint64(position, true)
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
    this.#isShort = true
    return 0
  }

  /** Reads an integer of 32 bytes. */
  integer(): bigint {
    const position = this.#take(FIELD_BYTES)
    if (position === undefined) return 0n
    return BigInt(`0x${toHex(this.#bytes.slice(position, position + FIELD_BYTES).reverse())}`)
  }

  /** Reads so many bytes, as a view; zeros where they are missing. */
  view(count: number): Uint8Array {
    const position = this.#take(count)
    return position === undefined ? new Uint8Array(count) : this.#bytes.subarray(position, position + count)
  }

  #take(count: number): number | undefined {
    const position = this.#position
    if (this.#isShort || count > this.left) {
      this.#isShort = true
      return undefined
    }
    this.#position += count
    return position
  }
}

/** Reads the sections of a file by number; undefined where the file has another form, or a section twice. */
export function readSections(
  bytes: Uint8Array,
  magic: string,
  version: number,
): ReadonlyMap<number, Uint8Array> | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length < HEAD_BYTES || bytes.length > FILE_BYTES_MAX) return undefined
  if (toHex(bytes.subarray(0, 4)) !== toHex(toUtf8(magic))) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view.getUint32(8, true)
  if (view.getUint32(4, true) !== version || count > SECTIONS_MAX) return undefined
  const sections = new Map<number, Uint8Array>()
  let position = HEAD_BYTES
  for (let i = 0; i < count; i++) {
    if (position + SECTION_HEAD_BYTES > bytes.length) return undefined
    const type = view.getUint32(position, true)
    const length = view.getBigUint64(position + 4, true)
    position += SECTION_HEAD_BYTES
    if (length > BigInt(bytes.length - position) || sections.has(type)) return undefined
    sections.set(type, bytes.subarray(position, position + Number(length)))
    position += Number(length)
  }
  return position === bytes.length ? sections : undefined
}
