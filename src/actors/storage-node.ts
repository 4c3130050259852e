/**
 * The storage node: keeps ciphertexts, and gives them to whoever shows a permit (HC's storage node, DP's off-chain storage).
 *
 * It serves the content of applied records only: to the account whose T_data read was permitted, until the permit ends; and
 * to the institution of a conversion what the conversion opens, until the re-key ends or is revoked. What it gives away is
 * ciphertext: a storage node that errs or colludes reads nothing.
 */

import { VitalsealError } from '../errors.ts'
import type { Committed, LedgerClient } from '../chain/index.ts'
import { createPolicyIndex } from '../policy/index.ts'
import { toHex } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import { createCid, createRecordId, RAW_CODEC, toCid, type RecordId } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash } from '../primitives/hash.ts'
import { toDigest, type ChainId, type TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import { createVerifier, type Signature, type Signer, type Verifier } from '../primitives/signature.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'
import { readBlock, streamRecordBlocks, type Blockstore, type ContentBlock } from '../storage/index.ts'
import { CONVERTED_BYTES_MAX } from './capsules.ts'
import { createRekeyBook, type ConversionView } from './rekey-book.ts'

/** Asks for the blocks of a record. */
export interface StorageRequest {
  readonly requester: Did
  readonly record: RecordId
  /** The T_data read that was permitted, or the conversion for the requester; null for the patient's own records. */
  readonly ticket: TransactionId | null
  /** Milliseconds UTC; a request is good for a minute. */
  readonly issuedAtMs: number
  readonly signature: Signature
}

/** How long a signed request counts, in either direction. */
export const REQUEST_WINDOW_MS = 60_000

function requestFields(chainId: ChainId, request: Omit<StorageRequest, 'signature' | 'requester'>) {
  const { record, ticket, issuedAtMs } = request
  return [toDigest(chainId), record, ticket === null ? null : toDigest(ticket), issuedAtMs] as const
}

/** Signs a request for the blocks of a record. */
export function createStorageRequest(
  request: { readonly record: RecordId; readonly ticket: TransactionId | null; readonly issuedAtMs: number },
  options: { readonly chainId: ChainId; readonly signer: Signer; readonly requester: Did },
): StorageRequest {
  const { chainId, signer, requester } = options
  return { ...request, requester, signature: signer.sign(LEDGER_TAGS.storageRequest, requestFields(chainId, request)) }
}

/** Keeps ciphertexts and honours permits. */
export interface StorageNode {
  /**
   * Returns the blocks of a record, the one with its address last. The ticket of a conversion also gets the converted block.
   *
   * @throws When the record was not applied, the ticket is no live permit or conversion of the requester for it, or the request
   *   is not signed by him just now: `ERR_POLICY_DENIED`; when blocks are missing: `ERR_STORAGE_NOT_FOUND`. {@link VitalsealError}
   */
  serve(request: StorageRequest): Promise<readonly ContentBlock[]>
  /** Stops following the ledger. */
  close(): void
}

interface KnownRecord {
  readonly patient: Did
  readonly author: Did
  readonly label: Label
  readonly epoch: number
}

interface Permit {
  readonly requester: Did
  readonly record: RecordId
  readonly untilMs: number
}

/** Returns a storage node over a store and a ledger. */
export function createStorageNode(options: {
  readonly ledger: LedgerClient
  readonly blocks: Blockstore
  readonly clock: Clock
  readonly verifier?: Verifier
}): StorageNode {
  const { ledger, blocks, clock, verifier = createVerifier() } = options
  const records = new Map<RecordId, KnownRecord>()
  const permits = new Map<TransactionId, Permit>()
  const policy = createPolicyIndex<Label>()
  const rekeys = createRekeyBook(policy)
  const signingKeys = new Map<Did, Did>()
  const abort = {
    aborted: false,
    addEventListener: (_kind: 'abort', listener: () => void) => void stops.push(listener),
  }
  const stops: (() => void)[] = []
  const waiting: { readonly height: number; readonly wake: () => void }[] = []
  let height = 0

  /** Resolves when every block up to now has been read. */
  async function catchUp(): Promise<void> {
    const { height: wanted } = await ledger.view()
    if (wanted <= height) return
    await new Promise<void>((wake) => waiting.push({ height: wanted, wake }))
  }

  function take(entry: Committed): void {
    const { transaction, receipt, patient, height: at } = entry
    if (receipt.code !== null) return
    if (transaction.kind === 'register') {
      if (transaction.operation === 'revoke') signingKeys.delete(transaction.subject)
      else if (transaction.keys !== null) signingKeys.set(transaction.subject, transaction.keys.signingKey)
    }
    if (transaction.kind === 'access') {
      const { sender: grantor, grantee, grants } = transaction
      policy.apply({ patient, grantor, grantee, grants }, { height: at })
    }
    rekeys.take(entry)
    if (transaction.kind === 'data' && transaction.mode === 'read') {
      const { record, sender: requester, id } = transaction
      if (record !== null) permits.set(id, { requester, record, untilMs: receipt.untilMs ?? 0 })
    } else if (transaction.kind === 'iot' || transaction.kind === 'diagnosis' || transaction.kind === 'data') {
      const { record, sender: author, label, epoch } = transaction
      records.set(record, { patient, author, label, epoch })
    }
  }

  const following = (async () => {
    for await (const { header, committed } of ledger.follow({ heightFirst: 1, signal: abort })) {
      committed.forEach(take)
      height = header.height
      for (const waiter of waiting.splice(0)) {
        if (waiter.height <= height) waiter.wake()
        else waiting.push(waiter)
      }
    }
  })()
  following.catch(() => {
    abort.aborted = true
  })

  function findFault(request: StorageRequest): string | undefined {
    const { requester, record, ticket, issuedAtMs, signature } = request
    const known = records.get(record)
    const conversion = ticket === null ? undefined : rekeys.conversion(ticket)
    const isConverted = conversion !== undefined && record === recordOfConverted(conversion)
    if (known === undefined && !isConverted) return 'the ledger knows no such record'
    if (Math.abs(clock() - issuedAtMs) > REQUEST_WINDOW_MS) return 'the request is not of now'
    const signer = signingKeys.get(requester)
    const fields = requestFields(ledger.chainId, { record, ticket, issuedAtMs })
    const digest = taggedHash(LEDGER_TAGS.storageRequest, ...fields)
    if (signer === undefined || !verifier.verify({ signer, digest, signature })) return 'the requester did not sign it'
    if (requester === known?.patient || requester === known?.author) return undefined
    if (conversion !== undefined) return findConversionFault(conversion, { requester, known })
    const permit = ticket === null ? undefined : permits.get(ticket)
    if (permit?.requester !== requester || permit.record !== record)
      return 'the ticket is no permit of the requester for it'
    return clock() < permit.untilMs ? undefined : 'the permit has ended'
  }

  /** A conversion opens what the patient sealed of one type in one epoch; `known` is undefined for the converted block. */
  function findConversionFault(
    conversion: ConversionView,
    { requester, known }: { readonly requester: Did; readonly known: KnownRecord | undefined },
  ): string | undefined {
    const { patient, delegatee, label, epoch, reKey, untilMs } = conversion
    const isOpened =
      known === undefined ||
      (known.patient === patient && known.author === patient && known.label === label && known.epoch === epoch)
    if (requester !== delegatee || !isOpened) return 'the ticket is no conversion for the requester that opens it'
    const isInUse = rekeys.isInUse({ patient, delegatee, reKey: toHex(reKey) }, clock())
    return clock() < untilMs && isInUse ? undefined : 'the re-key behind the ticket has ended or was revoked'
  }

  return {
    async serve(request) {
      // A permit may be younger than the last block that was read here.
      await catchUp()
      const fault = findFault(request)
      if (fault !== undefined) {
        throw new VitalsealError('ERR_POLICY_DENIED', `not served: ${fault}`, { details: { reasons: [fault], height } })
      }
      const { record } = request
      if (!records.has(record)) return [await readConverted(record, blocks)]
      const found: ContentBlock[] = []
      for await (const block of streamRecordBlocks(record, { blocks })) found.push(block)
      return found
    },
    close() {
      abort.aborted = true
      for (const stop of stops) stop()
    },
  }
}

/** The address of what came out of a conversion. */
function recordOfConverted({ converted }: ConversionView): RecordId {
  return createRecordId(createCid(RAW_CODEC, converted))
}

async function readConverted(record: RecordId, blocks: Blockstore): Promise<ContentBlock> {
  const cid = toCid(record)
  return { cid, bytes: await readBlock(blocks, cid, { bytesMax: CONVERTED_BYTES_MAX, record, signal: undefined }) }
}
