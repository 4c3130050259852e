import { describe, expect, it } from 'vitest'

import { fromHex, toHex } from '../../src/primitives/bytes.ts'
import type { RecordId } from '../../src/primitives/content-id.ts'
import type { Digest32 } from '../../src/primitives/hash.ts'
import { createId, parseId, toDigest, type ChainId } from '../../src/primitives/ids.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'

const TEXT = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const RECORD = 'bafkreif2pall7dybz7vecqka3zo24irdwabwdi4wc55jznaq75q7eaavvu'

describe('ids', () => {
  it.each(['chain', 'transaction', 'grant'] as const)('name a %s by its digest, and come back', (kind) => {
    const id = createId(kind, fromHex(TEXT) as Digest32)
    expect(id).toBe(TEXT)
    expect(parseId(kind, TEXT)).toEqual({ ok: true, value: TEXT })
    expect(toHex(toDigest(id))).toBe(TEXT)
  })

  it('name a record by the CID of its ciphertext', () => {
    expect(parseId('record', RECORD)).toEqual({ ok: true, value: RECORD })
    expect(toHex(toDigest(RECORD as RecordId))).toBe(TEXT)
    expect(codeOfResult(parseId('record', TEXT))).toBe('ERR_CODEC_MALFORMED')
    expect(codeOfResult(parseId('chain', RECORD))).toBe('ERR_CODEC_MALFORMED')
  })

  it.each([
    TEXT.toUpperCase(),
    TEXT.slice(1),
    `${TEXT}0`,
    `${TEXT}\n`,
    `0x${TEXT.slice(2)}`,
    '',
    undefined,
    null,
    5,
    [TEXT],
  ])('refuse %j', (text) => {
    for (const kind of ['chain', 'transaction', 'grant'] as const) {
      expect(parseId(kind, text as string)).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED', path: kind })
    }
  })

  it('refuse a digest of what was cast', () => {
    for (const text of ['', 'x', TEXT.toUpperCase(), undefined]) {
      expect(codeOf(() => toDigest(text as ChainId))).toBe('ERR_ARGUMENT_INVALID')
    }
  })
})
