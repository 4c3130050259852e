// Plants every bug in turn, over all cores, and makes the table of what found each.
import { readFileSync, writeFileSync } from 'node:fs'

import type { Hunt, Kill } from './hunt.ts'
import { mutants } from './mutants.ts'
import { runJobs } from './pool.ts'

const TABLE_FILE = 'docs/guide/pbft-bugs.md'
const TABLE_BEGIN = '<!-- table of planted bugs: written by mutation-gate.ts --write -->'
const TABLE_END = '<!-- end of the table -->'

/** Returns the table of a whole run. */
function makeTable(kills: ReadonlyMap<string, Kill>): string {
  const rows = mutants.map(({ name, bug }) => {
    const kill = kills.get(name)
    return `| ${name} | ${bug} | ${kill?.by ?? 'survived'} | ${kill?.property ?? ''} |`
  })
  return ['| planted | what goes wrong | found by | property |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function writeTable(kills: ReadonlyMap<string, Kill>): void {
  const text = readFileSync(TABLE_FILE, 'utf8')
  const [before, rest] = text.split(TABLE_BEGIN)
  const [, after] = (rest ?? '').split(TABLE_END)
  if (before === undefined || after === undefined) throw new Error(`${TABLE_FILE} has no place for the table`)
  writeFileSync(TABLE_FILE, `${before}${TABLE_BEGIN}\n\n${makeTable(kills)}\n\n${TABLE_END}${after}`)
}

/** Runs the gate; returns how many mutants survived. */
export async function runMutationGate(options: {
  readonly program: string
  readonly workers: number
  readonly seeds: number
  readonly only?: readonly string[] | undefined
  readonly isWritten: boolean
}): Promise<number> {
  const chosen = mutants.filter(({ name }) => options.only?.includes(name) ?? true)
  const kills = new Map<string, Kill>()
  const jobs = chosen.map(({ name }): Hunt => ({ name, seeds: options.seeds }))
  await runJobs<Hunt, Kill | null>(options.program, jobs, {
    workers: options.workers,
    onAnswer: ({ result, busyMs }, { name }) => {
      if (result !== null) kills.set(name, result)
      const found = result === null ? 'SURVIVED' : `found by ${result.by}, ${result.property}`
      console.log(`${name}: ${found} (${(busyMs / 1_000).toFixed(0)} s)`)
    },
  })
  const survivors = chosen.length - kills.size
  console.log(`${chosen.length} planted, ${survivors} survived ${options.seeds} seeds`)
  if (options.isWritten && chosen.length === mutants.length) writeTable(kills)
  return survivors
}
