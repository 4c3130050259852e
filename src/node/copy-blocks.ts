/**
 * Copies final blocks into a second store, for example a database that others query. The node neither waits for it nor
 * depends on it: what the store does not take is offered again after the next block, or after a restart.
 */

import type { LedgerStore } from '../chain/index.ts'

/** A copy that goes on while blocks come. */
export interface BlockCopy {
  /** Ends it; resolves when nothing is under way. */
  stop(): Promise<void>
}

/**
 * Starts to copy.
 *
 * @param options - `height`: of the newest final block; `onBlock`: calls back after each one, and returns what ends that
 */
export function copyBlocks(options: {
  readonly from: LedgerStore
  readonly to: LedgerStore
  readonly height: () => number
  readonly onBlock: (listener: () => void) => () => void
}): BlockCopy {
  const { from, to, height, onBlock } = options
  let isStopped = false
  let running: Promise<void> | undefined

  async function copy(): Promise<void> {
    try {
      for (let next = (await to.height()) + 1; next <= height() && !isStopped; next++) {
        const block = await from.read(next)
        if (block === undefined) return
        await to.append(block)
      }
    } catch {
      // A store of the caller's; the next block brings another attempt.
    } finally {
      running = undefined
    }
  }

  const goOn = (): void => {
    if (!isStopped) running ??= copy()
  }
  const unlisten = onBlock(goOn)
  goOn()
  return {
    async stop() {
      isStopped = true
      unlisten()
      await running
    },
  }
}
