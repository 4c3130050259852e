/** Asking a running node how it is, over `GET /status`. What it answers may be anything. */

import { messageOf } from './command.ts'
import { parseStatus, type NodeSummary } from './status-lines.ts'

const ANSWER_BYTES_MAX = 1024 * 1024
const WAIT_MS = 5_000

/** The address of the status, from how people write addresses of nodes; undefined where it is none. */
export function toStatusUrl(text: string): string | undefined {
  const full = /^[a-z]+:\/\//i.test(text) ? text.replace(/^ws/i, 'http') : `http://${text}`
  if (!/^https?:\/\/[^/]/i.test(full) || !URL.canParse(full)) return undefined
  const url = new URL(full)
  if (!url.pathname.endsWith('/status')) url.pathname = `${url.pathname.replace(/\/$/, '')}/status`
  return url.href
}

/** Returns the status of a node, or a sentence on why there is none. */
export async function askStatus(text: string): Promise<NodeSummary | string> {
  const url = toStatusUrl(text)
  if (url === undefined)
    return `expected the address of a node such as http://127.0.0.1:7001, found ${text.slice(0, 80)}`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(WAIT_MS), redirect: 'error' })
    if (!answer.ok) return `${url} answers ${answer.status}; is it a node of a ledger?`
    const status = parseStatus(JSON.parse(await readText(answer)))
    return status ?? `${url} answers something else than the status of a node`
  } catch (error) {
    if (error instanceof SyntaxError) return `${url} answers something else than the status of a node`
    const { cause } = error as Error
    return `no answer from ${url}: ${messageOf(cause ?? error)}; is the node running?`
  }
}

async function readText({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length
    if (size > ANSWER_BYTES_MAX) return ''
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
