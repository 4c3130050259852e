/**
 * The sharing contract against a small model: random parties take random steps at random times, and every answer, every
 * balance and every escrow is the one that the model gives. No money is made or lost.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  balanceOf,
  collectCommitted,
  createGenesis,
  createLedger,
  createView,
  escrowOf,
  type Committed,
  type Ledger,
} from '../../src/chain/index.ts'
import { unwrap } from '../../src/errors.ts'
import { secureSharingKinds, secureSharingRules } from '../../src/presets/index.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import {
  CLAIM_STATES,
  claimShape,
  evaluateShare,
  findListings,
  sharesLeftShape,
  sharingKeys,
} from '../../src/sharing/index.ts'
import type { Draft, PublishBody, ShareBody } from '../../src/transactions/index.ts'
import { believingVerifier, digest, emptySignature, forge, registration, START_MS } from '../support/chain-fast.ts'
import { party, seededRandom } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'
import {
  BUDGET,
  EXCLUSIVE_MS,
  isExclusive,
  MINUTE_MS,
  names,
  SharingModel,
  STEPS,
  studyOf,
  type Command,
  type Name,
  type Step,
} from '../support/sharing-model.ts'
import { claimOn, createTestKey, publication } from '../support/sharing-world.ts'
import { encodeZkObject } from '../../src/zk/index.ts'

const people = Object.fromEntries(names.map((name) => [name, party(name)])) as Record<Name, ReturnType<typeof party>>
const didOf = (name: Name) => people[name].did
const RIGHT: readonly (readonly [Name, Step])[] = [
  ['proxy', 'delegate'],
  ['proxy', 'delegate'],
  ['proxy', 'convert'],
  ['proxy', 'convert'],
  ['institute', 'acknowledge'],
  ['institute', 'dispute'],
  ['hospital', 'as-attested'],
  ['hospital', 'not-as-attested'],
  ['hospital', 'not-converted'],
  ['bob', 'close'],
]
/** Something to claim, or most histories would come to nothing. */
const PRELUDE: readonly Command[] = [50, 60, 70].map((price) => ({
  do: 'publish',
  price,
  shares: 3,
  forMs: 30 * MINUTE_MS,
}))
/** One history that meets every state, whatever the random ones meet. */
const WHOLE: Command[] = [
  ...[0, 1, 2, 3].map((of) => ({ do: 'claim' as const, by: 'ann' as const, of, person: 0, record: 0 })),
  ...RIGHT.filter(([, step]) => step !== 'acknowledge').map(([by, step]) => ({ do: 'step' as const, by, of: 0, step })),
  { do: 'wait', forMs: MINUTE_MS },
  ...[0, 1, 2].map((of) => ({ do: 'step' as const, by: 'bob' as const, of, step: 'close' as const })),
  { do: 'claim', by: 'bob', of: 1, person: 0, record: 0 },
  { do: 'claim', by: 'bob', of: 1, person: 0, record: 0 },
]
const anyone = fc.constantFrom(...names)
const index = fc.nat(2)
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('publish'),
      price: fc.constantFrom(0, 7, 100, 600),
      shares: fc.integer({ min: 1, max: 3 }),
      forMs: fc.constantFrom(0, 5 * MINUTE_MS, 30 * MINUTE_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('withdraw'),
      by: fc.constantFrom('institute', 'institute', 'ann'),
      of: index,
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('claim'),
      by: fc.constantFrom('ann', 'bob'),
      of: index,
      person: fc.nat(2),
      record: fc.nat(1),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('step'), by: anyone, of: fc.nat(4), step: fc.constantFrom(...STEPS) }),
  },
  // The right party takes the right step often enough for claims to get far.
  {
    weight: 24,
    arbitrary: fc.record({ of: fc.nat(1), pair: fc.constantFrom(...RIGHT) }).map(({ of, pair: [by, step] }) => ({
      do: 'step' as const,
      by,
      of,
      step,
    })),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      forMs: fc.constantFrom(1, 1_000, MINUTE_MS - 1, MINUTE_MS, 3 * MINUTE_MS),
    }),
  },
)

const key = encodeZkObject(createTestKey('ceremony'))
const witnesses = [didOf('hospital'), didOf('bob')].sort().map((account) => ({ account, signature: emptySignature }))
const genesis = createGenesis(
  {
    preset: 'test',
    kinds: secureSharingKinds,
    members: [{ did: didOf('hospital') }],
    timeMs: START_MS,
    balances: [{ account: didOf('institute'), amount: BUDGET }],
    parameters: { quotaPerMinute: 1_000_000 },
  },
  seededRandom('money'),
)
const rules = secureSharingRules({ verifyClaim: () => true })

function createRun() {
  const committed: Committed[] = []
  const ledger: Ledger = createLedger({ genesis, rules, verifier: believingVerifier })
  const send = (by: Name, draft: Draft, timeMs: number): { code: string | null; id: TransactionId } => {
    const nonce = ledger.nonceNext({ sender: didOf(by), delegate: 0 })
    const made = forge(genesis, draft, { sender: didOf(by), nonce, issuedAtMs: timeMs })
    const applied = ledger.applyBatch({ transactions: [made.bytes], timeMs })
    const { block, skipped } = applied
    if (skipped.length > 0) throw new Error(skipped[0]?.because)
    committed.push(...collectCommitted(applied))
    return { code: block.receipts[0]?.code ?? null, id: made.id }
  }
  for (const name of names) send(name, registration(people[name]), START_MS)
  return { ledger, send, committed }
}

