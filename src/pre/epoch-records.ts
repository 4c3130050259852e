/**
 * Epoch sealing: one capsule for each producer, type and epoch, and any number of records under its key. The proxy
 * converts once an epoch, however many records there are.
 *
 * A record is sealed by AES-256-GCM under a key of its own, derived from the capsule's key, a fresh salt, and its id: the
 * same id sealed twice repeats neither key nor nonce. The record goes into the salt, so that this holds for two records
 * even where the random source repeats itself. Whoever can open records of an epoch can forge some, the delegatee
 * included, so who wrote a record must be told by a signature beside it. One key has one producer. Larger data goes into
 * sealed records of `vitalseal/storage`, with the same key.
 */

import { rejectArgument, VitalsealError } from '../errors.ts'
import { AEAD_TAG_BYTES, openAead, sealAead } from '../primitives/aead.ts'
import { copyBytes, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import { codecLimits, FRAME_BYTES_MAX, type CodecLimits } from '../primitives/limits.ts'
import { taggedHash } from '../primitives/hash.ts'
import type { PairingGroups } from '../primitives/pairing-groups.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { bytesOf, bytesUpTo, encodeShape, identifier, parseShape, tuple, writeShape } from '../primitives/shape.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import type { Capsule } from './capsule.ts'
import type { Condition } from './condition.ts'
import { encapsulate } from './encapsulate.ts'
import { header, headerOf, SUITES } from './suite.ts'

/** Bytes of the key of a capsule. */
const KEY_BYTES = 32
/** A record before it is sealed. */
export const RECORD_BYTES_MAX: number = FRAME_BYTES_MAX

const limits: CodecLimits = {
  ...codecLimits,
  bytesMax: RECORD_BYTES_MAX + 1_024,
  stringBytesMax: RECORD_BYTES_MAX + AEAD_TAG_BYTES,
}

const recordShape = tuple({
  ...header('cpre', 'sealedRecord'),
  salt: bytesOf(32),
  commitment: bytesOf(32),
  ciphertext: bytesUpTo(RECORD_BYTES_MAX + AEAD_TAG_BYTES),
})

const OBJECT = 'sealedRecord'

/** Seals the records of one epoch. */
export interface EpochSealer {
  /** What the owner opens and a proxy converts; to be kept beside the records. */
  readonly capsule: Capsule
  /**
   * Returns a sealed record, 93 bytes or a few more longer than the data, which is copied.
   *
   * @param recordId - what the record is opened under; text of at most 1,024 bytes, not in the result
   * @param data - at most 256 KiB
   */
  seal(recordId: string, data: Uint8Array): Promise<Bytes>
}

/** Opens the records of one epoch. */
export interface EpochOpener {
  /**
   * Returns the data of a record.
   *
   * @throws When key, id or one bit is another: `ERR_DECRYPTION_FAILED`. {@link VitalsealError}
   */
  open(recordId: string, sealed: Uint8Array): Promise<Bytes>
}

function infoOf(recordId: string): Bytes {
  return encodeCbor([PRE_TAGS.preRecord, SUITES.cpre, writeShape(recordId, identifier, { object: 'recordId' })])
}

/**
 * Returns a sealer with a fresh capsule of its own.
 *
 * Cost: that of `encapsulate`; about 0.1 ms a small record.
 *
 * @param options - the owner's public key and the condition, as for `encapsulate`
 * @param random - for the capsule and for each record
 * @throws As `encapsulate` does. {@link VitalsealError}
 */
export function createEpochSealer(
  options: {
    readonly to: Uint8Array
    readonly condition: Condition | readonly Condition[]
    readonly groups?: PairingGroups
  },
  random: RandomSource = randomBytes,
): EpochSealer {
  const { capsule, key } = encapsulate(options, random)
  return Object.freeze({
    capsule,
    async seal(recordId: string, data: Uint8Array) {
      if (!(data instanceof Uint8Array) || data.length > RECORD_BYTES_MAX) {
        rejectArgument('data', `at most ${RECORD_BYTES_MAX} bytes`, 'something else')
      }
      const info = infoOf(recordId)
      const plaintext = copyBytes(data)
      const saltOf: RandomSource = (byteCount) =>
        taggedHash(PRE_TAGS.preRecordSalt, key, drawBytes(random, byteCount), info, plaintext)
      const sealed = await sealAead({ secret: key, info, plaintext }, saltOf)
      return encodeShape({ ...headerOf('cpre', 'sealedRecord'), ...sealed }, recordShape, { object: OBJECT, limits })
    },
  })
}

/**
 * Returns an opener for the records under a key.
 *
 * @param key - from `decapsulate`, 32 bytes; copied
 * @throws When the key has another length: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createEpochOpener(key: Uint8Array): EpochOpener {
  if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES) {
    rejectArgument('key', `${KEY_BYTES} bytes`, 'something else')
  }
  const secret = copyBytes(key)
  return Object.freeze({
    async open(recordId: string, sealed: Uint8Array) {
      const info = infoOf(recordId)
      const parsed = parseShape(sealed, recordShape, { object: OBJECT, limits })
      const data = parsed.ok ? await openAead({ secret, info, ...parsed.value }) : undefined
      if (data !== undefined) return data
      throw new VitalsealError('ERR_DECRYPTION_FAILED', 'the record does not open with this key under this id', {
        details: {},
      })
    },
  })
}
