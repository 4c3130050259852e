import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type ErrorCode,
  type Failure,
  fail,
  isVitalsealError,
  type Result,
  succeed,
  unwrap,
  VitalsealError,
} from 'vitalseal/errors'

declare const caught: unknown
declare const result: Result<number, 'ERR_CODEC_LIMIT' | 'ERR_SIGNATURE_INVALID'>

// The code tells the type of the details; without a code they stay a union.
if (isVitalsealError(caught, 'ERR_CODEC_LIMIT')) expectType<number>(caught.details.allowed)
if (isVitalsealError(caught)) {
  expectType<ErrorCode>(caught.code)
  expectError(caught.details.allowed)
}

// A result is narrowed by `ok`, a failure by `code`.
if (result.ok) expectType<number>(result.value)
else {
  expectError(result.value)
  expectType<'ERR_CODEC_LIMIT' | 'ERR_SIGNATURE_INVALID'>(result.code)
  if (result.code === 'ERR_SIGNATURE_INVALID') expectType<string>(result.details.signer)
}
expectType<number>(unwrap(result))

// A failure cannot carry another code's details, nor an error an unknown code.
expectType<Failure<'ERR_CODEC_NOT_CANONICAL'>>(fail('ERR_CODEC_NOT_CANONICAL', 'bytes', { details: { byteOffset: 3 } }))
expectError(fail('ERR_CODEC_NOT_CANONICAL', 'bytes', { details: { allowed: 3 } }))
expectError(fail('ERR_NO_SUCH_CODE', 'bytes', { details: {} }))
expectError(new VitalsealError('ERR_SIGNATURE_INVALID', 'signer', { details: {} }))

// Failures of fewer codes fit where more are expected, not the other way round.
expectAssignable<Result<number>>(result)
expectNotAssignable<Result<number, 'ERR_CODEC_LIMIT'>>(result)
expectAssignable<Result<string>>(succeed('value'))

// What is thrown is an Error whose facts cannot be changed.
expectAssignable<Error>(new VitalsealError('ERR_DECRYPTION_FAILED', 'no', { details: {} }))
declare const error: VitalsealError<'ERR_CODEC_LIMIT'>
expectError((error.code = 'ERR_CODEC_LIMIT'))
expectError((error.details.allowed = 1))
