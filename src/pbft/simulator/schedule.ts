/** What happens when in a simulated world, as data: it can be printed, changed and made smaller. */

/** Ways in which a network splits. */
export const PARTITION_SHAPES = ['split', 'isolate', 'one-way', 'ring', 'leaders'] as const

/** The network splits for a while. */
export interface Partition {
  /**
   * `split`: two sides; `isolate`: one hears nobody and is not heard; `one-way`: one hears nobody; `ring`: each reaches its
   * two neighbours only; `leaders`: whoever leads does not reach one side.
   */
  readonly shape: (typeof PARTITION_SHAPES)[number]
  readonly fromMs: number
  readonly untilMs: number
  /** The members of one side. */
  readonly side: readonly number[]
  readonly alone: number
}

/** What becomes of records that were written and not synced when a process crashes. */
export type UnsyncedFate = 'drawn' | 'lost' | 'kept' | 'torn'

/** A member stops at some time, after so many more effects, and starts again. */
export interface PlannedCrash {
  readonly member: number
  readonly atMs: number
  readonly effects: number
  readonly downMs: number
  readonly unsynced: UnsyncedFate
  /** When it stops at the latest, between two inputs; never when left out. */
  readonly byMs?: number
}

/** One request of a client. */
export interface PlannedRequest {
  readonly atMs: number
  readonly client: number
  readonly payload: string
  /** The process that it is given to. */
  readonly to: number
}

/** A direction of a link that is worse than the other. */
export interface PlannedLink {
  readonly from: number
  readonly to: number
  readonly loss: number
  readonly delayMs: number
}

/** Everything that is to happen. */
export interface Schedule {
  readonly requests: readonly PlannedRequest[]
  readonly crashes: readonly PlannedCrash[]
  readonly lostDisks: readonly {
    readonly member: number
    readonly atMs: number
    readonly downMs: number
    readonly isRotten: boolean
  }[]
  readonly partitions: readonly Partition[]
  readonly links: readonly PlannedLink[]
  readonly slowNodes: readonly number[]
  readonly slowDisks: readonly number[]
}
