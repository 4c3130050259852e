/**
 * Roles that a registrar may certify. Wire positions: append only.
 */
export const ROLES = [
  'patient',
  'clinician',
  'analyser',
  'issuer',
  'institution',
  'proxy',
  'manager',
  'validator',
  'registrar',
] as const

/** What a party is certified to be. */
export type Role = (typeof ROLES)[number]
