import type { Identity } from '../../src/identity/index.ts'
import {
  createKeyRing,
  extendEpoch,
  rotateEpoch,
  type EpochOptions,
  type KeyDraft,
  type KeyDrafts,
  type KeyOutcome,
  type KeyRing,
  type Recipient,
} from '../../src/keys/index.ts'
import type { Verified } from '../../src/primitives/bytes.ts'
import type { DataType } from '../../src/primitives/did.ts'
import type { Labeler } from '../../src/primitives/label.ts'
import {
  createTransaction,
  signTransaction,
  unwrap,
  validateTransaction,
  encodeTransaction,
  parseTransaction,
  type KeyTransaction,
} from '../../src/transactions/index.ts'
import { chainId, directoryOf, party, seededRandom } from './parties.ts'

export const heartRate: DataType = 'http://loinc.org|8867-4'
export const glucose: DataType = 'http://loinc.org|15074-8'
export const ecg: DataType = 'urn:oid:2.16.840.1.113883.6.24|131328'

export const people = {
  ann: party('ann'),
  bob: party('bob'),
  carol: party('carol'),
  phone: party('phone'),
  dave: party('dave'),
}
export type Name = keyof typeof people

const names = Object.keys(people) as Name[]
export const directory = directoryOf(...names.map((name) => people[name].did))

/** A patient, readers and a list of tx_keys that every ring follows. */
export interface KeyWorld {
  readonly rings: { readonly [N in Name]: KeyRing }
  /** Signs drafts as Ann and lets every ring apply them; outcomes by name, of the last draft. */
  publish(
    drafts: KeyDrafts,
    options?: { readonly signedBy?: Identity; readonly delegate?: number },
  ): Promise<{ readonly [N in Name]: KeyOutcome }>
  rotate(options: EpochOptions): Promise<KeyDrafts>
  extend(options: EpochOptions): Promise<KeyDrafts>
  readonly ledger: Verified<KeyTransaction>[]
}

/** A recipient by name. */
export function recipient(name: Name, dataTypes: Recipient['dataTypes'], handed: Recipient['handed'] = []): Recipient {
  const { did, keys } = people[name]
  return { keys, index: directory.indexOf(did) as number, dataTypes, handed }
}

export function ringOf(
  name: Name,
  options: { readonly labeler?: Labeler; readonly delegateOf?: { patient: typeof people.ann.did; slot: number } } = {},
): KeyRing {
  return createKeyRing({ identity: people[name], chainId, directory, ...options })
}

/** Signs a draft as it would go to a ledger, through its bytes. */
export function signDraft(
  draft: KeyDraft,
  fields: {
    readonly previous: KeyTransaction['id'] | null
    readonly nonce: number
    readonly signedBy?: Identity
    readonly delegate?: number
  },
): Verified<KeyTransaction> {
  const { signedBy = people.ann, previous, nonce, delegate = 0 } = fields
  const unsigned = createTransaction({ ...draft, previous, sender: people.ann.did, delegate, nonce, issuedAtMs: 1 })
  const parsed = unwrap(
    parseTransaction(encodeTransaction(signTransaction(unsigned, { chainId, signer: signedBy.signer }))),
  )
  const valid = unwrap(
    validateTransaction(parsed, { chainId, signingKey: signedBy.did, rights: ['grant', 'rotate', 'publish'] }),
  )
  if (valid.kind !== 'key') throw new Error('not a tx_key')
  return valid
}

export function createKeyWorld(options: { readonly labeler?: Labeler } = {}): KeyWorld {
  const random = seededRandom('key world')
  const rings = Object.fromEntries(
    names.map((name) => [
      name,
      name === 'phone'
        ? ringOf(name, { ...options, delegateOf: { patient: people.ann.did, slot: 1 } })
        : ringOf(name, options),
    ]),
  ) as KeyWorld['rings']
  const ledger: Verified<KeyTransaction>[] = []
  return {
    rings,
    ledger,
    rotate: (epoch) => rotateEpoch(rings.ann, epoch, random),
    extend: (epoch) => extendEpoch(rings.ann, epoch, random),
    async publish({ drafts }, by = {}) {
      let outcomes: Partial<Record<Name, KeyOutcome>> = {}
      for (const draft of drafts) {
        const transaction = signDraft(draft, { previous: ledger.at(-1)?.id ?? null, nonce: ledger.length, ...by })
        ledger.push(transaction)
        outcomes = {}
        for (const name of names) outcomes[name] = await rings[name].apply(transaction)
      }
      return outcomes as { readonly [N in Name]: KeyOutcome }
    },
  }
}
