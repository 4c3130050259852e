import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import { toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import {
  createMemoryBlockstore,
  createOpeningKey,
  createSealingKey,
  openRecord,
  sealRecord,
  sealStream,
  type SealingKey,
} from '../../src/storage/index.ts'
import { codeOf } from '../support/failure.ts'
import { codeOfAsync, context, key, sampleBytes, secret, stored } from './fixtures.ts'

describe('a key', () => {
  it('shows what it is for and hides its secret from JSON, listings, spreads and clones', () => {
    expect({ ...key }).toEqual(context)
    expect(Object.isFrozen(key)).toBe(true)
    const seen = [
      JSON.stringify(key),
      inspect(key, { depth: 9, showHidden: true }),
      JSON.stringify(structuredClone(key)),
    ]
    for (const text of seen) {
      expect(text).toContain(context.label)
      expect(text).not.toContain(toHex(secret).slice(0, 8))
      expect(text).not.toContain(secret.slice(0, 4).join(','))
    }
  })

  it('is the object itself, not a copy', async () => {
    const record = await sealRecord(toUtf8('x'), { key })
    const copy = { ...key } as SealingKey
    expect(await codeOfAsync(sealRecord(toUtf8('x'), { key: copy }))).toBe('ERR_ARGUMENT_INVALID')
    const blocks = await stored(record)
    for (const other of [copy, undefined, null, 'key']) {
      expect(await codeOfAsync(openRecord(record.id, { key: other as never, blocks }))).toBe('ERR_ARGUMENT_INVALID')
    }
  })

  it('keeps a copy of the secret', async () => {
    const mutable = Uint8Array.from(secret)
    const own = createSealingKey(mutable, context)
    mutable.fill(0)
    const record = await sealRecord(toUtf8('x'), { key: own })
    expect(await codeOfAsync(openRecord(record.id, { key, blocks: await stored(record) }))).toBe('resolved')
  })

  it('that only opens does not seal', async () => {
    const opening = createOpeningKey(secret, context)
    expect(await codeOfAsync(sealRecord(toUtf8('x'), { key: opening as SealingKey }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('needs the secret of its group to open what was sealed with it', async () => {
    const groupSecret = new Uint8Array(32).fill(9)
    const record = await sealRecord(toUtf8('x'), { key: createSealingKey(secret, context, { groupSecret }) })
    const blocks = await stored(record)
    const attempts = [
      createOpeningKey(secret, context, { groupSecret }),
      createOpeningKey(secret, context),
      createOpeningKey(groupSecret, context),
      createOpeningKey(groupSecret, context, { groupSecret: secret }),
      createOpeningKey(secret, context, { groupSecret: new Uint8Array(32).fill(8) }),
    ].map((each) => codeOfAsync(openRecord(record.id, { key: each, blocks })))
    const failed = 'ERR_DECRYPTION_FAILED'
    expect(await Promise.all(attempts)).toEqual(['resolved', failed, failed, failed, failed])
  })

  it.each([
    ['a short secret', () => createSealingKey(secret.subarray(1), context)],
    ['a long secret', () => createOpeningKey(new Uint8Array(33), context)],
    ['no secret', () => createOpeningKey('secret' as never, context)],
    ['a short group secret', () => createOpeningKey(secret, context, { groupSecret: new Uint8Array(31) })],
    ['another chain id', () => createOpeningKey(secret, { ...context, chainId: 'chain' as never })],
    ['another owner', () => createOpeningKey(secret, { ...context, patient: 'did:key:z' as never })],
    ['another label', () => createOpeningKey(secret, { ...context, label: 'heart rate' as never })],
    ['a negative epoch', () => createOpeningKey(secret, { ...context, epoch: -1 })],
    ['an epoch beyond u32', () => createOpeningKey(secret, { ...context, epoch: 2 ** 32 })],
  ])('refuses %s', (_, create) => {
    expect(codeOf(create)).toBe('ERR_ARGUMENT_INVALID')
  })

  it('takes the last epoch', () => {
    expect(createOpeningKey(secret, { ...context, epoch: 2 ** 32 - 1 }).epoch).toBe(2 ** 32 - 1)
  })
})

describe('a sealing key from a key ring', () => {
  it('refuses once a newer epoch is known, and says which', async () => {
    let epochCurrent = 1
    const followed = createSealingKey(secret, context, { epochCurrent: () => epochCurrent })
    const record = await sealRecord(toUtf8('x'), { key: followed })
    epochCurrent = 2
    await expect(sealRecord(toUtf8('x'), { key: followed })).rejects.toMatchObject({
      code: 'ERR_KEYS_EPOCH_SUPERSEDED',
      details: { label: context.label, epoch: 1, epochCurrent: 2 },
    })
    expect(await codeOfAsync(openRecord(record.id, { key: followed, blocks: await stored(record) }))).toBe('resolved')
  })

  it('refuses when the epoch closes while it seals, and names nothing', async () => {
    let asked = 0
    const followed = createSealingKey(secret, context, { epochCurrent: () => (asked++ === 0 ? 1 : 2) })
    expect(await codeOfAsync(sealRecord(toUtf8('x'), { key: followed }))).toBe('ERR_KEYS_EPOCH_SUPERSEDED')
    asked = 0
    const blocks = createMemoryBlockstore()
    const plaintextBytes = 1_100_000
    const work = sealStream([sampleBytes(plaintextBytes)], { key: followed, blocks, plaintextBytes })
    expect(await codeOfAsync(work)).toBe('ERR_KEYS_EPOCH_SUPERSEDED')
    // The frames are there; the manifest, which would name them, is not.
    expect(blocks.blockCount).toBe(5)
  })
})
