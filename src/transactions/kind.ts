/**
 * What a kind of transaction consists of: the shape of its body on the wire, and the rules that need no state.
 *
 * Each kind has a file of its own. The table of kinds is data, so that a later module brings its kinds without a change
 * here.
 */

import { fail, type Failure } from '../errors.ts'
import type { PreKeyVerifier, Right } from '../identity/index.ts'
import type { Did } from '../primitives/did.ts'
import { Mismatch, tuple, type Shape } from '../primitives/shape.ts'
import type { CborValue } from '../primitives/codec.ts'
import type { ChainId } from '../primitives/ids.ts'
import type { Verifier } from '../primitives/signature.ts'

/** With what the signatures inside a body are checked. */
export interface ProofContext {
  readonly chainId: ChainId
  readonly verifier: Verifier
  /** The current signing key of a credential's issuer, where it may have changed; default the account itself. */
  readonly signingKeyOf?: (account: Did) => Did
  /** Checks possession of the PRE keys in a key record; needed where a record holds such keys. */
  readonly preKeyVerifier?: PreKeyVerifier | undefined
}

/** Codes that validation of a transaction gives. */
export type ValidationCode =
  'ERR_SIGNATURE_INVALID' | 'ERR_TRANSACTIONS_FIELD' | 'ERR_IDENTITY_INVALID' | 'ERR_CRYPTO_INVALID_POINT'

/** Who may send a kind: the account itself only, or a delegate with that right as well. */
export type Sender = 'account' | Right

/** One kind of transaction. */
export interface KindDefinition<B> {
  /** First element of the tuple, below 24. */
  readonly version: number
  /** Elements of the tuple between time and signature. */
  readonly body: Shape<B>
  /** Who may send it. */
  readonly sentBy: Sender
  /** The first rule of the body's fields that does not hold; absent where their shapes say all. */
  readonly check?: (body: B, sender: Did) => Failure<'ERR_TRANSACTIONS_FIELD'> | undefined
  /** The first signature or proof inside the body that does not hold. */
  readonly checkProofs?: (body: B, context: ProofContext) => Failure<ValidationCode> | undefined
}

/** Number of elements before the body: kind, account, delegate, nonce, time. */
export const HEADER_FIELDS = 5

/** Returns the refusal of a field; without a path, of the whole. */
export function refuseField(path: string, expected: string): Failure<'ERR_TRANSACTIONS_FIELD'> {
  const full = path === '' ? 'transaction' : `transaction.${path}`
  return fail('ERR_TRANSACTIONS_FIELD', `${full}: expected ${expected}`, { path: full, details: { expected } })
}

/** Tells whether each element comes after the one before it, so that a set has one encoding. */
export function isAscending<T>(items: readonly T[], compare: (left: T, right: T) => number): boolean {
  return items.every((item, index) => index === 0 || compare(items[index - 1] as T, item) < 0)
}

/** Orders texts by their code units; for hexadecimal this is the order of the bytes. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** The refusal of a list in which an element stands twice or out of order. */
export function checkOrder<T>(
  path: string,
  items: readonly T[],
  compare: (left: T, right: T) => number,
): Failure<'ERR_TRANSACTIONS_FIELD'> | undefined {
  return isAscending(items, compare) ? undefined : refuseField(path, 'each once, in ascending order')
}

/** Shapes of the fields that a form has besides its name. */
type FormFields<B, T extends keyof B, F extends B[T]> = {
  readonly [N in Exclude<keyof Extract<B, Readonly<Record<T, F>>>, T>]: Shape<Extract<B, Readonly<Record<T, F>>>[N]>
}

/**
 * A tuple that has several forms. Its first element says which, by the position of the form in `forms`: append only.
 *
 * @param tag - the field that has the name of the form
 */
export function formsOf<B extends object, T extends keyof B & string>(
  tag: T,
  forms: { readonly [F in B[T] & string]: FormFields<B, T, F> },
): Shape<B> {
  const names = Object.keys(forms)
  const shapes = Object.entries<object>(forms).map(([name, fields], form) =>
    tuple({ [tag]: { read: () => name, write: () => form }, ...fields }),
  ) as readonly Shape<unknown>[] as readonly Shape<B>[]
  return {
    read(value) {
      const form = Array.isArray(value) ? (value as readonly CborValue[])[0] : undefined
      const shape = typeof form === 'number' ? shapes[form] : undefined
      return shape?.read(value) ?? new Mismatch(`a ${tag} from 0 to ${names.length - 1}`).within(tag, 0)
    },
    // An unknown form is written as what no reading takes, so that the refusal names the field.
    write: (body) => shapes[names.indexOf(body[tag] as string)]?.write(body) ?? [],
  }
}
