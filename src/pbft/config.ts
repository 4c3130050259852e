/**
 * The settings of a replica with their defaults, checked once.
 */

import { rejectArgument } from '../errors.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import type { Member } from './certificate.ts'
import {
  BATCH_REQUEST_BYTES_MAX,
  BATCH_REQUESTS_MAX,
  MEMBERS_MAX,
  MESSAGE_BYTES_MAX,
  recordLimits,
  VIEW_MAX,
  viewChangeBytesMax,
  WINDOW_MAX,
} from './limits.ts'
import { deriveQuorum, primaryIndex, type Quorum } from './quorum.ts'

/** What all replicas of a group share, and how patient this one is. Times are counted in ticks of the host. */
export interface ReplicaConfig {
  readonly chainId: ChainId
  readonly members: readonly Member[]
  /** Counts the member sets; in every signature. Default 0. */
  readonly memberEpoch?: number
  /** Last block of the former member epoch, on which this one builds. Default 0. */
  readonly baseHeight?: number
  /** How long a known request may wait without progress before the view changes, T. Default 200. */
  readonly timeoutTicks?: number
  /**
   * How long requests that are known may wait for a proposal although the window has room, before the view changes; four
   * measured round trips where those take longer. 0 switches it off. Default three quarters of the timeout, because requests
   * are sent again after half of it; over a transport that loses nothing an eighth is safe.
   */
  readonly turnaroundTicks?: number
  /**
   * What a view must order while requests wait, in percent of the best of the last n views; 0 switches it off. Default 90.
   */
  readonly requiredRatePercent?: number
  /** Requests of one batch. Default 500. */
  readonly batchTransactionsMax?: number
  /** Bytes of the requests of one batch. Default 1 MiB. */
  readonly batchBytesMax?: number
  /** How long the primary waits for a batch to fill; 0 proposes at once. Default 5. */
  readonly batchWaitTicks?: number
  /** Proposals in flight. Default 16. */
  readonly windowSize?: number
  /** Blocks between checkpoints, K; the log spans L = 2K. Default 32, which is too many for more than 147 members. */
  readonly checkpointEvery?: number
  /** Executed blocks kept for replicas behind. Default 4L. */
  readonly historyBlocks?: number
  /** Blocks after which the next replica proposes; 0 keeps the primary of a view. Default 0. */
  readonly rotateEvery?: number
}

/** A configuration with everything decided. */
export interface Settings extends Quorum {
  readonly chainId: ChainId
  readonly chainDigest: Digest32
  readonly memberEpoch: number
  readonly baseHeight: number
  readonly members: readonly Did[]
  /** The same with their BLS keys. */
  readonly memberRecords: readonly Member[]
  readonly indexes: ReadonlyMap<Did, number>
  readonly timeoutTicks: number
  readonly turnaroundTicks: number
  readonly requiredRatePercent: number
  readonly batchTransactionsMax: number
  readonly batchBytesMax: number
  readonly batchWaitTicks: number
  readonly windowSize: number
  readonly checkpointEvery: number
  /** L: sequence numbers above the stable checkpoint that the log takes. */
  readonly logSpan: number
  readonly historyBlocks: number
  readonly rotateEvery: number
}

interface Range {
  readonly standard: number
  readonly min: number
  readonly max: number
}

const TICKS_MAX = 2 ** 31
const EPOCH_MAX = 2 ** 32 - 1

const ranges = {
  memberEpoch: { standard: 0, min: 0, max: EPOCH_MAX },
  baseHeight: { standard: 0, min: 0, max: VIEW_MAX },
  timeoutTicks: { standard: 200, min: 4, max: TICKS_MAX },
  turnaroundTicks: { standard: 150, min: 0, max: TICKS_MAX },
  requiredRatePercent: { standard: 90, min: 0, max: 100 },
  batchTransactionsMax: { standard: 500, min: 1, max: BATCH_REQUESTS_MAX },
  batchBytesMax: { standard: BATCH_REQUEST_BYTES_MAX, min: 1, max: BATCH_REQUEST_BYTES_MAX },
  batchWaitTicks: { standard: 5, min: 0, max: TICKS_MAX },
  windowSize: { standard: 16, min: 1, max: WINDOW_MAX },
  checkpointEvery: { standard: 32, min: 1, max: WINDOW_MAX / 2 },
  rotateEvery: { standard: 0, min: 0, max: TICKS_MAX },
} as const satisfies Record<string, Range>

