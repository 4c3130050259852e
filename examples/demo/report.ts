/** The report of a run: one HTML page without scripts, which opens from disk and reads on a phone. */
import type { Sealed } from 'vitalseal/actors'
import type { Committed } from 'vitalseal/chain'

import type { Check } from './checks.ts'
import type { Outage } from './outage.ts'
import { describePanel, drawPanel } from './sequence.ts'
import type { Converted } from './research.ts'
import { describeSale, drawSale } from './sale-picture.ts'
import type { Sold } from './sale.ts'
import type { Told } from './story.ts'
import type { Panel } from './trace.ts'

const KINDS: readonly { readonly kind: string; readonly name: string; readonly colour: string }[] = [
  { kind: 'register', name: 'register', colour: '#7a7a7a' },
  { kind: 'iot', name: 'tx_IoT', colour: '#2a78c8' },
  { kind: 'key', name: 'tx_key', colour: '#c9871f' },
  { kind: 'access', name: 'T_access', colour: '#3d8f4f' },
  { kind: 'data', name: 'T_data', colour: '#8457b8' },
  { kind: 'diagnosis', name: 'tx_diag', colour: '#b5437a' },
  { kind: 'rekey', name: 're-key', colour: '#a0522d' },
  { kind: 'conversion', name: 'conversion', colour: '#0e8a8a' },
  { kind: 'requirement', name: 'requirement', colour: '#4b5fb0' },
  { kind: 'claim', name: 'claim', colour: '#b8860b' },
  { kind: 'share', name: 'share', colour: '#2e8b57' },
  { kind: 'acknowledge', name: 'acknowledge', colour: '#5aa3a3' },
]

const NODES = 4

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

/** Transactions by kind over the height of their blocks; a refused one is hollow. */
function drawTimeline(committed: readonly Committed[], heightLast: number, killedAt: number | undefined): string {
  const rows = KINDS.filter(({ kind }) => committed.some(({ transaction }) => transaction.kind === kind))
  const [left, rowHeight, width] = [96, 26, 720]
  const height = rows.length * rowHeight + 34
  const x = (block: number) => left + ((block - 0.5) / Math.max(1, heightLast)) * (width - left - 12)
  const lines = rows.map(({ kind, name, colour }, row) => {
    const y = 18 + row * rowHeight
    const marks = committed
      .filter(({ transaction }) => transaction.kind === kind)
      .map(({ height: block, receipt }) => {
        const isApplied = receipt.code === null
        const title = `block ${block}: ${name}${isApplied ? '' : `, refused: ${receipt.code}`}`
        return `<circle cx="${x(block).toFixed(1)}" cy="${y}" r="5" fill="${isApplied ? colour : 'none'}" stroke="${colour}" stroke-width="2"><title>${title}</title></circle>`
      })
    return `<text x="0" y="${y + 5}">${name}</text><line x1="${left}" x2="${width - 12}" y1="${y}" y2="${y}" class="rule"/>${marks.join('')}`
  })
  const ticks = [1, Math.ceil(heightLast / 4), Math.ceil(heightLast / 2), Math.ceil((3 * heightLast) / 4), heightLast]
  const axis = [...new Set(ticks)].map(
    (block) => `<text x="${x(block).toFixed(1)}" y="${height - 4}" text-anchor="middle" class="small">${block}</text>`,
  )
  const kill =
    killedAt === undefined
      ? ''
      : `<line x1="${x(killedAt + 0.5).toFixed(1)}" x2="${x(killedAt + 0.5).toFixed(1)}" y1="4" y2="${height - 20}" stroke="#d04848" stroke-dasharray="4 3"><title>the leader is killed</title></line>`
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="transactions by block">${lines.join('')}${kill}${axis.join('')}</svg>`
}

/** From when to when the institution might and could open a record, and from when on it still could. */
function drawConverted(
  { convertedAtHeight, revokedAtHeight }: Converted,
  of: {
    readonly record: Sealed
    readonly y: number
    readonly x: (block: number) => number
    readonly heightLast: number
  },
): string {
  const { record, y, x, heightLast } = of
  const [from, until] = [x(Math.max(record.height, convertedAtHeight)), x(revokedAtHeight)]
  return (
    `<rect x="${from.toFixed(1)}" y="${y}" width="${Math.max(2, until - from).toFixed(1)}" height="7" fill="#0e8a8a"><title>institution: may and can, by re-encryption</title></rect>` +
    `<rect x="${until.toFixed(1)}" y="${y}" width="${Math.max(0, x(heightLast) - until).toFixed(1)}" height="7" fill="url(#still)"><title>institution: may not, still can</title></rect>`
  )
}

/** Who could open each record: filled from when keys were held, hatched where nobody may read any more but still can. */
function drawAccess(told: Told, heightLast: number): string {
  const { converted } = told
  const [left, rowHeight, width] = [250, converted === undefined ? 24 : 32, 720]
  const height = told.sealed.length * rowHeight + 40
  const start = Math.min(...told.sealed.map(({ record }) => record.height)) - 1
  const x = (block: number) => left + ((block - start) / Math.max(1, heightLast - start)) * (width - left - 12)
  const rows = told.sealed.map(({ name, record, granted }, row) => {
    const y = 8 + row * rowHeight
    const from = x(record.height)
    const patient = `<rect x="${from.toFixed(1)}" y="${y}" width="${(x(heightLast) - from).toFixed(1)}" height="7" fill="#2a78c8"><title>patient</title></rect>`
    const held = Math.max(from, x(told.grantedAtHeight))
    const until = x(told.revokedAtHeight)
    const doctor = granted
      ? `<rect x="${held.toFixed(1)}" y="${y + 9}" width="${Math.max(2, until - held).toFixed(1)}" height="7" fill="#3d8f4f"><title>doctor: may and can</title></rect>` +
        `<rect x="${until.toFixed(1)}" y="${y + 9}" width="${Math.max(0, x(heightLast) - until).toFixed(1)}" height="7" fill="url(#still)"><title>doctor: may not, still can</title></rect>`
      : ''
    const isConverted = converted?.records.includes(record.id) === true
    const institution = isConverted ? drawConverted(converted, { record, y: y + 18, x, heightLast }) : ''
    return `<text x="0" y="${y + 12}" class="small">${escape(name)}</text>${patient}${doctor}${institution}`
  })
  const mark = `<line x1="${x(told.revokedAtHeight).toFixed(1)}" x2="${x(told.revokedAtHeight).toFixed(1)}" y1="0" y2="${height - 24}" stroke="#b03030" stroke-dasharray="4 3"/><text x="${x(told.revokedAtHeight).toFixed(1)}" y="${height - 8}" text-anchor="end" class="small">revoked, block ${told.revokedAtHeight}</text>`
  const hatch =
    '<defs><pattern id="still" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="3" height="6" fill="#c9871f"/></pattern></defs>'
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="who could open what, and when">${hatch}${rows.join('')}${mark}</svg>`
}

