/**
 * The simulator: a group of replicas with network, disks, clocks and faulty members in one thread, in virtual time, all
 * from one seed. For the tests of this library, and for those of applications that it orders for.
 *
 * `simulate` runs a scenario and tells which properties did not hold; `shrinkScenario` makes a failing one small;
 * `explainRun` prints who sent what and what broke. `simulateTwins` takes a group of four through every partition and leader
 * with one member running twice, and `listCrashPoints` lets each member stop before each of its effects. Keys are simulated:
 * a strategy cannot forge what it holds no key for.
 *
 * @packageDocumentation
 */

export { createSimulatedApplication, createSimulatedRequest, type SimulatedApplication } from './application.ts'
export { crashPointScenario, listCrashPoints, type CrashPoint } from './crash-points.ts'
export { createSimulatedKeys, type SimulatedKeys } from './keys.ts'
export { type Violation } from './observers.ts'
export {
  PARTITION_SHAPES,
  type Partition,
  type PlannedCrash,
  type PlannedLink,
  type PlannedRequest,
  type Schedule,
  type UnsyncedFate,
} from './schedule.ts'
export { generateScenario, STRATEGIES, type Faults, type Scenario, type Strategy } from './scenario.ts'
export { explainRun, shrinkScenario, simulate, type SimulationRun } from './simulate.ts'
export { type Tell } from './transcript.ts'
export { simulateTwins, twinsRounds, TWINS_ROUND_CHOICES, type TwinsRound, type TwinsRun } from './twins.ts'
export {
  isVitalsealError,
  unwrap,
  VitalsealError,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../../errors.ts'
