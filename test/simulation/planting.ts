// Plants every bug in turn, over all cores, and makes the table of what found each.
import { readFileSync, writeFileSync } from 'node:fs'

import type { Hunt, Kill } from './hunt.ts'
import { mutants } from './mutants.ts'
import { runJobs } from './pool.ts'

const TABLE_FILE = 'docs/guide/pbft-bugs.md'
const TABLE_BEGIN = '<!-- table of planted bugs: written by mutation-gate.ts --write -->'
const TABLE_END = '<!-- end of the table -->'

/** Returns the table: what was looked for now, and for the others the rows as they stand. */
function makeTable(found: ReadonlyMap<string, Kill | null>, former: string): string {
  const rows = mutants.map(({ name, bug }) => {
    const standing = former.split('\n').find((line) => line.startsWith(`| ${name} `))
    const kill = found.get(name)
    if (kill === undefined) return standing ?? `| ${name} | ${bug} | not run | |`
    return kill === null ? `| ${name} | ${bug} | survived | |` : `| ${name} | ${bug} | ${kill.by} | ${kill.property} |`
  })
  return ['| planted | what goes wrong | found by | property |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

/** Puts what was found into the table of the guide. */
export function writeTable(found: ReadonlyMap<string, Kill | null>): void {
  const text = readFileSync(TABLE_FILE, 'utf8')
  const [before, rest] = text.split(TABLE_BEGIN)
  const [former, after] = (rest ?? '').split(TABLE_END)
  if (before === undefined || former === undefined || after === undefined)
    throw new Error(`${TABLE_FILE} has no place for the table`)
  writeFileSync(TABLE_FILE, `${before}${TABLE_BEGIN}\n\n${makeTable(found, former)}\n\n${TABLE_END}${after}`)
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
  const found = new Map<string, Kill | null>()
  const jobs = chosen.map(({ name }): Hunt => ({ name, seeds: options.seeds }))
  await runJobs<Hunt, Kill | null>(options.program, jobs, {
    workers: options.workers,
    onAnswer: ({ result, busyMs }, { name }) => {
      found.set(name, result)
      const how = result === null ? 'SURVIVED' : `found by ${result.by}, ${result.property}`
      console.log(`${name}: ${how} (${(busyMs / 1_000).toFixed(0)} s)`)
    },
  })
  const survivors = [...found.values()].filter((kill) => kill === null).length
  console.log(`${chosen.length} planted, ${survivors} survived ${options.seeds} seeds`)
  if (options.isWritten) writeTable(found)
  return survivors
}
