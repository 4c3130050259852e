// A user's program that imports every subpath of the packed archive, under each compiler and both ways to resolve
// modules, with the checks of declaration files on and without the types of DOM and Node (but for vitalseal/node).
//
// Usage: node scripts/compilers.mjs [--oldest]   --oldest also fetches the oldest supported compiler from the registry
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { subpaths } from './lib/package.mjs'
import { root } from './lib/root.mjs'

const OLDEST = '5.7.3'
const require = createRequire(import.meta.url)
const compilers = [
  require.resolve('typescript/package.json'),
  // tsd brings an older one of its own.
  join(dirname(require.resolve('@tsd/typescript/package.json')), 'typescript/package.json'),
].map((file) => ({
  version: JSON.parse(readFileSync(file, 'utf8')).version,
  command: [process.execPath, join(dirname(file), 'bin/tsc')],
}))
if (process.argv.includes('--oldest')) {
  const command = ['npx', '--yes', `--package=typescript@${OLDEST}`, '--', 'tsc']
  if (run([...command, '--version'], root).status === 0) compilers.unshift({ version: OLDEST, command })
  else console.log(`compilers: not run: TypeScript ${OLDEST}, which could not be fetched`)
}

const folder = join(root, 'out/package/compilers')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const pure = subpaths.filter(({ name }) => name !== 'node')
const problems = compilers.flatMap((compiler) => [
  ...compile(compiler, 'nodenext', 'pure', pure),
  ...compile(compiler, 'bundler', 'pure', pure),
  ...compile(compiler, 'nodenext', 'node', subpaths),
])
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
console.log(
  `compilers: TypeScript ${compilers.map(({ version }) => version).join(', ')} compile a user of every subpath`,
)

function compile({ version, command }, resolution, kind, list) {
  const imports = list.map(({ specifier }, index) => `import * as m${index} from '${specifier}'`)
  const uses = list.map((_, index) => `export const u${index}: object = m${index}`)
  writeFileSync(join(folder, `${kind}.ts`), [...imports, ...uses, ''].join('\n'))
  const compilerOptions = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    // The types of Node do not pass every compiler's checks; ours must.
    skipLibCheck: kind === 'node',
    target: 'es2022',
    lib: ['es2023'],
    module: resolution === 'bundler' ? 'esnext' : 'nodenext',
    moduleResolution: resolution,
    types: kind === 'node' ? ['node'] : [],
  }
  const config = join(folder, 'tsconfig.json')
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [`${kind}.ts`] }))
  const { status, stdout } = run([...command, '-p', config], folder)
  const shown = stdout.split('\n').slice(0, 15).join('\n')
  return status === 0 ? [] : [`compilers: TypeScript ${version}, ${resolution}, ${kind}:\n${shown}`]
}

function run([program, ...args], cwd) {
  return spawnSync(program, args, { cwd, encoding: 'utf8' })
}
