// Scenarios in which something was wrong once. They run in npm test and before every push, and stay as they are: a scenario is
// data, and a change of the way in which seeds become scenarios does not reach it.
import { crashPointScenario, type Scenario, type Schedule } from '../../src/pbft/simulator/index.ts'

const nothing: Schedule = {
  requests: [],
  crashes: [],
  lostDisks: [],
  partitions: [],
  links: [],
  slowNodes: [],
  slowDisks: [],
}

/** One bug that was found. */
export interface Regression {
  /** What was wrong, in one sentence. */
  readonly what: string
  /** The property that did not hold. */
  readonly property: string
  /** The seed that showed it in the campaign of its day. */
  readonly seed: number
  /** The change that repaired it. */
  readonly commit: string
  readonly scenario: Scenario
}

export const regressions: readonly Regression[] = [
  {
    what: 'a replica that lost its disk asked where the others stand only when nothing moved, and blocks came without a pause',
    property: 'L2',
    seed: 7587,
    commit: 'pbft: ask where the others stand until the answer is there, and judge only what is durable',
    scenario: {
      seed: 7587,
      replicaCount: 6,
      schedule: {
        ...nothing,
        requests: [{ atMs: 1214, client: 1, payload: 'request 1', to: 0 }],
        lostDisks: [{ member: 0, atMs: 1825, downMs: 826, isRotten: false }],
        partitions: [
          { shape: 'leaders', fromMs: 1790, untilMs: 2442, side: [2], alone: 5 },
          { shape: 'ring', fromMs: 1999, untilMs: 2600, side: [0, 2, 3, 5], alone: 2 },
          { shape: 'isolate', fromMs: 853, untilMs: 1848, side: [2], alone: 0 },
        ],
      },
    },
  },
  {
    what: 'one replica alone had the certificates of blocks that the others had executed, was not asked, and would not have answered',
    property: 'L1',
    seed: 6466,
    commit: 'pbft: ask for certificates that one replica alone has, and serve that of the checkpoint',
    scenario: {
      seed: 6466,
      replicaCount: 4,
      requestCount: 16,
      byzantine: ['silent'],
      faults: {
        loss: 0.09085328662768007,
        duplication: 0.16814414733089508,
        delayTicksMax: 2,
        crashes: 4,
        drift: 0.02537369744386524,
      },
    },
  },
  {
    what: 'with two replicas waiting in one view and others gone on to the next, nobody counted Q for a view, and no timer ran',
    property: 'L1',
    seed: 1176,
    commit: 'pbft: plant bugs, and find those that were not planted',
    scenario: {
      seed: 160,
      replicaCount: 7,
      faults: { loss: 0.2489661918254569 },
      schedule: {
        ...nothing,
        requests: [{ atMs: 848, client: 2, payload: 'request 2', to: 0 }],
        lostDisks: [{ member: 1, atMs: 1019, downMs: 602, isRotten: true }],
        partitions: [
          { shape: 'ring', fromMs: 1261, untilMs: 2600, side: [5], alone: 4 },
          { shape: 'split', fromMs: 91, untilMs: 1107, side: [3, 5], alone: 6 },
          { shape: 'one-way', fromMs: 1113, untilMs: 2228, side: [0, 4, 5, 6], alone: 6 },
        ],
      },
    },
  },
  {
    what: "a faulty leader's second proposal halted a replica that had already committed the first",
    property: 'S1',
    seed: 1713,
    commit: 'pbft: plant bugs, and find those that were not planted',
    scenario: {
      seed: 65,
      replicaCount: 6,
      byzantine: ['propose-again'],
      schedule: {
        ...nothing,
        requests: [
          { atMs: 231, client: 2, payload: 'request 8', to: 2 },
          { atMs: 197, client: 0, payload: 'request 12', to: 3 },
          { atMs: 174, client: 2, payload: 'request 17', to: 2 },
        ],
      },
    },
  },
  {
    what: 'the first record of a new log segment let go of the old records, and a crash in its middle forgot votes',
    property: 'S7',
    seed: 261,
    commit: 'pbft: plant bugs, and find those that were not planted',
    scenario: crashPointScenario({ member: 1, effects: 70, unsynced: 'torn' }),
  },
  {
    what: 'a replica went on serving a snapshot whose certificate had gone with a restart, to one that was behind',
    property: 'L2',
    seed: 205_004,
    commit: 'pbft: take a new snapshot where that in hand can never be proven',
    scenario: {
      seed: 205_004,
      replicaCount: 4,
      requestCount: 21,
      byzantine: ['lie-in-transfer'],
      faults: { loss: 0.006666172645054758, delayTicksMax: 6, partitions: 3, crashes: 4, slowDisks: 2 },
    },
  },
]
