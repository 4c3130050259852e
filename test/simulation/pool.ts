// Runs jobs in child processes of the same program, one for each core: a process of its own tells the time that its jobs
// took the processor. A program that uses it calls serveJobs first, and does nothing else where that returns true.
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const CHILD = 'VITALSEAL_SIMULATION_CHILD'

/** What a child sends for each job. */
export interface Answer<R> {
  readonly result: R
  /** Time that the processor worked for it. */
  readonly busyMs: number
}

/** In a child: answers jobs until the parent ends, and returns true. In the program itself: returns false. */
export function serveJobs(run: (job: never) => unknown): boolean {
  if (process.env[CHILD] === undefined) return false
  let turn = Promise.resolve()
  process.on('message', (job) => {
    turn = turn.then(async () => {
      const before = process.cpuUsage()
      const result = await run(job as never)
      const { user, system } = process.cpuUsage(before)
      process.send?.({ result, busyMs: (user + system) / 1_000 } satisfies Answer<unknown>)
    })
  })
  process.on('disconnect', () => process.exit(0))
  return true
}

/** How many children there are unless a program is told otherwise. */
export function coreCount(): number {
  return availableParallelism()
}

/**
 * Gives jobs to children as they become free; resolves when all are answered, rejects when a child dies.
 *
 * @param program - `import.meta.url` of the program
 * @param jobs - taken one at a time, so that they may be made on demand
 */
export async function runJobs<J, R>(
  program: string,
  jobs: Iterable<J>,
  options: { readonly workers: number; readonly onAnswer: (answer: Answer<R>, job: J) => void },
): Promise<void> {
  const queue = jobs[Symbol.iterator]()
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let job: J | undefined
      const child = fork(fileURLToPath(program), [], {
        env: { ...process.env, [CHILD]: '1' },
        // Simulations make much that dies at once.
        execArgv: ['--max-semi-space-size=64'],
      })
      const next = (): void => {
        const turn = queue.next()
        if (turn.done === true) {
          child.removeAllListeners('exit')
          child.disconnect()
          resolve()
          return
        }
        job = turn.value
        child.send(job as object)
      }
      child.on('message', (answer: Answer<R>) => {
        options.onAnswer(answer, job as J)
        next()
      })
      child.on('error', reject)
      child.on('exit', (code) => {
        reject(new Error(`a child ended with ${code} at ${JSON.stringify(job)}`))
      })
      next()
    })
  await Promise.all(Array.from({ length: options.workers }, work))
}
