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

/** What a command that runs until it is told to end needs besides. */
export interface ProcessIo extends CommandIo {
  /** Tells the listener once when the process is asked to end, by Ctrl-C or SIGTERM; a second time ends it at once. */
  onStop(listener: () => void): void
  /** Gives each line of standard input, and undefined once at its end. */
  onLine(listener: (line: string | undefined) => void): void
  /** The program that runs, for a command that starts it again. */
  readonly program: string
}

/** One subcommand. */
export interface Command<Io extends CommandIo = CommandIo> {
  /** The whole text of `--help`. */
  readonly usage: string
  /**
   * Runs it.
   *
   * @param args - what follows its name
   * @returns the exit code: 0 done, 1 refused or failed, 2 misuse
   */
  run(args: readonly string[], io: Io): Promise<number>
}

/** Says what was wrong with the arguments and how to ask; exit code 2. */
export function misuse(io: CommandIo, message: string, name: string): number {
  io.err(`vitalseal ${name}: ${message}\nSee vitalseal ${name} --help\n`)
  return 2
}

/** The sentence of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
