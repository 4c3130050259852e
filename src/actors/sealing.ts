/**
 * Sealing a record so that nobody who was revoked meanwhile can open it.
 *
 * Until its transaction is applied, the ciphertext stays in the sender's outbox. When the ledger refuses, because the epoch
 * was closed in between, the record is sealed again under the next one; the shared store receives what was applied, and
 * nothing else.
 */

import { isVitalsealError } from '../errors.ts'
import type { Resource } from '../fhir/index.ts'
import {
  copyRecord,
  createMemoryBlockstore,
  sealRecord,
  storeRecord,
  type Blockstore,
  type SealingKey,
} from '../storage/index.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import type { ActorCore, Sealed } from './actor.ts'

/** Refusals that a new epoch, or the current one, mends. */
const STALE_EPOCH = [
  'ERR_CHAIN_EPOCH',
  'ERR_CHAIN_MUST_ROTATE',
  'ERR_CHAIN_EPOCH_ENDED',
  'ERR_CHAIN_LABEL',
  'ERR_CHAIN_PREVIOUS',
  'ERR_KEYS_EPOCH_SUPERSEDED',
  'ERR_KEYS_NOT_HELD',
] as const
/** How often something is tried again under another epoch. */
export const ATTEMPTS_MAX = 4

/** Whether the ledger or the key ring refused because the epoch has moved on. */
export function isStaleEpoch(error: unknown): boolean {
  return STALE_EPOCH.some((code) => isVitalsealError(error, code))
}

/** Where ciphertexts wait. Its own store, so that a shared one never sees what was refused. */
export function createOutbox(blocks?: Blockstore): Blockstore {
  return blocks ?? createMemoryBlockstore()
}

/**
 * Seals a resource, records it, and gives it to the shared store.
 *
 * `steps.key` gives the sealing key of now and is asked again after each refusal; `steps.renew` makes a current epoch that
 * lists the type before the next attempt.
 */
export async function sealAndRecord(
  core: ActorCore,
  resource: Pick<Resource, 'bytes'>,
  steps: {
    readonly outbox: Blockstore
    readonly key: () => SealingKey
    readonly renew: () => Promise<void>
    readonly record: (key: SealingKey, record: Sealed['record']) => ReturnType<ActorCore['submit']>
    readonly kind: 'iot' | 'diagnosis' | 'data'
  },
  options: ProgressOptions = {},
): Promise<Sealed> {
  const { outbox, kind } = steps
  const { blocks } = core.options
  for (let attempt = 1; ; attempt++) {
    try {
      const key = steps.key()
      const record = await storeRecord(await sealRecord(resource.bytes, { key, kind, ...options }, core.random), {
        blocks: outbox,
      })
      const { id, height } = await steps.record(key, record)
      await copyRecord(record, { source: outbox, target: blocks })
      return { id, record, height }
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !isStaleEpoch(error)) throw error
      await steps.renew()
    }
  }
}
