/**
 * Size classes: what the length of a sealed record tells.
 *
 * The plaintext is followed by 0x80 and zeros, inside the encryption, up to a size class: powers of two from 64 bytes to
 * 1 KiB, then Padmé, which adds at most 12 percent and leaves O(log log n) bits of the length to be seen. Nothing is ever
 * compressed: a compressed length tells about content.
 *
 * @see Nikitin, Barman, Lueks, Underwood, Hubaux and Ford 2019, Reducing Metadata Leakage (Padmé)
 */

import type { Bytes } from '../primitives/bytes.ts'

/** How a plaintext is lengthened: to its size class, or by the one byte that marks its end. */
export type Padding = 'size-class' | 'none'

/** First byte of the padding. */
export const PADDING_MARKER = 0x80

const CLASS_BYTES_MIN = 64
const POWERS_BYTES_MAX = 1_024

/** Returns the size class of a length below 2^31. */
export function sizeClass(byteCount: number): number {
  if (byteCount <= CLASS_BYTES_MIN) return CLASS_BYTES_MIN
  const exponent = 31 - Math.clz32(byteCount)
  if (byteCount <= POWERS_BYTES_MAX) return byteCount === 2 ** exponent ? byteCount : 2 ** (exponent + 1)
  const mantissaBits = 32 - Math.clz32(exponent)
  const step = 2 ** (exponent - mantissaBits)
  return Math.ceil(byteCount / step) * step
}

/** Returns the length of a plaintext with its padding. */
export function paddedLength(plaintextBytes: number, padding: Padding): number {
  const byteCount = plaintextBytes + 1
  return padding === 'none' ? byteCount : sizeClass(byteCount)
}

/** Takes the padding off again, frame after frame, and releases nothing that may be padding. */
export interface Unpadder {
  /** Returns what is now known to be plaintext; may be a view on the frame. */
  push(frame: Bytes): Iterable<Bytes>
  /** Tells whether what was held back is a whole padding; called after the last frame. */
  isComplete(): boolean
}

/**
 * Returns an unpadder.
 *
 * Padding may be longer than a frame, so zeros are held back, by their number, until something else follows.
 *
 * @param options - `isMidway`: the first frame pushed is not the first of the record, so that the marker may lie before it
 */
export function createUnpadder(options: { readonly isMidway: boolean }): Unpadder {
  let held: { marker: boolean; zeros: number } | undefined = options.isMidway ? { marker: false, zeros: 0 } : undefined
  return {
    *push(frame) {
      const lastIndex = lastNonZero(frame)
      if (lastIndex < 0 && held !== undefined) {
        held.zeros += frame.length
        return
      }
      if (held !== undefined) yield* heldBytes(held, frame.length)
      const endsInMarker = frame[lastIndex] === PADDING_MARKER
      held = endsInMarker ? { marker: true, zeros: frame.length - 1 - lastIndex } : undefined
      const released = endsInMarker ? frame.subarray(0, lastIndex) : frame
      if (released.length > 0) yield released
    },
    isComplete: () => held !== undefined,
  }
}

/** Returns the index of the last byte that is no zero, or -1. */
export function lastNonZero(frame: Uint8Array): number {
  let end = frame.length
  const isZeroBefore = () => end > 0 && frame[end - 1] === 0
  while (end % 4 !== 0 && isZeroBefore()) end--
  // Padding is long: four bytes at a time, where memory is aligned.
  if (end % 4 === 0 && frame.byteOffset % 4 === 0) {
    const words = new Int32Array(frame.buffer, frame.byteOffset, end / 4)
    while (end > 0 && words[end / 4 - 1] === 0) end -= 4
  }
  while (isZeroBefore()) end--
  return end - 1
}

function* heldBytes(
  held: { readonly marker: boolean; readonly zeros: number },
  chunkBytesMax: number,
): Iterable<Bytes> {
  if (held.marker) yield Uint8Array.of(PADDING_MARKER)
  for (let left = held.zeros; left > 0; left -= chunkBytesMax) yield new Uint8Array(Math.min(left, chunkBytesMax))
}
