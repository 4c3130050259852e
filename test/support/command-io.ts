/** A process for commands under test: what they print is kept, and the test plays terminal and signals. */

import type { Command, ProcessIo } from '../../src/node/command.ts'

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A process that a test plays. */
export interface PlayedProcess {
  readonly io: ProcessIo
  readonly out: () => string
  readonly err: () => string
  /** Asks it to stop, as Ctrl-C does. */
  readonly stop: () => void
  /** Types a line; undefined is the end of the input. */
  readonly type: (line: string | undefined) => void
}

/** Returns a process for one run. */
export function playProcess(options: { readonly isTerminal?: boolean; readonly program?: string } = {}): PlayedProcess {
  const { isTerminal = false, program = '' } = options
  let [out, err, nowMs] = ['', '', 0]
  const stops: (() => void)[] = []
  const readers: ((line: string | undefined) => void)[] = []
  return {
    io: {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      isTerminal,
      elapsedMs: () => (nowMs += 250),
      program,
      onStop: (listener) => void stops.push(listener),
      onLine: (listener) => void readers.push(listener),
    },
    out: () => out,
    err: () => err,
    stop: () => stops.forEach((stop) => stop()),
    type: (line) => readers.forEach((read) => read(line)),
  }
}

/** Runs a command that ends by itself. */
export async function runCommand(command: Command<ProcessIo>, ...args: readonly string[]): Promise<Ran> {
  const played = playProcess()
  const code = await command.run(args, played.io)
  return { code, out: played.out(), err: played.err() }
}

/** Waits until something holds, looking every few milliseconds; the test's own time limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((next) => setTimeout(next, 10))
}
