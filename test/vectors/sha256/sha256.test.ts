import { describe, expect, it } from 'vitest'

import { fromHex, toHex, toUtf8 } from '../../../src/primitives/bytes.ts'
import { sha256 } from '../../../src/primitives/hash.ts'
import { describeVectors } from '../../support/vectors.ts'

describe('FIPS 180-4 (examples of NIST), known answers without the folder', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('%#', (message, digest) => {
    expect(toHex(sha256(toUtf8(message)))).toBe(digest)
  })
})

describeVectors('cavp/SHA256ShortMsg.rsp', 65, (contents, count) => {
  const cases = [...contents.toString().matchAll(/Len = (\d+)\s+Msg = ([0-9a-f]+)\s+MD = ([0-9a-f]{64})/g)]

  it('hashes every message', () => {
    for (const [, bits, message, digest] of cases as unknown as [string, string, string, string][]) {
      expect(toHex(sha256(fromHex(message).subarray(0, Number(bits) / 8))), `${bits} bits`).toBe(digest)
      count()
    }
  })
})
