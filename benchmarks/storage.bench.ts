/**
 * Sealed records: sealing and opening against what the same bytes cost with node:crypto, AES-256-GCM and SHA-256 of the
 * ciphertext, which is the least that any such design has to do.
 */

import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'

import { toHex } from '../src/primitives/bytes.ts'
import { createDid } from '../src/primitives/did.ts'
import { unwrap } from '../src/errors.ts'
import { parseId } from '../src/primitives/ids.ts'
import { encodeLabel } from '../src/primitives/label.ts'
import { createMemoryBlockstore, createSealingKey, openRecord, sealRecord, storeRecord } from '../src/storage/index.ts'
import { interleave, type Report } from './measure.ts'

/** Bytes without a pattern that a processor could like: the same in every run. */
function fixedBytes(byteCount: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteCount)
  for (let state = 1, index = 0; index < byteCount; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

function referenceSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array) {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  return { ciphertext, tag: cipher.getAuthTag(), digest: createHash('sha256').update(ciphertext).digest() }
}

function referenceOpen(key: Uint8Array, nonce: Uint8Array, sealed: ReturnType<typeof referenceSeal>): Uint8Array {
  const { ciphertext, tag, digest } = sealed
  if (!createHash('sha256').update(ciphertext).digest().equals(digest)) throw new Error('another digest')
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAuthTag(tag)
  const plaintext = decipher.update(ciphertext)
  decipher.final()
  return plaintext
}

const SIZES = [
  { n: 1024, unit: 'microseconds', scale: 1e6, demanded: false },
  { n: 64 * 1024, unit: 'microseconds', scale: 1e6, demanded: false },
  { n: 1024 * 1024, unit: 'ms', scale: 1e3, demanded: true },
  { n: 16 * 1024 * 1024, unit: 'ms', scale: 1e3, demanded: false },
] as const

/** Runs the area `storage`. */
export async function run(report: Report): Promise<void> {
  const key = createSealingKey(fixedBytes(32), {
    chainId: unwrap(parseId('chain', toHex(fixedBytes(32)))),
    patient: createDid(Uint8Array.of(2, ...fixedBytes(32))),
    label: encodeLabel(fixedBytes(16)),
    epoch: 1,
  })
  const secret = fixedBytes(32)
  const nonce = fixedBytes(12)
  for (const { n, unit, scale, demanded } of SIZES) {
    const plaintext = fixedBytes(n)
    const blocks = createMemoryBlockstore()
    const record = await sealRecord(plaintext, { key })
    await storeRecord(record, { blocks })
    const reference = referenceSeal(secret, nonce, plaintext)
    const medians = await interleave(
      {
        seal: () => sealRecord(plaintext, { key }),
        referenceSeal: () => referenceSeal(secret, nonce, plaintext),
        open: () => openRecord(record.id, { key, blocks }),
        referenceOpen: () => referenceOpen(secret, nonce, reference),
      },
      { rounds: 31 },
    )
    for (const op of ['seal', 'open'] as const) {
      const own = medians[op] as number
      const least = medians[op === 'seal' ? 'referenceSeal' : 'referenceOpen'] as number
      report.figure({ op, impl: 'vitalseal', median: own * scale, unit, n })
      report.figure({ op, impl: 'node:crypto', median: least * scale, unit, n })
      const ratio = `rate of ${op} at ${n} bytes, against AES-256-GCM and SHA-256 of node:crypto`
      const value = least / own
      if (demanded) report.demand({ ratio, value, demand: '>= 0.7', holds: value >= 0.7 })
      else report.note(`${ratio}: ${value.toFixed(3)}`)
    }
  }
}
