import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import { fail, isVitalsealError, rejectArgument, succeed, unwrap, VitalsealError, type Result } from '../src/errors.ts'

const details = { byteOffset: 41, expected: 'an integer' }
const failure = fail('ERR_CODEC_MALFORMED', 'grant.untilMs at byte 41: expected an integer', {
  details,
  path: 'grant.untilMs',
})

function caught(call: () => unknown): VitalsealError {
  try {
    call()
  } catch (error) {
    if (isVitalsealError(error)) return error
  }
  return expect.unreachable('no error of ours')
}

describe('VitalsealError', () => {
  const cause = new Error('the disk is full')
  const error = new VitalsealError('ERR_STORAGE_WRITE', 'the block was not written', {
    details: { record: 'bafy' },
    cause,
  })

  it('carries code, path, details and cause', () => {
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ code: 'ERR_STORAGE_WRITE', path: '', details: { record: 'bafy' }, cause })
    expect(String(error)).toBe('VitalsealError [ERR_STORAGE_WRITE]: the block was not written')
    expect(inspect(error)).toContain('ERR_STORAGE_WRITE')
    expect(error.stack).toContain('errors.test.ts')
  })

  it('has no cause where there is none', () => {
    expect('cause' in new VitalsealError('ERR_CRYPTO_NO_RANDOM', 'x', { details: {} })).toBe(false)
  })

  it('prints as code, path, message and details, without stack and cause', () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'ERR_STORAGE_WRITE',
      path: '',
      message: 'the block was not written',
      details: { record: 'bafy' },
    })
  })
})

describe('isVitalsealError', () => {
  const error = new VitalsealError('ERR_DECRYPTION_FAILED', 'not opened', { details: {} })

  it('knows errors of this copy and of another one, by the mark', () => {
    expect(isVitalsealError(error)).toBe(true)
    const foreign = Object.assign(new Error('x'), {
      code: 'ERR_DECRYPTION_FAILED',
      [Symbol.for('vitalseal/error/v1')]: true,
    })
    expect(foreign).not.toBeInstanceOf(VitalsealError)
    expect(isVitalsealError(foreign, 'ERR_DECRYPTION_FAILED')).toBe(true)
  })

  it('compares the code where one is given', () => {
    expect(isVitalsealError(error, 'ERR_DECRYPTION_FAILED')).toBe(true)
    expect(isVitalsealError(error, 'ERR_STORAGE_WRITE')).toBe(false)
  })

  it.each([undefined, null, 'ERR_DECRYPTION_FAILED', { code: 'ERR_DECRYPTION_FAILED' }, new Error('x'), failure])(
    'does not take %j for one',
    (value) => {
      expect(isVitalsealError(value)).toBe(false)
    },
  )
})

describe('results', () => {
  it('are values, and unwrap makes an exception of a failure', () => {
    expect(unwrap(succeed(5))).toBe(5)
    expect(failure).toEqual({
      ok: false,
      code: 'ERR_CODEC_MALFORMED',
      path: 'grant.untilMs',
      message: failure.message,
      details,
    })
    const error = caught(() => unwrap(failure as Result<never>))
    expect(error).toMatchObject({ code: failure.code, path: failure.path, message: failure.message, details })
  })

  it('have an empty path where there is no place to name', () => {
    expect(fail('ERR_CRYPTO_NO_RANDOM', 'x', { details: {} }).path).toBe('')
  })
})

describe('rejectArgument', () => {
  it('names the argument, what was expected and what was found', () => {
    const error = caught(() => rejectArgument('replicaCount', 'an integer of at least 4', '3'))
    expect(error).toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      message: '"replicaCount" expected an integer of at least 4, found 3',
      path: 'replicaCount',
      details: { argument: 'replicaCount', expected: 'an integer of at least 4', found: '3' },
    })
  })
})
