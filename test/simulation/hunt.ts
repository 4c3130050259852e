// Plants one bug into a copy of the core and looks for it: in seeds, and where a mutant asks for it in scenarios of twins or in
// crash points.
import { build, type Plugin } from 'esbuild'
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import type * as simulator from '../../src/pbft/simulator/index.ts'
import { mutants, type Mutant } from './mutants.ts'
import { regressions } from './regressions.ts'

/** Which bug to look for, and how long. */
export interface Hunt {
  readonly name: string
  readonly seeds: number
}

/** What found it. */
export interface Kill {
  readonly by: string
  readonly property: string
}

/** Returns a source file with the bug in it. */
export function plantBug(mutant: Mutant, source: string): string {
  if (source.split(mutant.find).length !== 2) throw new Error(`${mutant.name}: its place is not in ${mutant.file} once`)
  return source.replace(mutant.find, () => mutant.replace)
}

/** Changes one file on its way into the bundle; the sources stay as they are. */
function plant(mutant: Mutant): Plugin {
  const target = resolve('src/pbft', mutant.file)
  return {
    name: 'plant',
    setup(context) {
      context.onLoad({ filter: /src[\\/]pbft[\\/].*\.ts$/ }, ({ path }) =>
        path === target ? { contents: plantBug(mutant, readFileSync(path, 'utf8')), loader: 'ts' } : undefined,
      )
    },
  }
}

/** Returns a simulator over a core with the bug in it. */
export async function loadPlanted(mutant: Mutant): Promise<typeof simulator> {
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

function huntSeeds(mutant: Mutant, seeds: number, { generateScenario, simulate }: typeof simulator): Kill | null {
  const { replicaCount, verification } = mutant
  const options = replicaCount === undefined ? {} : { replicaCount }
  for (let seed = 1; seed <= seeds; seed++) {
    const generated = generateScenario(seed, options)
    const run = simulate(verification === undefined ? generated : { ...generated, verification })
    const [violation] = run.violations
    if (violation !== undefined) return { by: `seed ${seed}`, property: violation.property }
  }
  return null
}

function huntTwins({ simulateTwins, twinsRounds }: typeof simulator): Kill | null {
  for (let index = 0; index < 4_096; index++) {
    const [violation] = simulateTwins(twinsRounds(index, 2)).violations
    if (violation !== undefined) return { by: `twins ${index}`, property: violation.property }
  }
  return null
}

function huntCrashes({ simulate, listCrashPoints, crashPointScenario }: typeof simulator): Kill | null {
  for (const [at, point] of listCrashPoints().entries()) {
    const [violation] = simulate(crashPointScenario(point)).violations
    if (violation !== undefined) return { by: `crash point ${at}`, property: violation.property }
  }
  return null
}

function huntRegressions({ simulate }: typeof simulator): Kill | null {
  for (const { seed, scenario } of regressions) {
    const [violation] = simulate(scenario).violations
    if (violation !== undefined) return { by: `regression ${seed}`, property: violation.property }
  }
  return null
}

/** Looks for one planted bug; null when it survives. */
export async function hunt({ name, seeds }: Hunt): Promise<Kill | null> {
  const mutant = mutants.find((one) => one.name === name) as Mutant
  const planted = await loadPlanted(mutant)
  switch (mutant.by ?? 'seeds') {
    case 'twins':
      return huntTwins(planted)
    case 'crash-points':
      return huntCrashes(planted)
    case 'regressions':
      return huntRegressions(planted)
    case 'seeds':
      return huntSeeds(mutant, seeds, planted)
    default:
      throw new Error('a mutant to be found by something else')
  }
}
