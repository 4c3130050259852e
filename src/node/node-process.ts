/**
 * One node as a process of its own, started and watched by this one.
 *
 * It has a process group of its own, so that Ctrl-C reaches only its parent, which then stops it in order. Its standard input
 * is a pipe that nobody writes to: when this process ends, however that happens, the pipe ends and the node with it.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

import { VitalsealError } from '../errors.ts'
import { parseNodeLine, type NodeLine, type NodeSummary } from './status-lines.ts'

/** Why a process ended. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: string | null
  /** The last thing that it complained of; empty where it said nothing. */
  readonly said: string
}

/** A node's process. */
export interface NodeProcess {
  readonly pid: number
  /** The last status that it told. */
  status(): NodeSummary | undefined
  /** Resolves when it listens; rejects where it ends before. */
  readonly listening: Promise<void>
  /** Resolves when it has ended and all that it said was read. */
  readonly ended: Promise<ProcessEnd>
  kill(signal: 'SIGKILL' | 'SIGTERM'): void
  /** Lets it end in order; by force where it takes too long. */
  stop(): Promise<ProcessEnd>
}

/** What it takes to start one. */
export interface NodeProcessOptions {
  /** The program that has the command `node`. */
  readonly program: string
  /** Which one, for messages. */
  readonly index: number
  readonly configFile: string
  readonly flags: readonly string[]
  readonly onLine: (line: NodeLine) => void
  /** Called with each complaint, line by line. */
  readonly onSaid: (text: string) => void
}

/** A node that closes its database takes far less. */
const STOP_WITHIN_MS = 15_000

/** Starts a node. */
export function startNodeProcess(options: NodeProcessOptions): NodeProcess {
  const { program, index, configFile, flags, onLine, onSaid } = options
  const args = [program, 'node', '--config', configFile, '--json', '--until-input-ends', ...flags]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  // What is written to a process that has ended is lost; its end is told by `close`.
  child.stdin.on('error', () => undefined)
  let status: NodeSummary | undefined
  let said = ''
  let tellListening: () => void = () => undefined
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseNodeLine(text)
    if (line === undefined) return
    if (line.event === 'status') status = line.status
    if (line.event === 'listening') tellListening()
    onLine(line)
  })
  createInterface({ input: child.stderr }).on('line', (text) => {
    if (text.trim() !== '') said = text
    onSaid(text)
  })
  const ended = endOf(child, () => said)
  const listening = new Promise<void>((resolve, reject) => {
    tellListening = resolve
    void ended.then((end) => {
      const message = `node ${index} ${describeEnd(end)}`
      reject(new VitalsealError('ERR_NODE_PROCESS', message, { details: { index } }))
    })
  })
  // Whoever does not wait for it learns of the end by `ended`.
  listening.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    status: () => status,
    listening,
    ended,
    kill: (signal) => void child.kill(signal),
    stop: () => stopChild(child, ended),
  }
}

function endOf(child: ChildProcess, said: () => string): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, signal: null, said: error.message }))
    child.once('close', (code, signal) => resolve({ code, signal, said: said() }))
  })
}

async function stopChild(child: ChildProcess, ended: Promise<ProcessEnd>): Promise<ProcessEnd> {
  child.stdin?.end()
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  try {
    return await ended
  } finally {
    clearTimeout(timer)
  }
}

/** Says why a node ended. */
export function describeEnd({ code, signal, said }: ProcessEnd): string {
  const how = signal === null ? `ended with code ${code ?? 0}` : `was ended by ${signal}`
  return said === '' ? how : `${how}: ${said}`
}
