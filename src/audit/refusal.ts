/**
 * How work on a bundle stops at the first fault: thrown inside of this folder, a failure outside of it.
 */

import { fail, type ErrorCode, type Failure, type Result } from '../errors.ts'

/** Carries a failure out of nested work. Never leaves this folder. */
export class Refusal<C extends ErrorCode = ErrorCode> extends Error {
  readonly failure: Failure<C>

  /** Notes the failure. */
  constructor(failure: Failure<C>) {
    super(failure.message)
    this.failure = failure
  }
}

/** Stops where a link of the chain breaks. */
export function breakAt(height: number, link: string, because: string): never {
  const place = height === 0 ? 'genesis' : `block ${height}`
  throw new Refusal(
    fail('ERR_AUDIT_BROKEN', `${place}: ${link}: ${because}`, { path: `bundle.${height}`, details: { height, link } }),
  )
}

/** Stops where a proof does not hold. */
export function refuseProof(height: number, what: string): never {
  throw new Refusal(
    fail('ERR_CHAIN_PROOF', `block ${height}: the proof of ${what} does not hold`, {
      path: `bundle.${height}`,
      details: { height },
    }),
  )
}

/** Stops where no quorum signed. */
export function refuseCertificate(height: number, memberEpoch: number): never {
  throw new Refusal(
    fail('ERR_CHAIN_CERTIFICATE', `block ${height}: no quorum of its members signed it`, {
      path: `bundle.${height}`,
      details: { height, memberEpoch },
    }),
  )
}

/** Returns the value, or stops with the failure as it is. */
export function take<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Refusal(result)
}

/** The failure that stopped the work; another error goes on. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Refusal) return error.failure
  throw error
}
