/**
 * The picture of messages over time: a line for the client and each node, time going down, an arrow for each message.
 *
 * Time is stretched where much happens and squeezed where nothing does; the numbers at the right say what it was. It is
 * narrow, so that it reads on a phone without turning.
 */
import { CERTIFIED, type Arrow, type Lane, type Panel } from './trace.ts'

const COLOURS: Readonly<Record<string, string>> = {
  request: '#7a7a7a',
  'pre-prepare': '#2a78c8',
  prepare: '#3d8f4f',
  commit: '#c9871f',
  'exec-vote': '#8457b8',
  'view-change': '#d04848',
  'new-view': '#b5437a',
  [CERTIFIED]: '#3f9a9a',
}
const ORDER = ['request', 'view-change', 'new-view', 'pre-prepare', 'prepare', 'commit', 'exec-vote']
const KILL_COLOUR = '#d04848'

const WIDTH = 360
/** Names of messages stand left of the lines, times right of them. */
const LEFT = 106
const RIGHT = 66
const HEAD = 40
/** Time without a message that is drawn as a gap, and the height of the gap. */
const PAUSE_MS = 100
const PAUSE = 44
/** Of what happens between pauses. */
const HEIGHT_MAX = 420
/** Height of a line of text. */
const LINE = 13

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
const nameOf = (lane: Lane) => (lane === 'client' ? 'client' : `node ${lane}`)

/** A duration as people say it. */
export function showTime(ms: number): string {
  if (Math.abs(ms) >= 1000) return `${(ms / 1000).toFixed(2)} s`
  return `${ms.toFixed(Math.abs(ms) < 10 ? 1 : 0)} ms`
}

interface Scale {
  readonly y: (ms: number) => number
  /** Times in which nothing happened, long enough to say so. */
  readonly pauses: readonly { readonly y: number; readonly ms: number }[]
}

/**
 * Pixels for each time: a fraction of a millisecond and a second both leave something to see, and what takes long on a busy
 * machine does not make the picture longer than a page.
 */
function createScale(times: readonly number[]): Scale {
  const sorted = [...new Set(times)].sort((left, right) => left - right)
  const steps = sorted.slice(1).map((ms, i) => {
    const passed = ms - (sorted[i] ?? ms)
    return passed >= PAUSE_MS ? PAUSE : 2 + 16 * Math.log10(1 + passed / 0.2)
  })
  const share = Math.min(1, HEIGHT_MAX / steps.reduce((sum, step) => sum + step, 0))
  const places = new Map<number, number>()
  const pauses: { readonly y: number; readonly ms: number }[] = []
  let y = HEAD + 12
  for (const [i, ms] of sorted.entries()) {
    const passed = ms - (sorted[i - 1] ?? ms)
    const step = i === 0 ? 0 : (steps[i - 1] ?? 0)
    if (passed >= PAUSE_MS) pauses.push({ y: y + step / 2, ms: passed })
    y += passed >= PAUSE_MS ? step : step * share
    places.set(ms, y)
  }
  return { y: (ms) => places.get(ms) ?? y, pauses }
}

const endOf = ({ sentMs, receivedMs }: Arrow) => receivedMs ?? sentMs

/** Draws one moment. */
export function drawPanel({ title, zeroMs, arrows, killed }: Panel, nodes: number): string {
  const lanes: readonly Lane[] = ['client', ...Array.from({ length: nodes }, (_, node) => node)]
  const gap = (WIDTH - LEFT - RIGHT) / (lanes.length - 1)
  const x = (lane: Lane) => LEFT + lanes.indexOf(lane) * gap
  const kills = killed === undefined ? [] : [killed.atMs]
  const { y, pauses } = createScale([zeroMs, ...kills, ...arrows.flatMap((arrow) => [arrow.sentMs, endOf(arrow)])])
  const bottom = Math.max(...arrows.map((arrow) => y(endOf(arrow)))) + 16
  const heads = lanes.map((lane) => {
    const name = lane === 'client' ? 'client' : String(lane)
    return `<text x="${x(lane).toFixed(1)}" y="${HEAD - 8}" text-anchor="middle" class="head">${name}</text>`
  })
  const lines = lanes.map((lane) => {
    const end = lane === killed?.lane ? y(killed.atMs) : bottom
    return `<line x1="${x(lane).toFixed(1)}" x2="${x(lane).toFixed(1)}" y1="${HEAD}" y2="${end.toFixed(1)}" class="lane"/>`
  })
  const silences = pauses.map(({ y: at, ms }) => {
    const middle = (x('client') + x(nodes - 1)) / 2
    return `<text x="${middle.toFixed(1)}" y="${(at + 4).toFixed(1)}" text-anchor="middle" class="small over">${showTime(ms)} of silence</text>`
  })
  const drawn = arrows.map((arrow) => drawArrow(arrow, { x, y }))
  const cross = killed === undefined ? '' : drawKill(x(killed.lane), y(killed.atMs))
  const { svg, bottom: textBottom } = drawLabels({ zeroMs, arrows, killed, y })
  const height = Math.max(bottom, textBottom) + 6
  const nodesHead = `<text x="${x(0).toFixed(1)}" y="14" class="small" text-anchor="middle">nodes</text>`
  return `<svg class="sequence" viewBox="0 0 ${WIDTH} ${height.toFixed(0)}" role="img" aria-label="${escape(title)}">${nodesHead}${heads.join('')}${lines.join('')}${drawn.join('')}${cross}${silences.join('')}${svg}</svg>`
}

