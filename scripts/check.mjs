// npm run check: everything that can be said about the repository without running its tests.
import { runGroups } from './lib/steps.mjs'

if (process.argv.includes('--help')) {
  console.log(
    'usage: npm run check\n\nformat, lint, layers, types, API reports, documentation, package checks, bundle sizes',
  )
  process.exit(0)
}
const script = (name) => ({ name, command: ['node', `scripts/${name}.mjs`] })
const tool = (name, path, ...args) => ({ name, command: ['node', `node_modules/${path}`, ...args] })

const ok = await runGroups([
  [script('build')],
  [script('pack')],
  [
    tool('lint', 'eslint/bin/eslint.js', '.', '--max-warnings', '0'),
    tool('format', 'prettier/bin/prettier.cjs', '--check', '.'),
    tool('compile', 'typescript/bin/tsc', '-p', 'tsconfig.json'),
    tool('purity', 'typescript/bin/tsc', '-p', 'tsconfig.pure.json'),
    script('layers'),
    script('docs'),
    script('api'),
    script('sizes'),
    script('published'),
    script('compilers'),
    script('licences'),
    script('tracked'),
  ],
])
console.log(ok ? 'check: all well' : 'check: FAILED')
process.exit(ok ? 0 : 1)
