import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'
import { expect, it, vi } from 'vitest'

import * as preModule from '../../src/pre/index.ts'
import * as primitivesModule from '../../src/primitives/index.ts'

const guide = readFileSync(new URL('../../docs/guide/pre.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string)
const modules: Readonly<Record<string, object>> = { pre: preModule, primitives: primitivesModule }

/** Runs a block as it is printed; its imports become parameters. Returns what it declared. */
async function runBlock(code: string, given: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const scope: Record<string, unknown> = { TextEncoder, TextDecoder, ...given }
  for (const [, names, folder] of code.matchAll(/import \{([^}]*)\} from 'vitalseal\/(\w+)'/g)) {
    for (const name of (names as string).split(',').map((text) => text.trim())) {
      const from = modules[folder as string] as Readonly<Record<string, unknown>>
      expect(from, `export ${name}`).toHaveProperty(name)
      scope[name] = from[name]
    }
  }
  const body = code.replaceAll(/import \{[^}]*\} from '[^']*'/g, '')
  const declared = [...body.matchAll(/^const (\w+)/gm)].map(([, name]) => name as string)
  const parameters = Object.keys(scope).filter((name) => !declared.includes(name))
  const source = `(async function (${parameters.join(', ')}) { 'use strict'; ${body}\nreturn { ${declared.join(', ')} } })`
  const run = runInThisContext(source) as (...values: unknown[]) => Promise<Record<string, unknown>>
  return run(...parameters.map((name) => scope[name]))
}

it('the guide runs as it is printed: owner, proxy, institution, each under thirty lines', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  expect(blocks).toHaveLength(3)
  for (const block of blocks) expect(block.split('\n').length).toBeLessThan(30)
  const [first, second, third] = blocks as [string, string, string]
  const atOwner = await runBlock(first, {})
  const { owner, institution, sealer, sealed, reKey } = atOwner as {
    institution: preModule.PreKeyPair<'delegatee'>
    owner: { signer: { did: string } }
    sealer: preModule.EpochSealer
    sealed: Uint8Array
    reKey: preModule.ReEncryptionKey
  }
  const atProxy = await runBlock(second, {
    reKeyBytes: reKey.bytes,
    capsuleBytes: sealer.capsule.bytes,
    ownerDid: owner.signer.did,
    nowMs: Date.UTC(2026, 5, 15),
  })
  const { bytes } = atProxy['converted'] as preModule.ReEncryptedCapsule
  await runBlock(third, { convertedBytes: bytes, institution, sealed })
  expect(log).toHaveBeenCalledWith('44 /min')
  log.mockRestore()
})
