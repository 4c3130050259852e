/**
 * Objects as their encodings say them.
 *
 * The fields of an object can be replaced where somebody made it by hand, and the bytes in it always. So checks look at a
 * copy that they read from the encoding, and what was checked is that copy: it is what conversions use afterwards.
 */

import type { Result } from '../errors.ts'
import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'

/** An object that has an encoding. */
interface Encoded {
  readonly kind: string
  readonly bytes: Bytes
}

/** How objects of one kind are written and read. */
export interface ObjectCodec<T extends Encoded> {
  readonly kind: T['kind']
  readonly encode: (object: T) => Uint8Array
  readonly parse: (bytes: Uint8Array) => Result<T, CodecErrorCode>
}

/** Returns a copy of which nobody else holds a part; undefined for what is no such object. Total. */
export function reread<T extends Encoded>(object: T, codec: ObjectCodec<T>): T | undefined {
  try {
    const parsed = object.kind === codec.kind ? codec.parse(codec.encode(object)) : undefined
    return parsed?.ok === true ? parsed.value : undefined
  } catch {
    return undefined
  }
}

/** As {@link reread}, for objects with an id; undefined too where `id` or `bytes` are not those of the other fields. */
export function rereadWhole<T extends Encoded & { readonly id: string }>(
  object: T,
  codec: ObjectCodec<T>,
): T | undefined {
  const own = reread(object, codec)
  try {
    return object.id === own?.id && equalBytes(object.bytes, own.bytes) ? own : undefined
  } catch {
    return undefined
  }
}

/** Returns the object with properties besides that neither printing nor copying it shows. */
export function defineUnseen<T extends object, U extends object>(object: T, unseen: U): T & U {
  const properties = Object.entries(unseen).map(([name, value]) => [name, { value: value as unknown }] as const)
  return Object.defineProperties(object, Object.fromEntries(properties)) as T & U
}
