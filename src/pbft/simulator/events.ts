/**
 * The virtual clock: events in the order of their time, and of their making where times are equal.
 */

interface Event {
  readonly atMs: number
  readonly id: number
  readonly run: () => void
}

/** A queue of things that happen later, in virtual milliseconds. */
export class Events {
  readonly #heap: Event[] = []
  #made = 0
  #nowMs = 0

  /** Virtual time. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Lets something happen after so many milliseconds. */
  after(delayMs: number, run: () => void): void {
    const heap = this.#heap
    heap.push({ atMs: this.#nowMs + Math.max(0, delayMs), id: this.#made++, run })
    let index = heap.length - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#precedes(index, parent)) break
      this.#swap(index, parent)
      index = parent
    }
  }

  /** Runs the next event; false when there is none at or before the deadline. */
  step(deadlineMs: number): boolean {
    const heap = this.#heap
    const [next] = heap
    if (next === undefined || next.atMs > deadlineMs) return false
    const last = heap.pop() as Event
    if (heap.length > 0) {
      heap[0] = last
      this.#sink()
    }
    this.#nowMs = next.atMs
    next.run()
    return true
  }

  #sink(): void {
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      let least = index
      if (left < this.#heap.length && this.#precedes(left, least)) least = left
      if (left + 1 < this.#heap.length && this.#precedes(left + 1, least)) least = left + 1
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #precedes(one: number, other: number): boolean {
    const [left, right] = [this.#heap[one] as Event, this.#heap[other] as Event]
    return left.atMs < right.atMs || (left.atMs === right.atMs && left.id < right.id)
  }

  #swap(one: number, other: number): void {
    const heap = this.#heap
    ;[heap[one], heap[other]] = [heap[other] as Event, heap[one] as Event]
  }
}
