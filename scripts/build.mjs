// Compiles src to dist with tsc alone. The old dist stays until the new one is complete.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { manifest, subpaths } from './lib/package.mjs'
import { root } from './lib/root.mjs'

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const fresh = join(root, `out/build-${process.pid}`)
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], {
  cwd: root,
  stdio: 'inherit',
})
if (status !== 0) {
  rmSync(fresh, { recursive: true, force: true })
  console.error('build: the compiler refused the sources; dist is unchanged')
  process.exit(1)
}
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })
renameSync(fresh, dist)
// An installed package gets this from npm; in a checkout `npx vitalseal` runs the file as it is.
for (const command of Object.values(manifest.bin ?? {})) chmodSync(join(root, command), 0o755)

const missing = subpaths.flatMap(({ types, code }) => [types, code]).filter((file) => !existsSync(join(root, file)))
if (missing.length > 0) {
  console.error(`build: package.json exports files that the build did not make: ${missing.join(', ')}`)
  process.exit(1)
}
console.log(`build: ${subpaths.length} subpaths in dist`)
