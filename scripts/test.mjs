// npm test: unit, vector, property, paper and package tests, types, and the smoke page where a browser is installed.
// Arguments go to vitest: npm test -- test/policy
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './lib/root.mjs'
import { runStep } from './lib/steps.mjs'

const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log('usage: npm test [-- VITEST ARGUMENTS]\n\nPROPERTY_RUNS=N   runs per property (default 200)')
  console.log('VECTORS_DIR=DIR   folder of the official vectors; without it they are reported as not run')
  process.exit(0)
}
mkdirSync(join(root, 'out'), { recursive: true })
const script = (name, file = `scripts/${name}.mjs`) => runStep({ name, command: ['node', file] })
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json']

let ok = (await script('build')) && (await script('pack'))
if (ok) {
  const command = ['node', ...vitest, '--outputFile.json=out/tests.json', ...args]
  ok = await runStep({ name: 'tests', command, stream: true })
  ok = (await script('types')) && ok
  ok = (await script('browser', 'test/browser/run.mjs')) && ok
}
console.log(ok ? 'test: all well' : 'test: FAILED')
process.exit(ok ? 0 : 1)
