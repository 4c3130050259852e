/**
 * The words of a policy: grants, requests, decisions. Data only.
 *
 * A grant says who (grantee) may do what (actions) with which types of a patient's data, why (purposes), when (access
 * window) and on data of when (data window). On the ledger a type is a `Label`, elsewhere a `DataType`; nothing here
 * looks inside, so both fit.
 */

import type { DataType, Did } from '../primitives/did.ts'
import type { Role } from '../primitives/roles.ts'

/** The last moment that a date can name: the end of what never ends. */
export const END_OF_TIME_MS = 8_640_000_000_000_000

/** What may be done with data. Wire positions: append only. */
export const ACTIONS = ['access', 'write', 'collect', 'correct', 'use', 'disclose'] as const
/** What may be done with data. */
export type Action = (typeof ACTIONS)[number]

/** Codes of HL7 v3-ActReason that the library knows. Wire positions: append only. */
export const PURPOSES = [
  'TREAT',
  'ETREAT',
  'BTG',
  'ERTREAT',
  'COC',
  'HRESCH',
  'BIORCH',
  'CLINTRCH',
  'PATRQT',
  'HPAYMT',
  'HOPERAT',
  'PUBHLTH',
] as const
/** Why data is used: a code of HL7 v3-ActReason, matched along the is-a tree. */
export type Purpose = (typeof PURPOSES)[number]

/** Half-open: from is inside, until is not. Milliseconds UTC. */
export interface TimeWindow {
  readonly fromMs: number
  readonly untilMs: number
}

/** What a permit asks of whoever uses it. */
export type Obligation =
  /** Leave out what carries one of these security labels. */
  | { readonly kind: 'redact'; readonly labels: readonly string[] }
  /** Tell the patient of each use. */
  | { readonly kind: 'notify-patient' }
  /** Nobody else may be granted the same before this moment. */
  | { readonly kind: 'exclusive-until'; readonly untilMs: number }
  /** Copies are deleted at this moment. */
  | { readonly kind: 'delete-after'; readonly afterMs: number }

/** Whoever holds an unexpired credential of this role in this organisation. */
export interface RoleGrantee {
  readonly role: Role
  readonly organisation: string
}

/** To whom a grant is made: a party, or a role. */
export type Grantee = Did | RoleGrantee

/** What a grant allows or denies, without its parties. */
export interface GrantTerms<T extends string = DataType> {
  /** Types of data; `'all'` covers each type; none revokes. */
  readonly dataTypes: readonly T[] | 'all'
  readonly actions: readonly Action[]
  readonly purposes: readonly Purpose[]
  /** When it may be used. */
  readonly access: TimeWindow
  /** Of when the data may be; any time when absent. */
  readonly data?: TimeWindow
  /** Default permit. */
  readonly effect?: 'permit' | 'deny'
  readonly obligations?: readonly Obligation[]
}

/** POLICY_{p,m} of DP: terms and parties. */
export interface Grant<T extends string = DataType> extends GrantTerms<T> {
  /** Whose data it is; the grantor when absent. */
  readonly patient?: Did
  readonly grantor: Did
  readonly grantee: Grantee
}

/** All that one grantor grants to one grantee: a T_access replaces it whole; an empty set revokes. */
export interface GrantSet<T extends string = DataType> {
  readonly patient: Did
  readonly grantor: Did
  readonly grantee: Grantee
  readonly grants: readonly GrantTerms<T>[]
}

/** A credential that the requester holds and the caller has verified. An E-Cert fits as it is. */
export interface HeldCredential {
  readonly role: Role
  /** None in a T-Cert, which therefore matches no role grant. */
  readonly organisation: string | null
  /** First millisecond in which it counts. */
  readonly notBeforeMs: number
  /** First millisecond in which it no longer counts. */
  readonly notAfterMs: number
}

/** POLICYCHECK's question, with the owner that DP left out. */
export interface AccessRequest<T extends string = DataType> {
  /** Whose data it is. */
  readonly patient: Did
  /** Who asks; authenticated by the caller. */
  readonly requester: Did
  readonly dataType: T
  readonly action: Action
  readonly purpose: Purpose
  /** When: on a ledger block time, never a machine's clock. */
  readonly atMs: number
  /** Of when the data is; without it a data window cannot be judged. */
  readonly dataAtMs?: number
  /** What the requester is certified to be; default nothing. */
  readonly credentials?: readonly HeldCredential[]
}

/** Why a grant counted or did not. */
export type ReasonCode =
  | 'owner'
  | 'granted'
  | 'denied'
  | 'no-grant'
  | 'expired'
  | 'not-yet'
  | 'data-type'
  | 'action'
  | 'purpose'
  | 'data-window'
  | 'unknown-clause'

/** The part of a grant, or of the request, that a reason is about; `terms`: the grant as a whole. */
export type Clause = keyof GrantTerms | 'credential' | 'request' | 'terms'

/** One reason of a decision. */
export interface Reason<T extends string = DataType> {
  readonly code: ReasonCode
  readonly clause?: Clause
  /** A copy of the grant. Of one with an unknown clause: as it came, which may be more or less than its type says. */
  readonly grant?: Grant<T>
  /** The block that made the grant. */
  readonly height?: number
}

/** Leave to do what was asked. */
export interface Permit<T extends string = DataType> {
  readonly kind: 'permit'
  readonly reasons: readonly Reason<T>[]
  /** Those of all permits that apply, each once, in a fixed order. */
  readonly obligations: readonly Obligation[]
  /** First moment at which the same request may get less: another answer, or an obligation more. */
  readonly untilMs: number
}

/** No leave: `deny` is an answer, `indeterminate` asks a person. */
export interface Refusal<T extends string = DataType> {
  readonly kind: 'deny' | 'indeterminate'
  readonly reasons: readonly Reason<T>[]
}

/** The answer to a request; never a boolean. */
export type Decision<T extends string = DataType> = Permit<T> | Refusal<T>
