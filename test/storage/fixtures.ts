import { isVitalsealError, unwrap, type ErrorCode } from '../../src/errors.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import { parseDid } from '../../src/primitives/did.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { encodeLabel } from '../../src/primitives/label.ts'
import {
  createMemoryBlockstore,
  createSealingKey,
  storeRecord,
  type ContentBlock,
  type EpochContext,
  type MemoryBlockstore,
  type SealedRecord,
} from '../../src/storage/index.ts'
import { chainId, seededRandom } from '../support/parties.ts'

/** A did of the right form whose key nobody needs. */
export const patient = unwrap(parseDid('did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme'))
export const otherPatient = unwrap(parseDid('did:key:zQ3shtxV1FrJfhqE1dvxYRcCknWNjHc3c5X1y3ZSoPDi2aur2'))

export const secret: Bytes = sha256(toUtf8('a type key'))
export const context: EpochContext = {
  chainId,
  patient,
  label: encodeLabel(sha256(toUtf8('heart rate')).subarray(0, 16)),
  epoch: 1,
}
export const key = createSealingKey(secret, context)

const pattern = seededRandom('sample')(4_096)

/** Bytes without zeros, the same in each run. */
export function sampleBytes(byteCount: number): Bytes {
  const bytes = new Uint8Array(byteCount)
  for (let index = 0; index < byteCount; index++) bytes[index] = (pattern[index & 4_095]! ^ (index >> 12)) | 1
  return bytes
}

/** A blockstore that holds the blocks. */
export function storeOf(blocks: readonly ContentBlock[]): MemoryBlockstore {
  const store = createMemoryBlockstore()
  for (const { cid, bytes } of blocks) store.put(cid, bytes)
  return store
}

export async function stored(record: SealedRecord): Promise<MemoryBlockstore> {
  const blocks = createMemoryBlockstore()
  await storeRecord(record, { blocks })
  return blocks
}

/** The code with which a promise is rejected; `resolved` when it is not. */
export async function codeOfAsync(work: Promise<unknown>): Promise<ErrorCode | 'resolved'> {
  try {
    await work
  } catch (error) {
    if (isVitalsealError(error)) return error.code
    throw error
  }
  return 'resolved'
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Bytes> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Uint8Array.from(Buffer.concat(parts))
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
