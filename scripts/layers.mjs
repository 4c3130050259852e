// Checks the import graph of src against the layers. Prints how many modules it read, because a check that read none
// is green and worthless; then plants forbidden imports in a temporary copy and sees each one refused.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { checkLayers } from './lib/layers.mjs'
import { manifest, subpaths } from './lib/package.mjs'
import { root } from './lib/root.mjs'

const source = join(root, 'src')
const commands = Object.values(manifest.bin ?? {}).map((file) =>
  file.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'),
)
const entries = [...subpaths.map((subpath) => subpath.source.replace(/^src\//, '')), ...commands]
const { moduleCount, importCount, violations } = checkLayers(source, entries)
const fileCount = readdirSync(source, { recursive: true }).filter((name) => name.endsWith('.ts')).length
const problems = [...violations]
if (moduleCount < fileCount || importCount < fileCount - 1)
  problems.push(`read only ${moduleCount} modules and ${importCount} imports of ${fileCount} files in src`)
problems.push(...selfTest())
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(`layers: ${problems.length} problems in ${moduleCount} of ${fileCount} modules read`)
  process.exit(1)
}
console.log(
  `layers: read ${moduleCount} of ${fileCount} modules, ${importCount} imports; ${planted().length} planted refused`,
)

/** Forbidden imports and the words with which each must be refused. */
function planted() {
  return [
    { file: 'policy/planted.ts', text: `import '../storage/index.ts'`, refusal: 'imports its sibling storage' },
    { file: 'primitives/planted.ts', text: `import '../policy/index.ts'`, refusal: 'which lies above it' },
    { file: 'keys/planted.ts', text: `export { x } from '../policy/types.ts'`, refusal: 'imported by their index' },
    { file: 'keys/planted.ts', text: `import '../primitives/index.ts'`, refusal: 'name the file' },
    { file: 'policy/planted.ts', text: `import './index.ts'`, refusal: 'its own folder by index' },
    { file: 'policy/planted.ts', text: `import { sha256 } from '@noble/hashes/sha2.js'`, refusal: 'which only' },
    { file: 'policy/planted.ts', text: `const x = await import('left-pad')`, refusal: 'which no file may' },
    { file: 'keys/planted.ts', text: `import { readFileSync } from 'node:fs'`, refusal: 'only src/node knows Node' },
    { file: 'keys/planted.ts', text: `type X = import('../nowhere/index.ts').X`, refusal: 'no module of src' },
    {
      file: 'keys/planted.ts',
      text: `import '../primitives/hash.ts'`,
      refusal: 'no subpath of package.json reaches it',
    },
    { file: 'elsewhere/planted.ts', text: `import '../errors.ts'`, refusal: 'its folder is in no layer' },
    {
      file: 'keys/planted.ts',
      text: `import './planted-2.ts'`,
      more: ['keys/planted-2.ts', `import type { x } from './planted.ts'`],
      refusal: 'cycle: ',
    },
    {
      file: 'chain/planted.ts',
      text: `import { createMemoryBlockstore } from '../storage/index.ts'`,
      refusal: 'chain may take only types from storage',
    },
    {
      file: 'chain/planted.ts',
      text: `import { createReplica } from '../pbft/index.ts'`,
      refusal: 'chain may take code from pbft only by',
    },
  ]
}

/** Returns the plants that were not refused. */
function selfTest() {
  const copy = mkdtempSync(join(tmpdir(), 'vitalseal-layers-'))
  try {
    cpSync(source, copy, { recursive: true })
    return planted().flatMap(({ file, text, more, refusal }) => {
      const files = [[file, text], ...(more === undefined ? [] : [more])]
      const fresh = files.map(([name]) => join(copy, dirname(name))).filter((folder) => !existsSync(folder))
      for (const folder of fresh) mkdirSync(folder)
      for (const [name, content] of files) writeFileSync(join(copy, name), `${content}\n`)
      const found = checkLayers(copy, entries).violations.some(
        (line) => line.includes('planted') && line.includes(refusal),
      )
      for (const [name] of files) rmSync(join(copy, name))
      for (const folder of fresh) rmSync(folder, { recursive: true, force: true })
      return found ? [] : [`self-test: ${file} with "${text}" was not refused with "${refusal}"`]
    })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
