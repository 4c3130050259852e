/**
 * Messages of a consortium out of the files in which its nodes noted them: pairs what one sent with what another received,
 * and picks the two moments that the report draws, one block before the leader was killed and one after.
 */
import { existsSync, readFileSync } from 'node:fs'

/** A line of a node's trace. */
interface Noted {
  readonly atMs: number
  readonly direction: 'sent' | 'received'
  readonly kind: string
  readonly from: string
  readonly to: readonly string[]
  readonly view?: number
  readonly sequence?: number
}

/** The client, or a node by its index. */
export type Lane = 'client' | number

/** One message from one to another. */
export interface Arrow {
  readonly kind: string
  readonly from: Lane
  readonly to: Lane
  readonly view: number | undefined
  readonly sequence: number | undefined
  readonly sentMs: number
  /** Undefined where it never arrived. */
  readonly receivedMs: number | undefined
}

/** A moment to draw. */
export interface Panel {
  readonly title: string
  /** From here its times count. */
  readonly zeroMs: number
  readonly arrows: readonly Arrow[]
  /** A node that is killed in it, or was before. */
  readonly killed: { readonly lane: number; readonly atMs: number } | undefined
}

/** What the client saw of one transaction: when it was sent to all nodes, and which node's block showed it final. */
export interface Submitted {
  readonly height: number
  readonly sentMs: number
  readonly finalMs: number
  readonly answeredBy: number
}

function readNotes(file: string): readonly Noted[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  // The last line of a process that was killed may be cut.
  return lines.flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as Noted] : []))
}

/** Reads the messages between nodes: `files` in the order of `members`. */
export function readArrows(files: readonly string[], members: readonly string[]): readonly Arrow[] {
  const notes = files.flatMap((file, node) => readNotes(file).map((note) => ({ ...note, node })))
  notes.sort((left, right) => left.atMs - right.atMs)
  const nameOf = (note: Noted, from: number, to: number) =>
    `${note.kind} ${from} ${to} ${note.view ?? ''} ${note.sequence ?? ''}`
  const arrivals = new Map<string, number[]>()
  for (const note of notes) {
    if (note.direction !== 'received') continue
    const name = nameOf(note, members.indexOf(note.from), note.node)
    arrivals.set(name, [...(arrivals.get(name) ?? []), note.atMs])
  }
  return notes.flatMap((note) => {
    if (note.direction !== 'sent') return []
    return note.to.map((did): Arrow => {
      const to = members.indexOf(did)
      const { kind, view, sequence, atMs: sentMs } = note
      const arrivedMs = arrivals.get(nameOf(note, note.node, to))?.shift()
      // Clocks of processes agree to a millisecond only.
      const receivedMs = arrivedMs === undefined ? undefined : Math.max(arrivedMs, sentMs)
      return { kind, from: note.node, to, view, sequence, sentMs, receivedMs }
    })
  })
}

/** What the client waits for. */
export const CERTIFIED = 'certified block'

/** Kinds that decide; the others repeat what was lost. */
const KINDS = ['request', 'pre-prepare', 'prepare', 'commit', 'exec-vote', 'view-change', 'new-view']

/** Votes that come later than the proof of finality, still of the same round. */
const AFTERMATH_MS = 50

/** Of messages that were sent again, the first. */
function withoutRepeats(arrows: readonly Arrow[]): readonly Arrow[] {
  const seen = new Set<string>()
  return arrows.filter(({ kind, from, to, view, sequence }) => {
    const name = [kind, from, to, view, sequence].join()
    return KINDS.includes(kind) && !seen.has(name) && seen.add(name)
  })
}

/** The client's messages around a block: to all nodes, of which one may be dead, and the first proof of finality. */
function clientArrows(
  { sentMs, finalMs, height, answeredBy }: Submitted,
  nodes: number,
  dead?: number,
): readonly Arrow[] {
  const about = { view: undefined, sequence: height }
  const requests = Array.from({ length: nodes }, (_, to): Arrow => {
    const receivedMs = to === dead ? undefined : sentMs
    return { ...about, kind: 'request', from: 'client', to, sentMs, receivedMs }
  })
  const answer = { kind: CERTIFIED, from: answeredBy, to: 'client', sentMs: finalMs, receivedMs: finalMs } as const
  return [...requests, { ...about, ...answer }]
}

/** Picks what is drawn; undefined where the trace does not show a view change. */
export function choosePanels(options: {
  readonly arrows: readonly Arrow[]
  readonly submitted: readonly Submitted[]
  readonly nodes: number
  readonly killed: { readonly lane: number; readonly atMs: number }
}): readonly Panel[] | undefined {
  const { nodes, killed } = options
  // A transport keeps the last messages for whoever is away: what waited for the restart did not arrive here.
  const arrows = withoutRepeats(options.arrows).map((arrow) =>
    arrow.to === killed.lane && (arrow.receivedMs ?? 0) > killed.atMs ? { ...arrow, receivedMs: undefined } : arrow,
  )
  const submitted = options.submitted.toSorted((left, right) => left.finalMs - right.finalMs)
  const newView = arrows.find(({ kind, sentMs }) => kind === 'new-view' && sentMs > killed.atMs)
  const before = submitted.findLast(({ finalMs }) => finalMs < killed.atMs)
  const after = newView && submitted.find(({ finalMs }) => finalMs > newView.sentMs)
  if (before === undefined || newView === undefined || after === undefined) return undefined
  // Much later, a node that comes back is told of it again.
  const votes = ({ height, finalMs }: Submitted) =>
    arrows.filter(({ sequence, sentMs }) => sequence === height && sentMs <= finalMs + AFTERMATH_MS)
  const changes = arrows.filter(
    ({ kind, view = 0, sentMs }) =>
      (kind === 'view-change' || kind === 'new-view') &&
      sentMs > killed.atMs &&
      sentMs <= after.finalMs + AFTERMATH_MS &&
      view <= (newView.view ?? 0),
  )
  return [
    {
      title: `Block ${before.height}: node ${killed.lane} leads`,
      zeroMs: before.sentMs,
      arrows: [...clientArrows(before, nodes), ...votes(before).filter(({ sentMs }) => sentMs < killed.atMs)],
      killed: undefined,
    },
    {
      title: `Node ${killed.lane} is killed; block ${after.height} is ordered under node ${newView.from}`,
      zeroMs: killed.atMs,
      arrows: [
        ...clientArrows(after, nodes, after.sentMs > killed.atMs ? killed.lane : undefined),
        ...votes(after),
        ...changes,
      ],
      killed,
    },
  ]
}
