import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { createAuthenticatedMap, restoreAuthenticatedMap } from '../../src/primitives/authenticated-map.ts'
import {
  encodeMapProof,
  hashMapKey,
  hashMapRoot,
  hashMapValue,
  hashProof,
  parseMapProof,
  verifyMapProof,
  type MapKey,
  type MapProof,
} from '../../src/primitives/authenticated-map-proof.ts'
import { MapTree } from '../../src/primitives/authenticated-map-tree.ts'
import { fromHex, toHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import { encodeCbor, type CborValue } from '../../src/primitives/codec.ts'
import { MAP_VALUE_BYTES_MAX } from '../../src/primitives/limits.ts'
import { slowTreeRoot } from '../support/slow-map.ts'

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest())
}

const key = (index: number): MapKey => ['entry', index]
const value = (index: number): Bytes => Uint8Array.of(index, index >> 8)

/** Thirty entries, whose proofs are of all three kinds. */
function createSample(count = 30): ReturnType<typeof createAuthenticatedMap> {
  const map = createAuthenticatedMap()
  for (let index = 0; index < count; index++) map.set(key(index), value(index))
  return map
}

const sample = createSample()
const root = sample.root()

/** The first absent key whose proof ends in another leaf, and the first whose proof ends in an empty place. */
const absent = Array.from({ length: 100 }, (_, index) => key(1_000 + index))
const besideLeaf = absent.find((candidate) => sample.prove(candidate).other !== null) as MapKey
const atEmptyPlace = absent.find((candidate) => sample.prove(candidate).other === null) as MapKey

const proofs = [
  { name: 'presence', key: key(7), value: value(7) },
  { name: 'absence beside another leaf', key: besideLeaf, value: null },
  { name: 'absence at an empty place', key: atEmptyPlace, value: null },
].map((claim) => ({ ...claim, proof: sample.prove(claim.key) }))

const presence = proofs[0] as (typeof proofs)[number]

describe('roots', () => {
  it('follow the definition for no, one and two entries', () => {
    const map = createAuthenticatedMap()
    expect(map.root()).toEqual(hashMapRoot(new Uint8Array(32), 0))
    map.set(['a'], toUtf8('one'))
    const leaf = (name: string, text: string): Uint8Array =>
      sha256(Uint8Array.of(0), hashMapKey([name]), hashMapValue(toUtf8(text)))
    expect(map.root()).toEqual(hashMapRoot(leaf('a', 'one'), 1))
    map.set(['b'], toUtf8('two'))
    // The first bits of both paths differ.
    expect([hashMapKey(['a'])[0], hashMapKey(['b'])[0]].map((byte) => (byte as number) >> 7)).toEqual([1, 0])
    expect(map.root()).toEqual(hashMapRoot(sha256(Uint8Array.of(1), leaf('b', 'two'), leaf('a', 'one')), 2))
  })

  it('are pinned, and those of a slow rebuild', () => {
    const model = new Map(Array.from({ length: 30 }, (_, index) => [toHex(hashMapKey(key(index))), value(index)]))
    expect(toHex(root)).toBe(toHex(hashMapRoot(slowTreeRoot(model), 30)))
    expect(toHex(createAuthenticatedMap().root())).toBe(
      '7a7f6745074599c28a1b49d90b14bd7977bdb7da39b5dcd0f1569abdb930402f',
    )
    expect(toHex(root)).toBe('5a77ceb9f685cedf47ceb558ac36218e66f6eaf702a4899a03a7769da4329cea')
  })

  it('are those of a slow rebuild for paths that agree on 255 bits', () => {
    const tree = new MapTree()
    const model = new Map<string, Uint8Array>()
    for (const [first, last] of [
      [0, 0],
      [0, 1],
      [0x80, 0],
      [0x80, 2],
      [0x80, 3],
    ] as const) {
      const path = new Uint8Array(32)
      path[0] = first
      path[31] = last
      tree.set(path, path)
      model.set(toHex(path), path)
      expect(toHex(tree.hash(tree.head))).toBe(toHex(slowTreeRoot(model)))
    }
    const deepest = fromHex(`80${'00'.repeat(30)}03`)
    const proof = tree.prove(tree.head, deepest)
    expect(proof.siblings).toHaveLength(256)
    expect(hashProof(deepest, hashMapValue(deepest), proof)).toEqual(tree.hash(tree.head))
    for (const path of model.keys()) tree.delete(fromHex(path))
    expect(tree.hash(tree.head)).toEqual(new Uint8Array(32))
  })

  it('return when a change is undone', () => {
    const map = createSample()
    map.set(key(99), value(1))
    expect(toHex(map.root())).not.toBe(toHex(root))
    map.delete(key(99))
    expect(toHex(map.root())).toBe(toHex(root))
    map.set(key(3), value(4))
    map.root()
    map.set(key(3), value(3))
    expect(toHex(map.root())).toBe(toHex(root))
  })
})

