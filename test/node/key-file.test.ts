import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { createKeyFile, readKeyFile } from '../../src/node/key-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'vitalseal-key-'))
const file = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: string, mode = 0o600): string {
  writeFileSync(file(name), content)
  chmodSync(file(name), mode)
  return file(name)
}

describe('key files', () => {
  it('are made with a fresh key that only their owner may read', async () => {
    const made = await createKeyFile(file('made'))
    if (!made.ok) return expect.unreachable(made.message)
    expect(statSync(file('made')).mode & 0o777).toBe(0o600)
    expect(readFileSync(file('made'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
    const read = await readKeyFile(file('made'))
    expect(read).toMatchObject({ ok: true, value: { did: made.value.did } })
  })

  it('are never written over', async () => {
    const before = write('there', `${'11'.repeat(32)}\n`)
    const made = await createKeyFile(before)
    expect(made).toMatchObject({ ok: false, message: expect.stringContaining('it is left as it is') as string })
    expect(readFileSync(before, 'utf8')).toBe(`${'11'.repeat(32)}\n`)
    expect(await createKeyFile(file('no-such-folder/key'))).toMatchObject({ ok: false, code: 'ERR_ARGUMENT_INVALID' })
  })

  it('need randomness that is some', async () => {
    await expect(createKeyFile(file('zeros'), (count) => new Uint8Array(count))).rejects.toMatchObject({
      code: 'ERR_CRYPTO_NO_RANDOM',
    })
    expect(() => statSync(file('zeros'))).toThrow('ENOENT')
  })

  it('are refused while others may read them', async () => {
    for (const mode of [0o640, 0o604, 0o660, 0o601]) {
      const read = await readKeyFile(write(`mode-${mode}`, '11'.repeat(32), mode))
      expect(read).toMatchObject({ ok: false, message: expect.stringContaining('do chmod 600') as string })
    }
    for (const mode of [0o600, 0o400, 0o700]) {
      expect((await readKeyFile(write(`mode-${mode}`, '11'.repeat(32), mode))).ok).toBe(true)
    }
  })

  it('are refused with other content, and nothing of it is said', async () => {
    const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'
    for (const content of [
      '',
      '11'.repeat(31),
      '11'.repeat(33),
      'zz'.repeat(32),
      '00'.repeat(32),
      order,
      'a'.repeat(300),
    ]) {
      const read = await readKeyFile(write('content', content))
      if (read.ok) return expect.unreachable(`accepted ${content}`)
      expect(read.code).toBe('ERR_ARGUMENT_INVALID')
      if (content !== '') expect(JSON.stringify(read)).not.toContain(content)
    }
    expect((await readKeyFile(write('content', `${'AB'.repeat(32)}\r\n`))).ok).toBe(true)
    expect(await readKeyFile(file('absent'))).toMatchObject({
      message: expect.stringContaining('--create-key') as string,
    })
    expect((await readKeyFile(folder)).ok).toBe(false)
  })
})
