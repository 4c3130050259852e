/**
 * The reference model of one patient's epochs: what a ledger should answer, said as plainly as possible.
 *
 * Nothing of `src` is used but types. Coverage is looked up type by type and moment by moment; `Z` stands for every type
 * that no grant names.
 */

export const TYPES = ['A', 'B', 'C'] as const
export type ModelType = (typeof TYPES)[number]
const UNIVERSE = [...TYPES, 'Z'] as const
export type Doctor = 'bob' | 'carol' | 'dave'
export type ModelGrantee = Doctor | 'role'
export type ModelAction = 'access' | 'write'

export interface Term {
  readonly types: readonly ModelType[] | 'all'
  readonly actions: readonly ModelAction[]
  readonly effect: 'permit' | 'deny'
  readonly fromMs: number
  readonly untilMs: number
}

export interface Slot {
  isFilled: boolean
  rights: readonly ('publish' | 'rotate' | 'grant')[]
  hasAgreement: boolean
  untilMs: number
  nonce: number
  keyEpoch: number
}

interface Holder {
  readonly epoch: number
  readonly types: ReadonlySet<ModelType> | 'all'
}

interface KeyChange {
  readonly mode: 'rotate' | 'extend'
  readonly isPreviousRight: boolean
  readonly epoch: number
  readonly labels: readonly ModelType[]
  readonly to: readonly { readonly doctor: Doctor; readonly handed: readonly ModelType[] }[]
  readonly delegates: readonly number[]
}

const contains = (outer: Term['types'], type: (typeof UNIVERSE)[number]) =>
  outer === 'all' || (outer as readonly string[]).includes(type)

/** The patient's affairs. Role grants reach Dave, until his credential ends. */
export class ChainModel {
  nowMs: number
  readonly endlessMs = 8_640_000_000_000_000
  readonly credentialEndMs: number
  readonly grants = new Map<ModelGrantee, readonly Term[]>()
  readonly slots: Slot[]
  readonly holders = new Map<Doctor, Holder>()
  epoch = 0
  mustRotate = false
  notAfterMs = 0
  readonly listed = new Map<ModelType, number>()

  constructor(nowMs: number, credentialEndMs: number) {
    this.nowMs = nowMs
    this.credentialEndMs = credentialEndMs
    const account = { isFilled: true, rights: ['publish', 'rotate', 'grant'] as const, hasAgreement: true }
    this.slots = [{ ...account, untilMs: this.endlessMs, nonce: 0, keyEpoch: 0 }]
    for (let slot = 1; slot <= 2; slot++) {
      this.slots.push({ isFilled: false, rights: [], hasAgreement: false, untilMs: 0, nonce: 0, keyEpoch: 0 })
    }
  }

  private termsOf(doctor: Doctor, action: ModelAction): readonly Term[] {
    const role = doctor === 'dave' ? (this.grants.get('role') ?? []) : []
    const clipped = role.map((term) => ({ ...term, untilMs: Math.min(term.untilMs, this.credentialEndMs) }))
    return [...(this.grants.get(doctor) ?? []), ...clipped].filter(({ actions }) => actions.includes(action))
  }

  /** The types that a doctor may use at a moment. */
  covered(doctor: Doctor, action: ModelAction, atMs: number): ReadonlySet<string> {
    const live = this.termsOf(doctor, action).filter(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs)
    const says = (effect: Term['effect'], type: (typeof UNIVERSE)[number]) =>
      live.some((term) => term.effect === effect && contains(term.types, type))
    return new Set(UNIVERSE.filter((type) => says('permit', type) && !says('deny', type)))
  }

  /** The first moment at which something that is covered now no longer is. */
  private coveredUntil(doctor: Doctor, action: ModelAction): number {
    const now = this.covered(doctor, action, this.nowMs)
    const moments = this.termsOf(doctor, action).flatMap(({ fromMs, untilMs }) => [fromMs, untilMs])
    const later = moments.filter((moment) => moment > this.nowMs).sort((a, b) => a - b)
    return later.find((at) => [...now].some((type) => !this.covered(doctor, action, at).has(type))) ?? this.endlessMs
  }

  /** What a doctor may hold now, and until when; undefined when nothing at all. */
  private holdable(doctor: Doctor): { readonly types: ReadonlySet<string>; readonly untilMs: number } | undefined {
    for (const action of ['access', 'write'] as const) {
      const types = this.covered(doctor, action, this.nowMs)
      if (types.size > 0)
        return { types: action === 'access' ? types : new Set(), untilMs: this.coveredUntil(doctor, action) }
    }
    return undefined
  }

  /** Why a delegate's transaction stays out of blocks, if so. */
  skip(slot: number, right: Slot['rights'][number]): string | undefined {
    const { isFilled, untilMs, rights } = this.slots[slot] as Slot
    if (!isFilled) return 'unknown-account'
    return this.nowMs >= untilMs || !rights.includes(right) ? 'delegate' : undefined
  }

  access(grantee: ModelGrantee, terms: readonly Term[], isPreviousRight: boolean): string | null {
    if (terms.length > 0 && !isPreviousRight) return 'ERR_CHAIN_PREVIOUS'
    const before = this.grants.get(grantee) ?? []
    this.grants.set(grantee, terms)
    if (grantee === 'role') {
      if (this.epoch > 0 && this.narrowsRole(before, terms)) this.mustRotate = true
      return null
    }
    const holder = this.holders.get(grantee)
    if (this.epoch === 0 || holder?.epoch !== this.epoch) return null
    const holdable = this.holdable(grantee)
    const held = holder.types === 'all' ? UNIVERSE : [...holder.types]
    if (holdable === undefined || held.some((type) => !holdable.types.has(type))) this.mustRotate = true
    else this.notAfterMs = Math.min(this.notAfterMs, holdable.untilMs)
    return null
  }

