import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createGenesis, RULES, type Genesis, type Ledger } from '../../src/chain/index.ts'
import { createCredential } from '../../src/identity/index.ts'
import type { GrantTerms } from '../../src/policy/index.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createId, type TransactionId } from '../../src/primitives/ids.ts'
import type { Label } from '../../src/primitives/label.ts'
import type { Draft } from '../../src/transactions/index.ts'
import { believe, emptySignature, forge } from '../support/chain-fast.ts'
import {
  ChainModel,
  TYPES,
  type Doctor,
  type ModelGrantee,
  type ModelType,
  type Slot,
  type Term,
} from '../support/chain-model.ts'
import { freshRecord, labeler, START_MS } from '../support/chain-world.ts'
import { party, seededRandom } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'

const STEP_MS = 1_000
const CREDENTIAL_STEPS = 12
const DOCTORS = ['bob', 'carol', 'dave'] as const
const RIGHTS = ['publish', 'rotate', 'grant'] as const
const role = { role: 'clinician', organisation: 'hospital.example' } as const
const [ann, clerk, node] = [party('ann'), party('clerk'), party('node')]
const doctors = { bob: party('bob'), carol: party('carol'), dave: party('dave') }
const devices = [party('device 1'), party('device 2')]
const labelOf = (type: ModelType): Label => labeler.label(`http://example.org|${type}`)
const labels = (types: readonly ModelType[]) => types.map(labelOf).sort()
const digest = (text: string) => sha256(toUtf8(text))
const genesis: Genesis = createGenesis(
  {
    preset: 'test',
    kinds: Object.keys(RULES),
    members: [{ did: node.did }],
    timeMs: START_MS,
    registrars: [clerk.did],
  },
  seededRandom('chain model'),
)

type Command =
  | {
      readonly do: 'access'
      readonly slot: number
      readonly grantee: ModelGrantee
      readonly terms: readonly RelativeTerm[]
    }
  | {
      readonly do: 'key'
      readonly slot: number
      readonly mode: 'rotate' | 'extend'
      readonly labels: readonly ModelType[]
      readonly to: readonly { readonly doctor: Doctor; readonly handed: readonly ModelType[] }[]
      readonly delegates: readonly number[]
      /** Names everybody that may hold something, as an honest owner's client does. */
      readonly isHonest: boolean
    }
  | { readonly do: 'write'; readonly slot: number; readonly type: ModelType; readonly isStale: boolean }
  | { readonly do: 'staff'; readonly doctor: Doctor; readonly type: ModelType; readonly isDiagnosis: boolean }
  | { readonly do: 'read'; readonly doctor: Doctor; readonly type: ModelType }
  | { readonly do: 'delegate'; readonly slot: number; readonly fill: RelativeSlot | null }
  | { readonly do: 'advance'; readonly steps: number }
  | { readonly do: 'restart' }
  | { readonly do: 'block' }
/** Once in a while a transaction names a predecessor that is not the last one. */
type Sent = Command & { readonly isPreviousRight: boolean }

interface RelativeTerm extends Pick<Term, 'types' | 'actions' | 'effect'> {
  readonly from: number
  readonly steps: number
}
interface RelativeSlot extends Pick<Slot, 'rights' | 'hasAgreement'> {
  readonly steps: number
}

