/**
 * `vitalseal cluster`: a consortium of separate processes on this machine, to look at, to connect to, and to break.
 */

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { isVitalsealError } from '../errors.ts'
import { CLUSTER_NODES_MAX } from './cluster-files.ts'
import { createClusterDisplay, type ClusterDisplay } from './cluster-display.ts'
import { startCluster, type Cluster } from './cluster.ts'
import { messageOf, misuse, type Command, type ProcessIo } from './command.ts'
import { describeFaults } from './genesis-file.ts'
import { isPreset, PRESETS, type PresetName } from './presets.ts'

const usage = `Usage: vitalseal cluster [options]

Starts a consortium of separate processes on this machine: keys, genesis, one process and one
database for each node. Everyone may register himself on its ledger: it is for development.
Ctrl-C ends it; the same directory continues the ledger.

  --nodes COUNT     1 to ${CLUSTER_NODES_MAX} (default 4, or as many as the directory has); fewer than four
                    stand no fault
  --directory DIR   keys, genesis, databases (default vitalseal-cluster)
  --base-port PORT  the nodes listen on 127.0.0.1 from this port on (default 7001, or as last time)
  --preset NAME     what a new ledger can do: consortium (default) or secure-sharing
  --trace           each node notes the messages between nodes in its trace.ndjson
  --no-restart      leave a node that ended as it is
  --help            print this

While it runs, type: kill N, stop N, start N, status, quit. A node that ends is started again.

Exit code: 0 ended as asked, 1 failed, 2 misuse.
`

const PORT_FIRST = 7001

interface Asked {
  readonly nodeCount: number | undefined
  readonly directory: string
  readonly portFirst: number | undefined
  readonly preset: PresetName | undefined
  readonly hasTrace: boolean
  readonly restart: 'always' | 'never'
}

/** Runs a cluster. */
export const clusterCommand: Command<ProcessIo> = {
  usage,
  async run(args, io) {
    const asked = readArguments(args)
    if (typeof asked === 'string') return misuse(io, asked, 'cluster')
    if (asked === undefined) {
      io.out(usage)
      return 0
    }
    try {
      return await runCluster(asked, io)
    } catch (error) {
      // What is no error of the library or the system is a fault of this program, and shows its trace.
      if (!isVitalsealError(error) && (error as NodeJS.ErrnoException).code === undefined) throw error
      io.err(`vitalseal cluster: ${messageOf(error)}\n`)
      return 1
    }
  },
}

/** What was asked; a sentence where it cannot be; undefined where help is wanted. */
function readArguments(args: readonly string[]): Asked | string | undefined {
  const options = {
    nodes: { type: 'string' },
    directory: { type: 'string' },
    'base-port': { type: 'string' },
    preset: { type: 'string' },
    trace: { type: 'boolean' },
    'no-restart': { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const
  let values
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    return messageOf(error)
  }
  const { nodes, directory = 'vitalseal-cluster', 'base-port': port, trace: hasTrace = false, help } = values
  if (help === true) return undefined
  const nodeCount = nodes === undefined ? undefined : toNumber(nodes, CLUSTER_NODES_MAX)
  if (nodes !== undefined && nodeCount === undefined) return `--nodes expected a number from 1 to ${CLUSTER_NODES_MAX}`
  const portFirst = port === undefined ? undefined : toNumber(port, 65_535)
  if (port !== undefined && portFirst === undefined) return '--base-port expected a port from 1 to 65535'
  const { preset } = values
  if (!isPreset(preset)) return `--preset expected one of ${PRESETS.join(', ')}`
  return {
    nodeCount,
    directory,
    portFirst,
    preset,
    hasTrace,
    restart: values['no-restart'] === true ? 'never' : 'always',
  }
}

function toNumber(text: string, max: number): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= max ? value : undefined
}

async function runCluster(asked: Asked, io: ProcessIo): Promise<number> {
  const { nodeCount, directory } = asked
  const portFirst = asked.portFirst ?? (existsSync(join(directory, 'genesis.cbor')) ? undefined : PORT_FIRST)
  const stopped = new Promise<void>((done) => io.onStop(done))
  let display: ClusterDisplay | undefined = undefined as ClusterDisplay | undefined
  const cluster = await startCluster({
    directory,
    hasTrace: asked.hasTrace,
    restart: asked.restart,
    ...(nodeCount === undefined ? {} : { nodeCount }),
    ...(asked.preset === undefined ? {} : { preset: asked.preset }),
    ...(portFirst === undefined ? {} : { portFirst }),
    program: io.program,
    onEvent: (event) => display?.take(event),
  })
  const startedAtMs = io.elapsedMs()
  io.out(describeCluster(cluster, resolve(directory)))
  display = createClusterDisplay(cluster, io)
  await Promise.race([stopped, obeyLines(cluster, display, io)])
  display.close()
  const height = Math.max(0, ...cluster.nodes().map(({ status }) => status?.height ?? 0))
  await cluster.stop()
  const seconds = ((io.elapsedMs() - startedAtMs) / 1000).toFixed(0)
  io.out(`${describeCount(cluster.endpoints.length)} stopped at height ${height} after ${seconds} s\n`)
  io.out(`vitalseal cluster --directory ${directory} continues this ledger\n`)
  return 0
}

const describeCount = (count: number) => (count === 1 ? '1 node' : `${count} nodes`)

function describeCluster({ genesis, genesisFile, endpoints, nodes }: Cluster, directory: string): string {
  const [first] = nodes()
  const lines = [
    `${describeCount(endpoints.length)} in ${directory}`,
    `  chain   ${genesis.chainId}`,
    `  group   ${describeFaults(endpoints.length)}`,
    ...nodes().map(({ index, endpoint, pid }) => `  node ${index}  ${endpoint}  pid ${pid ?? '-'}`),
    '',
    'connect:',
    "  import { readFileSync } from 'node:fs'",
    "  import { setTimeout as wait } from 'node:timers/promises'",
    "  import { connectLedger, parseGenesis, unwrap } from 'vitalseal/chain'",
    "  import { openSocket } from 'vitalseal/node'",
    `  const genesis = unwrap(parseGenesis(readFileSync(${JSON.stringify(genesisFile)})))`,
    `  const endpoints = ${JSON.stringify(endpoints).replaceAll('"', "'").replaceAll(',', ', ')}`,
    '  const ledger = await connectLedger({ genesis, endpoints, openSocket, wait })',
    '',
    `break it: kill -9 ${first?.pid ?? 'PID'}, or type kill 0; it is started again and catches up`,
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** Does what is typed; resolves when somebody wants to quit. The end of the input means nothing. */
function obeyLines(cluster: Cluster, display: ClusterDisplay, io: ProcessIo): Promise<void> {
  return new Promise((quit) => {
    io.onLine((line) => {
      if (line === undefined) return
      display.noteLine()
      const [verb = '', number] = line.trim().split(/\s+/)
      if (verb === 'quit') quit()
      else obey(verb, Number(number), cluster, display)
    })
  })
}

function obey(verb: string, index: number, cluster: Cluster, display: ClusterDisplay): void {
  const orders: Readonly<Record<string, (index: number) => Promise<void>>> = {
    kill: cluster.kill,
    stop: cluster.stopNode,
    start: cluster.start,
  }
  const order = Object.hasOwn(orders, verb) ? orders[verb] : undefined
  if (verb === 'status' || verb === '') display.show()
  else if (order === undefined || cluster.nodes()[index] === undefined)
    display.say(`kill N, stop N, start N with N from 0 to ${cluster.endpoints.length - 1}; status; quit`)
  else order(index).catch((error: unknown) => display.say(messageOf(error)))
}
