/**
 * A consortium of separate processes on this machine: for development, for demonstrations, and for tests of applications that
 * must stand the loss of a node.
 *
 * What `vitalseal cluster` runs. Each node is a process with a database of its own; they talk over sockets. A node that ends
 * is started again after a while, longer each time.
 */

import { fileURLToPath } from 'node:url'

import type { Genesis } from '../chain/index.ts'
import { rejectArgument } from '../errors.ts'
import type { Did } from '../primitives/did.ts'
import { chooseStart, noteStarted, prepareCluster, type ClusterNodeFiles } from './cluster-files.ts'
import type { PresetName } from './presets.ts'
import { describeEnd, startNodeProcess, type NodeProcess, type ProcessEnd } from './node-process.ts'
import type { NodeSummary } from './status-lines.ts'

/** A node of a cluster, as it is now. */
export interface ClusterNode {
  /** Its place in the genesis. */
  readonly index: number
  readonly did: Did
  /** Where clients connect, `ws://127.0.0.1:7001/ledger`. */
  readonly endpoint: string
  /** Directory of its database. */
  readonly directory: string
  /** File of the messages between members; undefined where they are not noted. */
  readonly traceFile: string | undefined
  /** Undefined while it does not run. */
  readonly pid: number | undefined
  /** The last that it told; undefined while nothing was heard of it. */
  readonly status: NodeSummary | undefined
}

/** What happens in a cluster. */
export type ClusterEvent = { readonly index: number } & (
  | { readonly kind: 'listening' | 'status' }
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'ended'; readonly because: string; readonly restartAfterMs: number | undefined }
)

/** A cluster that runs. */
export interface Cluster {
  readonly genesis: Genesis
  readonly genesisFile: string
  /** Where clients connect. */
  readonly endpoints: readonly string[]
  /** How each node is now. */
  readonly nodes: () => readonly ClusterNode[]
  /** Ends a node by SIGKILL; resolves when it is gone. It is started again like any that ends. */
  readonly kill: (index: number) => Promise<void>
  /** Ends a node in order; it stays down until `start`. */
  readonly stopNode: (index: number) => Promise<void>
  /** Starts a node that does not run; resolves when it listens. */
  readonly start: (index: number) => Promise<void>
  /** Ends all nodes in order. */
  readonly stop: () => Promise<void>
}

/** What a cluster is started with. */
export interface ClusterOptions {
  /** Keys, genesis and databases; made when new, otherwise the ledger goes on. */
  readonly directory: string
  /** 1 to 16, default 4; fewer than four stand no fault. */
  readonly nodeCount?: number
  /** First port; default those of the last time, otherwise free ones. */
  readonly portFirst?: number
  /** Who admits accounts, of a new ledger; default: everyone registers himself. */
  readonly registrars?: readonly Did[]
  /** What a new ledger can do; default `consortium`. */
  readonly preset?: PresetName
  /** Micro-units that accounts of a new ledger begin with; default none. */
  readonly balances?: Genesis['balances']
  /** Whether each node notes the messages between members in a file. */
  readonly hasTrace?: boolean
  /** Whether a node that ends stays down until `start`; default it is started again. */
  readonly restart?: 'always' | 'never'
  /** Called with what happens, as it does. */
  readonly onEvent?: (event: ClusterEvent) => void
  /** The program that runs a node; default the command line of this package. */
  readonly program?: string
}

const RESTART_FIRST_MS = 500
const RESTART_MAX_MS = 30_000
/** A node that ran so long had no trouble in starting. */
const SETTLED_MS = 30_000
/** What a node ends with when its configuration cannot be used: starting it again does not help. */
const MISUSE = 2

/** A node with what its parent knows. */
interface Slot {
  readonly files: ClusterNodeFiles
  process: NodeProcess | undefined
  /** While it is being started. */
  launching: Promise<void> | undefined
  startedAtMs: number
  /** Ends that came soon after the start, in a row. */
  failures: number
  timer: NodeJS.Timeout | undefined
  /** Whether it has listened: one that cannot be started at all is not tried again. */
  wasUp: boolean
  /** While somebody wants it to be down. */
  isHeld: boolean
}

