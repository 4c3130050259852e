/**
 * The keys of sealed records: one secret, one owner, one type, one epoch.
 *
 * A key object shows what it is for and hides what it is: the secret lies in a map that only this folder reads, so that
 * neither JSON nor a debugger's listing nor a spread copy carries it. A sealing key from a key ring asks the ring before
 * every use and refuses once a newer epoch is known: what is sealed under a closed epoch could be opened by those who were
 * revoked since.
 */

import { VitalsealError, rejectArgument } from '../errors.ts'
import { concatBytes, copyBytes, type Brand, type Bytes } from '../primitives/bytes.ts'
import type { CborValue } from '../primitives/codec.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { parseId, toDigest, type ChainId } from '../primitives/ids.ts'
import { isLabel, labelBytes, type Label } from '../primitives/label.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'

/** What a key is for; bound into everything sealed under it. */
export interface EpochContext {
  /** The ledger. */
  readonly chainId: ChainId
  /** The owner of the data. */
  readonly patient: Did
  /** The type of data, as the ledger names it. */
  readonly label: Label
  /** Key epoch of the owner. */
  readonly epoch: number
}

/** Opens records of one type and epoch. Prints without its secret. */
export type OpeningKey = Brand<EpochContext, 'OpeningKey'>
/** Also seals; only for the newest epoch known. */
export type SealingKey = Brand<OpeningKey, 'SealingKey'>

/** What every key may have besides its secret. */
export interface EpochKeyOptions {
  /** Secret of an erasable group, 32 bytes: who does not hold it cannot open, whatever other keys he has. */
  readonly groupSecret?: Uint8Array
}

/** What a sealing key may have. */
export interface SealingKeyOptions extends EpochKeyOptions {
  /** Returns the newest epoch of the owner that is known; asked before and after each sealing. */
  readonly epochCurrent?: () => number
}

/** What the folder knows of a key. */
export interface EpochKeySecret {
  /** Input keying material: the secret, and the secret of the group where there is one. */
  readonly secret: Bytes
  /** Chain, owner, epoch and label, as they enter the info of a record. */
  readonly infoFields: readonly CborValue[]
  readonly mode: 'open' | 'seal'
  readonly epochCurrent: (() => number) | undefined
}

const SECRET_BYTES = 32
const secrets = new WeakMap<object, EpochKeySecret>()

/**
 * Returns a key that seals and opens, for use by a key ring or without one.
 *
 * @param secret - 32 bytes, uniformly distributed; copied
 * @param context - what the key is for
 * @param options - `epochCurrent` where a key ring follows the ledger; `groupSecret` for erasable groups
 * @throws When an argument has another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createSealingKey(
  secret: Uint8Array,
  context: EpochContext,
  options: SealingKeyOptions = {},
): SealingKey {
  return createKey(secret, context, { ...options, mode: 'seal' }) as SealingKey
}

/**
 * Returns a key that opens what was sealed under the same secret and context.
 *
 * @param secret - 32 bytes, uniformly distributed; copied
 * @param context - what the key is for, from the committed transaction and never from the record
 * @param options - `groupSecret` for erasable groups
 * @throws When an argument has another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createOpeningKey(secret: Uint8Array, context: EpochContext, options: EpochKeyOptions = {}): OpeningKey {
  return createKey(secret, context, { ...options, mode: 'open' })
}

function createKey(
  secret: Uint8Array,
  context: EpochContext,
  options: SealingKeyOptions & Pick<EpochKeySecret, 'mode'>,
): OpeningKey {
  const { groupSecret, epochCurrent, mode } = options
  assertSecret('secret', secret)
  if (groupSecret !== undefined) assertSecret('options.groupSecret', groupSecret)
  const infoFields = checkContext(context)
  const { chainId, patient, label, epoch } = context
  const key = Object.freeze({ chainId, patient, label, epoch }) as unknown as OpeningKey
  const material = groupSecret === undefined ? copyBytes(secret) : concatBytes(secret, groupSecret)
  secrets.set(key, { secret: material, infoFields, mode, epochCurrent })
  return key
}

function assertSecret(argument: string, secret: Uint8Array): void {
  if (!(secret instanceof Uint8Array)) rejectArgument(argument, 'bytes', typeof secret)
  if (secret.length !== SECRET_BYTES) rejectArgument(argument, `${SECRET_BYTES} bytes`, `${secret.length} bytes`)
}

function checkContext({ chainId, patient, label, epoch }: EpochContext): readonly CborValue[] {
  if (!parseId('chain', chainId).ok) rejectArgument('context.chainId', 'a chain id', 'something else')
  if (!isLabel(label)) rejectArgument('context.label', '32 hexadecimal digits', 'something else')
  if (!Number.isSafeInteger(epoch) || epoch < 0 || epoch > COUNTER_MAX) {
    rejectArgument('context.epoch', `an integer from 0 to ${COUNTER_MAX}`, typeof epoch)
  }
  return [toDigest(chainId), toPublicKey(patient), epoch, labelBytes(label)]
}

/** Returns the secret of a key that opens. */
export function readKey(key: OpeningKey): EpochKeySecret {
  const secret = typeof key === 'object' && key !== null ? secrets.get(key) : undefined
  return secret ?? rejectArgument('key', 'a key that this library made, itself and not a copy', typeof key)
}

/** Returns the secret of a key that seals, unless a newer epoch is known. */
export function readSealingKey(key: SealingKey): EpochKeySecret {
  const secret = readKey(key)
  if (secret.mode !== 'seal') rejectArgument('key', 'a sealing key', 'an opening key')
  const epochCurrent = secret.epochCurrent?.() ?? key.epoch
  if (epochCurrent > key.epoch) {
    const message = `"key" seals under epoch ${key.epoch} of label ${key.label}, but epoch ${epochCurrent} is known; take the sealing key of the key ring again`
    throw new VitalsealError('ERR_KEYS_EPOCH_SUPERSEDED', message, {
      path: 'key',
      details: { label: key.label, epoch: key.epoch, epochCurrent },
    })
  }
  return secret
}
