import type { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'

import { isVitalsealError } from '../../src/errors.ts'
import { createFrameSealer, sealAead } from '../../src/primitives/aead.ts'
import { concatBytes, fromHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import { encodeCbor, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import {
  createRecordId,
  DAG_CBOR_CODEC,
  hashBlock,
  RAW_CODEC,
  type ContentCodec,
} from '../../src/primitives/content-id.ts'
import { encodeLabel } from '../../src/primitives/label.ts'
import {
  createOpeningKey,
  openRecord,
  sealRecord,
  streamRecord,
  type ContentBlock,
  type RecordKind,
} from '../../src/storage/index.ts'
import { readKey } from '../../src/storage/epoch-key.ts'
import { encodeManifest, encodeSealedBlock, recordInfo } from '../../src/storage/header.ts'
import { otherChainId } from '../support/parties.ts'
import { codeOfAsync, collect, context, key, otherPatient, sampleBytes, secret, storeOf } from './fixtures.ts'

const mediaType = 'application/fhir+json'
const small = await sealRecord(toUtf8('44 /min'), { key })
const large = await sealRecord(sampleBytes(1_100_000), { key })
const block = small.blocks[0]!
const manifest = large.blocks.at(-1)!
const frames = large.blocks.slice(0, -1)

function address(codec: ContentCodec, bytes: Uint8Array): ContentBlock {
  return { cid: hashBlock(codec, bytes), bytes: Uint8Array.from(bytes) }
}

function flipped(bytes: Uint8Array, bit: number): Bytes {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

/** The code for a record whose first block is another one, under the address of that other one. */
async function codeOfForged(codec: ContentCodec, bytes: Uint8Array, others: readonly ContentBlock[] = []) {
  const forged = address(codec, bytes)
  return codeOfAsync(openRecord(createRecordId(forged.cid), { key, blocks: storeOf([...others, forged]) }))
}

function fieldsOf(bytes: Uint8Array): CborValue[] {
  const parsed = parseCbor(bytes)
  if (!parsed.ok || !Array.isArray(parsed.value)) throw new Error('no tuple')
  return [...(parsed.value as CborValue[])]
}

/** The manifest with one field changed. */
function forgedManifest(index: number, change: (value: CborValue) => CborValue): Bytes {
  const fields = fieldsOf(manifest.bytes)
  fields[index] = change(fields[index]!)
  return encodeCbor(fields)
}

/** The small record with one field of its header changed. */
function forgedHeader(index: number, change: (value: CborValue) => CborValue): Bytes {
  const headerEnd = 2 + block.bytes[1]!
  const fields = fieldsOf(block.bytes.subarray(2, headerEnd))
  fields[index] = change(fields[index]!)
  const header = encodeCbor(fields)
  return concatBytes(Uint8Array.of(0, header.length), header, block.bytes.subarray(headerEnd))
}

const flipByte = (value: CborValue) => flipped(value as Uint8Array, 0)

describe('a key or context that is another', () => {
  const changes: Readonly<Record<string, readonly [Uint8Array, Partial<typeof context>, Uint8Array?]>> = {
    secret: [flipped(secret, 255), {}],
    chain: [secret, { chainId: otherChainId }],
    owner: [secret, { patient: otherPatient }],
    label: [secret, { label: encodeLabel(new Uint8Array(16).fill(1)) }],
    epoch: [secret, { epoch: 2 }],
    group: [secret, {}, new Uint8Array(32)],
  }

  it.each(Object.keys(changes))('%s: opens neither block nor frames', async (name) => {
    const [otherSecret, change, groupSecret] = changes[name]!
    const options = groupSecret === undefined ? {} : { groupSecret }
    const other = createOpeningKey(otherSecret, { ...context, ...change }, options)
    for (const record of [small, large]) {
      const blocks = storeOf(record.blocks)
      for (const range of [undefined, { start: 0, end: 0 }, { start: 9_000_000, end: 9_000_001 }]) {
        const part = range === undefined ? {} : { range }
        const code = await codeOfAsync(openRecord(record.id, { key: other, blocks, ...part }))
        expect(code).toBe('ERR_DECRYPTION_FAILED')
      }
      expect(await codeOfAsync(openRecord(record.id, { key: createOpeningKey(secret, context), blocks }))).toBe(
        'resolved',
      )
    }
  })

  it.each(['iot', 'diagnosis', 'data'] as const)(
    'kind: what was sealed as %s opens as nothing else',
    async (sealed) => {
      const record = await sealRecord(toUtf8('x'), { key, kind: sealed })
      for (const kind of ['iot', 'diagnosis', 'data'] satisfies RecordKind[]) {
        const code = await codeOfAsync(openRecord(record.id, { key, kind, blocks: storeOf(record.blocks) }))
        expect(code).toBe(kind === sealed ? 'resolved' : 'ERR_DECRYPTION_FAILED')
      }
    },
  )
})

describe('a header that is another, around the same ciphertext', () => {
  it.each([
    ['suite', 0, () => 2],
    ['salt', 1, flipByte],
    ['commitment', 2, flipByte],
    ['media type', 3, () => 'application/json'],
    ['media type, same length', 3, () => 'application/fhir+xmln'.slice(0, 21)],
  ] as const)('%s: opens nothing', async (_, index, change) => {
    expect(await codeOfForged(RAW_CODEC, forgedHeader(index, change))).toBe('ERR_DECRYPTION_FAILED')
    expect(await codeOfForged(DAG_CBOR_CODEC, forgedManifest(index, change), frames)).toBe('ERR_DECRYPTION_FAILED')
  })

  it('the same fields, encoded again: opens, so that the refusals above are about the change', async () => {
    const same = (value: CborValue) => value
    expect(await codeOfForged(RAW_CODEC, forgedHeader(3, same))).toBe('resolved')
    expect(await codeOfForged(DAG_CBOR_CODEC, forgedManifest(3, same), frames)).toBe('resolved')
  })

  const links = (edit: (cids: CID[]) => CID[]) => (value: CborValue) => edit([...(value as CID[])])
  it.each([
    ['another frame size', 4, (size: CborValue) => (size as number) + 1],
    ['frames swapped', 5, links(([a, b, ...rest]) => [b!, a!, ...rest])],
    ['last frames swapped', 5, links((all) => [...all.slice(0, -2), all.at(-1)!, all.at(-2)!])],
    ['last frame cut off', 5, links((all) => all.slice(0, -1))],
    ['first frame cut off', 5, links((all) => all.slice(1))],
    ['a frame twice', 5, links((all) => [all[0]!, ...all])],
    ['a frame in the place of another', 5, links((all) => [all[0]!, all[0]!, ...all.slice(2)])],
    ['no frames', 5, () => []],
    ['a link to a manifest', 5, links((all) => [manifest.cid, ...all.slice(1)])],
  ] as const)('%s: opens nothing', async (_, index, change) => {
    expect(await codeOfForged(DAG_CBOR_CODEC, forgedManifest(index, change), frames)).toBe('ERR_DECRYPTION_FAILED')
  })

  it('a block called a manifest, or a manifest a block: opens nothing', async () => {
    expect(await codeOfForged(DAG_CBOR_CODEC, block.bytes)).toBe('ERR_DECRYPTION_FAILED')
    expect(await codeOfForged(RAW_CODEC, manifest.bytes, frames)).toBe('ERR_DECRYPTION_FAILED')
  })
})

describe('every bit and every cut', () => {
  it('of a small record under its own address is corrupt', async () => {
    for (let bit = 0; bit < block.bytes.length * 8; bit++) {
      const blocks = storeOf([{ cid: block.cid, bytes: flipped(block.bytes, bit) }])
      expect(await codeOfAsync(openRecord(small.id, { key, blocks }))).toBe('ERR_STORAGE_CORRUPT')
    }
    for (let length = 0; length < block.bytes.length; length++) {
      const blocks = storeOf([{ cid: block.cid, bytes: block.bytes.slice(0, length) }])
      expect(await codeOfAsync(openRecord(small.id, { key, blocks }))).toBe('ERR_STORAGE_CORRUPT')
    }
  })

  it('of a small record under an address of its own opens nothing', async () => {
    for (let bit = 0; bit < block.bytes.length * 8; bit++) {
      expect(await codeOfForged(RAW_CODEC, flipped(block.bytes, bit)), `bit ${bit}`).toBe('ERR_DECRYPTION_FAILED')
    }
    for (let length = 0; length < block.bytes.length; length++) {
      expect(await codeOfForged(RAW_CODEC, block.bytes.subarray(0, length))).toBe('ERR_DECRYPTION_FAILED')
    }
    expect(await codeOfForged(RAW_CODEC, concatBytes(block.bytes, new Uint8Array(1)))).toBe('ERR_DECRYPTION_FAILED')
  })

  it('of a manifest under an address of its own opens nothing', async () => {
    const blocks = storeOf(frames)
    for (let bit = 0; bit < manifest.bytes.length * 8; bit += 3) {
      const forged = address(DAG_CBOR_CODEC, flipped(manifest.bytes, bit))
      blocks.put(forged.cid, forged.bytes)
      const code = await codeOfAsync(openRecord(createRecordId(forged.cid), { key, blocks }))
      // A changed digest in a link names a frame that nobody has.
      expect(['ERR_DECRYPTION_FAILED', 'ERR_STORAGE_NOT_FOUND'], `bit ${bit}`).toContain(code)
    }
  })
})

describe('a frame', () => {
  it('that is missing, damaged or replaced ends the work, with the code for that', async () => {
    for (const [index, frame] of frames.entries()) {
      const others = large.blocks.filter((each) => each !== frame)
      expect(await codeOfAsync(openRecord(large.id, { key, blocks: storeOf(others) }))).toBe('ERR_STORAGE_NOT_FOUND')
      const damaged = { cid: frame.cid, bytes: flipped(frame.bytes, 77) }
      expect(await codeOfAsync(openRecord(large.id, { key, blocks: storeOf([...others, damaged]) }))).toBe(
        'ERR_STORAGE_CORRUPT',
      )
      const forgedFrame = address(RAW_CODEC, flipped(frame.bytes, 77))
      const relinked = forgedManifest(5, (value) =>
        (value as CID[]).map((cid, place) => (place === index ? forgedFrame.cid : cid)),
      )
      expect(await codeOfForged(DAG_CBOR_CODEC, relinked, [...frames, forgedFrame])).toBe('ERR_DECRYPTION_FAILED')
      const short = address(RAW_CODEC, frame.bytes.subarray(0, -1))
      const cut = forgedManifest(5, (value) =>
        (value as CID[]).map((cid, place) => (place === index ? short.cid : cid)),
      )
      expect(await codeOfForged(DAG_CBOR_CODEC, cut, [...frames, short])).toBe('ERR_DECRYPTION_FAILED')
    }
  })

  it('that does not open is never released, nor anything after it', async () => {
    const plaintext = sampleBytes(1_100_000)
    const frameBytes = frames[0]!.bytes.length - 16
    const damaged = frames.map(({ cid, bytes }, index) => ({ cid, bytes: index === 2 ? flipped(bytes, 0) : bytes }))
    const released: Bytes[] = []
    const read = async () => {
      for await (const chunk of streamRecord(large.id, { key, blocks: storeOf([...damaged, manifest]) }))
        released.push(chunk)
    }
    expect(await codeOfAsync(read())).toBe('ERR_STORAGE_CORRUPT')
    const bytes = concatBytes(...released)
    expect(bytes.length).toBe(2 * frameBytes)
    expect(Buffer.compare(bytes, plaintext.subarray(0, bytes.length))).toBe(0)
  })

  it('may be read around when the range does not need it', async () => {
    const blocks = storeOf(large.blocks.filter((each) => each !== frames[3]))
    expect(await codeOfAsync(openRecord(large.id, { key, blocks, range: { start: 0, end: 10 } }))).toBe('resolved')
    expect(await codeOfAsync(openRecord(large.id, { key, blocks, range: { start: 700_000, end: 700_010 } }))).toBe(
      'ERR_STORAGE_NOT_FOUND',
    )
  })
})

describe('a sealer who breaks the form', () => {
  const { infoFields } = readKey(key)

  async function sealBlock(plaintext: Uint8Array) {
    const paddedBytes = plaintext.length
    const info = recordInfo(infoFields, 'iot', { mediaType, paddedBytes, frameBytes: paddedBytes, frameCount: 0 })
    const { salt, commitment, ciphertext } = await sealAead({ secret, info, plaintext })
    return [address(RAW_CODEC, encodeSealedBlock({ salt, commitment, mediaType }, ciphertext))]
  }

  async function sealFrames(plaintexts: readonly Uint8Array[], frameBytes: number) {
    const frameCount = plaintexts.length
    const layout = { mediaType, frameBytes, frameCount, paddedBytes: frameBytes * frameCount }
    const sealer = createFrameSealer({ secret, info: recordInfo(infoFields, 'iot', layout), frameCount })
    const sealed: ContentBlock[] = []
    for (const plaintext of plaintexts) sealed.push(address(RAW_CODEC, await sealer.seal(plaintext)))
    const { salt, commitment } = sealer
    const fields = { salt, commitment, mediaType, frameBytes, frames: sealed.map(({ cid }) => cid) }
    return [...sealed, address(DAG_CBOR_CODEC, encodeManifest(fields))]
  }

  async function codeOfBlocks(blocks: readonly ContentBlock[]) {
    const id = createRecordId(blocks.at(-1)!.cid)
    const store = storeOf(blocks)
    const code = await codeOfAsync(openRecord(id, { key, blocks: store }))
    expect(await codeOfAsync(collect(streamRecord(id, { key, blocks: store })))).toBe(code)
    return code
  }

  it.each([
    ['80', 'resolved'],
    ['0180', 'resolved'],
    ['018000', 'resolved'],
    ['01', 'ERR_DECRYPTION_FAILED'],
    ['8001', 'ERR_DECRYPTION_FAILED'],
    ['0181', 'ERR_DECRYPTION_FAILED'],
    ['00', 'ERR_DECRYPTION_FAILED'],
    ['0000', 'ERR_DECRYPTION_FAILED'],
    ['0140', 'ERR_DECRYPTION_FAILED'],
  ])('by padding: %s is %s', async (plaintext, code) => {
    expect(await codeOfBlocks(await sealBlock(fromHex(plaintext)))).toBe(code)
    const bytes = Array.from(fromHex(plaintext), (byte) => Uint8Array.of(byte))
    expect(await codeOfBlocks(await sealFrames(bytes, 1))).toBe(code)
  })

  it('by frames of other sizes than the manifest says', async () => {
    const [two, three] = [fromHex('0101'), fromHex('010180')]
    expect(await codeOfBlocks(await sealFrames([fromHex('010101'), three], 3))).toBe('resolved')
    expect(await codeOfBlocks(await sealFrames([two, three], 3))).toBe('ERR_DECRYPTION_FAILED')
    expect(await codeOfBlocks(await sealFrames([three, fromHex('80')], 3))).toBe('ERR_DECRYPTION_FAILED')
    expect(await codeOfBlocks(await sealFrames([three, fromHex('01010180')], 3))).toBe('ERR_DECRYPTION_FAILED')
    // More than any frame may have is not even read.
    const long = concatBytes(sampleBytes(262_145), fromHex('80'))
    expect(await codeOfBlocks(await sealFrames([three, long], 3))).toBe('ERR_STORAGE_CORRUPT')
  })
})

describe('an error', () => {
  it('for a failed opening says nothing about the reason, nor names key or content', async () => {
    const messages = new Set<string>()
    const other = createOpeningKey(flipped(secret, 0), context)
    for (const attempt of [
      openRecord(small.id, { key: other, blocks: storeOf(small.blocks) }),
      openRecord(small.id, { key, kind: 'data', blocks: storeOf(small.blocks) }),
      openRecord(large.id, { key: other, blocks: storeOf(large.blocks) }),
    ]) {
      const error: unknown = await attempt.catch((caught: unknown) => caught)
      if (!isVitalsealError(error, 'ERR_DECRYPTION_FAILED')) throw new Error('another error')
      messages.add(JSON.stringify(error) + String(error.cause))
    }
    expect(messages.size).toBe(1)
  })
})
