// Packs the built package as npm would publish it: out/package/vitalseal.tgz, and unpacked beside it under
// out/package/node_modules/vitalseal, where a program in out/package finds it as a user's program would.
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './lib/root.mjs'

const folder = join(root, 'out/package')
const home = join(folder, 'node_modules/vitalseal')
rmSync(folder, { recursive: true, force: true })
mkdirSync(home, { recursive: true })
const report = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
  shell: process.platform === 'win32',
})
const [{ filename, files, size }] = JSON.parse(report)
renameSync(join(folder, filename), join(folder, 'vitalseal.tgz'))
execFileSync('tar', ['-xzf', join(folder, 'vitalseal.tgz'), '--strip-components=1', '-C', home])
writeFileSync(join(folder, 'files.json'), JSON.stringify(files.map(({ path }) => path).sort(), null, 2))
// A scope of its own, so that `vitalseal/...` means the unpacked archive and not the repository around it.
writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
console.log(`pack: ${files.length} files, ${Math.round(size / 1000)} kB`)
