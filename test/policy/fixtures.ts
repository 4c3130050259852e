import {
  createWindow,
  type AccessRequest,
  type Grant,
  type HeldCredential,
  type RoleGrantee,
} from '../../src/policy/index.ts'
import { createDid, type Did } from '../../src/primitives/did.ts'

/** A party of the right form; the same in every run. */
export function party(number: number): Did {
  const key = new Uint8Array(33).fill(number)
  key[0] = 2 + (number % 2)
  return createDid(key)
}

export const [ann, bob, carol, dave, eve] = [1, 2, 3, 4, 5].map(party) as [Did, Did, Did, Did, Did]

export const HEART_RATE = 'http://loinc.org|8867-4'
export const GLUCOSE = 'http://loinc.org|15074-8'
export const ECG = 'urn:oid:2.16.840.1.113883.6.24|131328'

export const DAY_MS = 86_400_000
/** 1 June 2026, midnight. */
export const JUNE_MS = Date.UTC(2026, 5, 1)
/** 1 July 2026, midnight. */
export const JULY_MS = Date.UTC(2026, 6, 1)

/** Ann lets Bob read her heart rate for treatment in June. */
export function june(changes: Partial<Grant> = {}): Grant {
  return {
    grantor: ann,
    grantee: bob,
    dataTypes: [HEART_RATE],
    actions: ['access'],
    purposes: ['TREAT'],
    access: createWindow({ fromMs: JUNE_MS, days: 30 }),
    ...changes,
  }
}

/** Bob asks for Ann's heart rate, for treatment, on the second day of June. */
export function ask(changes: Partial<AccessRequest> = {}): AccessRequest {
  return {
    patient: ann,
    requester: bob,
    dataType: HEART_RATE,
    action: 'access',
    purpose: 'TREAT',
    atMs: JUNE_MS + DAY_MS,
    ...changes,
  }
}

export const cardiology: RoleGrantee = { role: 'clinician', organisation: 'cardiology.example' }

/** A credential of that role for the year 2026. */
export function certified(changes: Partial<HeldCredential> = {}): HeldCredential {
  return { ...cardiology, notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2027, 0, 1), ...changes }
}