const type = fc.constantFrom(...TYPES)
const doctor = fc.constantFrom<Doctor[]>('bob', 'bob', 'bob', 'bob', 'carol', 'dave')
const slot = fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2)
const term: fc.Arbitrary<RelativeTerm> = fc.record({
  types: fc.oneof(fc.subarray([...TYPES], { minLength: 1 }), fc.constantFrom([...TYPES], 'all' as const)),
  actions: fc.constantFrom(['access'] as const, ['access', 'write'] as const, ['write'] as const),
  effect: fc.constantFrom<Term['effect'][]>('permit', 'permit', 'permit', 'permit', 'permit', 'deny'),
  from: fc.constantFrom(-1, 0, 0, 0, 0, 2),
  steps: fc.integer({ min: 2, max: 15 }),
})
const access = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('access' as const),
      slot,
      grantee: doctor,
      terms: fc.oneof(
        { weight: 1, arbitrary: fc.constant([]) },
        { weight: 5, arbitrary: fc.array(term, { minLength: 1, maxLength: 2 }) },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('access' as const),
      slot,
      grantee: fc.constant('role' as const),
      terms: fc.array(term, { maxLength: 1 }),
    }),
  },
)
const key = fc.record({
  do: fc.constant('key' as const),
  slot,
  mode: fc.constantFrom('rotate' as const, 'extend' as const),
  labels: fc.subarray([...TYPES]),
  to: fc.uniqueArray(fc.record({ doctor, handed: fc.subarray([...TYPES], { maxLength: 1 }) }), {
    selector: (each) => each.doctor,
    maxLength: 3,
  }),
  delegates: fc.subarray([1, 2], { maxLength: 2 }),
  isHonest: fc.constantFrom(true, true, false),
})
const command: fc.Arbitrary<Command> = fc.oneof(
  // First, and nothing but a border: failures shrink to it.
  { withCrossShrink: true },
  { weight: 3, arbitrary: fc.constant({ do: 'block' as const }) },
  { weight: 8, arbitrary: access },
  { weight: 7, arbitrary: key },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      slot,
      type,
      isStale: fc.constantFrom(false, false, false, false, true),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('staff' as const), doctor, type, isDiagnosis: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read' as const), doctor, type }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('delegate' as const),
      slot: fc.constantFrom(1, 2),
      fill: fc.option(
        fc.record({
          rights: fc.constantFrom(['publish'] as const, ['publish', 'rotate'] as const, RIGHTS),
          hasAgreement: fc.constantFrom(true, true, true, false),
          steps: fc.integer({ min: 1, max: 12 }),
        }),
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), steps: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
)
const sent: fc.Arbitrary<Sent> = fc
  .tuple(command, fc.integer({ min: 0, max: 19 }))
  .map(([one, dice]) => ({ ...one, isPreviousRight: dice > 0 }))

/** Half of what can go wrong needs somebody who holds keys: Bob does, at the beginning. */
const OPENING: readonly Sent[] = [
  {
    do: 'access',
    slot: 0,
    grantee: 'bob',
    terms: [{ types: [...TYPES], actions: ['access', 'write'], effect: 'permit', from: 0, steps: 15 }],
    isPreviousRight: true,
  },
  {
    do: 'key',
    slot: 0,
    mode: 'rotate',
    labels: [...TYPES],
    to: [],
    delegates: [],
    isHonest: true,
    isPreviousRight: true,
  },
]

/** A ledger, the model beside it, and what was sent but is in no block yet. */
class Run {
  readonly model = new ChainModel(START_MS, START_MS + CREDENTIAL_STEPS * STEP_MS)
  readonly #nonces = new Map<string, number>()
  readonly #sets = new Map<ModelGrantee, TransactionId>()
  #ledger: Ledger = believe(genesis)
  #twin: Ledger = believe(genesis)
  #batch: { readonly bytes: Uint8Array; readonly expected: string | null }[] = []
  #latest: TransactionId | null = null
  #cause: TransactionId | null = null
  readonly outcomes: string[] = []

