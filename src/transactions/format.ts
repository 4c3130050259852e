/**
 * Transactions as text for people: DAG-JSON, for display only. Nothing is ever parsed from it or signed over it.
 */

import { base64 } from 'multiformats/bases/base64'

import type { ParsedTransaction } from './wire.ts'

/**
 * Returns the transaction as indented DAG-JSON: bytes as `{"/": {"bytes": "..."}}`, names of fields as in this library.
 */
export function formatTransaction(transaction: ParsedTransaction): string {
  return JSON.stringify(transaction, replaceBytes, 2)
}

function replaceBytes(_key: string, value: unknown): unknown {
  // DAG-JSON writes base64 without the multibase prefix and without padding.
  return value instanceof Uint8Array ? { '/': { bytes: base64.encode(value).slice(1) } } : value
}
