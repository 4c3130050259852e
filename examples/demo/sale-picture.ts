/** The sale as a picture: one row for each transaction, from the lane of its sender to the ledger; refused ones stop there. */
import type { SaleParty, SaleStep, Sold } from './sale.ts'

const LANES: readonly { readonly party: SaleParty; readonly name: string }[] = [
  { party: 'institution', name: 'institution' },
  { party: 'patient', name: 'patient' },
  { party: 'proxy', name: 'proxy' },
  { party: 'rival', name: 'rival' },
]
const [WIDTH, HEAD, ROW, FOOT] = [480, 30, 30, 8]
const LEDGER_X = 404
const laneX = (party: SaleParty) => 42 + 84 * LANES.findIndex((lane) => lane.party === party)

/** What each step of PS is called in the picture. */
const WORDS: { readonly [what: string]: string } = {
  publish: 'step 1: asks, locks the price',
  claim: 'steps 2 to 5: seals, proves, claims',
  delegate: 'step 6: has the re-key',
  convert: 'step 7: converts',
  acknowledge: 'steps 8, 9: opens, signs, pays',
}

function drawStep({ by, what, height, refusal }: SaleStep, row: number): string {
  const y = HEAD + row * ROW + 20
  const from = laneX(by)
  const colour = refusal === null ? '#3d8f4f' : '#c22'
  const words = WORDS[what] ?? what.replace(/,.*/, '')
  const isLeft = from < LEDGER_X / 2
  const arrow = `<line x1="${from}" x2="${LEDGER_X - 8}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="1.6"${refusal === null ? '' : ' stroke-dasharray="5 3"'}/>`
  const end =
    refusal === null
      ? `<path d="M${LEDGER_X - 9} ${y - 4}l8 4l-8 4z" fill="${colour}"/>`
      : `<path d="M${LEDGER_X - 12} ${y - 5}l9 10m0 -10l-9 10" stroke="${colour}" stroke-width="2" fill="none"/>`
  const at = isLeft ? `x="${from + 10}"` : `x="${LEDGER_X - 16}" text-anchor="end"`
  const code = refusal === null ? '' : `<title>${refusal}</title>`
  const label = `<text ${at} y="${y - 5}" class="small over">${words}${code}</text>`
  const block = `<text x="${LEDGER_X + 14}" y="${y + 4}" class="small">block ${height}</text>`
  return `${arrow}${end}${label}<circle cx="${from}" cy="${y}" r="4" fill="${colour}"/>${block}`
}

/** Returns the picture of a sale. */
export function drawSale({ steps }: Sold): string {
  const height = HEAD + steps.length * ROW + FOOT + 10
  const lanes = LANES.map(
    ({ party, name }) =>
      `<text x="${laneX(party)}" y="18" text-anchor="middle" class="head">${name}</text><line x1="${laneX(party)}" x2="${laneX(party)}" y1="${HEAD - 4}" y2="${height - FOOT}" class="lane"/>`,
  )
  const ledger = `<text x="${LEDGER_X + 4}" y="18" text-anchor="middle" class="head">ledger</text><rect x="${LEDGER_X}" y="${HEAD - 4}" width="7" height="${height - FOOT - HEAD + 4}" fill="#2a78c8"/>`
  return `<svg class="sequence" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="the sale, transaction by transaction">${lanes.join('')}${ledger}${steps.map(drawStep).join('')}</svg>`
}

/** The same in words. */
export function describeSale({ steps }: Sold): readonly string[] {
  return steps.map(({ by, what, height, refusal }) =>
    refusal === null
      ? `block ${height}: ${by}, ${WORDS[what] ?? what}`
      : `block ${height}: ${by}, ${what}: refused, ${refusal}`,
  )
}