  constructor() {
    const people = [clerk, ann, ...Object.values(doctors)]
    for (const { did, keys } of people) {
      const credential = { kind: 'E-Cert', issuer: clerk.did, subject: did, ...role } as const
      const window = { notBeforeMs: START_MS, notAfterMs: this.model.credentialEndMs }
      const isStaff = did === doctors.dave.did
      const credentials = isStaff
        ? [{ ...createCredential({ ...credential, ...window }), signature: emptySignature }]
        : []
      this.#send(
        clerk.did,
        { kind: 'register', operation: 'add', subject: did, keys, credentials, previousSignature: null },
        null,
      )
    }
    this.flush()
  }

  #send(sender: typeof ann.did, draft: Draft, expected: string | null, delegate = 0): TransactionId {
    const lane = `${sender} ${delegate}`
    const nonce = this.#nonces.get(lane) ?? 0
    const { bytes, id } = forge(genesis, draft, { sender, delegate, nonce, issuedAtMs: this.model.nowMs })
    if (expected === null || expected.startsWith('ERR_')) this.#nonces.set(lane, nonce + 1)
    this.#batch.push({ bytes, expected })
    return id
  }

  /** Makes a block of what waits, compares receipts, and the replica that never restarted. */
  flush(): void {
    const transactions = this.#batch.map(({ bytes }) => bytes)
    const applied = this.#ledger.applyBatch({ transactions, timeMs: this.model.nowMs })
    const reasons = new Map(applied.skipped.map(({ index, because }) => [index, because]))
    const receipts = applied.block.receipts.values()
    const found = transactions.map((_, index) => reasons.get(index) ?? receipts.next().value?.code ?? null)
    expect(found).toEqual(this.#batch.map(({ expected }) => expected))
    const twin = this.#twin.applyBatch({ transactions, timeMs: this.model.nowMs })
    expect(twin.headerDigest).toEqual(applied.headerDigest)
    this.#batch = []
  }

  run(one: Sent): void {
    const { model } = this
    switch (one.do) {
      case 'advance':
        this.flush()
        model.nowMs += one.steps * STEP_MS
        return
      case 'block':
        this.flush()
        return
      case 'restart': {
        this.flush()
        const chunks = [...this.#ledger.snapshot()]
        const restored = believe(genesis)
        expect(restored.restore(chunks, this.#ledger.head()).ok).toBe(true)
        this.#ledger = restored
        return
      }
      case 'access':
        this.#access(one)
        return
      case 'key':
        this.#key(one)
        return
      case 'write': {
        const epoch = Math.max(1, model.epoch - (one.isStale ? 1 : 0))
        const expected = model.skip(one.slot, 'publish') ?? model.write(one.type, epoch)
        // The safety that everything is about, judged apart from what the model thinks of codes.
        if (expected === null) expect(model.intruders(one.type)).toEqual([])
        this.outcomes.push(`write ${expected}`)
        const draft = { kind: 'iot', record: freshRecord(), label: labelOf(one.type), epoch } as const
        const id = this.#send(ann.did, draft, expected, one.slot)
        if (expected === null) this.#cause = id
        return
      }
      case 'staff':
        this.#staff(one)
        return
      case 'read': {
        const { did } = doctors[one.doctor]
        const label = labelOf(one.type)
        const expected = model.read(one.doctor, one.type)
        this.outcomes.push(`read ${expected}`)
        this.#send(
          did,
          { kind: 'data', mode: 'read', patient: ann.did, label, record: null, purpose: 'TREAT' },
          expected,
        )
        return
      }
      case 'delegate':
        this.#delegate(one)
    }
  }

  #access({ slot, grantee, terms: relative, isPreviousRight }: Extract<Sent, { do: 'access' }>): void {
    const { model } = this
    const terms = relative.map(({ types, actions, effect, from, steps }): Term => {
      const fromMs = model.nowMs + from * STEP_MS
      return { types, actions, effect, fromMs, untilMs: fromMs + steps * STEP_MS }
    })
    const expected = model.skip(slot, 'grant') ?? model.access(grantee, terms, isPreviousRight)
    const known = this.#sets.get(grantee) ?? null
    const grants = terms.map(({ types, fromMs, untilMs, actions, effect }): GrantTerms<Label> => ({
      dataTypes: types === 'all' ? types : labels(types),
      actions,
      effect,
      purposes: ['TREAT'],
      access: { fromMs, untilMs },
    }))
    const draft: Draft = {
      kind: 'access',
      patient: ann.did,
      grantee: grantee === 'role' ? role : doctors[grantee].did,
      grants,
      supersedes: isPreviousRight ? known : createId('transaction', digest('another set')),
    }
    this.outcomes.push(`access ${expected}`)
    const id = this.#send(ann.did, draft, expected, slot)
    if (expected === null) this.#sets.set(grantee, id)
  }

  #key(one: Extract<Sent, { do: 'key' }>): void {
    const { model } = this
    const mode = model.epoch === 0 ? 'rotate' : one.mode
    const isPreviousRight = model.epoch === 0 || one.isPreviousRight
    const epoch = model.epoch + (mode === 'rotate' ? 1 : 0)
    const mayHold = (name: Doctor) =>
      (['access', 'write'] as const).some((action) => model.covered(name, action, model.nowMs).size > 0)
    const to = one.isHonest ? DOCTORS.filter(mayHold).map((name) => ({ doctor: name, handed: [] })) : one.to
    const isUsable = (slot: number) => {
      const { isFilled, hasAgreement, untilMs } = model.slots[slot] as Slot
      return isFilled && hasAgreement && model.nowMs < untilMs
    }
    const delegates = one.isHonest ? [1, 2].filter(isUsable) : one.delegates
    const own = mode === 'rotate' ? [0, ...delegates] : delegates
    const change = { mode, isPreviousRight, epoch, labels: one.labels, to, delegates: own } as const
    const expected = model.skip(one.slot, 'rotate') ?? model.key(change)
    const envelope = { enc: digest('enc'), ciphertext: digest('ciphertext') }
    const draft: Draft = {
      kind: 'key',
      mode,
      epoch,
      previous: isPreviousRight ? this.#latest : createId('transaction', digest('another key')),
      labels: labels(one.labels).map((label) => ({ label, commitment: digest(`${label} ${epoch}`) })),
      envelopes: to
        .map(({ doctor: name, handed }) => ({
          ...envelope,
          // The registrar and Ann are numbers 0 and 1.
          index: DOCTORS.indexOf(name) + 2,
          commitment: digest(`${name} ${epoch}`),
          handed: handed.map((each) => ({ epoch, label: labelOf(each) })),
        }))
        .sort((a, b) => a.index - b.index),
      ownEnvelopes: own.map((delegate) => ({ ...envelope, delegate })),
      escrow: null,
    }
    this.outcomes.push(`${mode} ${expected}`)
    const id = this.#send(ann.did, draft, expected, one.slot)
    if (expected === null) this.#latest = id
  }

  #staff({ doctor: name, type: of, isDiagnosis }: Extract<Sent, { do: 'staff' }>): void {
    const { model } = this
    const epoch = Math.max(1, model.epoch)
    const expected = model.staffWrite(name, of, epoch)
    this.outcomes.push(`staff ${expected}`)
    const entry = { record: freshRecord(), label: labelOf(of), epoch }
    const draft: Draft =
      isDiagnosis && this.#cause !== null
        ? { kind: 'diagnosis', causes: [this.#cause], ...entry }
        : { kind: 'data', mode: 'write', patient: ann.did, ...entry }
    this.#send(doctors[name].did, draft, expected)
  }

  #delegate({ slot: number, fill }: Extract<Sent, { do: 'delegate' }>): void {
    const untilMs = this.model.nowMs + (fill?.steps ?? 0) * STEP_MS
    const expected = this.model.delegate(number, fill === null ? undefined : { ...fill, untilMs })
    // A slot's nonces go on, whoever is in it.
    const { did, keys } = devices[number - 1] as (typeof devices)[number]
    const draft: Draft =
      fill === null
        ? { kind: 'delegate', slot: number, signingKey: null }
        : {
            kind: 'delegate',
            slot: number,
            signingKey: did,
            agreement: fill.hasAgreement ? keys.agreement : null,
            rights: fill.rights,
            notAfterMs: untilMs,
          }
    this.outcomes.push(`delegate ${fill === null ? 'emptied' : 'filled'}`)
    this.#send(ann.did, draft, expected)
  }
}

