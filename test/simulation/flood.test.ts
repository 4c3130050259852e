import { describe, expect, it } from 'vitest'

import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import { createSigner, createVerifier } from '../../src/primitives/signature.ts'
import { flood, type Keys } from './nonsense.ts'

const signers = Array.from({ length: 4 }, (_, at) => createSigner(new Uint8Array(32).fill(at + 1)))

describe('a replica behind its inbox', () => {
  it.each([
    ['100,000', 'simulated signatures', createSimulatedKeys(4, 1), 100_000],
    ['300', 'secp256k1', { signers, verifier: createVerifier() }, 300],
  ] as [string, string, Keys, number][])('stands %s messages of nonsense, %s', (_, __, keys, count) => {
    const result = flood(keys, count, 1)
    const { taken, ignored, rejected, waiting, accused } = result
    // Each was taken, kept, ignored or rejected, and some of each.
    expect(taken + ignored + rejected + waiting).toBe(count)
    for (const some of [taken, ignored, rejected, waiting]) expect(some).toBeGreaterThan(0)
    expect(result.entriesMax).toBeLessThanOrEqual(result.entriesAllowed)
    expect(result.inboxMax).toBeLessThanOrEqual(result.inboxAllowed)
    // Only the member that signed nonsense, never one whose name was borrowed.
    expect([...accused]).toEqual([keys.signers[3]?.did])
  })
})