describe('entries', () => {
  it('of keys whose parts join to the same text are different ones', () => {
    const map = createAuthenticatedMap()
    const keys: MapKey[] = [
      ['ab'],
      ['a', 'b'],
      [['a', 'b']],
      ['', 'ab'],
      [toUtf8('ab')],
      [1],
      ['1'],
      [Uint8Array.of(1)],
      [1, null],
      [],
    ]
    for (const [index, key] of keys.entries()) map.set(key, value(index))
    expect(map.count).toBe(keys.length)
    for (const [index, key] of keys.entries()) expect(map.get(key)).toEqual(value(index))
  })

  it('with an empty value are present', () => {
    const map = createSample()
    map.set(['empty'], new Uint8Array(0))
    const claim = { root: map.root(), key: ['empty'], proof: map.prove(['empty']) }
    expect([map.has(['empty']), map.get(['empty'])?.length, map.count]).toEqual([true, 0, 31])
    expect(verifyMapProof({ ...claim, value: new Uint8Array(0) })).toBe(true)
    expect(verifyMapProof({ ...claim, value: null })).toBe(false)
  })

  it('are copies both ways', () => {
    const map = createAuthenticatedMap()
    const given = Uint8Array.of(1, 2, 3)
    map.set(['a'], given)
    given.fill(0)
    map.get(['a'])?.fill(9)
    expect(map.get(['a'])).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('take values up to the limit and refuse the next byte', () => {
    const map = createAuthenticatedMap()
    map.set(['large'], new Uint8Array(MAP_VALUE_BYTES_MAX).fill(5))
    const code = 'ERR_ARGUMENT_INVALID'
    const tooLarge = new Uint8Array(MAP_VALUE_BYTES_MAX + 1)
    expect(() => {
      map.set(['large'], tooLarge)
    }).toThrow(expect.objectContaining({ code }))
    expect(() => {
      map.set(['large'], 'text' as never)
    }).toThrow(expect.objectContaining({ code }))
    expect(() => {
      map.set([1.5], value(1))
    }).toThrow(expect.objectContaining({ code }))
    const before = toHex(map.root())
    const changes = [
      { key: ['small'], value: value(1) },
      { key: ['large'], value: null },
      { key: ['more'], value: tooLarge },
    ]
    expect(() => {
      map.apply(changes)
    }).toThrow(expect.objectContaining({ code }))
    expect(toHex(map.root())).toBe(before)
    map.apply(changes.slice(0, 2))
    expect([map.count, map.get(['large']), map.get(['small'])]).toEqual([1, undefined, value(1)])
  })
})

describe('proofs', () => {
  it.each(proofs)('of $name hold for their claim', ({ key, value, proof }) => {
    expect(verifyMapProof({ root, key, value, proof })).toBe(true)
  })

  it('of a map with one entry and of an empty one have no siblings', () => {
    const map = createAuthenticatedMap()
    expect(verifyMapProof({ root: map.root(), key: key(0), value: null, proof: map.prove(key(0)) })).toBe(true)
    map.set(key(0), value(0))
    for (const index of [0, 1]) {
      const proof = map.prove(key(index))
      expect(proof.siblings).toHaveLength(0)
      const claim = { root: map.root(), key: key(index), proof }
      expect(verifyMapProof({ ...claim, value: value(0) })).toBe(index === 0)
      expect(verifyMapProof({ ...claim, value: null })).toBe(index === 1)
    }
  })

  it.each(proofs)(
    'of $name hold for no other key, value, count or root',
    ({ key: provenKey, value: provenValue, proof }) => {
      const claim = { root, key: provenKey, value: provenValue, proof }
      for (let index = 0; index < 30; index++) {
        const isProven = provenValue !== null && index === 7
        expect(verifyMapProof({ ...claim, key: key(index), value: value(index) })).toBe(isProven)
        // What is present can be shown absent by no proof that the map ever gives.
        expect(verifyMapProof({ ...claim, key: key(index), value: null })).toBe(false)
      }
      expect(verifyMapProof({ ...claim, value: provenValue === null ? new Uint8Array(0) : null })).toBe(false)
      expect(verifyMapProof({ ...claim, value: value(8) })).toBe(false)
      for (const count of [0, 29, 31, -1, 30.5, NaN, '30']) {
        expect(verifyMapProof({ ...claim, proof: { ...proof, count: count as number } })).toBe(false)
      }
      for (const other of [createSample(29).root(), new Uint8Array(32), root.subarray(1), new Uint8Array(0)]) {
        expect(verifyMapProof({ ...claim, root: other })).toBe(false)
      }
    },
  )

  it.each(proofs)('of $name are refused with any one bit changed', ({ key, value, proof }) => {
    const bytes = encodeMapProof(proof)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const spoiled = Uint8Array.from(bytes)
      spoiled[bit >> 3] = (spoiled[bit >> 3] as number) ^ (1 << (bit & 7))
      const parsed = parseMapProof(spoiled)
      expect(parsed.ok && verifyMapProof({ root, key, value, proof: parsed.value }), `bit ${bit}`).toBe(false)
    }
  })

  it('of absence are refused for a present key: the leaf of another key does not stand on its path', () => {
    // The attack: the true way to another leaf, sent as an answer for a key that is present elsewhere.
    let forged = 0
    for (let victim = 0; victim < 30; victim++) {
      for (let index = 0; index < 30; index++) {
        if (index === victim) continue
        const other = { path: hashMapKey(key(index)), valueHash: hashMapValue(value(index)) }
        const proof: MapProof = { ...sample.prove(key(index)), other }
        if (verifyMapProof({ root, key: key(victim), value: null, proof })) forged++
        // Nor does its own leaf show a key absent.
        const own = { path: hashMapKey(key(victim)), valueHash: hashMapValue(value(victim)) }
        const ownProof: MapProof = { ...sample.prove(key(victim)), other: own }
        if (verifyMapProof({ root, key: key(victim), value: null, proof: ownProof })) forged++
      }
    }
    expect(forged).toBe(0)
  })

  it('would be forged with a verifier that follows the path of the other leaf', () => {
    const naive = (proof: MapProof, other: NonNullable<MapProof['other']>): Uint8Array => {
      const start = sha256(Uint8Array.of(0), other.path, other.valueHash)
      return proof.siblings.reduceRight<Uint8Array>((hash, sibling, bit) => {
        const beside = sibling ?? new Uint8Array(32)
        const isLeft = ((other.path[bit >> 3] as number) >> (7 - (bit & 7))) % 2 === 0
        return isLeft ? sha256(Uint8Array.of(1), hash, beside) : sha256(Uint8Array.of(1), beside, hash)
      }, start)
    }
    const other = { path: hashMapKey(key(8)), valueHash: hashMapValue(value(8)) }
    const forged: MapProof = { ...sample.prove(key(8)), other }
    expect(hashMapRoot(naive(forged, other), 30)).toEqual(root)
    expect(hashProof(hashMapKey(key(7)), null, forged)).toBeUndefined()
  })

  it('with an empty subtree or a single leaf beside an empty one are refused', () => {
    const path = hashMapKey(key(0))
    const leaf = { path, valueHash: hashMapValue(value(0)) }
    // Roots of dishonest trees: they do hash, and must still not be taken.
    expect(hashProof(path, null, { count: 0, siblings: [null], other: null })).toBeUndefined()
    expect(hashProof(path, leaf.valueHash, { count: 1, siblings: [null], other: null })).toBeUndefined()
    expect(hashProof(hashMapKey(key(1)), null, { count: 1, siblings: [null], other: leaf })).toBeUndefined()
    expect(hashProof(path, null, { count: 0, siblings: [new Uint8Array(32)], other: null })).toBeUndefined()
    expect(hashProof(path, leaf.valueHash, { count: 1, siblings: [new Uint8Array(32)], other: null })).toBeUndefined()
    expect(
      hashProof(path, leaf.valueHash, { count: 2, siblings: [null, new Uint8Array(32).fill(1)], other: null }),
    ).toBeDefined()
    expect(
      hashProof(path, leaf.valueHash, { count: 2, siblings: [new Uint8Array(32).fill(1), null], other: null }),
    ).toBeUndefined()
  })

  it('of more than 256 levels are refused', () => {
    const siblings = Array.from({ length: 257 }, () => new Uint8Array(32).fill(1))
    const path = hashMapKey(key(0))
    expect(hashProof(path, null, { count: 1, siblings: siblings.slice(1), other: null })).toBeDefined()
    expect(hashProof(path, null, { count: 1, siblings, other: null })).toBeUndefined()
  })

  it('of wrong types are refused without throwing', () => {
    const { key, value, proof } = presence
    const hash = new Uint8Array(32).fill(1)
    const spoiled: unknown[] = [
      null,
      undefined,
      {},
      { ...proof, siblings: undefined },
      { ...proof, siblings: 'text' },
      { ...proof, siblings: new Array(proof.siblings.length) },
      { ...proof, siblings: [...proof.siblings.slice(1), new Uint8Array(31)] },
      { ...proof, siblings: [...proof.siblings.slice(1), undefined] },
      { ...proof, siblings: Array.from({ length: 257 }, () => hash) },
      { ...proof, other: undefined },
      { ...proof, other: {} },
      { ...proof, other: { path: hash, valueHash: hash } },
    ]
    for (const bad of spoiled) expect(verifyMapProof({ root, key, value, proof: bad as MapProof })).toBe(false)
    expect(verifyMapProof({ root, key: [undefined] as never, value, proof })).toBe(false)
    expect(verifyMapProof({ root, key: undefined as never, value, proof })).toBe(false)
    expect(verifyMapProof({ root, key, value: 5 as never, proof })).toBe(false)
    expect(verifyMapProof({ root: undefined as never, key, value, proof })).toBe(false)
  })
})

describe('a proof on the wire', () => {
  it('is pinned', () => {
    const map = createSample(3)
    expect(toHex(encodeMapProof(map.prove(key(1))))).toBe(
      '840103835820b12110d3d2394a88724d3d54f6034aae005a35c08bfdd4d2e0e9a7d2c4052a86f65820320dc30736cbbbf0b8357642b16412f6f780c162a73528e23518dd94353b641bf6',
    )
    expect(toHex(encodeMapProof(map.prove(['absent', 1])))).toBe(
      '840103815820462055277cc29ec2e45cfd9cbe1f5b5eb291f7534166ce6b14edf66b18750a91825820335a07a9c7d5db98883e6f88491642e5d8db4a3bfba28d44cfc4e7c1b60438b958200e8805cf722ea8d589e2c19add74d7c3c0331636ae062c7ebce15cad1431172f',
    )
  })

  it.each(proofs)('of $name is read back, and refused when cut or continued', ({ proof }) => {
    const bytes = encodeMapProof(proof)
    expect(parseMapProof(bytes)).toEqual({ ok: true, value: proof })
    expect(parseMapProof(Uint8Array.of(...bytes, 0))).toMatchObject({ ok: false, code: 'ERR_CODEC_TRAILING_BYTES' })
    for (let length = 0; length < bytes.length; length++) {
      expect(parseMapProof(bytes.subarray(0, length)).ok, `cut at ${length}`).toBe(false)
    }
  })

  const hash = new Uint8Array(32).fill(1)
  const refused: readonly {
    readonly what: string
    readonly tuple: CborValue
    readonly code: string
    readonly path: string
  }[] = [
    { what: 'another version', tuple: [2, 1, [], null], code: 'ERR_CODEC_VERSION', path: 'proof.version' },
    { what: 'a negative count', tuple: [1, -1, [], null], code: 'ERR_CODEC_MALFORMED', path: 'proof.count' },
    {
      what: 'zeros for an empty subtree',
      tuple: [1, 1, [new Uint8Array(32), hash], null],
      code: 'ERR_CODEC_MALFORMED',
      path: 'proof.siblings.0',
    },
    {
      what: 'an empty last sibling',
      tuple: [1, 1, [hash, null], null],
      code: 'ERR_CODEC_MALFORMED',
      path: 'proof.siblings',
    },
    {
      what: 'a short sibling',
      tuple: [1, 1, [hash.subarray(1)], null],
      code: 'ERR_CODEC_MALFORMED',
      path: 'proof.siblings.0',
    },
    {
      what: '257 siblings',
      tuple: [1, 1, Array.from({ length: 257 }, () => hash), null],
      code: 'ERR_CODEC_LIMIT',
      path: 'proof.siblings',
    },
    {
      what: 'a short path',
      tuple: [1, 1, [], [hash.subarray(1), hash]],
      code: 'ERR_CODEC_MALFORMED',
      path: 'proof.other.path',
    },
    { what: 'a fifth field', tuple: [1, 1, [], null, null], code: 'ERR_CODEC_MALFORMED', path: 'proof' },
  ]
  it.each(refused)('is refused with $what', ({ tuple, code, path }) => {
    expect(parseMapProof(encodeCbor(tuple))).toMatchObject({ ok: false, code, path })
  })

  it('may have 256 siblings', () => {
    const siblings = Array.from({ length: 256 }, () => hash)
    const proof = { count: 2 ** 53 - 1, siblings, other: { path: hash, valueHash: hash } }
    expect(parseMapProof(encodeMapProof(proof))).toEqual({ ok: true, value: proof })
  })

  it('is refused in another encoding of the same value', () => {
    const bytes = encodeMapProof(createAuthenticatedMap().prove(key(0)))
    expect(toHex(bytes)).toBe('84010080f6')
    // The count 0 in two bytes, and the list of indefinite length.
    expect(parseMapProof(fromHex('8401180080f6'))).toMatchObject({ ok: false, code: 'ERR_CODEC_NOT_CANONICAL' })
    expect(parseMapProof(fromHex('8401009ffff6'))).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED' })
  })

  it('is encoded only when a map could have made it', () => {
    const proof: MapProof = { count: 1, siblings: [null], other: null }
    expect(() => encodeMapProof(proof)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })
})

describe('snapshots', () => {
  it('can be read and proved from while the map goes on', () => {
    const map = createSample()
    const snapshot = map.snapshot()
    for (let index = 0; index < 30; index += 2) map.delete(key(index))
    for (let index = 1; index < 30; index += 2) map.set(key(index), value(500 + index))
    expect([map.count, snapshot.count]).toEqual([15, 30])
    expect([map.get(key(1)), snapshot.get(key(1))]).toEqual([value(501), value(1)])
    expect([map.has(key(2)), snapshot.has(key(2))]).toEqual([false, true])
    expect(toHex(snapshot.root())).toBe(toHex(root))
    expect(snapshot.prove(key(7))).toEqual(presence.proof)
    expect(verifyMapProof({ root: map.root(), key: key(2), value: null, proof: map.prove(key(2)) })).toBe(true)
  })

  it('can be returned to more than once; later ones end', () => {
    const map = createSample()
    const first = map.snapshot()
    map.set(key(0), value(77))
    const second = map.snapshot()
    map.set(key(1), value(78))
    map.rollback(second)
    expect([map.get(key(0)), map.get(key(1))]).toEqual([value(77), value(1)])
    for (let round = 0; round < 2; round++) {
      map.rollback(first)
      expect(toHex(map.root())).toBe(toHex(root))
      map.set(key(2), value(79))
    }
    const code = 'ERR_ARGUMENT_INVALID'
    expect(() => second.root()).toThrow(expect.objectContaining({ code }))
    expect(() => {
      map.rollback(second)
    }).toThrow(expect.objectContaining({ code }))
    second.release()
    first.release()
    first.release()
    expect(() => first.get(key(0))).toThrow(expect.objectContaining({ code }))
    expect(() => {
      createSample().rollback(map.snapshot())
    }).toThrow(expect.objectContaining({ code }))
    expect(() => {
      map.rollback({} as never)
    }).toThrow(expect.objectContaining({ code }))
    expect(map.get(key(2))).toEqual(value(79))
  })

  it('that are released give their memory back', () => {
    const tree = new MapTree()
    const path = (index: number): Uint8Array => hashMapKey(key(index))
    const large = (number: number): Uint8Array => new Uint8Array(1_000).fill(number)
    for (let index = 0; index < 100; index++) tree.set(path(index), large(index))
    const before = tree.usage
    const kept = []
    for (let round = 0; round < 50; round++) {
      kept.push(tree.snapshot())
      for (let index = 0; index < 10; index++) tree.set(path((round * 7 + index) % 100), large(round))
      const oldest = round % 3 === 2 ? kept.splice(1, 1)[0] : undefined
      if (oldest !== undefined) tree.release(oldest)
    }
    expect(tree.usage.leaves).toBeGreaterThan(before.leaves)
    for (const snapshot of kept) tree.release(snapshot)
    expect(tree.usage).toMatchObject({ leaves: before.leaves, inner: before.inner })
    // The values of all rounds would take five times as much.
    expect(tree.usage.valueBytes).toBeLessThan(3 * before.valueBytes)
  })
})

describe('chunks of a snapshot', () => {
  const chunksOf = (map: ReturnType<typeof createAuthenticatedMap>): Bytes[] => [...map.snapshot().exportChunks()]
  const code = 'ERR_CODEC_MALFORMED'

  it('build the same map again', () => {
    const restored = restoreAuthenticatedMap({ root, chunks: chunksOf(sample) })
    if (!restored.ok) expect.fail(restored.message)
    expect(restored.value.count).toBe(30)
    expect(toHex(restored.value.root())).toBe(toHex(root))
    expect(restored.value.get(key(29))).toEqual(value(29))
    expect(restored.value.prove(key(7))).toEqual(presence.proof)
  })

  it('do not depend on history, nor on what the map does meanwhile', () => {
    const map = createSample(40)
    for (let index = 30; index < 40; index++) map.delete(key(index))
    const snapshot = map.snapshot()
    const chunks = snapshot.exportChunks()[Symbol.iterator]()
    map.set(key(0), value(9))
    expect(chunks.next().value).toEqual(chunksOf(sample)[0])
  })

  it('are pinned and at least one', () => {
    const empty = createAuthenticatedMap()
    const [chunk, ...more] = chunksOf(empty)
    expect(more).toEqual([])
    expect(toHex(chunk as Bytes)).toBe(`84015820${'00'.repeat(32)}0080`)
    expect(restoreAuthenticatedMap({ root: empty.root(), chunks: [chunk as Bytes] }).ok).toBe(true)
  })

  it('are of about 1 MiB, and hold a value of any size', () => {
    const map = createAuthenticatedMap()
    map.set(['largest'], new Uint8Array(MAP_VALUE_BYTES_MAX).fill(1))
    for (let index = 0; index < 40; index++) map.set(key(index), new Uint8Array(100_000).fill(index))
    const chunks = chunksOf(map)
    expect(chunks.length).toBeGreaterThanOrEqual(5)
    for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(MAP_VALUE_BYTES_MAX + 128)
    expect(restoreAuthenticatedMap({ root: map.root(), chunks }).ok).toBe(true)
  })

  it('end when the snapshot is released', () => {
    const map = createAuthenticatedMap()
    for (let index = 0; index < 30; index++) map.set(key(index), new Uint8Array(100_000))
    const snapshot = map.snapshot()
    expect(() => {
      for (const chunk of snapshot.exportChunks()) if (chunk.length > 0) snapshot.release()
    }).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  describe('from a liar', () => {
    const [chunk] = chunksOf(sample) as [Bytes]
    const treeRoot = chunk.slice(4, 36)
    const all = [...Array(30).keys()].map((index) => ({ path: hashMapKey(key(index)), value: value(index) }))
    const entries = all
      .toSorted((left, right) => (toHex(left.path) < toHex(right.path) ? -1 : 1))
      .map(({ path, value }) => [path, value] as const)
    const make = (list: readonly (readonly [Uint8Array, Uint8Array])[], count = 30): Bytes =>
      encodeCbor([1, treeRoot, count, list])
    const restore = (...chunks: readonly Uint8Array[]): unknown => restoreAuthenticatedMap({ root, chunks })
    const changed = entries.map(([path, bytes], index) => [path, index === 4 ? value(999) : bytes] as const)

    it('are told from the true ones, however these are cut', () => {
      expect(make(entries)).toEqual(chunk)
      expect(restore(make(entries.slice(0, 11)), make([]), make(entries.slice(11)))).toMatchObject({ ok: true })
    })

    it.each([
      { what: 'no chunk', chunks: [], path: 'chunks' },
      { what: 'another value', chunks: [make(changed)], path: 'chunks' },
      { what: 'an entry too few', chunks: [make(entries.slice(1))], path: 'chunks' },
      {
        what: 'entries that descend',
        chunks: [make(entries.slice(11)), make(entries.slice(0, 11))],
        path: 'chunks.1.entries.0',
      },
      {
        what: 'an entry twice',
        chunks: [make([...entries.slice(0, 5), ...entries.slice(4, 29)])],
        path: 'chunks.0.entries.5',
      },
      {
        what: 'an entry too many',
        chunks: [make(entries), make([[new Uint8Array(32).fill(255), value(1)]])],
        path: 'chunks.1.entries',
      },
      { what: 'another count', chunks: [make(entries, 31)], path: 'chunks.0' },
      { what: 'a chunk of another map', chunks: [...chunksOf(createSample(29)), chunk], path: 'chunks.0' },
      { what: 'a short path', chunks: [make([[new Uint8Array(31), value(1)]])], path: 'chunks.0.entries.0.path' },
    ])('are refused with $what', ({ chunks, path }) => {
      expect(restore(...chunks)).toMatchObject({ ok: false, code, path })
    })

    it('are refused when cut, continued or of another version', () => {
      for (let length = 0; length < chunk.length; length++)
        expect(restore(chunk.subarray(0, length)), `${length}`).toMatchObject({ ok: false })
      expect(restore(Uint8Array.of(...chunk, 0))).toMatchObject({
        ok: false,
        code: 'ERR_CODEC_TRAILING_BYTES',
        path: 'chunks.0',
      })
      expect(restore(encodeCbor([2, treeRoot, 30, []]))).toMatchObject({ ok: false, code: 'ERR_CODEC_VERSION' })
    })

    it('are refused beyond their limits', () => {
      expect(restore(new Uint8Array(2 * MAP_VALUE_BYTES_MAX + 1))).toMatchObject({ ok: false, code: 'ERR_CODEC_LIMIT' })
    })
  })
})
