/**
 * Delegates: keys that act for an account, in slots 1 to 8, with rights and an end.
 *
 * The account key is delegate 0: it has every right, has no end, and stays in the seed's backup. A phone gateway or a
 * health manager gets a slot of its own, so that losing the device is one revocation and not a new account. The nonce of
 * a slot continues when the slot gets another key (the ledger's rule).
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import { DELEGATE_SLOT_MAX } from '../primitives/limits.ts'
import {
  account,
  bytesOf,
  choices,
  mapped,
  Mismatch,
  nullable,
  timeMs,
  tuple,
  uint,
  type Shape,
} from '../primitives/shape.ts'

/** What a delegate may do. Wire positions: append only. */
export const RIGHTS = ['publish', 'rotate', 'grant'] as const

/** What a delegate may do: publish data, rotate keys, change grants (which includes rotating). */
export type Right = (typeof RIGHTS)[number]

/** The slot of the account key. */
export const ACCOUNT_SLOT = 0

/** A slot and the keys in it. */
export interface Delegate {
  /** 1 to 8. */
  readonly slot: number
  readonly signingKey: Did
  /** X25519 public key, 32 bytes; null for a delegate to whom no epoch key is ever sealed. */
  readonly agreement: Bytes | null
  /** Not empty, in the order of {@link RIGHTS}; with grant stands rotate. */
  readonly rights: readonly Right[]
  /** Half-open end. */
  readonly notAfterMs: number
}

/** A slot that is emptied. */
export interface DelegateRevocation {
  readonly slot: number
  readonly signingKey: null
}

/** Body of a delegate transaction. */
export type DelegateChange = Delegate | DelegateRevocation

/**
 * A set of rights as a bit mask; zero stands for the empty set, and grant without rotate has no encoding.
 *
 * @internal
 */
export const rightsShape: Shape<readonly Right[]> = mapped(choices('rights', RIGHTS, 0), {
  parse: (rights) =>
    rights.includes('grant') && !rights.includes('rotate') ? new Mismatch('rotate beside grant') : rights,
  format: (rights) => rights,
})

const wireShape = tuple({
  slot: uint(DELEGATE_SLOT_MAX, 1),
  signingKey: nullable(account),
  agreement: nullable(bytesOf(32)),
  rights: rightsShape,
  notAfterMs: timeMs,
})

/**
 * The wire form `[slot, key33 or null, agreement32 or null, rights, notAfterMs]`. A null key empties the slot; then the
 * other fields are null, 0 and 0.
 *
 * @internal
 */
export const delegateShape: Shape<DelegateChange> = mapped(wireShape, {
  parse({ slot, signingKey, agreement, rights, notAfterMs }): DelegateChange | Mismatch {
    if (signingKey !== null) {
      if (rights.length === 0) return new Mismatch('at least one right').within('rights', 3)
      return { slot, signingKey, agreement, rights, notAfterMs }
    }
    if (agreement !== null) return new Mismatch('null, as the key').within('agreement', 2)
    if (rights.length > 0) return new Mismatch('no rights without a key').within('rights', 3)
    if (notAfterMs !== 0) return new Mismatch('0 without a key').within('notAfterMs', 4)
    return { slot, signingKey }
  },
  format: (change) => (change.signingKey === null ? { ...change, agreement: null, rights: [], notAfterMs: 0 } : change),
})

/** Returns the rights in wire order, with rotate where grant is. */
export function rightsOf(rights: readonly Right[]): readonly Right[] {
  return RIGHTS.filter((right) => rights.includes(right) || (right === 'rotate' && rights.includes('grant')))
}

/**
 * Tells whether a delegate has a right at a time. The end is half-open: at `notAfterMs` the right is gone.
 *
 * @param delegate - undefined for the account key, which has every right
 * @param options - the right, and block time
 */
export function hasRight(
  delegate: Pick<Delegate, 'rights' | 'notAfterMs'> | undefined,
  options: { readonly right: Right; readonly atMs: number },
): boolean {
  if (delegate === undefined) return true
  return options.atMs < delegate.notAfterMs && rightsOf(delegate.rights).includes(options.right)
}
