/**
 * The patient: seals, grants, revokes, opens. Run on the patient's device (DP's smartphone, HC's user node).
 */

import type { AppliedReceipt } from '../chain/index.ts'
import type { Resource } from '../fhir/index.ts'
import {
  extendEpoch,
  rotateEpoch,
  sealTypeKey,
  type DelegateRecipient,
  type KeyDrafts,
  type Recipient,
  type SkippedRecipient,
} from '../keys/index.ts'
import {
  createWindow,
  findCoverage,
  type Action,
  type Coverage,
  type GrantTerms,
  type Obligation,
  type Purpose,
  type TimeWindow,
} from '../policy/index.ts'
import { rejectArgument } from '../errors.ts'
import { toHex } from '../primitives/bytes.ts'
import type { DataType, Did } from '../primitives/did.ts'
import type { GrantId, TransactionId } from '../primitives/ids.ts'
import { isDataType, type Label } from '../primitives/label.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import type { Blockstore } from '../storage/index.ts'
import { hashGrant } from '../transactions/index.ts'
import type { Delegate } from '../identity/index.ts'
import {
  actorOf,
  createActorCore,
  registerIfNew,
  type Actor,
  type ActorCore,
  type ActorOptions,
  type Opened,
  type Sealed,
} from './actor.ts'
import { sealDelivery, type OwnerCapsules } from './capsules.ts'
import { ATTEMPTS_MAX, createOutbox, isStaleEpoch, sealAndRecord } from './sealing.ts'

/** What is granted, to whom, and for how long. */
export interface GrantOptions {
  readonly to: Did
  readonly dataTypes: readonly DataType[] | 'all'
  readonly purposes: readonly Purpose[]
  readonly access: TimeWindow | { readonly days: number }
  readonly data?: TimeWindow
  /** Default access and write: a doctor may read and add diagnoses. */
  readonly actions?: readonly Action[]
  readonly obligations?: readonly Obligation[]
}

/** What giving out keys led to. */
export interface Keyed {
  /** The block after which it holds. */
  readonly height: number
  /** The epoch that new records are sealed under. */
  readonly epoch: number
  /** Whoever may read or act and got no key, with the reason; empty when everybody was served. */
  readonly skipped: readonly SkippedRecipient[]
}

