import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { isVitalsealError } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { hashPoseidon } from '../../src/zk/commitment/poseidon.ts'
import { buildTree, rootOf } from '../../src/zk/commitment/tree.ts'
import { FIELD_ORDER } from '../../src/zk/field.ts'
import { allocateBool, allOf, and, anyOf, not, or, select, xor } from '../../src/zk/gadgets/boolean.ts'
import { assertEqual, assertNonZero, isEqual, isZero } from '../../src/zk/gadgets/equality.ts'
import { assertAtLeast, assertBetween, isAtLeast, isBetween, toUInt } from '../../src/zk/gadgets/integer.ts'
import { assertAnyZero, assertNoneZero, differencesTo, isAnyZero } from '../../src/zk/gadgets/membership.ts'
import { openTree } from '../../src/zk/gadgets/merkle.ts'
import { hashPoseidonWires } from '../../src/zk/gadgets/poseidon.ts'
import type { CircuitBuilder } from '../../src/zk/relations/builder.ts'
import { constant, type Linear } from '../../src/zk/relations/linear.ts'
import { findBroken, findUnconstrained, hashRelation } from '../../src/zk/relations/relation.ts'
import { propertyRuns } from '../support/property.ts'
import { build, findFreeWires } from './circuits.ts'

type Gadget = (builder: CircuitBuilder, x: Linear, y: Linear) => unknown

/** Runs a gadget over two public inputs; what it returns is made public too. */
function run(
  gadget: Gadget,
  x: bigint,
  y: bigint,
): { broken: string[]; answer: bigint | undefined; free: string[]; count: number; id: string } {
  let answer: bigint | undefined
  const built = build((builder) => {
    const left = builder.publicInput('x', x)
    const right = builder.publicInput('y', y)
    answer = (gadget(builder, left, right) as Linear | undefined)?.value
  })
  const inputs = new Set(['x', 'y'])
  return {
    broken: findBroken(built.relation, built.witness),
    answer,
    // Inputs may be anything; what follows from them may not.
    free: findFreeWires(built).filter((name) => !inputs.has(name)),
    count: built.relation.constraints.length,
    id: toHex(hashRelation(built.relation)),
  }
}

const bits = (
  builder: CircuitBuilder,
  x: Linear,
  y: Linear,
): [ReturnType<typeof allocateBool>, ReturnType<typeof allocateBool>] => {
  const pair = [allocateBool(builder, 'a', x.value === 1n), allocateBool(builder, 'b', y.value === 1n)] as const
  assertEqual(builder, 'a is x', pair[0], x)
  assertEqual(builder, 'b is y', pair[1], y)
  return [...pair]
}

describe('bits', () => {
  const cases: [string, Gadget, number, (x: boolean, y: boolean) => boolean | bigint][] = [
    ['and', (b, x, y) => and(b, 'and', ...bits(b, x, y)), 1, (x, y) => x && y],
    ['or', (b, x, y) => or(b, 'or', ...bits(b, x, y)), 1, (x, y) => x || y],
    ['xor', (b, x, y) => xor(b, 'xor', ...bits(b, x, y)), 1, (x, y) => x !== y],
    ['not', (b, x, y) => not(bits(b, x, y)[0]), 0, (x) => !x],
    [
      'select',
      (b, x, y) => select(b, 'select', bits(b, x, y)[0], { whenTrue: constant(5n), whenFalse: constant(9n) }),
      0,
      (x) => (x ? 5n : 9n),
    ],
    [
      'all of six',
      (b, x, y) =>
        allOf(
          b,
          'all',
          [1, 2, 3].flatMap(() => bits(b, x, y)),
        ),
      3 + 8,
      (x, y) => x && y,
    ],
    [
      'any of six',
      (b, x, y) =>
        anyOf(
          b,
          'any',
          [1, 2, 3].flatMap(() => bits(b, x, y)),
        ),
      3 + 8,
      (x, y) => x || y,
    ],
  ]
  test.each(cases)('%s', (_, gadget, count, truth) => {
    const shapes = new Set<string>()
    for (const [x, y] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ] as const) {
      const result = run(gadget, BigInt(x), BigInt(y))
      expect(result.broken).toEqual([])
      expect(result.answer).toBe(BigInt(truth(x, y)))
      expect(result.count).toBe(4 + count)
      expect(result.free).toEqual([])
      shapes.add(result.id)
    }
    expect(shapes.size).toBe(1)
  })

  test('a bit is 0 or 1', () => {
    const { relation, witness } = build((builder) => allocateBool(builder, 'bit', true))
    expect(findBroken(relation, witness.with(1, 2n))).toEqual(['bit'])
  })
})

