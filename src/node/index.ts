/**
 * The host on Node: what needs Node's own modules. So far the verifier over OpenSSL.
 *
 * @packageDocumentation
 */

export { createOpensslVerifier } from './openssl-verifier.ts'

export type { SignedDigest, Verifier } from '../primitives/signature.ts'
export {
  VitalsealError,
  isVitalsealError,
  unwrap,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../errors.ts'