function setting(config: ReplicaConfig, name: keyof typeof ranges): number {
  const { standard, min, max } = ranges[name]
  const value = config[name] ?? standard
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    rejectArgument(`config.${name}`, `an integer from ${min} to ${max}`, `${value}`)
  }
  return value
}

function indexMembers(config: ReplicaConfig): ReadonlyMap<Did, number> {
  const { members } = config
  if (members.length < 1 || members.length > MEMBERS_MAX) {
    rejectArgument('config.members', `1 to ${MEMBERS_MAX} members`, `${members.length}`)
  }
  const indexes = new Map<Did, number>()
  for (const [index, { did }] of members.entries()) {
    toPublicKey(did)
    if (indexes.has(did)) rejectArgument('config.members', 'distinct members', `member ${index} twice`)
    indexes.set(did, index)
  }
  return indexes
}

/** All that is prepared is carried over, and written down with the VIEW-CHANGEs of a quorum: a view change must not fail by size. */
function assertViewChangeFits({ quorum, replicaCount }: Quorum, logSpan: number): void {
  const bytes = viewChangeBytesMax({ logSpan, replicaCount })
  // What stands around them in the record is less than one more.
  if (bytes <= MESSAGE_BYTES_MAX && (quorum + 1) * bytes <= recordLimits.bytesMax) return
  const expected = `fewer blocks between checkpoints for ${replicaCount} members: their view change would not fit`
  rejectArgument('config.checkpointEvery', expected, `${logSpan / 2}`)
}

const known = new WeakMap<ReplicaConfig, Settings>()

/**
 * Returns the settings of a configuration; the same object for the same configuration.
 *
 * @throws When a setting is out of range, a view change of so many members would not fit, or a member comes twice: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function settleConfig(config: ReplicaConfig): Settings {
  const found = known.get(config)
  if (found !== undefined) return found
  const indexes = indexMembers(config)
  const checkpointEvery = setting(config, 'checkpointEvery')
  const logSpan = 2 * checkpointEvery
  const counts = deriveQuorum(config.members.length)
  assertViewChangeFits(counts, logSpan)
  const timeoutTicks = setting(config, 'timeoutTicks')
  const historyBlocks = config.historyBlocks ?? 4 * logSpan
  if (!Number.isSafeInteger(historyBlocks) || historyBlocks < logSpan) {
    rejectArgument('config.historyBlocks', `an integer of at least ${logSpan}`, `${historyBlocks}`)
  }
  const settings: Settings = Object.freeze({
    ...counts,
    chainId: config.chainId,
    chainDigest: toDigest(config.chainId),
    memberEpoch: setting(config, 'memberEpoch'),
    baseHeight: setting(config, 'baseHeight'),
    members: Object.freeze(config.members.map(({ did }) => did)),
    memberRecords: Object.freeze([...config.members]),
    indexes,
    timeoutTicks,
    turnaroundTicks:
      config.turnaroundTicks === undefined ? Math.ceil((3 * timeoutTicks) / 4) : setting(config, 'turnaroundTicks'),
    requiredRatePercent: setting(config, 'requiredRatePercent'),
    batchTransactionsMax: setting(config, 'batchTransactionsMax'),
    batchBytesMax: setting(config, 'batchBytesMax'),
    batchWaitTicks: setting(config, 'batchWaitTicks'),
    windowSize: Math.min(setting(config, 'windowSize'), logSpan),
    checkpointEvery,
    logSpan,
    historyBlocks,
    rotateEvery: setting(config, 'rotateEvery'),
  })
  known.set(config, settings)
  return settings
}

/** Returns the index of the replica that proposes a sequence number in a view. */
export function proposerOf(settings: Settings, view: number, sequence: number): number {
  const { replicaCount, rotateEvery } = settings
  return primaryIndex({ view, sequence, replicaCount, rotateEvery })
}

/** Returns the index of the replica that sends the NEW-VIEW of a view. */
export function leaderOf(settings: Settings, view: number): number {
  return view % settings.replicaCount
}