describe('equality', () => {
  test.each<[string, Gadget, number]>([
    ['isEqual', (b, x, y) => isEqual(b, 'equal', x, y), 3],
    ['isZero of a difference', (b, x, y) => isEqual(b, 'equal', y, x), 3],
  ])('%s', (_, gadget, count) => {
    for (const [x, y] of [
      [3n, 3n],
      [3n, 4n],
      [0n, 0n],
      [FIELD_ORDER - 1n, 1n],
    ] as const) {
      const result = run(gadget, x, y)
      expect(result).toMatchObject({ broken: [], free: [], answer: x === y ? 1n : 0n, count })
    }
  })

  test('a false answer breaks the constraint that says so', () => {
    const equal = build((builder) => isZero(builder, 'zero', builder.publicInput('x', 0n)))
    expect(findBroken(equal.relation, equal.witness.with(3, 0n))).toEqual(['zero is 1 for zero'])
    const other = build((builder) => isZero(builder, 'zero', builder.publicInput('x', 5n)))
    expect(findBroken(other.relation, [1n, 5n, 0n, 1n])).toEqual(['zero is 0 otherwise'])
  })

  test('asserted', () => {
    expect(run((b, x, y) => assertEqual(b, 'equal', x, y), 3n, 3n)).toMatchObject({ broken: [], count: 1 })
    expect(run((b, x, y) => assertEqual(b, 'equal', x, y), 3n, 4n).broken).toEqual(['equal'])
    expect(run((b, x) => assertNonZero(b, 'some', x), 3n, 0n)).toMatchObject({ broken: [], free: [], count: 1 })
    expect(run((b, x) => assertNonZero(b, 'some', x), 0n, 0n).broken).toEqual(['some'])
  })
})

