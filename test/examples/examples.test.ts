import { buildSync } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { party } from '../support/parties.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(root, 'node_modules/.examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program as a user's bundler would build it, against the sources. */
function run(source: string, name: string, args: readonly string[] = []): string {
  const entry = join(folder, `${name}.ts`)
  const outfile = join(folder, `${name}.mjs`)
  // Programs share what their application would give them.
  writeFileSync(entry, source.replaceAll(/'\.\/(\w+\.ts)'/g, `'${join(root, 'examples')}/$1'`))
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    tsconfigRaw: {},
    logLevel: 'error',
    // Optional packages of the host on Node, which it looks for when it needs them.
    external: ['classic-level', 'ws'],
    alias: Object.fromEntries(
      Object.keys((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object }).exports)
        .filter((subpath) => subpath !== './package.json')
        .map((subpath) => {
          const folderName = subpath.slice(2)
          const file = folderName === 'errors' ? 'errors.ts' : `${folderName}/index.ts`
          return [`vitalseal/${folderName}`, join(root, 'src', file)]
        }),
    ),
  })
  const result = spawnSync(process.execPath, [outfile, ...args], { encoding: 'utf8', cwd: tmpdir(), timeout: 30_000 })
  expect(result.stderr).toBe('')
  expect(result.status).toBe(0)
  return result.stdout
}

/** The TypeScript of a page, block by block. */
function blocksOf(page: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code as string)
}

const example = (name: string) => readFileSync(join(root, 'examples', `${name}.ts`), 'utf8')

describe('programs that users copy', () => {
  it('README: every block runs as printed', () => {
    const [story, alone, ...rest] = blocksOf('README.md')
    expect(rest).toEqual([])
    expect(run(story ?? '', 'readme-story')).toMatch(/^\{"resourceType":"Observation".*\}\nERR_POLICY_DENIED\n$/)
    expect(run(alone ?? '', 'readme-alone')).toMatch(/^bafkrei\w+ \{"resourceType":"Observation"\}\n$/)
  })

  it('examples/patient.ts', () => {
    expect(run(example('patient'), 'patient')).toMatch(
      /^sealed bafkrei\w+; readable by did:key:zQ3s\w+ from block \d+\n$/,
    )
  })

  it('examples/doctor.ts', () => {
    expect(run(example('doctor'), 'doctor')).toBe('diagnosis citing 3 readings\n')
  })

  it('examples/ports.ts', () => {
    expect(run(example('ports'), 'ports')).toMatch(/^\d+ blocks in our table, [1-9]\d* signatures by our verifier\n$/)
  })

  it('examples/revocation.ts', () => {
    expect(run(example('revocation'), 'revocation')).toMatch(
      /^Dr \w+ cannot open anything sealed from block \d+ on\n.*\nThe keys already given still open 2 older records,\nof which 1 were read\./,
    )
  })

  it('examples/audit.ts', () => {
    const output = run(example('audit'), 'audit')
    expect(output).toMatch(/^\d+ transactions up to block \d+, certified by 1 member\n/)
    expect(output).toContain('can-decrypt-may-not-read')
    expect(output).toMatch(/under another chain id: ERR_\w+\n$/)
  })

  it('examples/transaction.ts', () => {
    expect(run(example('transaction'), 'transaction')).toMatch(/^bafkrei\w+\n168 bytes Uint8Array\(32\)/)
  })

  it('examples/policy.ts', () => {
    const output = run(example('policy'), 'policy', [party('ann').did, party('bob').did])
    expect(output).toMatch(/^until 2026-07-01T00:00:00.000Z \[ \{ kind: 'notify-patient' \} \]\n/)
    expect(output).toContain('from 1 June 2026 until 1 July 2026')
    expect(output).toContain(party('bob').did)
  })

  it('examples/connect.ts', () => {
    expect(run(example('connect'), 'connect').split('\n')).toEqual([
      ...[1, 2, 3, 4].map((height) => `load ${height} 4`),
      'sealed in block 4 of 4',
      '0 of 1 endpoints answered',
      '',
    ])
  })

  it('examples/owner.ts, proxy.ts and institution.ts, each in under thirty lines', () => {
    const owner = 're-key for epoch 1 on the ledger\n'
    const proxy = `${owner}refused: no such re-key in use on the ledger\nconverted, with 1 re-key held\n`
    expect(run(example('owner'), 'owner')).toBe(owner)
    expect(run(example('proxy'), 'proxy')).toBe(proxy)
    const [one, two, three] = [44, 61, 43].map((value) => `epoch 1: ${value} /min`)
    expect(run(example('institution'), 'institution')).toBe(
      `${proxy}${one}\n${two}\n${three}\nVitalsealError [ERR_CHAIN_REKEY]\n`,
    )
    for (const name of ['owner', 'proxy', 'institution'])
      expect(example(name).trimEnd().split('\n').length).toBeLessThan(30)
  })

  it('examples/listing.ts, claim.ts and payment.ts, each in under thirty lines', () => {
    expect(run(example('payment'), 'payment').split('\n')).toEqual([
      'listed 64 digits, 500 locked',
      'Proves that glucose is at least 6.1 mmol/L and age is at least 40, as attested by the hospital within the last 30 days.',
      'claimed and converted',
      "60 bytes, as attested: { glucose: '6.3', age: 81 }",
      '100 paid: acknowledged',
      '',
    ])
    for (const name of ['listing', 'claim', 'payment'])
      expect(example(name).trimEnd().split('\n').length).toBeLessThan(30)
  })

  it('examples/epochs.ts', () => {
    expect(run(example('epochs'), 'epochs').split('\n')).toEqual([
      'tx_key of epoch 1: bob says not-for-us',
      'tx_key of epoch 1: bob says opened',
      'bob opens epoch 1',
      'tx_key of epoch 2: bob says not-for-us',
      'VitalsealError [ERR_KEYS_NOT_HELD]',
      '',
    ])
  })
})
