// Plants bugs into copies of the core and counts the seeds until the simulator finds each. Usage:
// node scripts/run-ts.mjs test/simulation/mutation-gate.ts [--seeds 2000] [--only NAME,NAME]. Fails if one survives.
import { build, type Plugin } from 'esbuild'
import { mkdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

import type * as simulator from '../../src/pbft/simulator/index.ts'
import { mutants, type Mutant } from './mutants.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '2000' }, only: { type: 'string' } },
})

/** Changes one file on its way into the bundle; the sources stay as they are. */
function plant(mutant: Mutant): Plugin {
  return {
    name: 'plant',
    setup(context) {
      context.onLoad({ filter: /src[\\/]pbft[\\/][a-z-]+\.ts$/ }, ({ path }) => {
        if (basename(path) !== mutant.file) return undefined
        const source = readFileSync(path, 'utf8')
        if (source.split(mutant.find).length !== 2)
          throw new Error(`${mutant.name}: its place is not in ${mutant.file} once`)
        return { contents: source.replace(mutant.find, () => mutant.replace), loader: 'ts' }
      })
    },
  }
}

async function load(mutant: Mutant): Promise<typeof simulator> {
  const folder = resolve('out/mutants')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `${mutant.name}.mjs`)
  await build({
    entryPoints: ['src/pbft/simulator/index.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
    plugins: [plant(mutant)],
  })
  return (await import(pathToFileURL(outfile).href)) as typeof simulator
}

function hunt(mutant: Mutant, { generateScenario, simulate }: typeof simulator): string | undefined {
  const { replicaCount } = mutant
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const run = simulate(generateScenario(seed, replicaCount === undefined ? {} : { replicaCount }))
    const [violation] = run.violations
    if (violation !== undefined) return `seed ${seed}, ${violation.property}`
  }
  return undefined
}

let survivors = 0
for (const mutant of mutants) {
  if (values.only !== undefined && !values.only.split(',').includes(mutant.name)) continue
  const killed = hunt(mutant, await load(mutant))
  if (killed === undefined) survivors += 1
  console.log(`${mutant.name}: ${killed === undefined ? 'SURVIVED' : `killed by ${killed}`}`)
}
console.log(`${mutants.length} planted, ${survivors} survived ${values.seeds} seeds`)
if (survivors > 0) process.exitCode = 1
