/** Progress while the demo runs, and the table of what it checked. */
import { performance } from 'node:perf_hooks'

/** Something that must hold. */
export interface Check {
  readonly name: string
  readonly held: boolean
}

/** Collects checks and timings; quiet in a pipe. */
export function createNotebook() {
  const checks: Check[] = []
  const timings: { readonly name: string; readonly ms: number; readonly count: number }[] = []
  const isTerminal = process.stdout.isTTY
  return {
    checks: checks as readonly Check[],
    timings: timings as readonly { readonly name: string; readonly ms: number; readonly count: number }[],
    /** Notes whether something that must hold does. */
    check(name: string, held: boolean): void {
      checks.push({ name, held })
      if (!held) console.error(`FAILED: ${name}`)
    },
    /** Notes that an action fails with this code. */
    async expectFailure(name: string, code: string, action: () => unknown): Promise<void> {
      let found = 'nothing'
      try {
        await action()
      } catch (error) {
        found = (error as { readonly code?: string }).code ?? String(error)
      }
      this.check(`${name} (${code})`, found === code)
    },
    /** Runs one step, shows it, and keeps its time. */
    async step<T>(name: string, count: number, action: () => Promise<T>): Promise<T> {
      if (isTerminal) process.stdout.write(`… ${name}`)
      const start = performance.now()
      const result = await action()
      const ms = performance.now() - start
      timings.push({ name, ms, count })
      console.log(`${isTerminal ? '\r' : ''}✓ ${name} — ${count} in ${ms.toFixed(0)} ms`)
      return result
    },
    /** Prints the closing table; true when every check held. */
    finish(): boolean {
      const width = Math.max(...checks.map(({ name }) => name.length))
      console.log('\nwhat was checked')
      for (const { name, held } of checks) console.log(`  ${name.padEnd(width)}  ${held ? 'held' : 'FAILED'}`)
      const failed = checks.filter(({ held }) => !held).length
      const total = timings.reduce((sum, { ms }) => sum + ms, 0)
      console.log(`\n${checks.length - failed} of ${checks.length} checks held, ${(total / 1000).toFixed(1)} s`)
      return failed === 0
    },
  }
}

/** The notebook of one run. */
export type Notebook = ReturnType<typeof createNotebook>
