/**
 * Audit: who can open what, what a revocation changed, and bundles that prove it to anyone.
 *
 * Questions are asked of a view: of a whole ledger, or of everything that concerns one patient. A bundle is a file; whoever
 * verifies it needs the chain id from elsewhere and trusts a quorum of the members that the bundle names. What an attacker
 * may do: make bundles, change, cut, mix them. Not promised: that a certifying quorum was honest beyond what a trusted head
 * shows; that a holder did not pass keys on outside of the ledger.
 *
 * @packageDocumentation
 */

export {
  isVitalsealError,
  unwrap,
  VitalsealError,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../errors.ts'
export { assessRevocation, type RevocationEffect } from './assess-revocation.ts'
export {
  bundleLimits,
  type AuditBundle,
  type EpochClosing,
  type Excerpt,
  type ExcerptEntry,
  type LedgerBundle,
  type OwnEntry,
  type PatientBundle,
  type ProvenAccount,
  type ProvenValue,
} from './bundle-format.ts'
export type { BundleSource } from './bundle-source.ts'
export { compareAccess, type AccessGap } from './compare-access.ts'
export type { AuditedLedger, AuditHead, EpochStep, Evidence } from './evidence.ts'
export { exportAuditBundle, type ExportBundleOptions } from './export-bundle.ts'
export type { Through } from './holdings.ts'
export { listProxies, type ProxyEntry } from './list-proxies.ts'
export { parseAuditBundle, type BundleErrorCode } from './parse-bundle.ts'
export { validateAuditBundle, type AuditCode, type ValidateBundleOptions } from './validate-bundle.ts'
export type { TrustedHead } from './verification.ts'
export { whoCanDecrypt, type Holder } from './who-can-decrypt.ts'
