/**
 * Everything that can go wrong with a disk or a process, as far as this machine can make it go wrong; ends with a table of
 * what was run and what was not, and why. Exit code 0 when everything that was run held.
 *
 * Usage: node scripts/run-ts.mjs test/faults/main.ts [--cycles 200] [--seed 1] [--seconds 900]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { runFailingDisks } from './failing-disk.ts'
import { CHILD_FLAG } from './kill-child.ts'
import { describeKills, runKillCycles } from './kill-cycles.ts'
import { formatRows, toRow, type Row } from './report.ts'
import { runTornTails } from './torn-tails.ts'
import { runWriter, WRITER_FLAG } from './writer.ts'

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '900' },
    },
  })
  const [cycles, seed, seconds] = [Number(values.cycles), Number(values.seed), Number(values.seconds)]
  const root = mkdtempSync(join(tmpdir(), 'vitalseal-faults-'))
  const rows: Row[] = []
  try {
    rows.push(...(await runTornTails(join(root, 'torn'))))
    rows.push(...(await runFailingDisks(root)))
    const report = await runKillCycles({ cycles, seed, seconds })
    rows.push(toRow(`SIGKILL, ${cycles} times`, report.faults, describeKills(report)))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  rows.push({ what: 'loss of power', result: 'not run', detail: 'no program can cut its own power' })
  console.log(formatRows(rows))
  return rows.some(({ result }) => result === 'FAILED') ? 1 : 0
}

const [, , flag, directory = ''] = process.argv
if (flag === WRITER_FLAG) await runWriter(directory)
else if (flag !== CHILD_FLAG) process.exit(await main())
