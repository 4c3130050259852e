/**
 * The group of a scenario: its members with their keys, who of them is faulty and how, and what is planned.
 */

import { fail, type Result } from '../../errors.ts'
import { toUtf8, type Verified } from '../../primitives/bytes.ts'
import { sha256 } from '../../primitives/hash.ts'
import { createId } from '../../primitives/ids.ts'
import { readMessage, verifyMessage } from '../authenticate.ts'
import { settleConfig, type ReplicaConfig, type Settings } from '../config.ts'
import type { ReadMessage } from '../inbox.ts'
import type { PeerMessage } from '../message.ts'
import { createSimulatedKeys, type SimulatedKeys } from './keys.ts'
import {
  observeAgreement,
  observeCertificates,
  observeLasting,
  observeOnce,
  observeOrder,
  observeValidity,
} from './observe-blocks.ts'
import { observeLatency, observeLiveness, observeRecovery } from './observe-progress.ts'
import {
  observeAccusations,
  observeBounds,
  observeCheckpoints,
  observeEquivocation,
  observeVotes,
} from './observe-replicas.ts'
import { Observers, type ObserverFactory } from './observers.ts'
import { planScenario } from './plan.ts'
import { type Schedule } from './schedule.ts'
import { createDraws, type Draws } from './random.ts'
import type { Scenario, Strategy } from './scenario.ts'

/** Virtual milliseconds of one tick. */
export const TICK_MS = 20
/** T of the simulated group, in ticks. */
export const TIMEOUT_TICKS = 20
const CHECKPOINT_EVERY = 4

/** The group of a scenario. */
export interface Group {
  readonly scenario: Scenario
  readonly config: ReplicaConfig
  readonly settings: Settings
  readonly keys: SimulatedKeys
  /** What each member does; undefined for correct ones. */
  readonly strategies: readonly (Strategy | undefined)[]
  readonly schedule: Schedule
  /** Whether replicas stand behind inboxes. */
  readonly hasInboxes: boolean
  /** Reads what members send. */
  readonly read: ReadMessage
}

/** Returns the group of a scenario. */
export function prepareGroup(scenario: Scenario): Group {
  const { seed, replicaCount, byzantine = [], keys: makeKeys = createSimulatedKeys } = scenario
  const keys = makeKeys(replicaCount, seed)
  const config = configure(scenario, keys)
  const order = orderMembers(createDraws(seed, 'byzantine'), replicaCount)
  const strategies = Array.from({ length: replicaCount }, (_, index) => byzantine[order.indexOf(index)])
  const processCount = replicaCount + strategies.filter((strategy) => strategy === 'twins').length
  const settings = settleConfig(config)
  return {
    scenario,
    config,
    settings,
    keys,
    strategies,
    schedule: planScenario(scenario, { order, processCount }, createDraws(seed, 'plan')),
    hasInboxes: scenario.verification === 'deciding',
    read: createReader(settings),
  }
}

function configure({ seed, constantDelayMs }: Scenario, { signers }: SimulatedKeys): ReplicaConfig {
  return {
    chainId: createId('chain', sha256(toUtf8(`simulation ${seed}`))),
    members: signers.map(({ did }) => ({ did })),
    timeoutTicks: TIMEOUT_TICKS,
    batchWaitTicks: constantDelayMs === undefined ? 1 : 0,
    batchTransactionsMax: 4,
    windowSize: 4,
    checkpointEvery: CHECKPOINT_EVERY,
  }
}

/** Who is faulty comes first: often an early leader, which can do most. */
function orderMembers(draws: Draws, count: number): number[] {
  const order = draws.shuffle(Array.from({ length: count }, (_, index) => index))
  if (count < 4 || draws.chance(0.5)) return order
  const early = draws.below(2)
  return [early, ...order.filter((index) => index !== early)]
}

const STANDARD_OBSERVERS: readonly ObserverFactory[] = [
  observeAgreement,
  observeOrder,
  observeValidity,
  observeOnce,
  observeLasting,
  observeCertificates,
  observeVotes,
  observeCheckpoints,
  observeBounds,
  observeAccusations,
  observeEquivocation,
  observeLiveness,
  observeRecovery,
]

/** Returns the observers of a group. */
export function observeGroup(group: Group, nowMs: () => number): Observers {
  const { config, settings, keys, strategies, hasInboxes, scenario } = group
  const { constantDelayMs } = scenario
  const faulty = new Set(strategies.flatMap((strategy, index) => (strategy === undefined ? [] : [index])))
  const exact = constantDelayMs === undefined ? [] : [observeLatency(constantDelayMs)]
  // An inbox drops late votes unverified, and with them what they would prove.
  const standard = STANDARD_OBSERVERS.filter((one) => one !== observeEquivocation || !hasInboxes)
  const observed = { config, settings, verifier: keys.verifier, faulty, nowMs }
  return new Observers(observed, [...standard, ...exact])
}

/** Returns a function that reads bytes, each once: what goes to many is one message. */
function createReader(settings: Settings): ReadMessage {
  const known = new WeakMap<Uint8Array, ReturnType<ReadMessage>>()
  return (bytes) => {
    let result = known.get(bytes)
    if (result === undefined) {
      result = readMessage(settings, bytes)
      known.set(bytes, result)
    }
    return result
  }
}

/** Returns a function that authenticates bytes, each once; it must not throw. */
export function createAuthenticator(
  { settings, keys, read }: Group,
  onThrow: (error: unknown) => void,
): (bytes: Uint8Array) => Result<Verified<PeerMessage>> {
  const known = new WeakMap<Uint8Array, Result<Verified<PeerMessage>>>()
  return (bytes) => {
    let result = known.get(bytes)
    if (result === undefined) {
      try {
        const message = read(bytes)
        result = message.ok ? verifyMessage(settings, keys.verifier, message.value) : message
      } catch (error) {
        onThrow(error)
        result = fail('ERR_CODEC_MALFORMED', 'threw', { details: { byteOffset: 0, expected: 'no exception' } })
      }
      known.set(bytes, result)
    }
    return result
  }
}
