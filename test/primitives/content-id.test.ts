import { base36 } from 'multiformats/bases/base36'
import { base32 } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import { create as createMultihash } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'

import { fromHex, toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import {
  createCid,
  createRecordId,
  DAG_CBOR_CODEC,
  decodeContentId,
  digestOfRecord,
  encodeContentId,
  hashBlock,
  isContentCid,
  parseRecordId,
  RAW_CODEC,
  toCid,
  type RecordId,
} from '../../src/primitives/content-id.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { truncations } from '../property/fuzz-support.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'

// SHA-256 of "abc" and of the empty block.
const ABC = 'bafkreif2pall7dybz7vecqka3zo24irdwabwdi4wc55jznaq75q7eaavvu'
const EMPTY_CBOR = 'bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
const WIRE = '55ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

describe('record ids', () => {
  it('keep their text and bytes: pinned examples', () => {
    expect(createRecordId(hashBlock(RAW_CODEC, toUtf8('abc')))).toBe(ABC)
    expect(createRecordId(hashBlock(DAG_CBOR_CODEC, new Uint8Array()))).toBe(EMPTY_CBOR)
    expect(toHex(encodeContentId(ABC as RecordId))).toBe(WIRE)
    expect(decodeContentId(fromHex(WIRE))).toBe(ABC)
    expect(digestOfRecord(ABC as RecordId)).toEqual(sha256(toUtf8('abc')))
    expect(toCid(ABC as RecordId).toString()).toBe(ABC)
  })

  it('are one per block: no other case, no stray bits, no other base, at any letter', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789='
    const digests = new Set<string>()
    let accepted = 0
    for (let i = 0; i < ABC.length; i++) {
      for (const letter of alphabet) {
        const result = parseRecordId(ABC.slice(0, i) + letter + ABC.slice(i + 1))
        if (!result.ok) continue
        accepted++
        digests.add(toHex(encodeContentId(result.value)))
      }
    }
    // As many blocks as texts; ABC itself was tried once for each of its letters.
    expect(digests.size).toBe(accepted - ABC.length + 1)
    expect(codeOfResult(parseRecordId(ABC.toUpperCase()))).toBe('ERR_CODEC_MALFORMED')
    expect(codeOfResult(parseRecordId(`b${ABC.slice(1).toUpperCase()}`))).toBe('ERR_CODEC_MALFORMED')
    expect(codeOfResult(parseRecordId(CID.parse(ABC).toString(base36)))).toBe('ERR_CODEC_MALFORMED')
  })

  it('are made anew from a CID that remembers another text', () => {
    const shouted = CID.parse(`b${ABC.slice(1).toUpperCase()}`)
    expect(shouted.toString()).not.toBe(ABC)
    expect(createRecordId(shouted)).toBe(ABC)
    expect(createRecordId(CID.decode(hashBlock(RAW_CODEC, toUtf8('abc')).bytes))).toBe(ABC)
  })

  const digest = sha256(toUtf8('abc'))
  const others: Record<string, CID> = {
    'another codec': CID.createV1(0x70, createMultihash(0x12, digest)),
    'another hash': CID.createV1(RAW_CODEC, createMultihash(0x1b, digest)),
    'the identity hash': CID.createV1(RAW_CODEC, createMultihash(0, digest)),
    'a shorter digest': CID.createV1(RAW_CODEC, createMultihash(0x12, digest.subarray(1))),
    'version 0': CID.createV0(createMultihash(0x12, digest)),
  }

  it.each(Object.entries(others))('refuse %s', (_name, cid) => {
    expect(isContentCid(cid)).toBe(false)
    expect(codeOf(() => createRecordId(cid))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOfResult(parseRecordId(cid.version === 0 ? cid.toString() : cid.toString(base32)))).toBe(
      'ERR_CODEC_MALFORMED',
    )
  })

  it.each(['', 'b', ABC.slice(1), `${ABC}a`, ABC.slice(0, -1), ` ${ABC}`, `/ipfs/${ABC}`, undefined, null, 5, [ABC]])(
    'refuse %j as text',
    (text) => {
      const result = parseRecordId(text as string)
      expect(result).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED', path: 'record' })
      expect(codeOf(() => toCid(text as RecordId))).toBe('ERR_ARGUMENT_INVALID')
      expect(codeOf(() => digestOfRecord(text as RecordId))).toBe('ERR_ARGUMENT_INVALID')
      expect(codeOf(() => encodeContentId(text as RecordId))).toBe('ERR_ARGUMENT_INVALID')
    },
  )
})

describe('the 33 bytes on the wire', () => {
  const bytes = fromHex(WIRE)

  it('are refused when shorter, longer or of another codec', () => {
    for (const cut of truncations(bytes)) expect(decodeContentId(cut)).toBeUndefined()
    expect(decodeContentId(Uint8Array.of(...bytes, 0))).toBeUndefined()
    for (let codec = 0; codec < 256; codec++) {
      const isKnown = codec === RAW_CODEC || codec === DAG_CBOR_CODEC
      expect(decodeContentId(Uint8Array.of(codec, ...bytes.subarray(1))) !== undefined).toBe(isKnown)
    }
  })

  it('come back', () => {
    const record = decodeContentId(Uint8Array.of(DAG_CBOR_CODEC, ...bytes.subarray(1)))
    expect(record).toMatch(/^bafyrei/)
    expect(encodeContentId(record as RecordId)[0]).toBe(DAG_CBOR_CODEC)
  })

  it('hold a digest of 32 bytes', () => {
    expect(codeOf(() => createCid(RAW_CODEC, new Uint8Array(31)))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => createCid(RAW_CODEC, new Uint8Array(33)))).toBe('ERR_ARGUMENT_INVALID')
  })
})
