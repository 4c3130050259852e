/**
 * A few things at once, results in order: so that WebCrypto's threads and a store's latency are used while memory stays
 * bounded.
 */

/** How many blocks are in work at once; more gains nothing measurable and costs 256 KiB each. */
export const BLOCKS_AT_ONCE = 8

/**
 * Yields `map` of each item, in the order of the items, with up to `width` of them in work.
 *
 * `map` is called in order. After a failure nothing more is started; what is still in work is waited for by nobody.
 */
export async function* mapInOrder<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  width: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R, void> {
  const working: Promise<R>[] = []
  for await (const item of items) {
    const result = map(item)
    // A failure is reported when its turn comes; until then it must not count as unhandled.
    result.catch(() => undefined)
    working.push(result)
    if (working.length >= width) yield await (working.shift() as Promise<R>)
  }
  for (const result of working) yield await result
}