/** A re-key on its way to a proxy. */
export interface ReKeyDelivery {
  /** Id of the re-key, hexadecimal, as the ledger has it. */
  readonly reKey: string
  readonly epoch: number
  readonly untilMs: number
  /** The block that recorded it. */
  readonly height: number
  /** For the proxy; nobody else opens it. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What a patient is made of. */
export type PatientOptions = ActorOptions & {
  readonly outbox?: Blockstore
  /** For those who let proxies convert: {@link createOwnerCapsules}. */
  readonly capsules?: OwnerCapsules
}

/** The patient's side of the product. */
export interface Patient extends Actor {
  /** Encrypts, records tx_IoT, and stores. Resolves when the record is final and stored. */
  seal(resource: Resource, options?: ProgressOptions): Promise<Sealed>
  /** Opens one of one's own records, or what a doctor wrote. Not logged. */
  open(id: TransactionId, options?: ProgressOptions): Promise<Opened>
  /**
   * Lets a proxy convert one type of the current epoch for somebody who has leave to use it, and records that.
   *
   * Send the delivery to the proxy; it is sealed to it. The institution needs not be online. For a new epoch, make another.
   * Proxy and institution together open this type and epoch, and nothing else; the proxy alone opens nothing.
   *
   * @throws When no grant of action `use` covers the type: `ERR_POLICY_DENIED`; when the institution registered no PRE keys:
   *   `ERR_IDENTITY_INVALID`; when the patient was made without `capsules`, or an account is unknown:
   *   `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
   */
  createReEncryptionKey(options: {
    readonly to: Did
    readonly proxy: Did
    readonly dataType: DataType
    /** Default: the end of the grant. */
    readonly untilMs?: number
  }): Promise<ReKeyDelivery>
  /** Adds to what somebody may do: T_access, then tx_key with the keys that go with it. */
  grant(options: GrantOptions): Promise<Keyed & { readonly grant: GrantId }>
  /**
   * Takes `from` off the list of readers: T_access without him or without these types, then tx_key of a new epoch.
   *
   * What was sealed under earlier epochs stays readable to whoever holds those keys. Nothing is revoked before this
   * resolves; calling it again is safe.
   *
   * @see DP Protocol 2 (the empty set); HC Algorithm 3
   */
  revoke(options: { readonly from: Did; readonly dataTypes?: readonly DataType[] }): Promise<Keyed>
  /** Starts a new epoch for everyone who may read now. */
  rotate(): Promise<Keyed>
  /** Lets a key act for the account: a phone gateway, a health manager. It gets the current keys that its rights need. */
  addDelegate(delegate: Delegate): Promise<AppliedReceipt>
  /** Takes a slot back and starts a new epoch without it. */
  removeDelegate(slot: number): Promise<Keyed>
}

/**
 * Returns the patient's actor. Registers the identity where the ledger does not know it; resolves when the key ring has
 * caught up.
 */
export async function createPatient(options: PatientOptions): Promise<Patient> {
  const core = createActorCore(options)
  await registerIfNew(core)
  const outbox = createOutbox(options.outbox)
  const { did, keyRing, follower, random } = core
  if (keyRing.epochs(did).length === 0) await core.submitKeys(await rotateEpoch(keyRing, {}, random))

  const publish = async ({ drafts, skipped }: KeyDrafts): Promise<Keyed> => {
    const receipt = await core.submitKeys({ drafts, skipped })
    return { height: receipt?.height ?? follower.height(), epoch: currentEpoch(core), skipped }
  }

  const rotate = async (dataTypes?: readonly DataType[]): Promise<Keyed> => {
    const drafts = await rotateEpoch(
      keyRing,
      { recipients: recipientsOf(core), delegates: delegatesOf(core), dataTypes: dataTypes ?? typesOf(core) },
      random,
    )
    return publish(drafts)
  }

  async function list(dataTypes: readonly DataType[], recipients: readonly Recipient[] = []): Promise<Keyed> {
    try {
      return await publish(await extendEpoch(keyRing, { dataTypes, recipients, delegates: delegatesOf(core) }, random))
    } catch (error) {
      if (!isStaleEpoch(error)) throw error
      // The epoch is closed, whoever closed it: everything that is granted now goes into the next one.
      return rotate([...typesOf(core), ...dataTypes])
    }
  }

  return {
    ...actorOf(core),
    seal: (resource, progress) =>
      sealAndRecord(
        core,
        resource,
        {
          outbox,
          kind: 'iot',
          key: () => keyRing.sealingKey(resource.dataType),
          renew: async () => void (await list([resource.dataType])),
          record: ({ label, epoch }, record) => core.submit({ kind: 'iot', record, label, epoch }, progress),
        },
        progress,
      ),
    async open(id) {
      const entry = follower.record(id) ?? rejectArgument('id', 'a record on the ledger', 'another id')
      return core.openEntry(entry)
    },
    async createReEncryptionKey(order) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await recordReKey(core, options.capsules, order)
        } catch (error) {
          if (attempt === ATTEMPTS_MAX || !isStaleEpoch(error)) throw error
          await list([order.dataType])
        }
      }
    },
    async grant(grant) {
      const terms = termsOf(core, grant)
      const kept = follower.policy.grants(did, grant.to).filter(({ access }) => follower.timeMs() < access.untilMs)
      const supersedes = follower.currentSet({ patient: did, grantor: did, grantee: grant.to })
      const receipt = await core.submit({
        kind: 'access',
        patient: did,
        grantee: grant.to,
        grants: [...kept, terms],
        supersedes,
      })
      const types = grant.dataTypes === 'all' ? [] : grant.dataTypes
      const recipient = recipientOf(core, grant.to, types)
      const { epoch, skipped } = await list(types, recipient === undefined ? [] : [recipient])
      return { grant: hashGrant({ ...terms, grantor: did, grantee: grant.to }), height: receipt.height, epoch, skipped }
    },
    async revoke({ from, dataTypes }) {
      const taken = dataTypes?.map((dataType) => keyRing.label(dataType))
      const grants = taken === undefined ? [] : narrow(follower.policy.grants(did, from), taken)
      const supersedes = follower.currentSet({ patient: did, grantor: did, grantee: from })
      const receipt = await core.submit({ kind: 'access', patient: did, grantee: from, grants, supersedes })
      return { ...(await rotate()), height: receipt.height }
    },
    rotate: () => rotate(),
    async addDelegate(delegate) {
      const receipt = await core.submit({ kind: 'delegate', ...delegate })
      const { slot, agreement, rights } = delegate
      if (agreement !== null) {
        await core.submitKeys(
          await extendEpoch(keyRing, { dataTypes: typesOf(core), delegates: [{ slot, agreement, rights }] }, random),
        )
      }
      return receipt
    },
    async removeDelegate(slot) {
      await core.submit({ kind: 'delegate', slot, signingKey: null })
      return rotate()
    },
  }
}

