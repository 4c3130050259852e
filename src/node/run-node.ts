/**
 * Running one node in this process: settings, start, what is shown meanwhile, and the end.
 *
 * It ends as asked (Ctrl-C, SIGTERM, the end of standard input) or because the node stopped itself, which it does where going
 * on could contradict what it has signed, or where the disk fails.
 */

import type { Genesis } from '../chain/index.ts'
import { isVitalsealError } from '../errors.ts'
import type { Progress, ProgressOptions } from '../primitives/progress.ts'
import type { Signer } from '../primitives/signature.ts'
import { messageOf, type ProcessIo } from './command.ts'
import { describeFaults, readGenesisFile } from './genesis-file.ts'
import { readKeyFile } from './key-file.ts'
import { readNodeConfig, type NodeConfig } from './node-config.ts'
import type { NodeEvent } from './node-events.ts'
import { describeStatus, isNews, type NodeLine, type NodeSummary } from './status-lines.ts'
import { openEvidenceFile, openTraceFile, type EvidenceEvent, type EvidenceFile } from './trace-file.ts'

/** A node that runs. */
export interface HostedNode {
  readonly address: string
  status(): NodeSummary
  stop(): Promise<void>
}

/** Starts a node. */
export type StartHost = (
  options: ProgressOptions & {
    readonly genesis: Genesis
    readonly signer: Signer
    readonly directory: string
    readonly listen: string
    readonly peers: readonly string[]
    readonly initialise?: true | 'lost-disk'
    readonly onEvent: (event: NodeEvent) => void
  },
) => Promise<HostedNode>

/** How it is run. */
export interface RunOptions {
  /** File of the configuration. */
  readonly config: string
  readonly initialise: true | 'lost-disk' | undefined
  /** For programs: one JSON object a line. */
  readonly isJson: boolean
  readonly endsWithInput: boolean
}

/** How often it looks whether there is something to show. */
const LOOK_EVERY_MS = 250
/** For people who look at a file, a new height alone is worth a line this often. */
const HEIGHT_EVERY_MS = 10_000

interface Settings {
  readonly config: NodeConfig
  readonly genesis: Genesis
  readonly signer: Signer
}

async function readSettings(file: string): Promise<Settings | string> {
  const config = await readNodeConfig(file)
  if (!config.ok) return config.message
  const genesis = await readGenesisFile(config.value.genesis)
  if (!genesis.ok) return genesis.message
  const signer = await readKeyFile(config.value.key)
  if (!signer.ok) return signer.message
  return { config: config.value, genesis: genesis.value, signer: signer.value }
}

/** Why a node is to end: undefined where somebody asked for it. */
interface Ending {
  readonly reason: Promise<string | undefined>
  readonly end: (reason?: string) => void
  /** Aborted when it is to end, so that a long start does not hold it up. */
  readonly signal: AbortSignal
}

function createEnding({ endsWithInput }: RunOptions, io: ProcessIo): Ending {
  const aborting = new AbortController()
  let resolve: (reason: string | undefined) => void = () => undefined
  const reason = new Promise<string | undefined>((settle) => {
    resolve = settle
  })
  const end = (why?: string) => {
    resolve(why)
    aborting.abort()
  }
  io.onStop(end)
  if (endsWithInput) {
    io.onLine((line) => {
      if (line === undefined) end()
    })
  }
  return { reason, end, signal: aborting.signal }
}

/**
 * Runs a node until it ends.
 *
 * @returns the exit code: 0 ended as asked, 1 failed, 2 settings that cannot be used
 */
export async function runNode(options: RunOptions, start: StartHost, io: ProcessIo): Promise<number> {
  const settings = await readSettings(options.config)
  if (typeof settings === 'string') return complain(settings, 2, io)
  const ending = createEnding(options, io)
  try {
    const reason = await host(settings, { options, start, ending, io })
    return reason === undefined ? 0 : complain(reason, 1, io)
  } catch (error) {
    if (isVitalsealError(error, 'ERR_ABORTED')) return 0
    // What is no error of the library or the system is a fault of this program, and shows its trace.
    if (!isVitalsealError(error) && (error as NodeJS.ErrnoException).code === undefined) throw error
    // These wait for somebody who decides; starting again does not help.
    const isForOperator =
      isVitalsealError(error, 'ERR_NODE_INITIALISE') || isVitalsealError(error, 'ERR_NODE_STORE_FOREIGN')
    return complain(explainFailure(error), isForOperator ? 2 : 1, io)
  }
}

function complain(sentence: string, code: number, io: ProcessIo): number {
  io.err(`vitalseal node: ${sentence}\n`)
  return code
}

interface Hosting {
  readonly options: RunOptions
  readonly start: StartHost
  readonly ending: Ending
  readonly io: ProcessIo
}

