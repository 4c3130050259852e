/** What the command line asks of a command, and what it gives it. */

/** Where a command writes; a test gives its own. */
export interface CommandIo {
  /** Results, for people or programs. */
  out(text: string): void
  /** Refusals and progress. */
  err(text: string): void
  /** Whether a person looks at `err`: only then is progress shown. */
  readonly isTerminal: boolean
  /** Milliseconds that only go forward. */
  elapsedMs(): number
}

/** One subcommand. */
export interface Command {
  /** The whole text of `--help`. */
  readonly usage: string
  /**
   * Runs it.
   *
   * @param args - what follows its name
   * @returns the exit code: 0 done, 1 refused or failed, 2 misuse
   */
  run(args: readonly string[], io: CommandIo): Promise<number>
}

/** Says what was wrong with the arguments and how to ask; exit code 2. */
export function misuse(io: CommandIo, message: string, name: string): number {
  io.err(`vitalseal ${name}: ${message}\nSee vitalseal ${name} --help\n`)
  return 2
}
