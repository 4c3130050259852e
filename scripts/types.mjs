// What must and must not compile, for a user of the packed archive: test/types/*.test-d.ts with tsd. The files are
// copied beside the unpacked archive, into a package of their own as tsd wants it.
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tsd from 'tsd'
import { root } from './lib/root.mjs'

const { default: run, formatter } = tsd
const source = join(root, 'test/types')
const cwd = join(root, 'out/package/types')
rmSync(cwd, { recursive: true, force: true })
mkdirSync(cwd, { recursive: true })
cpSync(source, cwd, { recursive: true })
writeFileSync(join(cwd, 'package.json'), JSON.stringify({ name: 'user-types', type: 'module', files: ['index.d.ts'] }))
writeFileSync(join(cwd, 'index.d.ts'), 'export {}\n')

const testFiles = readdirSync(source).filter((name) => name.endsWith('.test-d.ts'))
const diagnostics = await run({ cwd, typingsFile: 'index.d.ts', testFiles })
if (diagnostics.length > 0) {
  console.error(formatter(diagnostics).replaceAll('out/package/types', 'test/types'))
  console.error(`types: ${diagnostics.length} problems in ${testFiles.length} files`)
  process.exit(1)
}
console.log(`types: ${testFiles.length} files hold`)