describe('key epochs against a reference model', () => {
  it('gives the same receipts, and accepts nothing that somebody without a grant could open', () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(fc.array(sent, { minLength: 48, maxLength: 48 }), (commands) => {
        const run = new Run()
        for (const one of [...OPENING, ...commands]) run.run(one)
        run.flush()
        for (const outcome of run.outcomes) seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
      }),
      propertyRuns(40),
    )
    // A model that refuses everything would be safe, too.
    for (const outcome of EXPECTED) expect(seen.get(outcome) ?? 0, outcome).toBeGreaterThan(0)
    if (process.env['PROPERTY_RUNS'] !== undefined) console.log(Object.fromEntries([...seen].sort()))
  }, 3_600_000)
})

/** What even a short run must have met. */
const EXPECTED = [
  'write null',
  'write ERR_CHAIN_EPOCH',
  'write ERR_CHAIN_MUST_ROTATE',
  'write ERR_CHAIN_EPOCH_ENDED',
  'write ERR_CHAIN_LABEL',
  'write delegate',
  'staff null',
  'staff ERR_CHAIN_RECIPIENT',
  'staff ERR_POLICY_DENIED',
  'rotate null',
  'rotate ERR_CHAIN_RECIPIENT',
  'extend null',
  'extend ERR_CHAIN_MUST_ROTATE',
  'access null',
  'access ERR_CHAIN_PREVIOUS',
]
