import { describe, expect, it } from 'vitest'

import { createView, type Committed, type LedgerView, type RefusalCode } from '../../src/chain/index.ts'
import { unwrap } from '../../src/errors.ts'
import type { Identity } from '../../src/identity/index.ts'
import type { Bytes, Verified } from '../../src/primitives/bytes.ts'
import { parseId, type TransactionId } from '../../src/primitives/ids.ts'
import {
  acknowledgeShare,
  evaluateShare,
  findClaim,
  findLicenceViolations,
  findListing,
  findListings,
} from '../../src/sharing/index.ts'
import {
  createTransaction,
  signTransaction,
  type Draft,
  type ShareBody,
  type Transaction,
} from '../../src/transactions/index.ts'
import { digest } from '../support/chain-fast.ts'
import {
  ann,
  bob,
  claimOn,
  DAY_MS,
  END_MS,
  exclusively,
  HOUR_MS,
  hospital,
  institute,
  payee,
  proxy,
  publication,
  START_MS,
} from '../support/sharing-world.ts'

const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown
const CHAIN = unwrap(parseId('chain', '11'.repeat(32)))
const OTHER_CHAIN = unwrap(parseId('chain', '22'.repeat(32)))

/** A ledger by what was committed; nothing is executed. */
function createLog(chainId = CHAIN) {
  const committed: Committed[] = []
  return {
    add(
      draft: Draft,
      by: Identity,
      at: { readonly timeMs: number; readonly untilMs?: number; readonly refused?: RefusalCode },
    ): TransactionId {
      const height = committed.length + 1
      const fields = { ...draft, sender: by.did, nonce: height, issuedAtMs: START_MS }
      const transaction = signTransaction(createTransaction(fields), { chainId, signer: by.signer })
      const receipt = { id: transaction.id, code: at.refused ?? null, untilMs: at.untilMs ?? null }
      committed.push({
        transaction: transaction as Verified<Transaction>,
        receipt,
        height,
        timeMs: at.timeMs,
        patient: by.did,
      })
      return transaction.id
    },
    view: (timeMs = committed.at(-1)?.timeMs ?? START_MS): LedgerView =>
      createView({ chainId, height: committed.length, timeMs, committed: [...committed] }),
  }
}

type Log = ReturnType<typeof createLog>

function share(
  log: Log,
  claim: TransactionId,
  body: Omit<ShareBody, 'claim'>,
  by: Identity,
  timeMs: number,
  untilMs?: number,
) {
  const draft = { kind: 'share', claim, ...body } as Draft<'share'>
  return log.add(draft, by, untilMs === undefined ? { timeMs } : { timeMs, untilMs })
}

/** A claim on its way up to a step. */
function claimUpTo(last: 'claim' | 'delegate' | 'convert' | 'dispute') {
  const log = createLog()
  const listing = log.add(publication(), institute, { timeMs: START_MS })
  const claim = log.add(claimOn(listing), ann, { timeMs: START_MS, untilMs: START_MS + HOUR_MS })
  const steps = ['claim', 'delegate', 'convert', 'dispute']
  const count = steps.indexOf(last)
  if (count >= 1) share(log, claim, { step: 'delegate' }, proxy, START_MS + 1, START_MS + HOUR_MS)
  if (count >= 2) {
    const body = { step: 'convert', converted: digest('converted') } as const
    share(log, claim, body, proxy, START_MS + 2, START_MS + 2 + 2 * HOUR_MS)
  }
  if (count >= 3) {
    const body = { step: 'dispute', evidence: digest('evidence') } as const
    share(log, claim, body, institute, START_MS + 3, START_MS + 3 + 3 * HOUR_MS)
  }
  return { log, listing, claim }
}

