/**
 * Presets: which kinds, rules and parameters make a ledger.
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
export { consortium, consortiumKinds, type ConsortiumOptions } from './consortium.ts'
export { secureSharing, secureSharingKinds, secureSharingRules, withSharing } from './secure-sharing.ts'
