/**
 * The packed archive as a user installs it: `npm test` packs it before the tests run (`scripts/pack.mjs`).
 */

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packed = join(root, 'out/package')
const home = join(packed, 'node_modules/vitalseal')

interface Manifest {
  readonly name: string
  readonly type: string
  readonly license: string
  readonly sideEffects: boolean
  readonly engines: { readonly node: string }
  readonly dependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

if (!existsSync(home))
  throw new Error('there is no packed archive: run `npm test`, or `npm run build` and scripts/pack.mjs')

const manifest = readJson(join(home, 'package.json')) as Manifest
const files = readJson(join(packed, 'files.json')) as readonly string[]
const entries = Object.entries(manifest.exports).flatMap(([key, entry]) =>
  typeof entry === 'string' ? [] : [{ specifier: `vitalseal/${key.slice(2)}`, entry }],
)

// The five names that every subpath gives, so that nobody needs a second import to handle a failure.
const SHARED_NAMES = ['VitalsealError', 'isVitalsealError', 'unwrap']

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Runs a module in a process of its own, as a user's program beside the unpacked archive. */
async function runUser(code: string, ...flags: readonly string[]): Promise<unknown> {
  const args = [...flags, '--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: packed })
  return JSON.parse(stdout)
}

describe('package.json', () => {
  it('is ESM, MIT, free of side effects, for Node 20.19 and later', () => {
    expect(manifest).toMatchObject({ name: 'vitalseal', type: 'module', license: 'MIT', sideEffects: false })
    expect(manifest.engines.node).toBe('>=20.19')
  })

  it('names the types before the code in every entry, and nothing else', () => {
    for (const { specifier, entry } of entries) expect(Object.keys(entry), specifier).toEqual(['types', 'default'])
  })

  it('depends at run time on four packages, pinned exactly', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual([
      '@noble/ciphers',
      '@noble/curves',
      '@noble/hashes',
      'multiformats',
    ])
    for (const version of Object.values(manifest.dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  })
})

describe('the archive', () => {
  it('holds sources, build and the papers of the project, and nothing else', () => {
    const papers = ['CHANGELOG.md', 'LICENSE', 'NOTICE', 'README.md', 'SECURITY.md', 'package.json']
    expect(files.filter((file) => !/^(dist|src)\//.test(file))).toEqual(papers)
    for (const file of files.filter((name) => name.startsWith('dist/'))) expect(file).toMatch(/\.(js|js\.map|d\.ts)$/)
  })

  it('holds for every source its code, its types and its map', () => {
    const sources = files.filter((file) => file.startsWith('src/'))
    expect(sources.length).toBeGreaterThan(20)
    for (const source of sources) {
      const stem = source.replace(/^src\//, 'dist/').replace(/\.ts$/, '')
      for (const ending of ['.js', '.d.ts', '.js.map']) expect(files).toContain(`${stem}${ending}`)
    }
  })

  it('holds every file that the entries name', () => {
    for (const { entry } of entries)
      for (const file of Object.values(entry)) expect(files).toContain(file.replace('./', ''))
  })
})

describe('imports', () => {
  it('give each subpath its names, the shared ones being the same objects everywhere', async () => {
    const specifiers = JSON.stringify(entries.map(({ specifier }) => specifier))
    const names = (await runUser(`
      const { VitalsealError } = await import('vitalseal/errors')
      const names = {}
      for (const specifier of ${specifiers}) {
        const module = await import(specifier)
        names[specifier] = module.VitalsealError === VitalsealError ? Object.keys(module) : ['another copy']
      }
      console.log(JSON.stringify(names))
    `)) as Record<string, readonly string[]>
    for (const { specifier } of entries) {
      expect(names[specifier], specifier).toEqual(expect.arrayContaining(SHARED_NAMES))
      expect(names[specifier], specifier).not.toContain('default')
    }
  })

  it('do no work of ours that needs a clock, a random source or Web Crypto', async () => {
    const pure = entries.map(({ specifier }) => specifier).filter((specifier) => specifier !== 'vitalseal/node')
    const reached = await runUser(`
      const reached = []
      // The curves that we import probe the random source as they load; what counts is who asks.
      const ours = () => new Error().stack.split('\\n')[3].includes('/vitalseal/dist/')
      const watch = (target, name, value) =>
        Object.defineProperty(target, name, { get: () => (ours() && reached.push(name), value) })
      watch(globalThis, 'crypto', globalThis.crypto)
      watch(globalThis, 'performance', globalThis.performance)
      watch(Math, 'random', Math.random)
      watch(Date, 'now', Date.now)
      for (const specifier of ${JSON.stringify(pure)}) await import(specifier)
      console.log(JSON.stringify(reached))
    `)
    expect(reached).toEqual([])
  })

  it('reach package.json, but neither the root, nor a file inside', async () => {
    const closed = ['vitalseal', 'vitalseal/primitives/hash', 'vitalseal/dist/errors.js', 'vitalseal/src/errors.ts']
    const codes = await runUser(`
      const codes = [typeof (await import('vitalseal/package.json', { with: { type: 'json' } })).default.version]
      for (const specifier of ${JSON.stringify(closed)})
        codes.push(await import(specifier).then(() => 'open', (error) => error.code))
      console.log(JSON.stringify(codes))
    `)
    expect(codes).toEqual(['string', ...closed.map(() => 'ERR_PACKAGE_PATH_NOT_EXPORTED')])
  })

  it('work for CommonJS by require, on the Node versions that the package names', async () => {
    const kinds = await runUser(`
      import { createRequire } from 'node:module'
      const require = createRequire(process.cwd() + '/user.cjs')
      console.log(JSON.stringify([typeof require('vitalseal/errors').unwrap, typeof require('vitalseal/primitives').taggedHash]))
    `)
    expect(kinds).toEqual(['function', 'function'])
  })
})
