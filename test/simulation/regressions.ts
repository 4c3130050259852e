// Scenarios in which something was wrong once. They run in npm test and before every push, and stay as they are: a scenario is
// data, and a change of the way in which seeds become scenarios does not reach it.
import type { Scenario } from '../../src/pbft/simulator/index.ts'

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
]
