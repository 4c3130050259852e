import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createAuthenticatedMap } from '../../src/primitives/authenticated-map.ts'
import { hashMapValue, hashProof, verifyMapProof, type MapKey } from '../../src/primitives/authenticated-map-proof.ts'
import { MapTree, type TreeSnapshot, type TreeVersion } from '../../src/primitives/authenticated-map-tree.ts'
import { ValueArena } from '../../src/primitives/authenticated-map-values.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { propertyRuns } from '../support/property.ts'
import { slowTreeRoot, type SlowMap } from '../support/slow-map.ts'

/** Few paths that share prefixes of every length: hashing keys would never give them. */
function craftPath(bits: readonly number[]): Uint8Array {
  const path = new Uint8Array(32)
  for (const bit of bits) path[bit >> 3] = (path[bit >> 3] as number) ^ (0x80 >> (bit & 7))
  return path
}

const path = fc.subarray([0, 1, 8, 100, 254, 255], { maxLength: 2 }).map(craftPath)
const value = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constant(new Uint8Array(300)))

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), path, value }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('root' as const, 'snapshot' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('rollback' as const, 'release' as const), at: fc.nat(5) }),
  },
)

interface Kept {
  readonly snapshot: TreeSnapshot
  readonly model: SlowMap
}

function expectVersion(tree: MapTree, version: TreeVersion, model: SlowMap): void {
  expect(version.count).toBe(model.size)
  expect(toHex(tree.hash(version))).toBe(toHex(slowTreeRoot(model)))
  const expected = [...model].toSorted(([left], [right]) => (left < right ? -1 : 1))
  expect([...tree.entries(version)].map(({ path, value }) => [toHex(path), toHex(value)])).toEqual(
    expected.map(([path, value]) => [path, toHex(value)]),
  )
}

describe('the tree under any list of changes', () => {
  it('has the content of a model and the root of a rebuild, as have its snapshots', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 60, size: 'max' }), path, (operations, probe) => {
        const tree = new MapTree()
        let model = new Map<string, Uint8Array>()
        let kept: Kept[] = []
        for (const step of operations) {
          if (step.kind === 'set') {
            tree.set(step.path, step.value)
            model.set(toHex(step.path), step.value)
          } else if (step.kind === 'delete') {
            expect(tree.delete(step.path)).toBe(model.delete(toHex(step.path)))
          } else if (step.kind === 'root') {
            expectVersion(tree, tree.head, model)
          } else if (step.kind === 'snapshot') {
            kept.push({ snapshot: tree.snapshot(), model: new Map(model) })
          } else if ('at' in step && kept.length > 0) {
            const at = step.at % kept.length
            const { snapshot, model: then } = kept[at] as Kept
            if (step.kind === 'rollback') {
              tree.rollback(snapshot)
              model = new Map(then)
              kept = kept.slice(0, at + 1)
            } else {
              tree.release(snapshot)
              kept.splice(at, 1)
            }
          }
        }
        for (const { snapshot, model: then } of kept) {
          expectVersion(tree, snapshot, then)
          expect(tree.get(snapshot, probe)).toEqual(then.get(toHex(probe)))
        }
        expectVersion(tree, tree.head, model)
        expect(tree.get(tree.head, probe)).toEqual(model.get(toHex(probe)))
        expect(tree.has(tree.head, probe)).toBe(model.has(toHex(probe)))
        // Nothing is lost and nothing is held twice: when all snapshots are gone, the present has what it needs.
        for (const { snapshot } of kept) tree.release(snapshot)
        expect(tree.usage).toMatchObject({ leaves: model.size, inner: Math.max(0, model.size - 1) })
        expectVersion(tree, tree.head, model)
      }),
      propertyRuns(200),
    )
  })

  it('proves each path present or absent, and never the other way', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 12, size: 'max' }), path, (paths, probe) => {
        const tree = new MapTree()
        for (const present of paths) tree.set(present, present.subarray(0, 4))
        const root = toHex(tree.hash(tree.head))
        for (const asked of [...paths, probe]) {
          const isPresent = tree.has(tree.head, asked)
          const proof = tree.prove(tree.head, asked)
          const valueHash = hashMapValue(asked.subarray(0, 4))
          const shows = (hash: Uint8Array | null): boolean => {
            const shown = hashProof(asked, hash, proof)
            return shown !== undefined && toHex(shown) === root
          }
          expect(shows(valueHash)).toBe(isPresent)
          expect(shows(null)).toBe(!isPresent)
          expect(shows(hashMapValue(Uint8Array.of(9)))).toBe(false)
        }
      }),
      propertyRuns(150),
    )
  })
})

