/**
 * JSON with its numbers as they are written.
 *
 * `JSON.parse` turns 1.00 into 1 and rounds long decimals; FHIR says that precision counts. Here the text is parsed twice:
 * once as it is, which decides whether it is JSON, and once with each number in quotes behind a mark, from which its digits
 * are read.
 */

import { fromUtf8, toUtf8, type Bytes } from '../primitives/bytes.ts'

/** A number as it was written; a class of its own, which nothing in a source can pass for. */
class WrittenNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What numbers begin with in the second text; strings that begin with it get it twice. */
const MARK = '\u0001'
/** A quotation mark and our mark behind it, what a backslash escapes, a number. */
const QUOTED = /"(?:\\u0001)?|\\[^]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
/** Ends of strings, what a backslash escapes, and what structures the text. */
const STRUCTURE = /"|\\[^]|[{}[\],:]/g

/** A resource, read: its exact bytes, its plain values, and the way to its written numbers. */
export interface Source {
  readonly bytes: Bytes
  readonly text: string
  /** Numbers are kept as they are written: {@link numberOf}. */
  readonly value: unknown
}

/** Reads JSON; undefined when it is none. */
export function readJson(source: Uint8Array | string): Source | undefined {
  const bytes = typeof source === 'string' ? toUtf8(source) : Uint8Array.from(source)
  const text = typeof source === 'string' ? source : fromUtf8(bytes)
  try {
    JSON.parse(text)
    return { bytes, text, value: JSON.parse(markNumbers(text), reviveNumber) as unknown }
  } catch {
    return undefined
  }
}

/** Puts numbers in quotes. Strings are not matched whole: that takes stack for each character, and they can be long. */
function markNumbers(text: string): string {
  let isInside = false
  return text.replaceAll(QUOTED, (token) => {
    if (token.startsWith('"')) {
      isInside = !isInside
      return token.length === 1 ? token : `${token}\\u0001`
    }
    return isInside || token.startsWith('\\') ? token : `"\\u0001${token}"`
  })
}

function reviveNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith(MARK)) return value
  return value.startsWith(MARK, 1) ? value.slice(1) : new WrittenNumber(value.slice(1))
}

/** The tokens of JSON but for numbers and literals, one after the other: strings with their quotes, brackets, commas, colons. */
export function* tokensOf(text: string): Generator<{ readonly token: string; readonly index: number }, void> {
  let start = -1
  for (const { 0: token, index } of text.matchAll(STRUCTURE)) {
    if (token === '"') {
      if (start !== -1) yield { token: text.slice(start, index + 1), index: start }
      start = start === -1 ? index : -1
    } else if (start === -1) yield { token, index }
  }
}

/** Tells whether an object in a JSON text has a name twice: readers differ in which of both they take. */
export function hasRepeatedName(text: string): boolean {
  const open: Set<unknown>[] = []
  let last = ''
  for (const { token } of tokensOf(text)) {
    if (token === '{' || token === '[') open.push(new Set())
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const names = open.at(-1)
      const name: unknown = JSON.parse(last)
      if (names?.has(name) === true) return true
      names?.add(name)
    } else last = token
  }
  return false
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
  return found instanceof WrittenNumber ? found.text : undefined
}
