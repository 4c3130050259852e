import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  encodeClientFrame,
  encodeServerFrame,
  parseClientFrame,
  parseServerFrame,
  signHandshake,
  SUBMIT_REFUSALS,
  verifyHandshake,
  type ClientFrame,
  type Handshake,
  type HandshakeRole,
  type ServerFrame,
} from '../../src/chain/index.ts'
import { certainHeight, chooseSources, type SourceView } from '../../src/chain/connect-sources.ts'
import { concatBytes, toHex, type Bytes } from '../../src/primitives/bytes.ts'
import type { Digest32 } from '../../src/primitives/hash.ts'
import { createId } from '../../src/primitives/ids.ts'
import { createVerifier, type Signature } from '../../src/primitives/signature.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { chainId, otherChainId, party } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'

const filled = (length: number, byte: number): Bytes => new Uint8Array(length).fill(byte)
const [ann, bob, carol] = [party('ann'), party('bob'), party('carol')]
const id = createId('transaction', filled(32, 3) as Digest32)
const signature = filled(65, 5) as Signature

const clientFrames: readonly ClientFrame[] = [
  { kind: 'hello', chainId, nonce: filled(32, 1) },
  { kind: 'follow', height: 7 },
  { kind: 'follow', height: null },
  { kind: 'submit', id, transaction: filled(10, 2) },
]
const serverFrames: readonly ServerFrame[] = [
  { kind: 'proof', member: ann.did, nonce: filled(32, 1), signature, height: 7 },
  { kind: 'block', height: 7, block: filled(9, 4), certificate: filled(8, 6) },
  { kind: 'head', height: 7 },
  { kind: 'answer', id, refusal: null, height: 7 },
  ...SUBMIT_REFUSALS.map((refusal) => ({ kind: 'answer' as const, id, refusal, height: 7 })),
]
const sides = [
  {
    side: 'client',
    frames: clientFrames,
    encode: encodeClientFrame as (frame: ClientFrame | ServerFrame) => Bytes,
    parse: parseClientFrame,
  },
  {
    side: 'member',
    frames: serverFrames,
    encode: encodeServerFrame as (frame: ClientFrame | ServerFrame) => Bytes,
    parse: parseServerFrame,
  },
]

describe.each(sides)('frames of a $side', ({ frames, encode, parse }) => {
  it('come back as they were, and as the same bytes', () => {
    for (const frame of frames) {
      const parsed = parse(encode(frame))
      expect(parsed).toMatchObject({ ok: true, value: frame })
      if (parsed.ok) expect(encode(parsed.value)).toEqual(encode(frame))
    }
  })

  it('are refused when shortened, lengthened or of another kind', () => {
    for (const frame of frames) {
      const bytes = encode(frame)
      for (let length = 0; length < bytes.length; length++) expect(parse(bytes.subarray(0, length)).ok).toBe(false)
      expect(codeOfResult(parse(Uint8Array.of(...bytes, 0)))).toBe('ERR_CODEC_TRAILING_BYTES')
    }
    for (const text of ['', '80', '8104', '8201f4', '820100ff', 'a0', '00', '82' + '02' + '1800']) {
      expect(parse(Uint8Array.from(Buffer.from(text, 'hex'))).ok).toBe(false)
    }
  })

  it('are read without harm whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const parsed = parse(bytes)
        if (parsed.ok) expect(encode(parsed.value)).toEqual(bytes)
      }),
      propertyRuns(),
    )
  })
})

describe('the wire', () => {
  it('is what it was', () => {
    expect(clientFrames.slice(1).map((frame) => toHex(encodeClientFrame(frame)))).toEqual([
      '820107',
      '8201f6',
      `83025820${'03'.repeat(32)}4a${'02'.repeat(10)}`,
    ])
    expect(serverFrames.slice(1, 5).map((frame) => toHex(encodeServerFrame(frame)))).toEqual([
      `84010749${'04'.repeat(9)}48${'06'.repeat(8)}`,
      '820207',
      `84035820${'03'.repeat(32)}f607`,
      `84035820${'03'.repeat(32)}0007`,
    ])
    expect(toHex(encodeClientFrame(clientFrames[0] as ClientFrame))).toMatch(/^8400015820[0-9a-f]{64}5820(01){32}$/)
  })

  it('takes a transaction of the greatest length and none that is longer', () => {
    const submit = (length: number): ClientFrame => ({ kind: 'submit', id, transaction: filled(length, 1) })
    const bytes = encodeClientFrame(submit(256 * 1024))
    expect(parseClientFrame(bytes).ok).toBe(true)
    expect(codeOf(() => encodeClientFrame(submit(256 * 1024 + 1)))).toBe('ERR_ARGUMENT_INVALID')
    // One byte more in a string that says so: refused by its head.
    const longer = concatBytes(bytes.subarray(0, 36), Uint8Array.of(0x5a, 0, 4, 0, 1), filled(256 * 1024 + 1, 1))
    expect(codeOfResult(parseClientFrame(longer))).toBe('ERR_CODEC_LIMIT')
  })

  it('knows one version', () => {
    const bytes = encodeClientFrame(clientFrames[0] as ClientFrame)
    bytes[2] = 2
    expect(codeOfResult(parseClientFrame(bytes))).toBe('ERR_CODEC_VERSION')
  })
})