describe('ranges', () => {
  const holds = (gadget: Gadget, x: bigint): boolean =>
    run(gadget, ((x % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER, 0n).broken.length === 0

  test('so many bits, so many constraints', () => {
    const gadget: Gadget = (b, x) => toUInt(b, 'x', x, 8)
    for (const x of [0n, 1n, 128n, 255n]) expect(run(gadget, x, 0n)).toMatchObject({ broken: [], free: [], count: 8 })
    for (const x of [256n, 257n, 2n ** 64n, FIELD_ORDER - 1n]) expect(run(gadget, x, 0n).broken).toEqual(['x bit 7'])
    expect(holds((b, x) => toUInt(b, 'x', x, 0), 0n)).toBe(true)
    expect(holds((b, x) => toUInt(b, 'x', x, 0), 1n)).toBe(false)
  })

  test('a range wraps at neither end', () => {
    const bounds = { lower: 40n, upper: 99n }
    const gadget: Gadget = (b, x) => assertBetween(b, 'x', x, bounds)
    for (const x of [40n, 41n, 98n, 99n]) expect(run(gadget, x, 0n)).toMatchObject({ broken: [], free: [], count: 12 })
    // 103 = 40 + 63 and 36 = 99 - 63 pass one of both decompositions only; -1 is the leaf of what is absent.
    for (const x of [39n, 100n, 103n, 104n, 36n, 35n, 0n, -1n, -2n, 99n + FIELD_ORDER / 2n, 2n ** 254n]) {
      expect(holds(gadget, x)).toBe(false)
    }
  })

  test('widths of a power of two need one decomposition, a single value none', () => {
    expect(run((b, x) => assertBetween(b, 'x', x, { lower: 8n, upper: 23n }), 23n, 0n)).toMatchObject({
      broken: [],
      count: 4,
    })
    expect(run((b, x) => assertBetween(b, 'x', x, { lower: 8n, upper: 23n }), 24n, 0n).broken).toEqual([
      'x lower bit 3',
    ])
    expect(run((b, x) => assertBetween(b, 'x', x, { lower: 8n, upper: 8n }), 8n, 0n)).toMatchObject({
      broken: [],
      count: 1,
    })
    expect(run((b, x) => assertBetween(b, 'x', x, { lower: 8n, upper: 8n }), 9n, 0n).broken).toEqual(['x lower'])
  })

  test('a bound from below', () => {
    const gadget: Gadget = (b, x) => assertAtLeast(b, 'x', x, 40n, 8)
    for (const x of [40n, 255n, 295n]) expect(run(gadget, x, 0n)).toMatchObject({ broken: [], free: [], count: 8 })
    for (const x of [39n, 0n, -1n, 296n]) expect(holds(gadget, x)).toBe(false)
  })

  test('a comparison as a bit, at every border', () => {
    const gadget: Gadget = (b, x) => isAtLeast(b, 'x', toUInt(b, 'x', x, 8), 40n)
    for (const x of [0n, 39n, 40n, 41n, 255n]) {
      expect(run(gadget, x, 0n)).toMatchObject({ broken: [], free: [], count: 8 + 9, answer: x >= 40n ? 1n : 0n })
    }
    for (const x of [256n, -1n, -216n, FIELD_ORDER - 216n + 40n]) expect(holds(gadget, x)).toBe(false)
  })

  test('comparisons agree with integers', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1_023n }),
        fc.bigInt({ min: -2n, max: 1_030n }),
        fc.bigInt({ min: -2n, max: 1_030n }),
        (x, lower, upper) => {
          const result = run((b, left) => isBetween(b, 'x', toUInt(b, 'x', left, 10), { lower, upper }), x, 0n)
          expect(result.broken).toEqual([])
          expect(result.answer).toBe(lower <= x && x <= upper ? 1n : 0n)
        },
      ),
      propertyRuns(60),
    )
  })

  test('integers are far narrower than the field', () => {
    for (const width of [-1, 1.5, 129]) {
      const call = (): unknown => run((b, x) => toUInt(b, 'x', x, width), 0n, 0n)
      expect(call).toThrow('"bits" expected 0 to 128')
    }
  })
})

describe('membership', () => {
  const members = [2n, 3n, 5n, 7n]
  test('as a bit and asserted', () => {
    for (const x of [0n, 2n, 4n, 5n, 7n, 8n, FIELD_ORDER - 2n]) {
      const isMember = members.includes(x)
      const bit = run((b, left) => isAnyZero(b, 'in', differencesTo(left, members)), x, 0n)
      expect(bit).toMatchObject({ broken: [], free: [], count: 6, answer: isMember ? 1n : 0n })
      const asserted = run((b, left) => assertAnyZero(b, 'in', differencesTo(left, members)), x, 0n)
      expect(asserted).toMatchObject({ broken: isMember ? [] : ['in'], count: 4 })
      const refused = run((b, left) => assertNoneZero(b, 'out', differencesTo(left, members)), x, 0n)
      expect(refused).toMatchObject({ broken: isMember ? ['out'] : [], count: 4 })
    }
  })
})