const key: fc.Arbitrary<MapKey> = fc.tuple(fc.constantFrom('a', 'b'), fc.nat(15))

describe('the map', () => {
  it('has a root that depends on its entries alone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.option(fc.uint8Array({ maxLength: 8 }))), { maxLength: 40, size: 'max' }),
        fc.nat(),
        (changes, seed) => {
          const map = createAuthenticatedMap()
          map.apply(changes.map(([key, value]) => ({ key, value })))
          const entries = new Map(changes.map(([key, value]) => [JSON.stringify(key), { key, value }]))
          const present = [...entries.values()].filter(({ value }) => value !== null)
          const turned = present.toSorted(
            (left, right) => (((left.key[1] as number) * seed + 1) % 7) - (((right.key[1] as number) * seed + 1) % 7),
          )
          const other = createAuthenticatedMap()
          for (const { key, value } of turned) other.set(key, value as Uint8Array)
          expect(map.count).toBe(present.length)
          expect(toHex(map.root())).toBe(toHex(other.root()))
          for (const { key, value } of entries.values()) {
            expect(map.get(key) ?? null).toEqual(value)
            const claim = { root: map.root(), key, proof: map.prove(key) }
            expect(verifyMapProof({ ...claim, value })).toBe(true)
            expect(verifyMapProof({ ...claim, value: value === null ? new Uint8Array(0) : null })).toBe(false)
          }
        },
      ),
      propertyRuns(100),
    )
  })
})

describe('the arena of values', () => {
  const change = fc.record({
    owner: fc.nat(40),
    // Small cells, cells that fill a page unevenly, and cells with a page of their own.
    length: fc.oneof(fc.nat(40), fc.integer({ min: 200, max: 4_000 }), fc.constantFrom(16_376, 16_377, 40_000)),
    kind: fc.constantFrom('write' as const, 'free' as const),
  })

  it('keeps every value through all moving, and holds little more than what lives', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300, size: 'max' }), (changes) => {
        const addresses = new Map<number, number>()
        const values = new Map<number, Uint8Array>()
        const arena = new ValueArena((owner, address) => void addresses.set(owner, address))
        let pageBytes = 1_024
        for (const [number, { owner, length, kind }] of changes.entries()) {
          const address = addresses.get(owner)
          const value = new Uint8Array(length).fill(number)
          if (kind === 'write' && address !== undefined && arena.overwrite(address, value)) {
            values.set(owner, value)
            continue
          }
          if (address !== undefined) {
            arena.free(address)
            addresses.delete(owner)
            values.delete(owner)
          }
          if (kind === 'write') {
            addresses.set(owner, arena.write(owner, value))
            values.set(owner, value)
          }
          for (const [other, bytes] of values) {
            const stored = arena.view(addresses.get(other) as number)
            if (stored.length !== bytes.length || stored[0] !== bytes[0] || stored.at(-1) !== bytes.at(-1)) {
              expect.fail(`the value of ${other} changed at step ${number}`)
            }
          }
          const live = [...values.values()].reduce((sum, bytes) => sum + 16 + bytes.length, 0)
          pageBytes = Math.max(pageBytes, Math.min(262_144, 8 * live))
          expect(arena.byteCount).toBeLessThanOrEqual(Math.ceil((live * 4) / 3) + 2 * pageBytes)
        }
      }),
      propertyRuns(60),
    )
  })
})