interface Scales {
  readonly x: (lane: Lane) => number
  readonly y: (ms: number) => number
}

function drawArrow(arrow: Arrow, { x, y }: Scales): string {
  const { kind, from, to, sentMs, receivedMs } = arrow
  const colour = COLOURS[kind] ?? '#7a7a7a'
  const [x1, y1] = [x(from), y(sentMs)]
  // What never arrived stops half way.
  const share = receivedMs === undefined ? 0.5 : 1
  const [x2, y2] = [x1 + (x(to) - x1) * share, receivedMs === undefined ? y1 + 4 : y(receivedMs)]
  const length = Math.hypot(x2 - x1, y2 - y1) || 1
  const [dx, dy] = [((x2 - x1) / length) * 5, ((y2 - y1) / length) * 5]
  const point = (px: number, py: number) => `${px.toFixed(1)},${py.toFixed(1)}`
  const head = `${point(x2, y2)} ${point(x2 - dx - dy * 0.5, y2 - dy + dx * 0.5)} ${point(x2 - dx + dy * 0.5, y2 - dy - dx * 0.5)}`
  const dash = receivedMs === undefined ? ' stroke-dasharray="3 2"' : ''
  const text = `${kind.toUpperCase()} ${nameOf(from)} to ${nameOf(to)}${receivedMs === undefined ? ', not received' : `, ${showTime(receivedMs - sentMs)}`}`
  return `<g stroke="${colour}" fill="${colour}"><title>${escape(text)}</title><line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"${dash}/><polygon points="${head}" stroke="none"/></g>`
}

function drawKill(x: number, y: number): string {
  const arms = [-1, 1].map((side) => `<line x1="${x - 6}" y1="${y - 6 * side}" x2="${x + 6}" y2="${y + 6 * side}"/>`)
  return `<g stroke="${KILL_COLOUR}" stroke-width="3"><title>SIGKILL</title>${arms.join('')}</g>`
}

interface Label {
  readonly text: string
  readonly colour: string
  readonly ms: number
}

/** What is written beside the lines: short enough for a phone. */
const labelOf = (kind: string) => (kind === CERTIFIED ? 'BLOCK' : kind.toUpperCase())

/** The first of each kind and view, and the kill. */
function labelsOf({ arrows, killed }: Pick<Panel, 'arrows' | 'killed'>): readonly Label[] {
  const labels = new Map<string, Label>()
  // Of one moment, in the order of the protocol.
  const ordered = arrows.toSorted((left, right) => ORDER.indexOf(left.kind) - ORDER.indexOf(right.kind))
  for (const { kind, from, view, sentMs } of ordered) {
    const name = `${kind} ${from === 'client' ? '' : (view ?? '')}`
    const first = Math.min(sentMs, labels.get(name)?.ms ?? sentMs)
    labels.set(name, { text: labelOf(kind), colour: COLOURS[kind] ?? '#7a7a7a', ms: first })
  }
  const kill = killed === undefined ? [] : [{ text: 'SIGKILL', colour: KILL_COLOUR, ms: killed.atMs }]
  return [...kill, ...labels.values()].sort((left, right) => left.ms - right.ms)
}

/** Names and times beside the lines, none over another. */
function drawLabels({ zeroMs, arrows, killed, y }: Omit<Panel, 'title'> & Pick<Scales, 'y'>): {
  readonly svg: string
  readonly bottom: number
} {
  let below = 0
  const texts = labelsOf({ arrows, killed }).map(({ text, colour, ms }) => {
    const at = Math.max(y(ms) + 4, below + LINE)
    below = at
    const style = `fill="${colour}" style="fill:${colour}"`
    return `<text x="0" y="${at.toFixed(1)}" class="phase" ${style}>${escape(text)}</text><text x="${WIDTH}" y="${at.toFixed(1)}" text-anchor="end" class="phase" ${style}>${showTime(ms - zeroMs)}</text>`
  })
  return { svg: texts.join(''), bottom: below }
}

/** The same in words, a line for each kind of message. */
export function describePanel({ zeroMs, arrows, killed }: Panel): readonly string[] {
  const groups = new Map<string, Arrow[]>()
  for (const arrow of arrows) {
    const name = `${arrow.kind} ${arrow.view ?? ''}`
    groups.set(name, [...(groups.get(name) ?? []), arrow])
  }
  const lines = [...groups.values()].map((group) => {
    const [first] = group as [Arrow, ...Arrow[]]
    const list = (side: 'from' | 'to') => [...new Set(group.map((arrow) => nameOf(arrow[side])))].sort().join(', ')
    const [start, end] = [Math.min(...group.map(({ sentMs }) => sentMs)), Math.max(...group.map(endOf))]
    const lost = group.filter(({ receivedMs }) => receivedMs === undefined).length
    const view = first.view === undefined ? '' : ` in view ${first.view}`
    const text = `${showTime(start - zeroMs)} to ${showTime(end - zeroMs)}: ${first.kind.toUpperCase()}${view}, from ${list('from')} to ${list('to')}; ${group.length === 1 ? '1 message' : `${group.length} messages`}${lost === 0 ? '' : `, ${lost} of them not received`}`
    return { ms: start, text }
  })
  const kill =
    killed === undefined
      ? []
      : [{ ms: killed.atMs, text: `${showTime(killed.atMs - zeroMs)}: node ${killed.lane} is ended by SIGKILL` }]
  return [...lines, ...kill].sort((left, right) => left.ms - right.ms).map(({ text }) => text)
}