describe('where a claim stands', () => {
  it('names no dispute where the institution would be its own judge', () => {
    const log = createLog()
    const listing = log.add(publication({ issuers: [institute.did] }), institute, { timeMs: START_MS })
    const draft = claimOn(listing, { issuer: institute.did })
    const claim = log.add(draft, ann, { timeMs: START_MS, untilMs: START_MS + HOUR_MS })
    share(log, claim, { step: 'delegate' }, proxy, START_MS, START_MS + HOUR_MS)
    const body = { step: 'convert', converted: digest('converted') } as const
    share(log, claim, body, proxy, START_MS, START_MS + 2 * HOUR_MS)
    expect(unwrap(evaluateShare(log.view(), claim))).toMatchObject({
      next: [{ step: 'acknowledge', by: institute.did, untilMs: null }],
    })
  })

  it('names the next step, by whom and until when, and when it is too late', () => {
    const expected = {
      claim: ['claimed', HOUR_MS, { step: 'delegate', by: proxy.did }, 'refunded'],
      delegate: ['delegated', HOUR_MS, { step: 'convert', by: proxy.did }, 'refunded'],
      convert: ['converted', 2 + 2 * HOUR_MS, { step: 'dispute', by: institute.did }, 'settled'],
      dispute: ['disputed', 3 + 3 * HOUR_MS, { step: 'judge', by: hospital.did }, 'settled'],
    } as const
    for (const [last, [kind, afterMs, step, onClose]] of Object.entries(expected)) {
      const { log, claim } = claimUpTo(last as keyof typeof expected)
      const untilMs = START_MS + afterMs
      const thanks = kind === 'converted' ? [{ step: 'acknowledge', by: institute.did, untilMs: null }] : []
      const before = evaluateShare(log.view(), claim, { atMs: untilMs - 1 })
      const pending = { kind, claim, untilMs, onClose }
      expect(before).toEqual({
        ok: true,
        value: { ...pending, isOverdue: false, next: [...thanks, { ...step, untilMs }] },
      })
      // The view's own time where no other is given.
      expect(evaluateShare(log.view(untilMs), claim)).toEqual({
        ok: true,
        value: { ...pending, isOverdue: true, next: [...thanks, { step: 'close', by: 'anybody', untilMs: null }] },
      })
    }
  })

  it('names who was paid or refunded, and why', () => {
    const ends = [
      ['claim', { step: 'close' }, bob, { kind: 'refunded', because: 'not-converted' }],
      ['delegate', { step: 'close' }, bob, { kind: 'refunded', because: 'not-converted' }],
      ['convert', { step: 'close' }, ann, { kind: 'settled', because: 'institution-silent', payee: payee.did }],
      ['dispute', { step: 'close' }, ann, { kind: 'settled', because: 'issuer-silent', payee: payee.did }],
      ['dispute', { step: 'judge', verdict: 'as-attested' }, hospital, { kind: 'settled', because: 'as-attested' }],
      [
        'dispute',
        { step: 'judge', verdict: 'not-as-attested' },
        hospital,
        { kind: 'refunded', because: 'not-as-attested' },
      ],
      [
        'dispute',
        { step: 'judge', verdict: 'not-converted' },
        hospital,
        { kind: 'refunded', because: 'not-converted' },
      ],
    ] as const
    for (const [last, body, by, expected] of ends) {
      const { log, claim } = claimUpTo(last)
      const atMs = START_MS + DAY_MS
      const id = share(log, claim, body, by, atMs)
      const state = unwrap(evaluateShare(log.view(), claim))
      expect(state).toMatchObject({ ...expected, claim, by: id, amount: 100, atMs })
    }
    const { log, claim } = claimUpTo('convert')
    log.add(acknowledgeShare(log.view(), claim), institute, { timeMs: START_MS + 5 })
    expect(evaluateShare(log.view(), claim)).toMatchObject({ ok: true, value: { because: 'acknowledged' } })
    expect(() => acknowledgeShare(log.view(), claim)).toThrow(code('ERR_SHARING_STATE'))
  })

  it('is unknown for a claim that the ledger refused, or never saw', () => {
    const log = createLog()
    const listing = log.add(publication(), institute, { timeMs: START_MS })
    const refused = log.add(claimOn(listing), ann, { timeMs: START_MS, refused: 'ERR_SHARING_PROOF' })
    expect(evaluateShare(log.view(), refused)).toMatchObject({ ok: false, code: 'ERR_SHARING_STATE' })
    expect(evaluateShare(log.view(), listing)).toMatchObject({ ok: false, code: 'ERR_SHARING_STATE' })
    expect(findClaim(log.view(), refused)).toBe(undefined)
    expect(() => acknowledgeShare(log.view(), refused)).toThrow(code('ERR_SHARING_STATE'))
    // Nor is it acknowledged before it is converted; the signature of the acknowledgement is the claimant's.
    const { log: early, claim } = claimUpTo('delegate')
    expect(() => acknowledgeShare(early.view(), claim)).toThrow(code('ERR_SHARING_STATE'))
    const { log: ready, claim: converted } = claimUpTo('convert')
    const { signature } = findClaim(ready.view(), converted)!.claimed.transaction
    const body = { step: 'acknowledge', claim: converted, claimSignature: signature }
    expect(acknowledgeShare(ready.view(), converted)).toEqual({ kind: 'share', ...body })
  })
})