function shareOf(step: Step, claim: TransactionId): ShareBody {
  switch (step) {
    case 'delegate':
    case 'close':
      return { step, claim }
    case 'convert':
      return { step, claim, converted: digest('converted') }
    case 'acknowledge':
      return { step, claim, claimSignature: emptySignature }
    case 'dispute':
      return { step, claim, evidence: digest('evidence') }
    default:
      return { step: 'judge', claim, verdict: step }
  }
}

const deadlines = { convertWithinMs: MINUTE_MS, answerWithinMs: 2 * MINUTE_MS, judgeWithinMs: 3 * MINUTE_MS }

test('random parties, steps and times: every answer is the contract’s, and no money is made or lost', () => {
  const reached = new Set<string>()
  fc.assert(
    fc.property(fc.array(command, { minLength: 20, maxLength: 60 }), (commands) => {
      const { ledger, send, committed } = createRun()
      const model = new SharingModel()
      const [listingIds, claimIds]: [TransactionId[], TransactionId[]] = [[], []]
      const nobody = digest('nobody')
      const idOf = (ids: readonly TransactionId[], at: number) =>
        ids[at] ?? (Buffer.from(nobody).toString('hex') as TransactionId)

      function run(each: Command): readonly [expected: string | null, found: string | null] {
        const { nowMs } = model
        switch (each.do) {
          case 'wait':
            model.nowMs += each.forMs
            return [null, null]
          case 'publish': {
            const number = listingIds.length
            const terms: Partial<PublishBody> = {
              study: digest(`study ${studyOf(number)}`),
              issuers: [didOf('hospital')],
              price: each.price,
              sharesMax: each.shares,
              expiresAtMs: nowMs + each.forMs,
              deadlines,
              ...(isExclusive(number) ? { exclusiveForMs: EXCLUSIVE_MS, verifyingKey: key, witnesses } : {}),
            }
            const expected = model.publish(each)
            const { code, id } = send('institute', publication(terms), nowMs)
            if (code === null) listingIds.push(id)
            return [expected, code]
          }
          case 'withdraw': {
            const listing = idOf(listingIds, each.of)
            return [
              model.withdraw(each.by, each.of),
              send(each.by, { kind: 'requirement', step: 'withdraw', listing }, nowMs).code,
            ]
          }
          case 'claim': {
            const { by, of, person, record } = each
            const expected = model.claim(each)
            const draft = claimOn(idOf(listingIds, of), {
              payee: didOf('payee'),
              proxy: didOf('proxy'),
              issuer: didOf('hospital'),
              expiresAtMs: START_MS + 365 * 86_400_000,
              studyNullifier: digest(`${person} ${studyOf(of)}`),
              recordNullifier: isExclusive(of) ? digest(`${person} record ${record}`) : null,
            })
            const { code, id } = send(by, draft, nowMs)
            if (code === null) claimIds.push(id)
            return [expected, code]
          }
          case 'step': {
            // Counted from the newest claim, whose deadlines are the likeliest to run.
            const at = claimIds.length - 1 - each.of
            const body = shareOf(each.step, idOf(claimIds, at))
            return [model.step(each.by, at, each.step), send(each.by, { kind: 'share', ...body }, nowMs).code]
          }
        }
      }

      for (const each of [...PRELUDE, ...commands]) {
        const [expected, found] = run(each)
        expect(found, JSON.stringify(each)).toBe(expected)
        reached.add(`${each.do} ${found}`)
        const { state } = ledger
        const balances = names.map((name) => balanceOf(state, didOf(name)))
        const escrows = [...listingIds, ...claimIds].map((id) => escrowOf(state, id) ?? 0)
        expect([...balances, ...escrows].reduce((sum, amount) => sum + amount, 0)).toBe(BUDGET)
        expect(balanceOf(state, didOf('payee'))).toBe(model.isPaid)
        for (const [at, listing] of model.listings.entries()) {
          const left = state.get(sharingKeys.sharesLeft(idOf(listingIds, at)), sharesLeftShape)
          expect(left).toBe(listing.isOpen ? listing.left : undefined)
          expect(escrowOf(state, idOf(listingIds, at))).toBe(listing.isOpen ? listing.left * listing.price : undefined)
        }
        for (const [at, claim] of model.claims.entries()) {
          const entry = state.get(sharingKeys.claim(idOf(claimIds, at)), claimShape)
          expect(entry?.state).toBe(claim.state)
          expect(entry?.untilMs).toBe(model.isPending(claim) ? claim.untilMs : null)
          expect(escrowOf(state, idOf(claimIds, at))).toBe(
            model.isPending(claim) ? model.priceOf(claim.listing) : undefined,
          )
          reached.add(claim.state)
        }
      }
      // Whoever follows transactions and receipts comes to the same end as the rules.
      const { height } = ledger.head()
      const view = createView({ chainId: genesis.chainId, height, timeMs: model.nowMs, committed })
      for (const [at, claim] of model.claims.entries()) {
        const { state, untilMs } = claim
        const followed = unwrap(evaluateShare(view, idOf(claimIds, at)))
        expect(followed).toMatchObject(model.isPending(claim) ? { kind: state, untilMs } : { kind: state })
      }
      const open = model.listings.flatMap(({ isOpen, left, expiresAtMs }, at) =>
        isOpen && left > 0 && model.nowMs < expiresAtMs ? [idOf(listingIds, at)] : [],
      )
      expect(findListings(view, { atMs: model.nowMs }).map(({ id }) => id)).toEqual(open)
    }),
    { ...propertyRuns(60), examples: [[WHOLE]] },
  )
  // What the histories must have met, or they prove little.
  for (const state of CLAIM_STATES) expect(reached).toContain(state)
  for (const code of ['CLAIMED', 'EXCLUSIVE', 'LISTING']) expect(reached).toContain(`claim ERR_SHARING_${code}`)
})
