/**
 * JSON with its numbers as they are written.
 *
 * `JSON.parse` turns 1.00 into 1 and rounds long decimals; FHIR says that precision counts. Here the text is parsed twice:
 * once as it is, which decides whether it is JSON, and once with each number in quotes behind a mark, from which its digits
 * are read.
 */

import { fromUtf8, toUtf8, type Bytes } from '../primitives/bytes.ts'

/** A number as it was written. */
export interface WrittenNumber {
  readonly text: string
}

/** A character that JSON text cannot hold unescaped, so that no string of the source looks like a number of ours. */
const MARK = '\u0001'
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** A resource, read: its exact bytes, its plain values, and the way to its written numbers. */
export interface Source {
  readonly bytes: Bytes
  /** Numbers are {@link WrittenNumber}s in it. */
  readonly value: unknown
}

/** Reads JSON; undefined when it is none. */
export function readJson(source: Uint8Array | string): Source | undefined {
  const bytes = typeof source === 'string' ? toUtf8(source) : Uint8Array.from(source)
  const text = typeof source === 'string' ? source : fromUtf8(bytes)
  try {
    JSON.parse(text)
    const quoted = text.replaceAll(TOKENS, (token) => (token.startsWith('"') ? token : `"\\u0001${token}"`))
    return { bytes, value: JSON.parse(quoted, reviveNumber) as unknown }
  } catch {
    return undefined
  }
}

function reviveNumber(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.startsWith(MARK) ? { text: value.slice(1) } : value
}

/** The member of an object; undefined when there is none, or no object. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined
  return (value as Record<string, unknown>)[name]
}

/** A member that is text. */
export function textOf(value: unknown, name: string): string | undefined {
  const found = member(value, name)
  return typeof found === 'string' ? found : undefined
}

/** A member that is a list; empty when there is none. */
export function listOf(value: unknown, name: string): readonly unknown[] {
  const found = member(value, name)
  return Array.isArray(found) ? (found as readonly unknown[]) : []
}

/** A member that is a number, as written. */
export function numberOf(value: unknown, name: string): string | undefined {
  const found = member(value, name)
  const text = typeof found === 'object' && found !== null ? (found as Partial<WrittenNumber>).text : undefined
  return typeof text === 'string' ? text : undefined
}