describe('listings', () => {
  it('are found by all keywords, however they are written, while they are open, and until they are sold out', () => {
    const log = createLog()
    const first = log.add(publication({ keywords: ['diabetes', 'glucose level'] }), institute, { timeMs: START_MS })
    const second = log.add(publication({ keywords: ['Diabète'.normalize('NFC')] }), bob, { timeMs: START_MS })
    const ids = (query: Partial<Parameters<typeof findListings>[1]> = {}, view = log.view()) =>
      findListings(view, { atMs: START_MS, ...query }).map(({ id }) => id)
    expect(ids()).toEqual([first, second])
    expect(ids({ keywords: ['DIABETES', '  glucose   LEVEL '] })).toEqual([first])
    expect(ids({ keywords: ['diabetes', 'insulin'] })).toEqual([])
    expect(ids({ keywords: ['DIABÈTE'.normalize('NFD')] })).toEqual([second])
    expect(ids({ institution: bob.did })).toEqual([second])
    expect(ids({ atMs: END_MS - 1 })).toEqual([first, second])
    expect(ids({ atMs: END_MS })).toEqual([])
    expect(findListing(log.view(), first)).toMatchObject({ id: first, institution: institute.did, chainId: CHAIN })
    expect(findListing(log.view(), digest('none') as unknown as TransactionId)).toBe(undefined)

    // Two shares; a refund gives one back, a sale does not.
    const sold = log.add(claimOn(first), ann, { timeMs: START_MS, untilMs: START_MS + HOUR_MS })
    expect(ids()).toEqual([first, second])
    log.add(claimOn(first), bob, { timeMs: START_MS, untilMs: START_MS + HOUR_MS })
    expect(ids()).toEqual([second])
    share(log, sold, { step: 'close' }, bob, START_MS + HOUR_MS)
    expect(ids()).toEqual([first, second])
    log.add({ kind: 'requirement', step: 'withdraw', listing: first }, institute, { timeMs: START_MS + HOUR_MS })
    expect(ids()).toEqual([second])
  })
})

describe('licences', () => {
  const nullifier = (byte: number) => new Uint8Array(32).fill(byte)
  /** An exclusive sale on a ledger of its own. */
  function sale(chainId: typeof CHAIN, at: { readonly fromMs: number; readonly recordNullifier: Bytes }) {
    const log = createLog(chainId)
    const terms = exclusively({ chainId }, HOUR_MS)
    const listing = log.add(publication(terms), institute, { timeMs: START_MS })
    const { fromMs, recordNullifier } = at
    const claim = log.add(claimOn(listing, { recordNullifier }), ann, { timeMs: fromMs, untilMs: fromMs + HOUR_MS })
    return { log, listing, claim }
  }

  it('that overlap on two ledgers are shown, with both sales; those that follow each other are not', () => {
    const first = sale(CHAIN, { fromMs: START_MS, recordNullifier: nullifier(1) })
    const late = sale(OTHER_CHAIN, { fromMs: START_MS + HOUR_MS - 1, recordNullifier: nullifier(1) })
    const after = sale(OTHER_CHAIN, { fromMs: START_MS + HOUR_MS, recordNullifier: nullifier(1) })
    const other = sale(OTHER_CHAIN, { fromMs: START_MS, recordNullifier: nullifier(2) })
    const find = (...sales: readonly { readonly log: Log }[]) =>
      findLicenceViolations(sales.map(({ log }) => log.view()))
    expect(find(first, late)).toEqual([
      {
        kind: 'sold',
        recordNullifier: '01'.repeat(32),
        first: {
          chainId: CHAIN,
          listing: first.listing,
          institution: institute.did,
          claim: first.claim,
          height: 2,
          fromMs: START_MS,
          untilMs: START_MS + HOUR_MS,
        },
        second: expect.objectContaining({ chainId: OTHER_CHAIN, claim: late.claim }) as unknown,
      },
    ])
    expect(find(late, first)).toEqual(find(first, late))
    expect(find(first, after)).toEqual([])
    expect(find(first, other)).toEqual([])
    expect(findLicenceViolations(first.log.view())).toEqual([])
    // A refund ends the licence.
    share(first.log, first.claim, { step: 'close' }, bob, START_MS + HOUR_MS - 1)
    expect(find(first, late)).toEqual([])
  })

  it('are not offended by an attempt without a proof, or by one that was refused for another reason', () => {
    const { log, listing } = sale(CHAIN, { fromMs: START_MS, recordNullifier: nullifier(1) })
    const again = claimOn(listing, { recordNullifier: nullifier(1) })
    log.add(again, bob, { timeMs: START_MS, refused: 'ERR_SHARING_EXCLUSIVE' })
    log.add(again, bob, { timeMs: START_MS, refused: 'ERR_SHARING_CLAIMED' })
    expect(findLicenceViolations(log.view())).toEqual([])
  })
})
