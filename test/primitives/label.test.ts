import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import { toHex } from '../../src/primitives/bytes.ts'
import type { DataType } from '../../src/primitives/did.ts'
import {
  ALL_TYPES_LABEL,
  createLabeler,
  encodeLabel,
  isDataType,
  isLabel,
  labelBytes,
  type Label,
} from '../../src/primitives/label.ts'
import { leastCpuMs } from '../support/cost.ts'
import { codeOf } from '../support/failure.ts'

const HEART_RATE = 'http://loinc.org|8867-4'
const labelKey = new Uint8Array(32).fill(7)

describe('createLabeler', () => {
  it('keeps its labels: pinned examples, public and private', () => {
    expect(createLabeler().label(HEART_RATE)).toBe('7a16481879e2a175ffadc48665f9aaf8')
    expect(createLabeler({ labelKey }).label(HEART_RATE)).toBe('0f55f5dc814c8e0e766377e6e883a190')
    expect(createLabeler().isPrivate).toBe(false)
    expect(createLabeler({ labelKey }).isPrivate).toBe(true)
  })

  it('gives other labels for another type and under another key', () => {
    const other = createLabeler({ labelKey: new Uint8Array(32).fill(8) })
    const labels = [
      createLabeler().label(HEART_RATE),
      createLabeler().label('http://loinc.org|8867-5'),
      createLabeler({ labelKey }).label(HEART_RATE),
      other.label(HEART_RATE),
      other.label('http://loinc.org|8867-5'),
    ]
    expect(new Set(labels).size).toBe(labels.length)
    expect(labels.every(isLabel)).toBe(true)
    expect(labels).not.toContain(ALL_TYPES_LABEL)
  })

  it('keeps a copy of the key and prints without it', () => {
    const key = labelKey.slice()
    const labeler = createLabeler({ labelKey: key })
    key.fill(0)
    expect(labeler.label(HEART_RATE)).toBe('0f55f5dc814c8e0e766377e6e883a190')
    expect(inspect(labeler, { depth: 9, showHidden: true }) + JSON.stringify(labeler)).not.toMatch(/0707|7, 7/)
    expect(Object.isFrozen(labeler)).toBe(true)
  })

  it.each([new Uint8Array(31), new Uint8Array(33), new Uint8Array(0), 'x'.repeat(32), Array(32).fill(1), null])(
    'refuses the key %#',
    (key) => {
      expect(codeOf(() => createLabeler({ labelKey: key as Uint8Array }))).toBe('ERR_ARGUMENT_INVALID')
    },
  )

  it('refuses what is no type', () => {
    expect(codeOf(() => createLabeler().label('heart rate' as DataType))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('isDataType', () => {
  it.each([
    HEART_RATE,
    'a|b',
    'a|b|c',
    `s|${'x'.repeat(1_022)}`,
    `s|${'\u00fc'.repeat(511)}`,
    'urn:oid:1.2.3|caf\u00e9',
  ])('takes %j', (text) => {
    expect(isDataType(text)).toBe(true)
    expect(isLabel(createLabeler().label(text as DataType))).toBe(true)
  })

  it.each([
    '',
    '|',
    'a|',
    '|b',
    'ab',
    `s|${'x'.repeat(1_023)}`,
    `s|${'\u00fc'.repeat(512)}`,
    `s|${'\u{1f3e5}'.repeat(256)}`,
    'a|cafe\u0301',
    'a|\ud800',
    '\ufeffa|b',
    undefined,
    null,
    5,
    ['a|b'],
  ])('refuses %j', (text) => {
    expect(isDataType(text)).toBe(false)
  })

  it('refuses a megabyte at once', () => {
    const text = `s|${'\u0301'.repeat(2 ** 20)}`
    expect(
      leastCpuMs(() => {
        expect(isDataType(text)).toBe(false)
      }),
    ).toBeLessThan(50)
  })
})

describe('labels', () => {
  it('are 16 bytes as 32 lower-case digits', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => 16 * i)
    expect(encodeLabel(bytes)).toBe('00102030405060708090a0b0c0d0e0f0')
    expect(labelBytes(encodeLabel(bytes))).toEqual(bytes)
    expect(ALL_TYPES_LABEL).toBe(toHex(new Uint8Array(16)))
    expect(codeOf(() => encodeLabel(new Uint8Array(15)))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => encodeLabel(new Uint8Array(17)))).toBe('ERR_ARGUMENT_INVALID')
  })

  it.each(['', '0'.repeat(31), '0'.repeat(33), 'A'.repeat(32), `${'0'.repeat(32)}\n`, undefined, 5])(
    'are not %j',
    (value) => {
      expect(isLabel(value)).toBe(false)
    },
  )

  it('throw no foreign error for a cast', () => {
    expect(codeOf(() => labelBytes('zz' as Label))).toBe('ERR_ARGUMENT_INVALID')
  })
})
