/** The table of what was run, and what was not and why. */

/** One line of it. */
export interface Row {
  readonly what: string
  readonly result: 'held' | 'FAILED' | 'not run'
  readonly detail: string
}

/** Returns the table as text. */
export function formatRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length))
  return rows.map(({ what, result, detail }) => `${what.padEnd(width)}  ${result.padEnd(7)}  ${detail}`).join('\n')
}

/** A line from faults that were found. */
export function toRow(what: string, faults: readonly string[], detail: string): Row {
  const [first] = faults
  if (first === undefined) return { what, result: 'held', detail }
  return { what, result: 'FAILED', detail: `${faults.length} faults, the first: ${first}` }
}