/**
 * Starts a cluster, and resolves when all its nodes listen.
 *
 * Cost: a process of about 100 MiB for each node. All of them end with this process, also when that is killed.
 *
 * @throws When the directory holds a cluster of another size or ports are taken: `ERR_ARGUMENT_INVALID`; when a node does not start: `ERR_NODE_PROCESS`. {@link VitalsealError}
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { genesis, genesisFile, nodes: files } = await prepareCluster(options)
  const slots = files.map((node): Slot => ({
    files: node,
    process: undefined,
    launching: undefined,
    startedAtMs: 0,
    failures: 0,
    timer: undefined,
    wasUp: false,
    isHeld: false,
  }))
  const find = (index: number) => slots[index] ?? rejectArgument('index', `0 to ${slots.length - 1}`, String(index))
  const stop = async () => void (await Promise.all(slots.map(hold)))
  const started = await Promise.allSettled(slots.map((slot) => launch(slot, options)))
  const failed = started.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await stop()
    throw failed.reason
  }
  return {
    genesis,
    genesisFile,
    endpoints: files.map(endpointOf),
    nodes: () => slots.map(toNode),
    async kill(index) {
      const { process: running } = find(index)
      running?.kill('SIGKILL')
      await running?.ended
    },
    stopNode: (index) => hold(find(index)),
    async start(index) {
      const slot = find(index)
      slot.isHeld = false
      clearTimeout(slot.timer)
      await (slot.process?.listening ?? launch(slot, options))
    },
    stop,
  }
}

/** Starts the process of a node, once however often it is asked for; resolves when it listens. */
function launch(slot: Slot, options: ClusterOptions): Promise<void> {
  slot.launching ??= begin(slot, options).finally(() => {
    slot.launching = undefined
  })
  return slot.launching
}

async function begin(slot: Slot, options: ClusterOptions): Promise<void> {
  const {
    onEvent = () => undefined,
    restart = 'always',
    program = fileURLToPath(new URL('./cli.js', import.meta.url)),
  } = options
  const { index, configFile } = slot.files
  const flag = await chooseStart(slot.files)
  if (slot.isHeld) return
  const started = startNodeProcess({
    program,
    index,
    configFile,
    flags: flag === undefined ? [] : [flag],
    onLine({ event }) {
      if (event !== 'stopped') onEvent({ kind: event, index })
    },
    onSaid: (text) => onEvent({ kind: 'said', index, text }),
  })
  slot.process = started
  slot.startedAtMs = Date.now()
  void started.ended.then((end) => {
    slot.process = undefined
    const restartAfterMs = isToRestart(slot, end, restart) ? delayOf(slot) : undefined
    if (restartAfterMs !== undefined)
      slot.timer = setTimeout(() => void launch(slot, options).catch(() => undefined), restartAfterMs)
    onEvent({ kind: 'ended', index, because: describeEnd(end), restartAfterMs })
  })
  await started.listening
  slot.wasUp = true
  await noteStarted(slot.files)
}

/** Ends a node in order, and keeps it down. */
async function hold(slot: Slot): Promise<void> {
  slot.isHeld = true
  clearTimeout(slot.timer)
  await slot.process?.stop()
}

function isToRestart({ wasUp, isHeld }: Slot, { code }: ProcessEnd, restart: 'always' | 'never'): boolean {
  return wasUp && !isHeld && restart === 'always' && code !== MISUSE
}

/** How long to wait before starting it again: twice as long each time that it ends soon. */
function delayOf(slot: Slot): number {
  slot.failures = Date.now() - slot.startedAtMs >= SETTLED_MS ? 0 : slot.failures + 1
  return Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** Math.max(0, slot.failures - 1))
}

const endpointOf = ({ address }: ClusterNodeFiles) => `ws://${address}/ledger`

function toNode({ files, process: running }: Slot): ClusterNode {
  const { index, did, directory, traceFile } = files
  return { index, did, endpoint: endpointOf(files), directory, traceFile, pid: running?.pid, status: running?.status() }
}
