// Runs benchmarks: npm run bench -- AREA... [--json]
// Exit code 0 when every demanded figure holds, 1 when one does not, 2 on wrong usage.
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../scripts/lib/root.mjs'
import { importProgram } from '../scripts/run-ts.mjs'

const SUFFIX = '.bench.ts'
const areas = readdirSync(join(root, 'benchmarks'))
  .filter((name) => name.endsWith(SUFFIX))
  .map((name) => name.slice(0, -SUFFIX.length))
  .sort()

const usage = `usage: npm run bench -- AREA... [--json]
       npm run bench -- all [--json]

areas: ${areas.join(', ')}

--json   one object per line: {area, op, impl, median, unit, n} for a figure,
         {area, ratio, value, demand, holds} for a demanded figure or ratio; notes go to standard error
--help   this text

All parts of a ratio are measured interleaved in one run; figures of different runs or machines are not comparable.
Exit code 1 when a demand does not hold.`

process.exitCode = await main(process.argv.slice(2))

async function main(args) {
  if (args.includes('--help')) {
    console.log(usage)
    return 0
  }
  const options = args.filter((arg) => arg.startsWith('-'))
  const unknownOption = options.find((option) => option !== '--json')
  const json = options.includes('--json')
  const named = args.filter((arg) => !arg.startsWith('-'))
  const wanted = named.includes('all') ? areas : named
  const unknownArea = wanted.find((area) => !areas.includes(area))
  if (unknownOption !== undefined || unknownArea !== undefined || wanted.length === 0) {
    const wrong = unknownOption ?? unknownArea
    console.error(`${wrong === undefined ? 'no area named' : `unknown: ${wrong}`}\n\n${usage}`)
    return 2
  }
  const [only] = wanted
  return wanted.length === 1 ? runArea(only, json) : runApart(wanted, json)
}

/** One process per area, so that the heap of one does not count in the next. */
function runApart(wanted, json) {
  let exitCode = 0
  for (const area of wanted) {
    const args = [...process.execArgv, fileURLToPath(import.meta.url), area, ...(json ? ['--json'] : [])]
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
    exitCode = Math.max(exitCode, status ?? 1)
  }
  return exitCode
}

async function runArea(area, json) {
  const note = (text) => (json ? console.error(text) : console.log(text))
  note(machine())
  const { run } = await importProgram(join(root, 'benchmarks', `${area}${SUFFIX}`))
  let exitCode = 0
  await run({
    figure({ op, impl, median, unit, n }) {
      if (json) console.log(JSON.stringify({ area, op, impl, median, unit, n }))
      else console.log(`${area}  ${op.padEnd(34)} ${impl.padEnd(26)} ${number(median).padStart(12)} ${unit} (n = ${n})`)
    },
    demand({ ratio, value, demand, holds }) {
      if (!holds) exitCode = 1
      if (json) console.log(JSON.stringify({ area, ratio, value, demand, holds }))
      else console.log(`${area}  ${ratio}: ${number(value)}, demanded ${demand}: ${holds ? 'holds' : 'DOES NOT HOLD'}`)
    },
    note,
  })
  return exitCode
}

function machine() {
  const cpu = cpus()[0]?.model.trim() || process.arch
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${cpu}, ${availableParallelism()} cores, ${memory}; Node ${process.version}; commit ${commit()}`
}

function commit() {
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const changed = git('status', '--porcelain', '--', 'src', 'benchmarks').trim() !== ''
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${changed ? ' with changes' : ''}`
  } catch {
    return 'unknown'
  }
}

function number(value) {
  if (value === 0 || !Number.isFinite(value)) return String(value)
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(4)))
}
