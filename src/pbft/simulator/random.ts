/**
 * Random numbers of a simulation: one stream for each concern, all from one seed, so that a fault more or less does not
 * shift the draws of the others.
 */

/** A stream of draws. */
export interface Draws {
  /** In [0, 1). */
  next(): number
  /** An integer in [0, below). */
  below(below: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** An integer from `from` to `to`, both included. */
  between(from: number, to: number): number
  /** One of the list. */
  pick<T>(list: readonly T[]): T
  /** The list in another order. */
  shuffle<T>(list: readonly T[]): T[]
}

function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** Returns the stream of a concern (mulberry32; statistical quality is all that is needed). */
export function createDraws(seed: number, concern: string): Draws {
  let state = hashText(`${seed}/${concern}`)
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    between: (from, to) => from + below(to - from + 1),
    pick: (list) => list[below(list.length)] as (typeof list)[number],
    shuffle(list) {
      const shuffled = [...list]
      for (let index = shuffled.length - 1; index > 0; index--) {
        const other = below(index + 1)
        ;[shuffled[index], shuffled[other]] = [shuffled[other] as never, shuffled[index] as never]
      }
      return shuffled
    },
  }
}
