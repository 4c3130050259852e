import { buildSync } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'

import { REFUSAL_CODES } from '../../src/chain/index.ts'

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/guide/ledger.md'), 'utf8')
// Inside of node_modules, so that packages are found.
const folder = mkdtempSync(join(root, 'node_modules/.guide-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

it('prints programs that run', () => {
  const contents = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code as string).join('\n')
  const outfile = join(folder, 'ledger.mjs')
  const folders = ['chain', 'errors', 'identity', 'presets', 'primitives', 'transactions']
  const sourceOf = (name: string) => join(root, 'src', name === 'errors' ? 'errors.ts' : `${name}/index.ts`)
  buildSync({
    stdin: { contents, loader: 'ts', resolveDir: root },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    tsconfigRaw: {},
    logLevel: 'error',
    alias: Object.fromEntries(folders.map((name) => [`vitalseal/${name}`, sourceOf(name)])),
  })
  const { stdout, stderr } = spawnSync(process.execPath, [outfile], {
    encoding: 'utf8',
    cwd: tmpdir(),
    timeout: 30_000,
  })
  expect(stderr).toBe('')
  expect(stdout.split('\n')).toEqual([
    'ERR_CHAIN_EPOCH',
    '1 register applied',
    '2 register applied',
    '3 iot ERR_CHAIN_EPOCH',
    'undefined',
    '65',
    '3',
    '',
  ])
})

it('explains every code of refusal', () => {
  for (const code of REFUSAL_CODES) expect(page).toContain(`| \`${code}\` |`)
})