/** What a proxy converted, in words and as a key to the picture. */
function describeConverted({ converted }: Told): string {
  if (converted === undefined) return ''
  const { names, convertedAtHeight, revokedAtHeight } = converted
  return `<span style="background:#0e8a8a"></span>institution, by re-encryption: a proxy converted ${escape(names.join(', '))} for research in block ${convertedAtHeight}, until block ${revokedAtHeight}; before and after it was refused, and the institution opened nothing else.`
}

interface SampledData {
  readonly origin?: { readonly value?: number }
  readonly factor?: number
  readonly period?: number
  readonly data?: string
}

/** The leads of an ECG, as the doctor decrypted it. */
function drawEcg(bytes: Uint8Array): string {
  const resource = JSON.parse(new TextDecoder().decode(bytes)) as {
    readonly component?: readonly {
      readonly code?: { readonly coding?: readonly { readonly display?: string }[] }
      readonly valueSampledData?: SampledData
    }[]
  }
  const leads = (resource.component ?? []).flatMap(({ code, valueSampledData }) => {
    const samples = (valueSampledData?.data ?? '').split(/\s+/).map(Number).filter(Number.isFinite)
    return samples.length === 0 ? [] : [{ name: code?.coding?.[0]?.display ?? 'lead', samples }]
  })
  const [width, leadHeight] = [720, 130]
  const drawn = leads.map(({ name, samples }, row) => {
    const [low, high] = [Math.min(...samples), Math.max(...samples)]
    const points = samples.map((sample, i) => {
      const y = row * leadHeight + 112 - ((sample - low) / Math.max(1, high - low)) * 84
      return `${((i / (samples.length - 1)) * width).toFixed(1)},${y.toFixed(1)}`
    })
    return `<text x="0" y="${row * leadHeight + 16}" class="small">${escape(name)}, ${samples.length} samples</text><polyline points="${points.join(' ')}" fill="none" stroke="#b5437a" stroke-width="1.6"/>`
  })
  const grid = Array.from(
    { length: 37 },
    (_, i) => `<line x1="${i * 20}" x2="${i * 20}" y1="0" y2="${leads.length * leadHeight}" class="grid"/>`,
  )
  return `<svg viewBox="0 0 ${width} ${leads.length * leadHeight}" role="img" aria-label="ECG">${grid.join('')}${drawn.join('')}</svg>`
}

const STYLE = `
:root{color-scheme:light dark;--rule:#8886;--ink:CanvasText}
body{font:16px/1.5 system-ui,sans-serif;max-width:760px;margin:0 auto;padding:16px}
svg{width:100%;min-width:520px;height:auto;display:block;margin:8px 0 20px}svg text{fill:var(--ink);font:13px system-ui,sans-serif}svg .small{font-size:11px}
svg .rule{stroke:var(--rule)}svg .grid{stroke:#d88;stroke-opacity:.25}
svg.sequence{min-width:0;max-width:480px;margin:8px auto 20px}svg .head{font-size:12px}svg .phase{font-size:11px;font-weight:600}
svg .lane{stroke:var(--rule);stroke-width:1.5}svg .over{paint-order:stroke;stroke:Canvas;stroke-width:5px}h3{font-size:16px;margin:16px 0 0}
details{font-size:14px;margin:0 0 24px}summary{cursor:pointer}
figure{margin:0 0 24px;overflow-x:auto}figcaption{font-size:14px;opacity:.8}
table{border-collapse:collapse;width:100%;font-size:14px}td{border-top:1px solid var(--rule);padding:3px 6px;vertical-align:top}
td:last-child{text-align:right;white-space:nowrap}.failed{color:#c22;font-weight:600}code{font-size:13px;overflow-wrap:anywhere}
.key span{display:inline-block;width:12px;height:8px;margin:0 4px 0 12px}`

