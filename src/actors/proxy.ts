/**
 * The proxy: converts what an owner lets it, for one institution, and learns nothing (PS 4.2.8).
 *
 * It converts with a re-key that its owner recorded on the ledger, under a grant that lives, and records the digest of what
 * came out before it gives that to anyone; the ledger refuses where it would err. It deletes a re-key when the grant is
 * revoked or has ended, from its store too. An honest proxy is what revocation relies on: together with its institution a
 * dishonest one opens this type and epoch, past and future, and nothing else.
 *
 * Shares of the sharing contract come the same way: the claim on the ledger says what a grant says of care.
 */

import { isVitalsealError, VitalsealError, type ErrorCode } from '../errors.ts'
import {
  parsePreObject,
  reEncrypt,
  verifyCapsule,
  verifyReEncryptionKey,
  type Capsule,
  type ReEncryptionKey,
} from '../pre/index.ts'
import { equalBytes, fromHex, type Bytes, type Verified } from '../primitives/bytes.ts'
import { createRecordId, hashBlock, RAW_CODEC } from '../primitives/content-id.ts'
import { sha256, type Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { writeBlock } from '../storage/index.ts'
import { actorOf, createActorCore, registerIfNew, type Actor, type ActorCore, type ActorOptions } from './actor.ts'
import { careCondition, encodeConverted, openDelivery, type OpenedDelivery } from './capsules.ts'
import type { RekeyView } from './rekey-book.ts'
import { convertShare, judgeDelivery, openShareFor, type HeldShare } from './share-desk.ts'

/**
 * Where a proxy keeps its re-keys over a restart: a folder or a table of its own.
 *
 * What it is given is sealed to the proxy's agreement key, as it came from the owner: whoever reads the store without that
 * key learns how many there are, and their ids.
 */
export interface ReKeyStore {
  /** Resolves when it is durable. The id is hexadecimal; the same id again replaces. At most 9 KiB. */
  put(id: string, bytes: Uint8Array): Promise<void>
  /** What was put and not deleted, in any order. */
  list(): Promise<readonly Uint8Array[]>
  /** Resolves when it is gone; also where it was not there. */
  delete(id: string): Promise<void>
}

/** Who converts. */
export interface Proxy extends Actor {
  /**
   * Takes what `patient.createReEncryptionKey` made for this proxy, and returns the id of the re-key, hexadecimal; or what
   * `participant.claim` made: says on the ledger that the share can be converted, and returns the id of the claim.
   *
   * @throws When it is not for this proxy: `ERR_DECRYPTION_FAILED`; when the ledger knows no such re-key in use, of this owner
   *   for this proxy, delegatee, type and epoch: `ERR_CHAIN_REKEY`, or no such claim that waits: `ERR_SHARING_STATE`; when
   *   owner, keys or capsule are not those on the ledger: `ERR_PRE_CONDITION_MISMATCH`; when the block of a share is missing
   *   or none: `ERR_STORAGE_NOT_FOUND` or `ERR_SHARING_CONTENT`. {@link VitalsealError}
   */
  accept(delivery: Uint8Array): Promise<string>
  /**
   * Converts, records the conversion, and gives the result to the shared store. Again with the same re-key: the same result.
   * A share is converted once, and its re-key deleted.
   *
   * @param id - from {@link accept}
   * @throws When the re-key was revoked, has ended or was never accepted: `ERR_CHAIN_REKEY`; when the ledger's grants no longer
   *   permit it: `ERR_POLICY_DENIED`; when a claim no longer waits: `ERR_SHARING_STATE`. {@link VitalsealError}
   */
  convert(id: string): Promise<{ readonly id: TransactionId; readonly height: number }>
  /** Ids of the re-keys and claims that it holds; those that were revoked or have ended are deleted. */
  held(): readonly string[]
}

interface Held {
  readonly view: RekeyView
  readonly reKey: Verified<ReEncryptionKey>
  readonly capsule: Verified<Capsule>
  readonly key: Bytes
}

/**
 * Returns the proxy's actor. Registers the identity where the ledger does not know it, and takes up what its store holds.
 *
 * @param options - `store`: for re-keys; without one they are lost with the process, and owners deliver them again. What in it
 *   does not open with this identity is left alone, and what the ledger says has ended is deleted
 * @throws What the store does. {@link VitalsealError}
 */
export async function createProxy(options: ActorOptions & { readonly store?: ReKeyStore }): Promise<Proxy> {
  const core = createActorCore(options)
  await registerIfNew(core)
  const { follower } = core
  const { blocks, clock, store } = options
  const held = new Map<string, Held>()
  const shares = new Map<string, HeldShare>()
  /** Ids that the store may still have. */
  const ended = new Set<string>()

  function sweep(atMs = follower.timeMs()): void {
    for (const [id, { view, reKey }] of held) {
      if (follower.isRekeyInUse(view, atMs)) continue
      wipe(reKey)
      held.delete(id)
      ended.add(id)
    }
    for (const [id, { untilMs }] of shares) if (untilMs <= atMs) drop(id)
  }

  function drop(claim: string): void {
    const share = shares.get(claim)
    if (share === undefined) return
    wipe(share.reKey)
    shares.delete(claim)
    ended.add(claim)
  }

  async function clean(): Promise<void> {
    for (const id of ended) {
      await store?.delete(id)
      ended.delete(id)
    }
  }

  follower.onCommitted(() => {
    sweep()
    // Where the store fails now, whoever uses the proxy next hears of it.
    clean().catch(() => undefined)
  })

  async function catchUp(): Promise<void> {
    await follower.reached((await options.ledger.view()).height)
    sweep(Math.max(follower.timeMs(), clock()))
    await clean()
  }

  /** What a delivery is after it was compared with the ledger; nothing is held yet. */
  async function judge(delivery: Uint8Array): Promise<{ readonly id: string; readonly hold: () => Promise<void> }> {
    const delivered = openShareFor(core, delivery)
    if (delivered !== undefined) {
      const { share, say } = await judgeDelivery(core, delivered)
      return { id: share.claim, hold: () => say().then(() => void shares.set(share.claim, share)) }
    }
    const opened = check(core, delivery)
    const { id } = opened.reKey
    return { id, hold: () => Promise.resolve(void held.set(id, opened)) }
  }

  async function load(from: ReKeyStore): Promise<void> {
    for (const delivery of await from.list()) {
      const id = openShareFor(core, delivery)?.claim ?? open(core, delivery)?.reKey.id
      if (id === undefined) continue
      try {
        const { hold } = await judge(delivery)
        await hold()
      } catch (error) {
        if (!isVitalsealError(error)) throw error
        // A block that is not there now may be there the next time; and a ledger that does not answer has ended nothing.
        if (ENDED.includes(error.code)) await from.delete(id)
        else if (!error.code.startsWith('ERR_STORAGE_')) throw error
      }
    }
  }
  if (store !== undefined) await load(store)

  return {
    ...actorOf(core),
    async accept(delivery) {
      await catchUp()
      const { id, hold } = await judge(delivery)
      // Before the ledger hears that it is here, since nobody delivers it again.
      await store?.put(id, delivery)
      await hold().catch((error: unknown) => {
        if (isVitalsealError(error) && ENDED.includes(error.code)) ended.add(id)
        throw error
      })
      return id
    },
    async convert(id) {
      await catchUp()
      const share = shares.get(id)
      if (share !== undefined) {
        const done = await convertShare(core, share, (untilMs) => void shares.set(id, { ...share, untilMs }))
        drop(id)
        await clean()
        return done
      }
      const { view, reKey, capsule, key } = held.get(id) ?? refuse(`re-key ${id}`)
      const bytes = encodeConverted(reEncrypt(capsule, reKey, { nowMs: clock() }), key)
      const { patient, delegatee } = view
      const converted = sha256(bytes)
      const receipt = await core.submit({
        kind: 'conversion',
        patient,
        delegatee,
        reKey: fromHex(id) as unknown as Digest32,
        converted,
      })
      // After the ledger has it: what nobody recorded is given to nobody.
      const cid = hashBlock(RAW_CODEC, bytes)
      await writeBlock(blocks, { cid, bytes }, { record: createRecordId(cid), signal: undefined })
      return { id: receipt.id, height: receipt.height }
    },
    held: () => [...held.keys(), ...shares.keys()],
  }
}

/** What the ledger answers of a re-key that is of no more use. */
const ENDED: readonly ErrorCode[] = [
  'ERR_CHAIN_REKEY',
  'ERR_PRE_CONDITION_MISMATCH',
  'ERR_SHARING_CONTENT',
  'ERR_SHARING_STATE',
]

function wipe(reKey: ReEncryptionKey): void {
  reKey.element.fill(0)
  reKey.bytes.fill(0)
}

function refuse(what: string): never {
  throw new VitalsealError('ERR_CHAIN_REKEY', `${what}: not in use on the ledger for this proxy`, { details: {} })
}

function mismatch(what: string): never {
  throw new VitalsealError('ERR_PRE_CONDITION_MISMATCH', `the re-key has ${what} than the ledger says`, { details: {} })
}

/** A delivery for this proxy; nothing is checked but the form. */
function open({ did, options }: ActorCore, delivery: Uint8Array): OpenedDelivery | undefined {
  const { identity, ledger } = options
  return openDelivery(delivery, { chainId: ledger.chainId, proxy: did, agreement: identity.agreement })
}

/** A delivery that agrees with the ledger in every term. */
function check(core: ActorCore, delivery: Uint8Array): Held {
  const { follower, did, options } = core
  const { ledger, clock } = options
  const opened = open(core, delivery)
  if (opened === undefined) {
    throw new VitalsealError('ERR_DECRYPTION_FAILED', 'no delivery for this proxy', { details: {} })
  }
  const { reKey, key } = opened
  const { delegatorAccount: patient, delegateeAccount: delegatee } = reKey
  const view = delegatee === null ? undefined : follower.rekey({ patient, delegatee, reKey: reKey.id })
  const nowMs = Math.max(follower.timeMs(), clock())
  if (view?.proxy !== did || !follower.isRekeyInUse(view, nowMs)) refuse(`re-key ${reKey.id}`)
  const [owner, reader] = [follower.keysOf(patient), follower.keysOf(view.delegatee)]
  if (owner?.pre === undefined || !equalBytes(owner.pre.delegator.publicKey, reKey.delegator)) mismatch('other owners')
  if (reader?.pre === undefined || !equalBytes(reader.pre.delegatee.publicKey, reKey.delegatee))
    mismatch('other readers')
  const wanted = careCondition({ chainId: ledger.chainId, ...view })
  const { type, epoch, extra = [] } = reKey.condition
  if (type !== wanted.type || epoch !== wanted.epoch || extra.join() !== ledger.chainId) mismatch('another condition')
  if (!verifyReEncryptionKey(reKey, { signer: owner.signingKey, nowMs })) mismatch('another signature')
  const parsed = parsePreObject('capsule', opened.capsule)
  const capsule = parsed.ok ? parsed.value : mismatch('another capsule')
  if (!verifyCapsule(capsule)) mismatch('another capsule')
  // Whether the capsule is the re-key's to convert shows at once, and not when somebody waits for it.
  reEncrypt(capsule, reKey, { nowMs })
  return { view, reKey, capsule, key }
}
