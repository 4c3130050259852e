import { concatBytes } from '../../src/primitives/bytes.ts'

/**
 * r | s of a strict DER signature: SEQUENCE of two INTEGERs, shortest lengths, shortest and positive integers of at most
 * 32 bytes, nothing after them. Undefined for everything else.
 */
export function compactOfDer(der: Uint8Array): Uint8Array | undefined {
  const [tag = 0, length = 0] = der
  if (tag !== 0x30 || length > 0x7f || der.length !== 2 + length) return undefined
  const first = integerAt(der, 2)
  const second = first === undefined ? undefined : integerAt(der, first.end)
  if (first === undefined || second?.end !== der.length) return undefined
  return concatBytes(first.value, second.value)
}

function integerAt(der: Uint8Array, start: number): { readonly value: Uint8Array; readonly end: number } | undefined {
  const [tag = 0, length = 0] = der.subarray(start, start + 2)
  const digits = der.subarray(start + 2, start + 2 + length)
  const [top = 0x80, next = 0] = digits
  if (tag !== 0x02 || length > 33 || digits.length !== length) return undefined
  const isNegative = top >= 0x80
  const isPadded = top === 0 && length > 1 && next < 0x80
  const magnitude = top === 0 ? digits.subarray(1) : digits
  if (isNegative || isPadded || magnitude.length > 32) return undefined
  const value = new Uint8Array(32)
  value.set(magnitude, 32 - magnitude.length)
  return { value, end: start + 2 + length }
}
