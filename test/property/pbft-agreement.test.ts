import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { sha256 } from '../../src/primitives/hash.ts'
import { authenticateMessages, computeO, deriveQuorum } from '../../src/pbft/index.ts'
import { simulate, STRATEGIES, type Scenario } from '../../src/pbft/simulator/index.ts'
import { createGroup } from '../pbft/group.ts'
import { propertyRuns } from '../support/property.ts'

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  replicaCount: fc.constantFrom(4, 5),
  requestCount: fc.constant(8),
  byzantine: fc.array(fc.constantFrom(...STRATEGIES), { maxLength: 1 }),
  faults: fc.record({
    loss: fc.double({ min: 0, max: 0.3, noNaN: true }),
    crashes: fc.nat(3),
    partitions: fc.nat(4),
  }),
})

describe('a group with up to f faulty members', () => {
  it('agrees, loses nothing and comes to an end, whatever the network does', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        expect(simulate(scenario).violations).toEqual([])
      }),
      propertyRuns(10),
    )
  })
})

describe('authenticateMessages', () => {
  const { config, verifier } = createGroup(4)

  it('is total: any bytes are refused with a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const [result] = authenticateMessages([bytes], { config, verifier })
        expect(result?.ok).toBe(false)
      }),
      propertyRuns(),
    )
  })
})

interface Claim {
  readonly view: number
  readonly byte: number
}

const digest = (byte: number) => sha256(Uint8Array.of(byte))
const certificate = (sequence: number, { view, byte }: Claim) =>
  ({ view, sequence, digest: digest(byte), prePrepare: new Uint8Array(65), prepares: [] }) as never

describe('computeO', () => {
  /**
   * Number 1 was committed in some view: Q replicas prepared it there. f others, faulty ones, may claim any earlier
   * certificate, of which at most one digest a view can exist, or none. Any Q VIEW-CHANGEs lead to the committed batch.
   */
  it('keeps what was committed, whichever quorum speaks and whatever the others show', () => {
    const cases = fc.record({
      n: fc.constantFrom(4, 5, 6, 7, 10),
      committedView: fc.integer({ min: 1, max: 5 }),
      others: fc.array(fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }), { minLength: 10, maxLength: 10 }),
      order: fc.array(fc.nat(), { minLength: 10, maxLength: 10 }),
    })
    fc.assert(
      fc.property(cases, ({ n, committedView, others, order }) => {
        const { quorum, faultMax } = deriveQuorum(n)
        const claims = Array.from({ length: n }, (_, index): Claim | undefined => {
          // Of those who prepared what was committed, f may be faulty and show something older.
          if (index >= faultMax && index < quorum) return { view: committedView, byte: 100 }
          const view = others[index]
          return view === undefined || view >= committedView ? undefined : { view, byte: view }
        })
        const speaking = claims
          .map((claim, index) => ({ claim, key: order[index] ?? 0 }))
          .sort((left, right) => left.key - right.key)
          .slice(0, quorum)
        const bodies = speaking.map(({ claim }) => ({
          stable: 0,
          prepared: claim === undefined ? [] : [certificate(1, claim)],
        }))
        expect(computeO(bodies).order[0]).toEqual({ sequence: 1, digest: digest(100) })
      }),
      propertyRuns(),
    )
  })
})