describe('Poseidon', () => {
  test.each([
    [2, 240],
    [8, 384],
    [16, 576],
  ])('%d inputs, %d constraints, the same hash, no free wire', (inputCount, count) => {
    const inputs = Array.from({ length: inputCount }, (_, i) => BigInt(i + 1) ** 20n)
    let hash: bigint | undefined
    const built = build((builder) => {
      const wires = inputs.map((value, i) => builder.publicInput(`in ${i}`, value))
      hash = hashPoseidonWires(builder, 'node', wires).value
    })
    expect(hash).toBe(hashPoseidon('node', inputs))
    expect(findBroken(built.relation, built.witness)).toEqual([])
    expect(built.relation.constraints).toHaveLength(count)
    expect(findFreeWires(built)).toEqual([])
    expect(findUnconstrained(built.relation)).toEqual([])
  })

  test('constants cost nothing', () => {
    const built = build((builder) => {
      const one = builder.publicInput('in', 5n)
      expect(hashPoseidonWires(builder, 'study', [one, constant(0n)]).value).toBe(hashPoseidon('study', [5n, 0n]))
    })
    expect(built.relation.constraints).toHaveLength(237)
  })
})

describe('tree', () => {
  test('opens blocks of a large tree to its root, shared nodes once', () => {
    const blocks = Array.from({ length: 20 }, (_, i) => Array.from({ length: 16 }, (_, j) => BigInt(100 * i + j + 1)))
    const levels = buildTree(blocks, [16, 8, 8])
    const built = build((builder) => {
      const root = builder.publicInput('root', rootOf(levels))
      const opened = new Map(
        [0, 3, 17].map((index) => [
          index,
          blocks[index]!.map((value, i) => builder.allocate(`leaf ${index}.${i}`, value)),
        ]),
      )
      const nodeValue = (level: number, index: number): bigint => levels[level]![index]!
      const computed = openTree(builder, { shape: [16, 8, 8], usedBlocks: 20, blocks: opened, nodeValue })
      assertEqual(builder, 'root', computed, root)
    })
    expect(findBroken(built.relation, built.witness)).toEqual([])
    // Three blocks, two nodes above them (of the second, four children are zero for ever), one root with five zeros.
    expect(built.relation.constraints).toHaveLength(3 * 576 + 384 + (384 - 3 * 4) + (384 - 3 * 5) + 1)
    expect(findFreeWires(built)).toEqual([])
  })
})

describe('relation', () => {
  test('a wire that nothing touches is found, and so is one that may be anything', () => {
    const built = build((builder) => {
      builder.publicInput('unused', 1n)
      const x = builder.allocate('x', 2n)
      builder.enforce('square', x, x, constant(4n))
    })
    expect(findUnconstrained(built.relation)).toEqual(['unused'])
    expect(findFreeWires(built)).toEqual(['unused', 'x'])
  })

  test('the id covers rows, counts and coefficients', () => {
    const make = (factor: bigint, isPublic = true): string =>
      toHex(
        hashRelation(
          build((builder) => {
            const x = isPublic ? builder.publicInput('x', 1n) : builder.allocate('x', 1n)
            builder.enforce('rule', x, x, constant(factor))
          }).relation,
        ),
      )
    expect(make(1n)).toBe(make(1n))
    expect(new Set([make(1n), make(2n), make(1n, false)]).size).toBe(3)
  })

  test('names carry the scope; public inputs come first; values are elements', () => {
    const { relation } = build((builder) => {
      builder.within('outer', () => {
        builder.within('inner', () => {
          assertEqual(builder, 'rule', builder.allocate('x', 1n), constant(1n))
        })
      })
      for (const misuse of [() => builder.publicInput('late', 0n), () => builder.allocate('y', FIELD_ORDER)]) {
        try {
          misuse()
          expect.unreachable()
        } catch (error) {
          expect(isVitalsealError(error, 'ERR_ARGUMENT_INVALID')).toBe(true)
        }
      }
    })
    expect(relation.constraints[0]!.name).toBe('outer/inner/rule')
    expect(relation.wireNames).toEqual(['one', 'outer/inner/x'])
  })

  test('a witness of another length or without one is none', () => {
    const { relation, witness } = build((builder) => allocateBool(builder, 'bit', true))
    expect(findBroken(relation, [...witness, 1n])).toEqual(['form of the witness'])
    expect(findBroken(relation, witness.with(0, 2n))).toEqual(['form of the witness'])
  })
})