async function recordReKey(
  core: ActorCore,
  capsules: OwnerCapsules | undefined,
  order: Parameters<Patient['createReEncryptionKey']>[0],
): Promise<ReKeyDelivery> {
  const { did, keyRing, follower, random } = core
  const { to, proxy, dataType } = order
  if (capsules === undefined) rejectArgument('options.capsules', 'createOwnerCapsules(identity)', 'nothing')
  const reader = follower.keysOf(to) ?? rejectArgument('to', 'an account on the ledger', 'another')
  const converter = follower.keysOf(proxy) ?? rejectArgument('proxy', 'an account on the ledger', 'another')
  const atMs = follower.timeMs()
  const coverage = findCoverage(follower.policy, { patient: did, grantee: to, atMs, action: 'use' })
  const untilMs = order.untilMs ?? coverage?.untilMs ?? atMs + 1
  const sealedKey = await sealTypeKey(keyRing, { dataType, sealer: capsules })
  const { label, epoch } = sealedKey.context
  const reKey = capsules.createReKey({ context: sealedKey.context, delegatee: reader, expiresAtMs: untilMs })
  const { height } = await core.submit({
    kind: 'rekey',
    reKey: reKey.id,
    proxy,
    delegatee: to,
    label,
    epoch,
    untilMs,
  })
  const bytes = sealDelivery({ reKey: reKey.bytes, sealedKey }, { proxy: converter }, random)
  return { reKey: toHex(reKey.id), epoch, untilMs, height, bytes }
}

function currentEpoch({ keyRing, did }: ActorCore): number {
  return keyRing.epochs(did).find(({ current }) => current)?.epoch ?? 0
}

/** The types that the current epoch lists, as far as their names are known. */
function typesOf({ keyRing, did }: ActorCore): readonly DataType[] {
  const current = keyRing.epochs(did).find((epoch) => epoch.current)
  return (current?.types ?? []).flatMap(({ dataType }) => dataType ?? [])
}

function termsOf({ keyRing, follower, options }: ActorCore, grant: GrantOptions): GrantTerms<Label> {
  const { dataTypes, purposes, access, data, actions = ['access', 'write'], obligations } = grant
  const fromMs = Math.max(follower.timeMs(), 0)
  const window =
    'days' in access ? createWindow({ fromMs: Math.min(fromMs, options.clock()), days: access.days }) : access
  return {
    dataTypes: dataTypes === 'all' ? dataTypes : dataTypes.map((dataType) => keyRing.label(dataType)),
    actions,
    purposes,
    access: window,
    ...(data === undefined ? {} : { data }),
    ...(obligations === undefined ? {} : { obligations }),
  }
}

/** Grants without some types; a grant of all types cannot be narrowed by name and goes. */
function narrow(grants: readonly GrantTerms<Label>[], taken: readonly Label[]): readonly GrantTerms<Label>[] {
  return grants.flatMap((terms) => {
    if (terms.dataTypes === 'all') return []
    const dataTypes = terms.dataTypes.filter((label) => !taken.includes(label))
    return dataTypes.length === 0 ? [] : [{ ...terms, dataTypes }]
  })
}

/** Everyone who may read or write now, with what goes into his envelope. */
function recipientsOf(core: ActorCore): readonly Recipient[] {
  return core.follower.granteesOf(core.did).flatMap((grantee) => recipientOf(core, grantee, []) ?? [])
}

function recipientOf(core: ActorCore, grantee: Did, named: readonly DataType[]): Recipient | undefined {
  const { follower, did, keyRing } = core
  const keys = follower.keysOf(grantee)
  const index = follower.indexOf(grantee)
  const query = { patient: did, grantee, atMs: follower.timeMs() }
  const reading = findCoverage(follower.policy, query)
  const coverage = reading ?? findCoverage(follower.policy, { ...query, action: 'write' })
  if (keys === undefined || index === undefined || coverage === undefined) return undefined
  const known = [...new Set([...typesOf(core), ...named])].filter(isDataType)
  const dataTypes = reading === undefined ? [] : covered(reading, known, (dataType) => keyRing.label(dataType))
  return { keys, index, dataTypes }
}

function covered(
  coverage: Coverage<Label>,
  known: readonly DataType[],
  label: (dataType: DataType) => Label,
): readonly DataType[] | 'all' {
  if (coverage.dataTypes === 'all' && coverage.except.length === 0) return 'all'
  return known.filter((dataType) => {
    const named = label(dataType)
    return (coverage.dataTypes === 'all' || coverage.dataTypes.includes(named)) && !coverage.except.includes(named)
  })
}

function delegatesOf({ follower, did }: ActorCore): readonly DelegateRecipient[] {
  return follower.delegatesOf(did).flatMap(({ slot, agreement, rights, notAfterMs }) => {
    const isLive = agreement !== null && follower.timeMs() < notAfterMs
    return isLive ? [{ slot, agreement, rights }] : []
  })
}