/** Starts the node, shows how it is, and stops it when it is to end; why it ended, where nobody asked for it. */
async function host({ config, genesis, signer }: Settings, hosting: Hosting): Promise<string | undefined> {
  const { options, start, ending, io } = hosting
  const { directory, listen, peers, trace: file } = config
  const { initialise, isJson } = options
  const trace = file === undefined ? undefined : openTraceFile(file)
  const evidence = openEvidenceFile(`${directory}-evidence.ndjson`)
  const display = isJson ? createJsonDisplay(io) : createDisplay(io)
  const onEvent = (event: NodeEvent) => {
    if (event.kind === 'message') trace?.write(event)
    if (event.kind === 'halt') ending.end(event.reason)
    if (event.kind === 'evidence') keepEvidence(event, evidence, io)
    if (event.kind === 'peer') io.err(`vitalseal node: ${event.address} is not connected: ${event.problem}\n`)
  }
  try {
    const node = await start({
      genesis,
      signer,
      directory,
      listen,
      peers,
      ...(initialise === undefined ? {} : { initialise }),
      signal: ending.signal,
      onProgress: display.progress,
      onEvent,
    })
    display.listening(node, { genesis, did: signer.did })
    const timer = setInterval(() => display.look(node.status()), LOOK_EVERY_MS)
    try {
      return await ending.reason
    } finally {
      clearInterval(timer)
      const last = node.status()
      await node.stop()
      display.stopped(last)
    }
  } finally {
    trace?.close()
  }
}

/** Says who contradicted himself, also where the disk does not take the evidence. */
function keepEvidence(event: EvidenceEvent, evidence: EvidenceFile, io: ProcessIo): void {
  const tell = (where: string) => {
    io.err(`vitalseal node: ${event.accused} contradicted itself; the evidence ${where}\n`)
  }
  try {
    if (evidence.write(event)) tell(`is in ${evidence.file}`)
  } catch (error) {
    tell(`could not be kept: ${messageOf(error)}`)
  }
}

/** What is shown while a node runs. */
interface Display {
  /** How far the start has come. */
  readonly progress: (progress: Progress) => void
  listening(node: HostedNode, of: { readonly genesis: Genesis; readonly did: string }): void
  look(status: NodeSummary): void
  stopped(status: NodeSummary): void
}

function createJsonDisplay(io: ProcessIo): Display {
  let shown: NodeSummary | undefined
  const tell = (line: NodeLine) => io.out(`${JSON.stringify(line)}\n`)
  return {
    progress: () => undefined,
    listening: ({ address }, { genesis: { chainId }, did }) => tell({ event: 'listening', address, chainId, did }),
    look(status) {
      if (!isNews(shown, status) && shown?.height === status.height) return
      shown = status
      tell({ event: 'status', status })
    },
    stopped: () => tell({ event: 'stopped' }),
  }
}

/** One line that is written anew on a terminal; in a pipe a line for each news, and for new heights now and then. */
function createDisplay(io: ProcessIo): Display {
  let shown: NodeSummary | undefined
  let shownAtMs = 0
  const isDue = (status: NodeSummary) =>
    isNews(shown, status) ||
    (shown?.height !== status.height && (io.isTerminal || io.elapsedMs() - shownAtMs >= HEIGHT_EVERY_MS))
  return {
    progress({ step, done, total }) {
      if (io.isTerminal) io.err(`\r${step} ${done} of ${total}\u001b[K`)
    },
    listening({ address }, { genesis: { chainId, members }, did }) {
      io.out(
        `${did}\n  chain    ${chainId}\n  members  ${members.length} in the genesis; the group ${describeFaults(members.length)}\n`,
      )
      io.out(`  listens  ${address}, GET /status says how it is\n`)
    },
    look(status) {
      if (!isDue(status)) return
      shown = status
      shownAtMs = io.elapsedMs()
      if (io.isTerminal) io.err(`\r${describeStatus(status)}\u001b[K`)
      else io.out(`${describeStatus(status)}\n`)
    },
    stopped({ height }) {
      if (io.isTerminal) io.err('\r\u001b[K')
      io.out(`stopped at height ${height}\n`)
    },
  }
}

const WAYS_OUT: Readonly<Record<string, string>> = {
  ERR_NODE_INITIALISE: '--initialise is for the very first start, --lost-disk for a member that has run before',
  EADDRINUSE: 'another program listens there; end it, or change "listen"',
  EACCES: 'this user may not; change the rights, or the path or port in the configuration',
  EADDRNOTAVAIL: 'this machine has no such address; change "listen"',
  ENOSPC: 'the disk is full; free some space and start again, nothing that was acknowledged is lost',
  EROFS: 'the file system is read-only',
}

function explainFailure(error: unknown): string {
  const message = messageOf(error)
  const causes: unknown[] = [error, error instanceof Error ? error.cause : undefined]
  const codes = causes.map((cause) => (cause as { readonly code?: unknown } | undefined)?.code)
  const wayOut = codes.map((code) => WAYS_OUT[String(code)]).find((text) => text !== undefined)
  return wayOut === undefined ? message : `${message}; ${wayOut}`
}