/** The messages around the kill, as pictures and in words. */
function drawMessages(panels: readonly Panel[], nodes: number): string {
  if (panels.length === 0) return ''
  const pictures = panels.map(
    (panel) =>
      `<h3>${escape(panel.title)}</h3><figure>${drawPanel(panel, nodes)}<details><summary>the same in words</summary><ol>${describePanel(
        panel,
      )
        .map((line) => `<li>${escape(line)}</li>`)
        .join('')}</ol></details></figure>`,
  )
  return `<h2>The leader is killed: messages between the processes</h2>
<p>Time goes down, stretched where much happens; an arrow is one message, as sender and receiver noted it (those of the
client as the client did). A dashed one did not arrive.
Left out are messages about other blocks, and those that repeat what was lost.</p>
${pictures.join('\n')}`
}

/** The sale, as a picture and in words. */
function showSale(sold: Sold | undefined): string {
  if (sold === undefined) return ''
  const lines = describeSale(sold).map((line) => `<li>${escape(line)}</li>`)
  return `<h2>A record is sold for research, under proof</h2>
<p>The patient ${escape(sold.sentence.replace(/^Proves/, 'proves'))} She shows neither the values nor her name; sealing, proving and
claiming took ${(sold.proofMs / 1000).toFixed(1)} s. The ledger checked the proof itself.</p>
<figure>${drawSale(sold)}<details><summary>the same in words</summary><ol>${lines.join('')}</ol></details>
<figcaption>Each row is a transaction. A dashed red one was refused, and is on the record all the same: expired, relabelled, stolen and
replayed proofs, one person under two pseudonyms, and a second exclusive sale.</figcaption></figure>`
}

/** Returns the page. */
export function createReport(run: {
  readonly told: readonly Told[]
  readonly committed: readonly Committed[]
  readonly heightLast: number
  readonly chainId: string
  readonly command: string
  readonly checks: readonly Check[]
  readonly timings: readonly { readonly name: string; readonly ms: number; readonly count: number }[]
  readonly facts: readonly string[]
  readonly panels: readonly Panel[]
  readonly outage: Outage | undefined
  readonly sold: Sold | undefined
}): string {
  const { sold, told, committed, heightLast, chainId, command, checks, timings, facts, panels, outage } = run
  const failed = checks.filter(({ held }) => !held).length
  const access = told.map(
    (one) => `<h2>${escape(one.patient)}: who could open what</h2><figure>${drawAccess(one, heightLast)}
<figcaption class="key"><span style="background:#2a78c8"></span>patient<span style="background:#3d8f4f"></span>doctor, permitted<span style="background:#c9871f"></span>no longer permitted, keys of old epochs still open it.${describeConverted(one)}
${one.stillOpen} records stay open to the revoked doctor; nothing sealed after block ${one.revokedAtHeight} is.${one.gaps.map((gap) => ` The audit notes: ${escape(gap)}.`).join('')}</figcaption></figure>`,
  )
  const ecg = told.flatMap((one) =>
    one.ecg === undefined
      ? []
      : [
          `<h2>${escape(one.patient)}: the ECG as the doctor decrypted it</h2><figure>${drawEcg(one.ecg)}<figcaption>Observation/ekg of the official FHIR R4 examples, sealed by the patient, read under a grant.</figcaption></figure>`,
        ],
  )
  const rows = checks.map(
    ({ name, held }) =>
      `<tr><td>${escape(name)}</td><td class="${held ? '' : 'failed'}">${held ? 'held' : 'FAILED'}</td></tr>`,
  )
  const times = timings.map(
    ({ name, ms, count }) => `<tr><td>${escape(name)}</td><td>${count}</td><td>${ms.toFixed(0)} ms</td></tr>`,
  )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>vitalseal demo</title><style>${STYLE}</style></head><body>
<h1>vitalseal demo</h1>
<p>${checks.length - failed} of ${checks.length} checks held. ${escape(facts.join(' '))}</p>
<p>Chain <code>${chainId}</code>. Verify the bundle on any machine:<br><code>${escape(command)}</code></p>
<h2>Transactions and blocks</h2><figure>${drawTimeline(committed, heightLast, outage?.height)}<figcaption>Each mark is a transaction in its block; a hollow one was refused and is on the record all the same. The dashed line: the leader is killed.</figcaption></figure>
${showSale(sold)}
${drawMessages(panels, NODES)}
${access.join('\n')}
${ecg.join('\n')}
<h2>What was checked</h2><table>${rows.join('\n')}</table>
<h2>Times</h2><table>${times.join('\n')}</table>
</body></html>
`
}
