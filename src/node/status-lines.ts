/**
 * What people see of running nodes: a line for one, a table for several. And what a node says to a program that started it,
 * one JSON object a line.
 */

import { parseDid, type Did } from '../primitives/did.ts'

/** What is shown of a node; what a node answers to `GET /status` holds at least this. */
export interface NodeSummary {
  readonly did: Did
  /** Last block with a certificate. */
  readonly height: number
  readonly memberEpoch: number
  readonly view: number
  readonly mode: string
  readonly primary: Did
  /** Members with which it has a connection. */
  readonly connected: readonly Did[]
}

const isCounter = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isDid = (value: unknown): value is Did => typeof value === 'string' && parseDid(value).ok

/** Reads a status out of what a node answered. Total. */
export function parseStatus(value: unknown): NodeSummary | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { did, height, memberEpoch, view, mode, primary, connected } = value as Partial<
    Record<keyof NodeSummary, unknown>
  >
  if (!isDid(did) || !isDid(primary) || typeof mode !== 'string' || !/^[a-z-]{1,40}$/.test(mode)) return undefined
  if (!isCounter(height) || !isCounter(memberEpoch) || !isCounter(view)) return undefined
  if (!Array.isArray(connected) || !connected.every(isDid)) return undefined
  return { did, height, memberEpoch, view, mode, primary, connected }
}

/** The end of a did, enough for people to tell a few members apart. */
export function shortDid(did: Did): string {
  return `…${did.slice(-6)}`
}

/** One line about one node, which names others by the end of their DID, or as the caller names them. */
export function describeStatus(status: NodeSummary, nameOf: (did: Did) => string = shortDid): string {
  const { did, height, memberEpoch, view, mode, primary, connected } = status
  const epoch = memberEpoch === 0 ? '' : ` of member epoch ${memberEpoch}`
  const leader = primary === did ? 'it leads' : `${nameOf(primary)} leads`
  const peers = connected.length === 1 ? '1 member' : `${connected.length} members`
  return `height ${height}, view ${view}${epoch} (${mode}), ${leader}, connected to ${peers}`
}

/** Whether two statuses differ in more than the height. */
export function isNews(before: NodeSummary | undefined, now: NodeSummary): boolean {
  if (before === undefined) return true
  const mark = ({ memberEpoch, view, mode, connected }: NodeSummary) => [memberEpoch, view, mode, ...connected].join()
  return mark(before) !== mark(now)
}

/** A node of a cluster, as its table shows it. */
export interface ShownMember {
  readonly index: number
  readonly did: Did
  readonly endpoint: string
  /** Undefined while it does not run. */
  readonly pid: number | undefined
  /** Undefined while nothing was heard of it. */
  readonly status: NodeSummary | undefined
}

const HEADS = ['node', 'pid', 'endpoint', 'height', 'view', 'mode', 'leader', 'connected'] as const

/** The table of a cluster, one line a node. */
export function describeMembers(members: readonly ShownMember[]): readonly string[] {
  const rows = [HEADS, ...members.map((member) => toRow(member, members))]
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function toRow({ index, endpoint, pid, status }: ShownMember, members: readonly ShownMember[]): readonly string[] {
  const name = String(index)
  if (pid === undefined) return [name, '-', endpoint, '-', '-', 'not running', '-', '-']
  if (status === undefined) return [name, String(pid), endpoint, '-', '-', 'starting', '-', '-']
  const { height, view, mode, primary, connected } = status
  const leader = members.find(({ did }) => did === primary)?.index
  const peers = `${connected.length} of ${members.length - 1}`
  return [
    name,
    String(pid),
    endpoint,
    String(height),
    String(view),
    mode,
    leader === undefined ? shortDid(primary) : String(leader),
    peers,
  ]
}

/** What a node tells the program that started it. */
export type NodeLine =
  | { readonly event: 'listening'; readonly address: string; readonly chainId: string; readonly did: string }
  | { readonly event: 'status'; readonly status: NodeSummary }
  | { readonly event: 'stopped' }

/** Reads a line of a node. Total; undefined where it is none. */
export function parseNodeLine(line: string): NodeLine | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { event, address, chainId, did, status } = value as Partial<Record<string, unknown>>
  if (event === 'stopped') return { event }
  if (event === 'listening' && typeof address === 'string' && typeof chainId === 'string' && typeof did === 'string')
    return { event, address, chainId, did }
  const shown = event === 'status' ? parseStatus(status) : undefined
  return shown === undefined ? undefined : { event: 'status', status: shown }
}
