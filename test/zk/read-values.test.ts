import { expect, it } from 'vitest'

import { commitValues, createSchema, readValues, type Opening } from '../../src/zk/index.ts'
import { ABSENT } from '../../src/zk/commitment/values.ts'
import { commitmentOptions, createTestRandom, schema, values } from './fixtures.ts'

const open = (some: Partial<typeof values>): Opening =>
  commitValues(schema, some, commitmentOptions, createTestRandom('read'))

it('gives back what was committed, but for the codes of lists', () => {
  const { glucose, age, born, smoker, blood, temperature } = values
  const rest = { glucose, age, born, smoker, blood, temperature }
  expect(readValues(schema, open(values))).toEqual(rest)
  expect(readValues(schema, open({ glucose: '6.3' }))).toEqual({ glucose: '6.3' })
  expect(readValues(schema, open({}))).toEqual({})
})

it('gives back numbers below zero and the first and last of each kind', () => {
  const edges = createSchema('edges', {
    low: { kind: 'decimal', bits: 8, scale: 2, unit: 'K', minimum: '-1.28' },
    high: { kind: 'int', bits: 53, minimum: -1 },
    first: { kind: 'date' },
    flag: { kind: 'flag' },
    code: { kind: 'code', codes: ['only'] },
  })
  const least = { low: '-1.28', high: -1, first: '0001-01-01', flag: false, code: 'only' } as const
  const most = {
    low: '1.27',
    high: Number.MAX_SAFE_INTEGER - 1,
    first: '9999-12-31',
    flag: true,
    code: 'only',
  } as const
  for (const some of [least, most])
    expect(readValues(edges, commitValues(edges, some, commitmentOptions, createTestRandom('edges')))).toEqual(some)
})

it('leaves out what a dishonest issuer put beyond the range of its attribute', () => {
  const opening = open(values)
  const leaves = opening.leaves.map(() => ABSENT - 1n)
  expect(readValues(schema, { ...opening, leaves })).toEqual({})
  const blood = opening.leaves.map((leaf, i) => (i === 4 ? 8n : leaf))
  expect(readValues(schema, { ...opening, leaves: blood })).not.toHaveProperty('blood')
})
