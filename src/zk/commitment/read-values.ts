/**
 * Values back from the leaves of an opened record: the other direction of `values.ts`, as far as there is one.
 */

import { civilDate } from '../../primitives/civil-date.ts'
import type { FieldElement } from '../field.ts'
import type { Opening } from './commit.ts'
import {
  bitsOf,
  formatDecimal,
  leafPositions,
  parseDecimal,
  type Attribute,
  type Schema,
  type Values,
} from './schema.ts'
import { ABSENT, daysFromLeaf } from './values.ts'

const pad = (value: number, digits: number): string => `${value}`.padStart(digits, '0')

function readValue(attribute: Attribute, leaf: FieldElement): unknown {
  // A record of a dishonest issuer may hold anything.
  if (leaf === ABSENT || leaf >> BigInt(bitsOf(attribute)) !== 0n) return undefined
  switch (attribute.kind) {
    case 'int':
      return Number(leaf) + (attribute.minimum ?? 0)
    case 'decimal': {
      const { scale, minimum = '0' } = attribute
      return formatDecimal(leaf + parseDecimal(minimum, scale)!, scale)
    }
    case 'date': {
      const { year, month, day } = civilDate(daysFromLeaf(leaf))
      return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
    }
    case 'flag':
      return leaf === 1n
    case 'code':
      return attribute.codes[Number(leaf)]
    case 'list':
      return undefined
  }
}

/**
 * Returns the values of an opened record, for whoever it was opened to. Decimals have all digits of their scale.
 *
 * Left out is what is absent or out of range, and lists: a leaf of a list is a hash, and the codes are in the record itself.
 *
 * @param schema - the one the opening was read under
 */
export function readValues<S>(schema: Schema<S>, opening: Opening): Values<S> {
  const known = schema as unknown as Schema
  const read = [...leafPositions(known)].flatMap(([name, position]) => {
    const leaf = opening.leaves[position]
    const value = leaf === undefined ? undefined : readValue(known.attributes[name]!, leaf)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.freeze(Object.fromEntries(read)) as Values<S>
}