describe('a handshake', () => {
  const verifier = createVerifier()
  const handshake: Handshake = {
    chainId,
    caller: ann.did,
    callee: bob.did,
    callerNonce: filled(32, 1),
    calleeNonce: filled(32, 2),
  }
  const holds = (changed: Partial<Handshake>, role: HandshakeRole, signed: Signature) =>
    verifyHandshake({ ...handshake, ...changed }, { role, signature: signed, verifier })

  it('holds for the party, the role and the connection that it was signed for, and no other', () => {
    const byCaller = signHandshake(handshake, { role: 'caller', signer: ann.signer })
    const byCallee = signHandshake(handshake, { role: 'callee', signer: bob.signer })
    expect([holds({}, 'caller', byCaller), holds({}, 'callee', byCallee)]).toEqual([true, true])
    expect([holds({}, 'callee', byCaller), holds({}, 'caller', byCallee)]).toEqual([false, false])
    const others: readonly Partial<Handshake>[] = [
      { chainId: otherChainId },
      { callee: carol.did },
      { caller: carol.did },
      { caller: null },
      { caller: bob.did, callee: ann.did },
      { callerNonce: filled(32, 9) },
      { calleeNonce: filled(32, 9) },
      { callerNonce: filled(32, 2), calleeNonce: filled(32, 1) },
    ]
    for (const other of others) {
      expect([holds(other, 'caller', byCaller), holds(other, 'callee', byCallee)]).toEqual([false, false])
    }
  })

  it('keeps the proof to clients apart from that between replicas', () => {
    const toClient = { ...handshake, caller: null }
    const proof = signHandshake(toClient, { role: 'ledger', signer: bob.signer })
    expect(holds({ caller: null }, 'ledger', proof)).toBe(true)
    expect([holds({ caller: null }, 'callee', proof), holds({}, 'callee', proof), holds({}, 'ledger', proof)]).toEqual([
      false,
      false,
      false,
    ])
    const byCallee = signHandshake(toClient, { role: 'callee', signer: bob.signer })
    expect(holds({ caller: null }, 'ledger', byCallee)).toBe(false)
  })
})

describe('who is asked, and what is certain', () => {
  const dids = Array.from({ length: 7 }, (_, index) => party(`source ${index}`).did)
  const at = (index: number, more: Partial<SourceView> = {}): SourceView => ({
    state: 'proved',
    member: dids[index],
    height: 0,
    stalls: 0,
    ...more,
  })
  const members = dids.slice(0, 4)

  it('takes the claim that is f + 1 from above', () => {
    const heights = (...claims: readonly number[]) => claims.map((height, index) => at(index, { height }))
    expect(certainHeight(heights(9, 5, 5, 5), members)).toBe(5)
    expect(certainHeight(heights(9, 9, 1, 1), members)).toBe(9)
    expect(certainHeight(heights(1_000_000, 0, 0, 0), members)).toBe(0)
    expect(certainHeight(heights(5, 7), members)).toBe(5)
    expect(certainHeight(heights(5), members)).toBe(5)
    expect(certainHeight([], members)).toBe(0)
    expect(certainHeight(heights(9, 8, 7, 6, 5, 4, 3), dids)).toBe(7)
  })

  it('counts a member once, and nobody who is no member, absent or banned', () => {
    const claims = [at(0, { height: 9 }), at(0, { height: 9 }), at(1, { height: 3 })]
    expect(certainHeight(claims, members)).toBe(3)
    expect(certainHeight([at(5, { height: 9 }), at(6, { height: 9 }), at(0, { height: 2 })], members)).toBe(2)
    const gone = [at(0, { height: 9, state: 'away' }), at(1, { height: 9, state: 'banned' }), at(2, { height: 2 })]
    expect(certainHeight(gone, members)).toBe(2)
    // A client behind the epochs knows none of those who serve now.
    expect(certainHeight([at(5, { height: 9 }), at(6, { height: 8 })], members)).toBe(8)
  })

  it('asks distinct members first, members before others, the patient before those found wanting', () => {
    const asked = (list: readonly SourceView[], countMax: number) =>
      chooseSources(list, { members, countMax }).map((source) => list.indexOf(source))
    expect(asked([at(0), at(1), at(2)], 2)).toEqual([0, 1])
    expect(asked([at(0), at(0), at(2)], 2)).toEqual([0, 2])
    expect(asked([at(0, { stalls: 1 }), at(1), at(2)], 2)).toEqual([1, 2])
    expect(asked([at(5), at(1, { stalls: 9 }), at(2, { state: 'away' })], 2)).toEqual([1, 0])
    expect(asked([at(0), at(0)], 2)).toEqual([0, 1])
    expect(asked([at(0), at(1)], 9)).toEqual([0, 1])
  })
})
