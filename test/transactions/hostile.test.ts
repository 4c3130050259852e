import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import type { Signature } from '../../src/primitives/signature.ts'
import {
  createTransaction,
  encodeTransaction,
  hashTransaction,
  isVitalsealError,
  parseTransaction,
  signTransaction,
  unwrap,
  validateTransaction,
  type ParsedTransaction,
  type UnsignedTransaction,
} from '../../src/transactions/index.ts'
import { chainId } from '../support/parties.ts'
import { label, patient, phone, samples, signerOf, transactionId } from '../support/transactions.ts'

const all = Object.entries(samples) as [keyof typeof samples, () => UnsignedTransaction][]

function sign(unsigned: UnsignedTransaction) {
  return signTransaction(unsigned, { chainId, signer: signerOf(unsigned) })
}

/** Judges what somebody put together by hand: a failure as a value with a path, whatever it is. */
function judge(value: unknown, options: object = {}) {
  const result = validateTransaction(value as ParsedTransaction, { chainId, ...options })
  if (!result.ok) {
    expect(result.code).toMatch(/^ERR_(SIGNATURE|TRANSACTIONS|IDENTITY|CRYPTO)_/)
    expect(result.path).toMatch(/^transaction/)
  }
  return result
}

const thrower = (): never => {
  throw new Error('a getter of the attacker')
}
const STRANGE: readonly unknown[] = [
  undefined,
  null,
  true,
  -1,
  0.5,
  NaN,
  2 ** 53,
  10n,
  '',
  'constructor',
  '\ud800',
  Symbol('odd'),
  thrower,
  [],
  [null],
  [[]],
  {},
  { length: 3 },
  new Date(0),
  new Map(),
  new Uint8Array(3),
  new Proxy({}, { get: thrower, ownKeys: thrower, getOwnPropertyDescriptor: thrower }),
]

function without(value: object, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))
}

/** The value and everything in it, replaced one after the other. */
function* spoiled(value: unknown): Generator {
  for (const strange of STRANGE) yield strange
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
  if (Array.isArray(value)) {
    const items = value as readonly unknown[]
    for (const [index, item] of items.entries()) for (const other of spoiled(item)) yield items.with(index, other)
    yield [...items, ...items]
    return
  }
  for (const [name, field] of Object.entries(value)) {
    for (const other of spoiled(field)) yield { ...value, [name]: other }
    yield without(value, name)
    yield Object.defineProperty({ ...value }, name, { enumerable: true, get: thrower })
  }
}

describe.each(all)('validateTransaction of a hand-made %s', (_name, make) => {
  const signed = sign(make())

  it('fails as a value, or gives exactly what was signed', () => {
    // What it answers to does not matter here, so that thousands of cases cost no curve.
    const verifier = { verify: () => true }
    let accepted = 0
    for (const value of spoiled(signed)) {
      const result = judge(value, { verifier })
      if (!result.ok) continue
      accepted++
      const again = unwrap(parseTransaction(encodeTransaction(result.value)))
      const { id, ...rest } = result.value
      expect(again).toEqual(rest)
      expect(id).toMatch(/^[0-9a-f]{64}$/)
    }
    // Not everything is refused: the hint may be anything, and a wrong `id` is made anew.
    expect(accepted).toBeGreaterThan(0)
  })

  it('is refused before it is encoded, hashed or signed', () => {
    const broken = { ...without(signed, 'signature', 'id'), nonce: 0.5 } as UnsignedTransaction
    for (const call of [
      () => hashTransaction(broken, { chainId }),
      () => signTransaction(broken, { chainId, signer: patient.signer }),
      () => encodeTransaction({ ...signed, nonce: 0.5 }),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'transaction.nonce' }))
    }
  })
})

describe('validateTransaction', () => {
  const signed = sign(samples.iot())

  it.each(['mint', 'toString', '__proto__', 'constructor', '', 3, null])('refuses the kind %s', (kind) => {
    expect(judge({ ...signed, kind, delegate: 1 })).toMatchObject({ ok: false, path: 'transaction.kind' })
  })

  it('returns no field that nobody signed', () => {
    const result = unwrap(judge({ ...signed, patient: phone.did, isUrgent: true }) as never)
    expect(result).toEqual(signed)
  })

  it('judges one reading of a field that changes', () => {
    let reads = 0
    const shifting = Object.defineProperty({ ...signed }, 'epoch', {
      enumerable: true,
      get: () => (reads++ === 0 ? 1 : 2),
    })
    const valid = unwrap<ParsedTransaction<'iot'>>(judge(shifting) as never)
    expect([valid.epoch, reads]).toEqual([1, 1])
  })

  it('puts what has one meaning into one form', () => {
    const loud = { ...signed, label: label.toUpperCase() }
    expect(unwrap(judge(loud) as never)).toEqual(signed)
    const causes = [transactionId('a'), transactionId('b')].sort()
    const diagnosis = sign(createTransaction({ ...samples.diagnosis(), causes }))
    expect(judge({ ...diagnosis, causes: causes.toReversed() })).toMatchObject({ path: 'transaction.causes' })
  })

  it('refuses a transaction without a signature, or with something in its place', () => {
    for (const signature of [undefined, null, 'x', new Uint8Array(64), { length: 65 }]) {
      expect(judge({ ...samples.iot(), signature })).toMatchObject({ ok: false, path: 'transaction.signature' })
    }
    expect(judge(samples.iot())).toMatchObject({ ok: false, path: 'transaction.signature' })
    expect(judge({ ...signed, signature: new Uint8Array(65) as Signature })).toMatchObject({
      code: 'ERR_SIGNATURE_INVALID',
    })
  })

  it('returns what cannot be changed afterwards', () => {
    const valid = unwrap<ParsedTransaction<'key'>>(judge(sign(samples.key())) as never)
    expect(() => (valid.envelopes as unknown[]).pop()).toThrow(TypeError)
    expect(() => Object.assign(valid.labels[0]!, { label: '0'.repeat(32) })).toThrow(TypeError)
    expect(() => Object.assign(valid, { nonce: 7 })).toThrow(TypeError)
  })
})

describe('parseTransaction', () => {
  it('is total, whatever comes in place of bytes', () => {
    for (const value of STRANGE.filter((each) => !(each instanceof Uint8Array))) {
      expect(parseTransaction(value as Uint8Array)).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED' })
    }
  })
})

describe('errors of transactions', () => {
  it('name places, never contents', () => {
    const secret = 'HIV viral load 40 copies'
    const attempts = [
      () =>
        createTransaction({ ...samples.accessRole(), grantee: { role: 'clinician', organisation: `${secret}\ud800` } }),
      () => createTransaction({ ...samples.iot(), kind: secret as 'iot' }),
      () => createTransaction({ ...samples.iot(), label: secret as never }),
      () => createTransaction({ ...samples.iot(), record: secret as never }),
      () => unwrap(judge({ ...sign(samples.iot()), label: secret }) as never),
    ]
    for (const attempt of attempts) {
      let thrown: unknown
      try {
        attempt()
      } catch (error) {
        thrown = error
      }
      expect(isVitalsealError(thrown)).toBe(true)
      const text = inspect(thrown, { depth: 10, showHidden: true }) + JSON.stringify(thrown) + String(thrown)
      expect(text).not.toContain(secret)
    }
  })
})
