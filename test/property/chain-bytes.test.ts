import fc from 'fast-check'
import { expect, it } from 'vitest'

import {
  encodeBlock,
  encodeGenesis,
  encodeHeader,
  parseBlock,
  parseGenesis,
  parseHeader,
  type Block,
} from '../../src/chain/index.ts'
import type { Result } from '../../src/errors.ts'
import { ALL_TYPES_LABEL } from '../../src/primitives/label.ts'
import type { Draft } from '../../src/transactions/index.ts'
import {
  A,
  B,
  believe,
  createFastWorld,
  envelope,
  keyDraft,
  registration,
  START_MS,
  terms,
} from '../support/chain-fast.ts'
import { freshRecord } from '../support/chain-world.ts'
import { party } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'

/** For more runs than usual. */
const LONG_MS = 3_600_000
const [ann, bob, phone] = [party('ann'), party('bob'), party('phone')]
const role = { role: 'clinician', organisation: 'a\n0' } as const
const entry = () => ({ record: freshRecord(), label: A, epoch: 1 })

/** One transaction of each kind, in an order in which all are applied. */
const drafts: readonly (readonly [typeof ann, (last: ReturnType<typeof createFastWorld>['last']) => Draft])[] = [
  [ann, () => registration(ann)],
  [bob, () => registration(bob)],
  [ann, () => keyDraft({ epoch: 1, listed: [A, B, ALL_TYPES_LABEL].sort() })],
  [ann, () => ({ kind: 'access', patient: ann.did, grantee: role, grants: [terms([A])], supersedes: null })],
  [ann, () => ({ kind: 'access', patient: ann.did, grantee: bob.did, grants: [terms([A, B])], supersedes: null })],
  [
    ann,
    () => ({
      kind: 'delegate',
      slot: 1,
      signingKey: phone.did,
      agreement: phone.keys.agreement,
      rights: ['publish'],
      notAfterMs: START_MS + 1_000,
    }),
  ],
  [ann, () => ({ kind: 'iot', ...entry() })],
  [bob, () => ({ kind: 'data', mode: 'read', patient: ann.did, label: A, record: null, purpose: 'TREAT' })],
  [ann, () => ({ kind: 'transfer', payee: bob.did, amount: 3, memo: null })],
]

function build() {
  const world = createFastWorld({ people: [], balances: [{ account: ann.did, amount: 10 }] })
  const all = drafts.map(([by, draft]) => {
    const made = world.forge(by.did, draft(world.last))
    world.block([made])
    return made
  })
  // What needs the ids of those before.
  const extension = keyDraft({
    mode: 'extend',
    epoch: 1,
    previous: (all[2] as (typeof all)[0]).id,
    listed: [A],
    own: [1],
    envelopes: [envelope(1, { handed: [{ epoch: 1, label: B }] })],
  })
  const later: (readonly [typeof ann, Draft])[] = [
    [ann, extension],
    [bob, { kind: 'diagnosis', causes: [(all[6] as (typeof all)[0]).id], ...entry() }],
    [bob, { kind: 'data', mode: 'write', patient: ann.did, ...entry() }],
  ]
  for (const [by, draft] of later) {
    const made = world.forge(by.did, draft)
    expect(world.block([made]).block.receipts[0]?.code).toBe(null)
    all.push(made)
  }
  return { genesis: world.genesis, transactions: all.map(({ bytes }) => bytes) }
}

const { genesis, transactions } = build()
const edits = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 6 })

it(
  'executes whatever comes without throwing, and alike on a replica that saw it before',
  () => {
    let applied = 0
    fc.assert(
      fc.property(
        edits,
        fc.array(fc.nat(transactions.length - 1), { maxLength: 4 }),
        fc.nat(3),
        (changes, again, cut) => {
          const batch = [...transactions, ...again.map((index) => transactions[index] as Uint8Array)].map((bytes) =>
            Uint8Array.from(bytes),
          )
          for (const [which, at, by] of changes) {
            const bytes = batch[which % batch.length] as Uint8Array
            bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ by
          }
          const [fresh, seen] = [believe(genesis), believe(genesis)]
          const middle = Math.min(batch.length, 3 + cut)
          for (const part of [batch.slice(0, middle), batch.slice(middle)]) {
            for (const bytes of part) seen.admit(bytes, { timeMs: START_MS })
            const one = fresh.applyBatch({ transactions: part, timeMs: START_MS })
            expect(seen.applyBatch({ transactions: part, timeMs: START_MS }).headerDigest).toEqual(one.headerDigest)
            expect(parseBlock(encodeBlock(one.block)).ok).toBe(true)
            applied += one.block.header.count
          }
        },
      ),
      propertyRuns(60),
    )
    expect(applied).toBeGreaterThan(0)
  },
  LONG_MS,
)

it(
  'reads no two byte strings as one object',
  () => {
    const ledger = believe(genesis)
    const { block } = ledger.applyBatch({ transactions, timeMs: START_MS })
    const samples: readonly (readonly [
      Uint8Array,
      (bytes: Uint8Array) => Result<unknown>,
      (value: never) => Uint8Array,
    ])[] = [
      [encodeBlock(block), parseBlock, (value: Block) => encodeBlock(value)],
      [encodeHeader(block.header), parseHeader, encodeHeader],
      [encodeGenesis(genesis), parseGenesis, encodeGenesis],
    ]
    fc.assert(
      fc.property(fc.constantFrom(...samples), edits, ([bytes, parse, encode], changes) => {
        const changed = Uint8Array.from(bytes)
        for (const [, at, by] of changes) changed[at % changed.length] = (changed[at % changed.length] as number) ^ by
        const parsed = parse(changed)
        if (parsed.ok) expect(encode(parsed.value as never)).toEqual(changed)
        else expect(parsed.code).toMatch(/^ERR_CODEC_/)
      }),
      propertyRuns(200),
    )
  },
  LONG_MS,
)
