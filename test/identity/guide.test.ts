import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import * as identityModule from '../../src/identity/index.ts'
import { createCredential, deriveIdentity, issueCredential } from '../../src/identity/index.ts'
import { chainId, countingSeed, party } from './fixtures.ts'

const guide = readFileSync(new URL('../../docs/guide/identity.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string)

const [registrar, hospital, doctor] = [party('registrar'), party('hospital'), party('doctor')]
const window = { notBeforeMs: 1_000, notAfterMs: 2_000 }
const hospitalTerms = { kind: 'E-Cert', role: 'institution', organisation: 'st-marys.example', ...window } as const
const hospitalCredential = issueCredential(
  createCredential({ ...hospitalTerms, issuer: registrar.did, subject: hospital.did }),
  { chainId, signer: registrar.signer },
)

/** What the reader of a block is taken to have already. */
const given = {
  seed: countingSeed,
  circle: 'guide',
  identity: deriveIdentity({ seed: countingSeed, circle: 'guide' }),
  chainId,
  registrar,
  hospital,
  doctor,
  hospitalCredential,
  registrars: [registrar.did],
  atMs: 1_500,
  ...window,
}

/** Runs a block as it is printed; its imports become parameters. Returns what it declared. */
function runBlock(code: string): Record<string, unknown> {
  const imports = [...code.matchAll(/import \{([^}]*)\} from 'vitalseal\/identity'/g)].flatMap(([, names]) =>
    (names as string).split(',').map((name) => name.trim()),
  )
  const body = code.replaceAll(/import \{[^}]*\} from '[^']*'/g, '')
  const declared = [...body.matchAll(/^const (\w+)/gm)].map(([, name]) => name as string)
  const scope: Record<string, unknown> = { ...given }
  for (const name of imports.filter((name) => name !== '')) {
    expect(identityModule, `export ${name}`).toHaveProperty(name)
    scope[name] = (identityModule as Record<string, unknown>)[name]
  }
  const parameters = Object.keys(scope).filter((name) => !declared.includes(name))
  const source = `(function (${parameters.join(', ')}) { 'use strict'; ${body}\nreturn { ${declared.join(', ')} } })`
  const run = runInThisContext(source) as (...values: unknown[]) => Record<string, unknown>
  return run(...parameters.map((name) => scope[name]))
}

describe('the guide', () => {
  it('runs as it is printed', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    expect(blocks).toHaveLength(4)
    const [account, pre, registration, certificate] = blocks.map(runBlock)
    log.mockRestore()
    expect(account).toMatchObject({ identity: { did: expect.stringMatching(/^did:key:zQ3s/) as string } })
    expect(pre).toHaveProperty('keys.pre.delegator.publicKey')
    expect(registration).toMatchObject({ held: true })
    expect(certificate).toHaveProperty('credential.signature')
  })
})
