// publint and are-the-types-wrong on the packed archive.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './lib/root.mjs'

const archive = 'out/package/vitalseal.tgz'
const tools = [
  { name: 'publint', args: ['run', archive, '--strict'] },
  // ESM only, for resolvers that read `exports`; require() of ESM works from Node 20.19 on.
  { name: 'attw', args: [archive, '--profile', 'esm-only', '--no-definitely-typed', '--no-emoji', '--no-color'] },
]
for (const { name, args } of tools) {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', name), args, {
    cwd: root,
    encoding: 'utf8',
  })
  if (status === 0) continue
  console.error(`${stdout}${stderr}`)
  console.error(`published: ${name} refuses the archive`)
  process.exit(1)
}
console.log('published: publint and are-the-types-wrong accept the archive')
