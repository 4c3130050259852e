/**
 * Labels: how a type of data is named on the ledger, in 16 bytes.
 *
 * A type in clear beside a key tells too much ("HIV", DP Protocol 4). With a label key the label is an HMAC under the
 * owner's one key, never one per epoch, so that types stay countable by the owner; without, it is a tagged hash, which
 * anyone can compute from a list of types and which hides nothing.
 */

import { rejectArgument } from '../errors.ts'
import { fromHex, isPortableText, toHex, toUtf8, type Brand } from './bytes.ts'
import { encodeCbor } from './codec.ts'
import type { DataType } from './did.ts'
import { hmacSha256, taggedHash } from './hash.ts'
import { IDENTIFIER_BYTES_MAX } from './limits.ts'
import { TAGS } from './tags.ts'

/** 16 bytes that stand for a type of data, as 32 hexadecimal digits. */
export type Label = Brand<string, 'Label'>

/** Bytes of a label on the wire. */
export const LABEL_BYTES = 16
/** Stands for all types: the label under which the key of all types is committed to. */
export const ALL_TYPES_LABEL: Label = '0'.repeat(2 * LABEL_BYTES) as Label

const LABEL_TEXT = /^[0-9a-f]{32}$/

/** Maps types to labels. */
export interface Labeler {
  /** True where the labels are HMACs, so that recipients need the names of their types. */
  readonly isPrivate: boolean
  /** Returns the label of a type. */
  label(dataType: DataType): Label
}

/**
 * Tells whether a text names a type of data: `system|code`, neither part empty, in normalization form C, at most 1,024 bytes.
 */
export function isDataType(text: unknown): text is DataType {
  if (typeof text !== 'string' || text.length > IDENTIFIER_BYTES_MAX) return false
  if (toUtf8(text).length > IDENTIFIER_BYTES_MAX) return false
  const bar = text.indexOf('|')
  return bar > 0 && bar < text.length - 1 && text.normalize('NFC') === text && isPortableText(text)
}

/**
 * Returns a labeler.
 *
 * @param options - `labelKey`: the owner's 32-byte secret; without it labels are public
 * @throws When the key has another length: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createLabeler(options: { readonly labelKey?: Uint8Array } = {}): Labeler {
  const { labelKey } = options
  // A text of 32 characters would pass for a key of zeros.
  if (labelKey !== undefined && !(labelKey instanceof Uint8Array && labelKey.length === 32)) {
    rejectArgument('labelKey', '32 bytes', 'something else')
  }
  const key = labelKey === undefined ? undefined : Uint8Array.from(labelKey)
  const digest = (dataType: DataType) =>
    key === undefined
      ? taggedHash(TAGS.publicLabel, dataType)
      : hmacSha256(key, encodeCbor([TAGS.privateLabel, dataType]))
  return Object.freeze({
    isPrivate: key !== undefined,
    label(dataType: DataType): Label {
      if (!isDataType(dataType)) rejectArgument('dataType', 'system|code', typeof dataType)
      return encodeLabel(digest(dataType).subarray(0, LABEL_BYTES))
    },
  })
}

/** Returns the text form of 16 bytes. */
export function encodeLabel(bytes: Uint8Array): Label {
  if (bytes.length !== LABEL_BYTES) rejectArgument('bytes', `${LABEL_BYTES} bytes`, `${bytes.length}`)
  return toHex(bytes) as Label
}

/** Tells whether a value is the text form of a label. */
export function isLabel(value: unknown): value is Label {
  return typeof value === 'string' && LABEL_TEXT.test(value)
}

/** Returns the 16 bytes of a label. */
export function labelBytes(label: Label): Uint8Array<ArrayBuffer> {
  return fromHex(label)
}
