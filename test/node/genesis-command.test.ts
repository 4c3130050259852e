import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { parseGenesis } from '../../src/chain/index.ts'
import { unwrap } from '../../src/errors.ts'
import { genesisCommand } from '../../src/node/genesis-command.ts'
import { runCommand } from '../support/command-io.ts'
import { party } from '../support/parties.ts'

const folder = mkdtempSync(join(tmpdir(), 'vitalseal-genesis-'))
const file = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const didOf = (name: string) => party(name).did
const [a, b, c, d, clerk] = [didOf('a'), didOf('b'), didOf('c'), didOf('d'), didOf('clerk')]
const membersOf = (...dids: readonly string[]) => dids.flatMap((did) => ['--member', did])
const genesis = (...args: readonly string[]) => runCommand(genesisCommand, ...args)

describe('vitalseal genesis', () => {
  it('makes what it was told, and shows it', async () => {
    const four = membersOf(a, b, c, d)
    const made = await genesis('--out', file('four.cbor'), ...four, '--registrar', clerk, '--quota', '60')
    expect([made.code, made.err]).toEqual([0, ''])
    const { members, registrars, parameters, chainId, preset } = unwrap(parseGenesis(readFileSync(file('four.cbor'))))
    expect(members.map(({ did }) => did)).toEqual([a, b, c, d])
    expect([registrars, parameters.quotaPerMinute, preset]).toEqual([[clerk], 60, 'consortium'])
    expect(made.out).toContain(`chain        ${chainId}\n`)
    expect(made.out).toContain('members      4; the group stands 1 of 4 that fail or lie\n')
    expect(await genesis('--show', file('four.cbor'))).toEqual(made)
    for (const did of [a, b, c, d, clerk]) expect(made.out).toContain(did)
  })

  it('warns of groups that stand no fault, and of open registration', async () => {
    const { out } = await genesis('--out', file('three.cbor'), ...membersOf(a, b, c), '--open-registration')
    expect(out).toContain('stands no fault: when one member fails, the ledger stops')
    expect(out).toContain('registrars   none: whoever comes registers himself')
  })

  it('never writes over a genesis, and shows nothing else', async () => {
    writeFileSync(file('there.cbor'), 'x')
    const again = await genesis('--out', file('there.cbor'), ...membersOf(a), '--open-registration')
    expect([again.code, again.out, readFileSync(file('there.cbor'), 'utf8')]).toEqual([1, '', 'x'])
    expect(again.err).toContain('it is left as it is')
    const shown = await genesis('--show', file('there.cbor'))
    expect([shown.code, shown.out]).toEqual([1, ''])
    expect(shown.err).toContain('ERR_CODEC')
    expect((await genesis('--show', file('absent.cbor'))).code).toBe(1)
  })

  it('takes no questions that it cannot answer', async () => {
    const out = ['--out', file('new.cbor')]
    const misused = [
      [],
      ['--member', a],
      [...out],
      [...out, ...membersOf(a, b)],
      [...out, ...membersOf(a, a), '--open-registration'],
      [...out, ...membersOf('did:key:zQ3nothing'), '--open-registration'],
      [...out, ...membersOf(a), '--open-registration', '--registrar', clerk],
      [...out, ...membersOf(a), '--registrar', clerk, '--registrar', clerk],
      [...out, ...membersOf(a), '--open-registration', '--quota', '0'],
      [...out, ...membersOf(a), '--open-registration', '--quota', '1000001'],
      [...out, ...membersOf(a), '--open-registration', '--quota', '1e3'],
      [...out, ...membersOf(a), '--open-registration', '--preset', 'healthchain'],
      [...out, ...Array.from({ length: 257 }, () => membersOf(a)).flat(), '--open-registration'],
      ['--show', file('four.cbor'), '--quota', '1'],
      ['positional'],
      ['--unknown'],
    ]
    for (const args of misused) {
      const { code, out: printed, err } = await genesis(...args)
      expect([args, code, printed]).toEqual([args, 2, ''])
      expect(err).toMatch(/^vitalseal genesis: [^]+\nSee vitalseal genesis --help\n$/)
    }
    expect(await genesis('--help')).toEqual({ code: 0, out: genesisCommand.usage, err: '' })
  })
})
