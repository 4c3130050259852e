/**
 * Keeps the endpoints of a client connected, where somebody lends it a sense of time; without one, it connects when asked.
 */

import type { RandomSource } from '../primitives/random.ts'
import type { Endpoint } from './connect-endpoint.ts'

/** Resolves after so many milliseconds. */
export type Wait = (delayMs: number) => Promise<void>

/** First and longest pause before an endpoint is tried again. */
const PAUSE_FIRST_MS = 250
const PAUSE_MAX_MS = 5_000
/** Failures in a row of every endpoint after which what waits is given up. */
const FAILURES_MAX = 6
/** How often a client that waits for something looks again. */
const BEAT_MS = 1_000
/** Beats that a connection may take to open and to be proved. */
const OPENING_BEATS_MAX = 10

/** What keeps endpoints connected. */
export interface Reach {
  /** Connects to all; and, without `wait`, again to those that were lost. */
  connectAll(): void
  /** Looks again in a while, and again as long as something is awaited. */
  beat(): void
}

/**
 * Returns the reach over endpoints; nothing happens before `connectAll`.
 *
 * @param options - `onChange`: a connection ended; `onBeat`: time to look again; `onUnreachable`: nobody is there, and
 *   enough was tried; `onFailure`: `wait` failed
 */
export function createReach(options: {
  readonly endpoints: readonly Endpoint[]
  readonly wait: Wait | undefined
  readonly random: RandomSource
  readonly isOver: () => boolean
  readonly isAwaiting: () => boolean
  readonly onChange: () => void
  readonly onBeat: () => void
  readonly onUnreachable: () => void
  readonly onFailure: (error: unknown) => void
}): Reach {
  const { endpoints, wait, random, isOver, isAwaiting, onChange, onBeat, onUnreachable, onFailure } = options
  const openingBeats = new Map<Endpoint, number>()
  let isBeating = false

  async function keepOpen(endpoint: Endpoint): Promise<void> {
    do {
      await endpoint.connect()
      if (isOver()) return
      onChange()
      if (isGivenUp()) onUnreachable()
      if (wait !== undefined && endpoint.state === 'away') await wait(pauseMs(endpoint))
    } while (wait !== undefined && !isOver() && endpoint.state === 'away')
  }

  /** Nobody is there or on the way, and waiting longer is not promising. */
  function isGivenUp(): boolean {
    if (isOver() || endpoints.some(({ state }) => state === 'proved' || state === 'opening')) return false
    const away = endpoints.filter(({ state }) => state === 'away')
    return wait === undefined || away.every(({ failures }) => failures >= FAILURES_MAX)
  }

  function pauseMs({ failures }: Endpoint): number {
    const most = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(failures, 16))
    return Math.round(most * (0.5 + (random(1)[0] as number) / 512))
  }

  /** A connection that neither opens nor fails is taken for failed. */
  function endTheSlow(): void {
    for (const endpoint of endpoints) {
      const count = endpoint.state === 'opening' ? (openingBeats.get(endpoint) ?? 0) + 1 : 0
      openingBeats.set(endpoint, count)
      if (count > OPENING_BEATS_MAX) endpoint.close()
    }
  }

  const isOpening = () => endpoints.some(({ state }) => state === 'opening')

  async function beatUntilDone(pause: Wait): Promise<void> {
    isBeating = true
    try {
      do {
        await pause(BEAT_MS)
        if (isOver()) return
        endTheSlow()
        onBeat()
      } while (isAwaiting() || isOpening())
    } finally {
      isBeating = false
    }
  }

  const reach: Reach = {
    connectAll() {
      for (const endpoint of endpoints) if (endpoint.state === 'away') keepOpen(endpoint).catch(onFailure)
      reach.beat()
    },
    beat() {
      if (wait !== undefined && !isBeating) beatUntilDone(wait).catch(onFailure)
    },
  }
  return reach
}
