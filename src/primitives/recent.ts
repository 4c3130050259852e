/**
 * A map that forgets what was not used lately: the bound on memory for caches whose keys other people choose.
 */

/** Keeps at most a fixed number of entries; setting one more forgets the entry used longest ago. */
export interface RecentMap<K, V> {
  /** Returns the value, which counts as use. */
  get(key: K): V | undefined
  set(key: K, value: V): void
  readonly size: number
}

/**
 * Returns an empty map. Cost of each call: O(1).
 *
 * @param entriesMax - at least 1
 */
export function createRecentMap<K, V>(entriesMax: number): RecentMap<K, V> {
  // A Map iterates in the order of insertion, so its first key is the one moved to the end longest ago.
  const entries = new Map<K, V>()
  const moveToEnd = (key: K, value: V): void => {
    entries.delete(key)
    entries.set(key, value)
  }
  return {
    get(key) {
      const value = entries.get(key)
      if (value !== undefined) moveToEnd(key, value)
      return value
    },
    set(key, value) {
      moveToEnd(key, value)
      if (entries.size > entriesMax) entries.delete(entries.keys().next().value as K)
    },
    get size() {
      return entries.size
    },
  }
}
