import { isVitalsealError, type ErrorCode } from '../../src/errors.ts'

/** The code that a call throws; `returned` when it does not throw, and the foreign error itself when that is what came. */
export function codeOf(call: () => unknown): ErrorCode | 'returned' {
  try {
    call()
  } catch (error) {
    if (isVitalsealError(error)) return error.code
    throw error
  }
  return 'returned'
}

/** The code of a failure as a value; `accepted` for a success. */
export function codeOfResult(result: { readonly ok: true } | { readonly ok: false; readonly code: ErrorCode }): string {
  return result.ok ? 'accepted' : result.code
}
