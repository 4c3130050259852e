import { buildSync } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { exportAuditBundle } from '../../src/audit/index.ts'
import { verifyCommand } from '../../src/node/verify-command.ts'
import { ann, bob, createAuditWorld, nodes, registerAll } from '../audit/world.ts'
import { heartRate } from '../support/chain-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'vitalseal-verify-'))
const file = (name: string) => join(folder, name)
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

let chain: string
let head: string
let height: number

beforeAll(async () => {
  const world = createAuditWorld()
  registerAll(world, ann, bob)
  expect(await world.rotate(ann, { dataTypes: [heartRate] })).toBe(null)
  const record = world.seal(heartRate)
  expect(world.read(bob, record, heartRate)).toBe('ERR_POLICY_DENIED')
  chain = world.genesis.chainId
  height = world.stored.length
  head = Buffer.from(world.ledger.head().headerDigest).toString('hex')
  const [whole, part] = [
    await exportAuditBundle(world.source),
    await exportAuditBundle(world.source, { patient: ann.did }),
  ]
  writeFileSync(file('whole.car'), whole)
  writeFileSync(file('ann.car'), part)
  writeFileSync(file('spoilt.car'), whole.with(-9, (whole.at(-9) as number) ^ 1))
})

/** Runs the command; its exit code, what it printed and what it complained of. */
async function verify(
  args: readonly string[],
  isTerminal = false,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err, nowMs] = ['', '', 0]
  const io = {
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
    isTerminal,
    elapsedMs: () => (nowMs += 250),
  }
  const code = await verifyCommand.run(args, io)
  return { code, out, err }
}

describe('vitalseal verify', () => {
  it('says on what a verified bundle rests', async () => {
    const { code, out, err } = await verify([file('whole.car'), '--chain', chain.toUpperCase()])
    expect([code, err]).toEqual([0, ''])
    expect(out.replaceAll(/: \d+ bytes/g, ': N bytes').split('\n')).toEqual([
      `Verified ${file('whole.car')}: N bytes in 0.25 s (OpenSSL signatures)`,
      `  chain         ${chain}`,
      '  contents      the whole ledger, executed again',
      `  transactions  5 in ${height} blocks, 1 of them refused by the ledger`,
      `  head          ${height}:${head}`,
      '                of 2025-11-20T00:53:20.000Z',
      `  relied on     member epoch 0, blocks 1 to ${height}: 3 of 4 members`,
      ...nodes.map(({ did }) => `                ${did}`),
      '',
    ])
  })

  it('prints one JSON object when asked for', async () => {
    const { code, out } = await verify(['--json', '--chain', chain, '--head', `${height}:${head}`, file('ann.car')])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      verified: true,
      chainId: chain,
      chainIdFrom: 'command line',
      form: 'patient',
      patient: ann.did,
      head: { height, hash: head },
      epochs: [{ memberEpoch: 0, members: nodes.map(({ did }) => did), quorum: 3 }],
      refused: 1,
    })
    const refused = await verify(['--json', '--chain', chain, '--head', `${height}:${chain}`, file('ann.car')])
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.out)).toMatchObject({
      verified: false,
      code: 'ERR_AUDIT_BROKEN',
      details: { height, link: 'trusted head' },
    })
  })

  it('believes no bundle about its own chain unless told to', async () => {
    const { code, out, err } = await verify([file('whole.car')])
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`of chain ${chain}, which anybody may write`)
    const trusting = await verify([file('whole.car'), '--trust-bundled-genesis'])
    expect(trusting.code).toBe(0)
    expect(trusting.out).toContain('taken from the bundle itself: nobody else vouches for it')
    const other = await verify([file('whole.car'), '--chain', '0'.repeat(64)])
    expect(other.code).toBe(1)
    expect(other.err).toContain('ERR_AUDIT_BROKEN')
  })

  it('gives the first reason of a refusal', async () => {
    const spoilt = await verify([file('spoilt.car'), '--chain', chain])
    expect([spoilt.code, spoilt.out]).toEqual([1, ''])
    expect(spoilt.err).toMatch(/^NOT verified: car: block \w+ does not hash to its address \(ERR_STORAGE_CORRUPT\)\n$/)
    const later = await verify([file('whole.car'), '--chain', chain, '--head', `${height + 1}:${head}`])
    expect([later.code, later.err]).toEqual([1, expect.stringContaining('ask for a newer bundle')])
  })

  it('shows progress to people only', async () => {
    const { code, err } = await verify([file('whole.car'), '--chain', chain], true)
    expect(code).toBe(0)
    expect(err).toContain('\rreplay 100%')
  })

  it('takes no questions that it cannot answer', async () => {
    const misused = [
      [],
      [file('whole.car'), file('ann.car')],
      [file('absent.car'), '--chain', chain],
      [file('whole.car'), '--chain', 'abc'],
      [file('whole.car'), '--chain', chain, '--trust-bundled-genesis'],
      [file('whole.car'), '--chain', chain, '--head', head],
      [file('whole.car'), '--chain', chain, '--head', `99999999999:${head}`],
      [file('whole.car'), '--chain'],
      [file('whole.car'), '--unknown'],
    ]
    for (const args of misused) {
      const { code, out, err } = await verify(args)
      expect([code, out]).toEqual([2, ''])
      expect(err).toMatch(/^vitalseal verify: [^]+\nSee vitalseal verify --help\n$/)
    }
    const help = await verify(['--help'])
    expect([help.code, help.out, help.err]).toEqual([0, verifyCommand.usage, ''])
  })
})

describe('the command line', () => {
  const program = file('cli.mjs')

  beforeAll(() => {
    buildSync({
      entryPoints: [resolve(import.meta.dirname, '../../src/node/cli.ts')],
      outfile: program,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      tsconfigRaw: {},
      logLevel: 'error',
    })
  })

  it('finds the command and ends with its exit code, quiet in a pipe', () => {
    const run = (...args: readonly string[]) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
      return { status, stdout, stderr }
    }
    const verified = run('verify', file('ann.car'), '--chain', chain)
    expect([verified.status, verified.stderr]).toEqual([0, ''])
    expect(verified.stdout).toContain(`everything that concerns ${ann.did}`)
    expect(run('verify', file('spoilt.car'), '--chain', chain).status).toBe(1)
    expect(run('verify').status).toBe(2)
    const help = run('--help')
    expect([help.status, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toContain('verify     verifies an audit bundle')
    expect(run('no-such-command')).toMatchObject({ status: 2, stdout: '' })
    expect(run()).toMatchObject({ status: 2, stdout: '' })
  })
})