  /** Sets of at most one grant: the new one says less, or denies more. */
  private narrowsRole([before]: readonly Term[], [after]: readonly Term[]): boolean {
    const live = (term: Term | undefined, effect: Term['effect']) =>
      term?.effect === effect && term.untilMs > this.nowMs
        ? { ...term, fromMs: Math.max(term.fromMs, this.nowMs) }
        : undefined
    const isWithin = (inner: Term | undefined, outer: Term | undefined) =>
      inner === undefined ||
      (outer !== undefined &&
        outer.fromMs <= inner.fromMs &&
        inner.untilMs <= outer.untilMs &&
        inner.actions.every((action) => outer.actions.includes(action)) &&
        (outer.types === 'all' || (inner.types !== 'all' && inner.types.every((type) => contains(outer.types, type)))))
    return (
      !isWithin(live(before, 'permit'), live(after, 'permit')) || !isWithin(live(after, 'deny'), live(before, 'deny'))
    )
  }

  key({ mode, isPreviousRight, epoch, labels, to, delegates }: KeyChange): string | null {
    if (!isPreviousRight) return 'ERR_CHAIN_PREVIOUS'
    if (epoch !== this.epoch + (mode === 'rotate' ? 1 : 0)) return 'ERR_CHAIN_EPOCH'
    if (mode === 'extend' && this.mustRotate) return 'ERR_CHAIN_MUST_ROTATE'
    if (mode === 'extend' && this.nowMs >= this.notAfterMs) return 'ERR_CHAIN_EPOCH_ENDED'
    const ends = [mode === 'extend' ? this.notAfterMs : this.endlessMs]
    const held = new Map<Doctor, Holder>()
    for (const { doctor, handed } of to) {
      const holdable = this.holdable(doctor)
      if (holdable === undefined || handed.some((type) => !holdable.types.has(type))) return 'ERR_CHAIN_RECIPIENT'
      const known = this.holders.get(doctor)
      const before = known?.epoch === epoch ? known.types : new Set<ModelType>()
      const isAll = before === 'all' || UNIVERSE.every((type) => holdable.types.has(type))
      const given = [...labels, ...handed].filter((type) => holdable.types.has(type))
      held.set(doctor, { epoch, types: isAll ? 'all' : new Set([...(before as Iterable<ModelType>), ...given]) })
      ends.push(holdable.untilMs)
    }
    for (const slot of delegates) {
      const { isFilled, hasAgreement, untilMs } = this.slots[slot] as Slot
      if (!isFilled || this.nowMs >= untilMs || !hasAgreement) return 'ERR_CHAIN_SLOT'
      ends.push(untilMs)
    }
    for (const slot of delegates) (this.slots[slot] as Slot).keyEpoch = epoch
    for (const [doctor, holder] of held) this.holders.set(doctor, holder)
    for (const type of labels) this.listed.set(type, epoch)
    this.epoch = epoch
    this.mustRotate = false
    this.notAfterMs = Math.min(...ends)
    return null
  }

  /** A record under a type key. */
  write(type: ModelType, epoch: number): string | null {
    if (this.epoch === 0 || epoch !== this.epoch) return 'ERR_CHAIN_EPOCH'
    if (this.mustRotate) return 'ERR_CHAIN_MUST_ROTATE'
    if (this.nowMs >= this.notAfterMs) return 'ERR_CHAIN_EPOCH_ENDED'
    return this.listed.get(type) === epoch ? null : 'ERR_CHAIN_LABEL'
  }

  /** A record under a doctor's own key: his grant and the epoch, nothing else. */
  staffWrite(doctor: Doctor, type: ModelType, epoch: number): string | null {
    if (this.epoch === 0 || epoch !== this.epoch) return 'ERR_CHAIN_EPOCH'
    if (this.holders.get(doctor)?.epoch !== epoch) return 'ERR_CHAIN_RECIPIENT'
    return this.covered(doctor, 'write', this.nowMs).has(type) ? null : 'ERR_POLICY_DENIED'
  }

  read(doctor: Doctor, type: ModelType): string | null {
    return this.covered(doctor, 'access', this.nowMs).has(type) ? null : 'ERR_POLICY_DENIED'
  }

  delegate(slot: number, change: Pick<Slot, 'rights' | 'hasAgreement' | 'untilMs'> | undefined): null {
    const old = this.slots[slot] as Slot
    if (old.keyEpoch > 0 && old.keyEpoch === this.epoch) this.mustRotate = true
    const empty = { rights: [], hasAgreement: false, untilMs: 0 }
    Object.assign(old, change ?? empty, { isFilled: change !== undefined, keyEpoch: 0 })
    return null
  }

  /** Who could open a record of this type under the current epoch and may not read it: must be empty for what is accepted. */
  intruders(type: ModelType): readonly string[] {
    const doctors = [...this.holders].flatMap(([doctor, { epoch, types }]) => {
      const isHeld = epoch === this.epoch && (types === 'all' || types.has(type))
      return isHeld && !this.covered(doctor, 'access', this.nowMs).has(type) ? [doctor] : []
    })
    const delegates = this.slots.flatMap(({ isFilled, untilMs, keyEpoch }, slot) =>
      keyEpoch === this.epoch && keyEpoch > 0 && (!isFilled || this.nowMs >= untilMs) ? [`delegate ${slot}`] : [],
    )
    return [...doctors, ...delegates]
  }
}
