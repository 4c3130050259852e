/** The sharing contract in as few words as possible: money is counted, not moved. For tests that compare it with the rules. */

import { START_MS } from './chain-fast.ts'

export const MINUTE_MS = 60_000
export const BUDGET = 1_000
export const names = ['institute', 'hospital', 'proxy', 'ann', 'bob', 'payee'] as const
export type Name = (typeof names)[number]
export const STEPS = [
  'delegate',
  'convert',
  'acknowledge',
  'dispute',
  'as-attested',
  'not-as-attested',
  'not-converted',
  'close',
] as const
export type Step = (typeof STEPS)[number]

export type Command =
  | { readonly do: 'publish'; readonly price: number; readonly shares: number; readonly forMs: number }
  | { readonly do: 'withdraw'; readonly by: Name; readonly of: number }
  | {
      readonly do: 'claim'
      readonly by: 'ann' | 'bob'
      readonly of: number
      readonly person: number
      readonly record: number
    }
  | { readonly do: 'step'; readonly by: Name; readonly of: number; readonly step: Step }
  | { readonly do: 'wait'; readonly forMs: number }

/** Every third listing is not exclusive, the others for four minutes; all are of their own study, but for the first two. */
export const studyOf = (listing: number) => (listing < 2 ? 0 : listing)
export const isExclusive = (listing: number) => listing % 3 !== 0
export const EXCLUSIVE_MS = 4 * MINUTE_MS

interface ModelListing {
  readonly price: number
  readonly expiresAtMs: number
  readonly shares: number
  left: number
  isOpen: boolean
}
interface ModelClaim {
  readonly listing: number
  readonly person: string
  readonly record: string | null
  state: 'claimed' | 'delegated' | 'converted' | 'disputed' | 'settled' | 'refunded'
  untilMs: number
}

/** The institution's money, its listings, and the claims on them. */
export class SharingModel {
  nowMs = START_MS
  readonly listings: ModelListing[] = []
  readonly claims: ModelClaim[] = []
  readonly persons = new Map<string, ModelClaim>()
  readonly licences = new Map<string, { readonly of: ModelClaim; readonly untilMs: number }>()

  get isPaid(): number {
    return this.claims.reduce((sum, { state, listing }) => sum + (state === 'settled' ? this.priceOf(listing) : 0), 0)
  }

  /** What the institution has: all that is neither paid nor locked. */
  get free(): number {
    const locked = this.listings.reduce((sum, { left, isOpen, price }) => sum + (isOpen ? left * price : 0), 0)
    const held = this.claims.reduce((sum, claim) => sum + (this.isPending(claim) ? this.priceOf(claim.listing) : 0), 0)
    return BUDGET - locked - held - this.isPaid
  }

  priceOf(listing: number): number {
    return (this.listings[listing] as ModelListing).price
  }

  isPending({ state }: ModelClaim): boolean {
    return state !== 'settled' && state !== 'refunded'
  }

  publish({ price, shares, forMs }: Extract<Command, { do: 'publish' }>): string | null {
    if (forMs === 0) return 'ERR_SHARING_TERMS'
    if (price * shares > this.free) return 'ERR_CHAIN_BALANCE'
    this.listings.push({ price, shares, left: shares, isOpen: true, expiresAtMs: this.nowMs + forMs })
    return null
  }

  withdraw(by: Name, of: number): string | null {
    const listing = this.listings[of]
    if (listing?.isOpen !== true) return 'ERR_SHARING_LISTING'
    if (by !== 'institute') return 'ERR_SHARING_STATE'
    listing.isOpen = false
    return null
  }

  claim({ of, person: who, record: what }: Extract<Command, { do: 'claim' }>): string | null {
    const listing = this.listings[of]
    if (listing === undefined || !listing.isOpen || listing.left === 0 || this.nowMs >= listing.expiresAtMs)
      return 'ERR_SHARING_LISTING'
    const person = `${who} ${studyOf(of)}`
    const record = isExclusive(of) ? `${who} ${what}` : null
    if (this.persons.has(person)) return 'ERR_SHARING_CLAIMED'
    if (record !== null && this.nowMs < (this.licences.get(record)?.untilMs ?? 0)) return 'ERR_SHARING_EXCLUSIVE'
    const claim: ModelClaim = { listing: of, person, record, state: 'claimed', untilMs: this.nowMs + MINUTE_MS }
    listing.left -= 1
    this.claims.push(claim)
    this.persons.set(person, claim)
    if (record !== null) this.licences.set(record, { of: claim, untilMs: this.nowMs + EXCLUSIVE_MS })
    return null
  }

  step(by: Name, of: number, step: Step): string | null {
    const claim = this.claims[of]
    if (claim === undefined) return 'ERR_SHARING_STATE'
    const isLate = this.nowMs >= claim.untilMs
    const go = (state: ModelClaim['state'], forMs?: number): null => {
      claim.state = state
      if (forMs !== undefined) claim.untilMs = this.nowMs + forMs
      if (state === 'refunded') this.refund(claim, step === 'not-as-attested')
      return null
    }
    const { state } = claim
    if (step === 'delegate' && by === 'proxy' && state === 'claimed' && !isLate) return go('delegated')
    if (step === 'convert' && by === 'proxy' && state === 'delegated' && !isLate) return go('converted', 2 * MINUTE_MS)
    if (step === 'acknowledge' && by === 'institute' && state === 'converted') return go('settled')
    if (step === 'dispute' && by === 'institute' && state === 'converted' && !isLate)
      return go('disputed', 3 * MINUTE_MS)
    if (step === 'as-attested' && by === 'hospital' && state === 'disputed' && !isLate) return go('settled')
    const isRefund = step === 'not-as-attested' || step === 'not-converted'
    if (isRefund && by === 'hospital' && state === 'disputed' && !isLate) return go('refunded')
    if (step === 'close' && this.isPending(claim) && isLate)
      return go(state === 'claimed' || state === 'delegated' ? 'refunded' : 'settled')
    return 'ERR_SHARING_STATE'
  }

  refund(claim: ModelClaim, isVerdict: boolean): void {
    const listing = this.listings[claim.listing] as ModelListing
    if (listing.isOpen && this.nowMs < listing.expiresAtMs) listing.left += 1
    if (!isVerdict) this.persons.delete(claim.person)
    if (claim.record !== null && this.licences.get(claim.record)?.of === claim) this.licences.delete(claim.record)
  }
}
