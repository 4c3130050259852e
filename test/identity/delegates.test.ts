import { describe, expect, it } from 'vitest'
import { delegateShape, hasRight, RIGHTS, rightsOf, type DelegateChange } from '../../src/identity/index.ts'
import { rightsShape } from '../../src/identity/delegates.ts'
import { toPublicKey } from '../../src/primitives/did.ts'
import { encodeShape, parseShape } from '../../src/primitives/shape.ts'
import { mismatchOf, party, testWireForm } from './fixtures.ts'

const phone = party('phone')
const key = toPublicKey(phone.did)
const { agreement } = phone.keys
const object = { object: 'delegate' }
const encode = (change: DelegateChange) => encodeShape(change, delegateShape, object)
const parse = (bytes: Uint8Array) => parseShape(bytes, delegateShape, object)

describe('a delegate on the wire', () => {
  testWireForm<DelegateChange>({
    value: { slot: 1, signingKey: phone.did, agreement, rights: ['publish', 'rotate'], notAfterMs: 1_800_000_000_000 },
    pinned: [
      '85', // a tuple of five
      '01', // slot
      '5821029a5024cf44efb37d96549a2b277119e9e85666389d6e6a7bcc344502154fc013', // signing key
      '582041e09ba4c046d9b78c5e9547541f4020df492dc27a9ce934a587eed42d5f333e', // agreement key
      '03', // publish and rotate
      '1b000001a3185c5000', // end
    ].join(''),
    encode,
    parse,
  })

  it('empties a slot by nulls and zeros', () => {
    const bytes = encode({ slot: 8, signingKey: null })
    expect(Buffer.from(bytes).toString('hex')).toBe('8508f6f60000')
    expect(parse(bytes)).toEqual({ ok: true, value: { slot: 8, signingKey: null } })
  })

  it('refuses slots, keys, rights and times out of range, and half-emptied slots', () => {
    const refusals: [(number | null | Uint8Array | string)[], string][] = [
      [[0, key, agreement, 1, 5], 'slot: an integer from 1 to 8'],
      [[9, key, agreement, 1, 5], 'slot: an integer from 1 to 8'],
      [[1, key.slice(1), agreement, 1, 5], 'signingKey: 33 bytes'],
      [[1, agreement, key, 1, 5], 'signingKey: 33 bytes'],
      [[1, key, agreement.slice(1), 1, 5], 'agreement: 32 bytes'],
      [[1, key, agreement, 0, 5], 'rights: at least one right'],
      [[1, key, agreement, 8, 5], 'rights: a set of rights from 0 to 7'],
      [[1, key, agreement, 'publish', 5], 'rights: a set of rights from 0 to 7'],
      [[1, key, agreement, 4, 5], 'rights: rotate beside grant'],
      [[1, key, agreement, 5, 5], 'rights: rotate beside grant'],
      [[1, key, agreement, 1, 8_640_000_000_000_001], 'notAfterMs: an integer from 0 to 8640000000000000'],
      [[1, key, agreement, 1], ': a tuple of 5'],
      [[1, null, agreement, 0, 0], 'agreement: null, as the key'],
      [[1, null, null, 1, 0], 'rights: no rights without a key'],
      [[1, null, null, 0, 5], 'notAfterMs: 0 without a key'],
    ]
    for (const [value, expected] of refusals) expect(mismatchOf(delegateShape, value)).toBe(expected)
    expect(delegateShape.read([8, key, null, 7, 8_640_000_000_000_000])).toMatchObject({
      slot: 8,
      agreement: null,
      rights: RIGHTS,
    })
  })

  it('writes no right that it would not read', () => {
    const delegate = { slot: 1, signingKey: phone.did, agreement, notAfterMs: 5 }
    for (const rights of [[], ['grant'], ['publish', 'everything']]) {
      expect(() => encode({ ...delegate, rights } as DelegateChange)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'delegate.rights' }),
      )
    }
  })

  it('has one encoding for each set of rights that is closed', () => {
    const read = [0, 1, 2, 3, 4, 5, 6, 7].map((mask) => rightsShape.read(mask))
    const sets = read.filter((rights) => Array.isArray(rights))
    expect(sets).toEqual([[], ['publish'], ['rotate'], ['publish', 'rotate'], ['rotate', 'grant'], [...RIGHTS]])
    expect(sets.map((rights) => rightsShape.write(rights.toReversed()))).toEqual([0, 1, 2, 3, 6, 7])
  })
})

describe('rights', () => {
  it('include rotate with grant, and nothing else with anything', () => {
    expect(rightsOf(['grant'])).toEqual(['rotate', 'grant'])
    expect(rightsOf(['rotate'])).toEqual(['rotate'])
    expect(rightsOf(['grant', 'publish'])).toEqual(RIGHTS)
    expect(rightsOf([])).toEqual([])
  })

  it('end at notAfterMs, which is outside', () => {
    const delegate = { rights: ['grant'], notAfterMs: 1_000 } as const
    expect(hasRight(delegate, { right: 'rotate', atMs: 999 })).toBe(true)
    expect(hasRight(delegate, { right: 'rotate', atMs: 1_000 })).toBe(false)
    expect(hasRight(delegate, { right: 'publish', atMs: 0 })).toBe(false)
  })

  it('are all the account key has, for ever', () => {
    for (const right of RIGHTS) expect(hasRight(undefined, { right, atMs: Number.MAX_SAFE_INTEGER })).toBe(true)
  })
})
