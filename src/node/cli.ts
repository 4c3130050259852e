#!/usr/bin/env node
/**
 * The command line `vitalseal`: finds the subcommand, gives it the process, and ends with its exit code.
 *
 * Each command is a file of its own that is read when it is asked for; a new one is one line in the table.
 */

import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { isatty } from 'node:tty'

import type { Command, ProcessIo } from './command.ts'

interface Entry {
  /** One line in the list of commands. */
  readonly summary: string
  load(): Promise<Command<ProcessIo>>
}

const COMMANDS: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  [
    'verify',
    {
      summary: 'verifies an audit bundle',
      load: async () => (await import('./verify-command.ts')).verifyCommand,
    },
  ],
  [
    'genesis',
    {
      summary: 'makes the file from which the members of a ledger start',
      load: async () => (await import('./genesis-command.ts')).genesisCommand,
    },
  ],
  [
    'node',
    {
      summary: 'runs one member of a ledger',
      load: async () => (await import('./node-command.ts')).nodeCommand,
    },
  ],
  [
    'cluster',
    {
      summary: 'starts a consortium of processes on this machine',
      load: async () => (await import('./cluster-command.ts')).clusterCommand,
    },
  ],
])

function usage(): string {
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  return `Usage: vitalseal COMMAND [options]\n\n${lines.join('\n')}\n\nvitalseal COMMAND --help says more about a command.\n`
}

/** 128 and the number of SIGINT, as shells count. */
const INTERRUPTED = 130

const io: ProcessIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: isatty(process.stderr.fd),
  elapsedMs: () => performance.now(),
  program: process.argv[1] ?? '',
  onStop(listener) {
    let isAsked = false
    const ask = () => {
      if (isAsked) process.exit(INTERRUPTED)
      isAsked = true
      listener()
    }
    process.on('SIGINT', ask)
    process.on('SIGTERM', ask)
  },
  onLine(listener) {
    const lines = createInterface({ input: process.stdin })
    lines.on('line', listener)
    lines.on('close', () => listener(undefined))
    // Waiting for what somebody may type keeps no process alive.
    if ('unref' in process.stdin) process.stdin.unref()
  },
}

// Whoever reads may leave, as `head` does and a parent that is killed: the command goes on to its end.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h' || name === 'help') {
    io.out(usage())
    return 0
  }
  const entry = COMMANDS.get(name ?? '')
  if (entry === undefined) {
    io.err(`${name === undefined ? 'expected a command' : `no command ${name}`}\n\n${usage()}`)
    return 2
  }
  const command = await entry.load()
  return command.run(args, io)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  io.err(`vitalseal: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
