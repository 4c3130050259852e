/**
 * The directory of a cluster: the genesis, and for each node its key, configuration and database.
 *
 *     genesis.cbor
 *     node-0/key  node-0/node.json  node-0/data/  node-0/trace.ndjson
 *
 * All keys in one directory: for development, tests and demonstrations. Members of a real ledger make theirs apart.
 */

import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'

import { createGenesis, type Genesis } from '../chain/index.ts'
import { rejectArgument, unwrap, VitalsealError } from '../errors.ts'
import type { Did } from '../primitives/did.ts'
import { createGenesisFile, readGenesisFile } from './genesis-file.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { parseNodeConfig } from './node-config.ts'
import { loadPreset, type PresetName } from './presets.ts'

/** Nodes of a cluster. */
export const CLUSTER_NODES_MAX = 16
const HOST = '127.0.0.1'

/** Where a node of a cluster keeps what. */
export interface ClusterNodeFiles {
  readonly index: number
  readonly did: Did
  /** `127.0.0.1:7001`. */
  readonly address: string
  readonly configFile: string
  /** Directory of its database. */
  readonly directory: string
  /** Messages between members, where they are noted. */
  readonly traceFile: string | undefined
  /** There while it has not run yet. */
  readonly newFile: string
}

/** A cluster on disk. */
export interface ClusterFiles {
  readonly genesis: Genesis
  readonly genesisFile: string
  readonly nodes: readonly ClusterNodeFiles[]
}

/** What a cluster is made of. */
export interface ClusterFilesOptions {
  readonly directory: string
  /** 1 to 16; a cluster that exists keeps its number. */
  readonly nodeCount?: number
  /** First port; default those of the last time, otherwise free ones. */
  readonly portFirst?: number
  /** Who admits accounts; default: everyone registers himself. */
  readonly registrars?: readonly Did[]
  /** What a new ledger can do; default `consortium`. */
  readonly preset?: PresetName
  /** Micro-units that accounts of a new ledger begin with; default none. */
  readonly balances?: Genesis['balances']
  /** Whether each node notes the messages between members. */
  readonly hasTrace?: boolean
}

const fileOf = (directory: string, index: number, name: string) => join(directory, `node-${index}`, name)

/**
 * Makes the files of a cluster, or finds them; configurations are written anew each time.
 *
 * @throws When there is a cluster of another size, when ports are taken, or files cannot be made: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export async function prepareCluster(options: ClusterFilesOptions): Promise<ClusterFiles> {
  const directory = resolve(options.directory)
  const genesisFile = join(directory, 'genesis.cbor')
  const genesis = (await exists(genesisFile))
    ? await reuseCluster(directory, genesisFile, options.nodeCount)
    : await createCluster(directory, genesisFile, options)
  const ports = await choosePorts(directory, genesis.members.length, options.portFirst)
  const nodes = genesis.members.map(({ did }, index): ClusterNodeFiles => {
    const file = (name: string) => fileOf(directory, index, name)
    return {
      index,
      did,
      address: `${HOST}:${ports[index] ?? 0}`,
      configFile: file('node.json'),
      directory: file('data'),
      traceFile: options.hasTrace === true ? file('trace.ndjson') : undefined,
      newFile: file('new'),
    }
  })
  await Promise.all(nodes.map((node) => writeConfig(node, nodes)))
  return { genesis, genesisFile, nodes }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function reuseCluster(directory: string, genesisFile: string, nodeCount: number | undefined): Promise<Genesis> {
  const genesis = unwrap(await readGenesisFile(genesisFile))
  const { length: found } = genesis.members
  if (nodeCount !== undefined && nodeCount !== found)
    rejectArgument('nodes', `${found}, the nodes of the ledger in ${directory}`, `${nodeCount}; take another directory`)
  for (const [index, { did }] of genesis.members.entries()) {
    const signer = unwrap(await readKeyFile(fileOf(directory, index, 'key')))
    if (signer.did !== did) rejectArgument(`node-${index}/key`, 'the key of that member', 'another')
  }
  return genesis
}

async function createCluster(
  directory: string,
  genesisFile: string,
  { nodeCount = 4, registrars = [], balances = [], preset = 'consortium' }: ClusterFilesOptions,
): Promise<Genesis> {
  if (!Number.isSafeInteger(nodeCount) || nodeCount < 1 || nodeCount > CLUSTER_NODES_MAX)
    rejectArgument('nodes', `a number from 1 to ${CLUSTER_NODES_MAX}`, String(nodeCount))
  const members: { readonly did: Did }[] = []
  for (let index = 0; index < nodeCount; index++) {
    await mkdir(join(directory, `node-${index}`), { recursive: true })
    // A start that was cut short leaves keys without a genesis: they have signed nothing yet.
    await rm(fileOf(directory, index, 'key'), { force: true })
    members.push(unwrap(await createKeyFile(fileOf(directory, index, 'key'))))
    await writeFile(fileOf(directory, index, 'new'), 'this node has not run yet\n')
  }
  const toOptions = await loadPreset(preset)
  const genesis = createGenesis(toOptions({ members, registrars, balances, timeMs: Date.now() }))
  // Last: with it the cluster exists.
  return unwrap(await createGenesisFile(genesisFile, genesis))
}

/** The ports of the last time, where all configurations have one. */
async function formerPorts(directory: string, count: number): Promise<readonly number[] | undefined> {
  const ports: number[] = []
  for (let index = 0; index < count; index++) {
    const file = fileOf(directory, index, 'node.json')
    if (!(await exists(file))) return undefined
    const config = parseNodeConfig(await readFile(file, 'utf8'), file)
    const port = config.ok ? Number(config.value.listen.split(':').at(-1)) : 0
    if (port === 0) return undefined
    ports.push(port)
  }
  return ports
}

async function choosePorts(
  directory: string,
  count: number,
  portFirst: number | undefined,
): Promise<readonly number[]> {
  if (portFirst !== undefined && !(portFirst >= 1 && portFirst + count - 1 <= 65_535))
    rejectArgument('base-port', `a port from 1 to ${65_536 - count}`, String(portFirst))
  const wanted =
    portFirst === undefined
      ? await formerPorts(directory, count)
      : Array.from({ length: count }, (_, index) => portFirst + index)
  return holdPorts(wanted ?? Array.from({ length: count }, () => 0))
}

/** Listens on ports for a moment: which they are, where 0 stands for any that is free. */
async function holdPorts(wanted: readonly number[]): Promise<readonly number[]> {
  const servers = wanted.map(() => createServer())
  try {
    const listening = servers.map(
      (server, i) =>
        new Promise<number>((done, failed) => {
          const port = wanted[i] ?? 0
          server.once('error', (error: NodeJS.ErrnoException) => failed(portFailure(port, error)))
          server.listen(port, HOST, () => done((server.address() as { readonly port: number }).port))
        }),
    )
    const settled = await Promise.allSettled(listening)
    return settled.map((result) => {
      if (result.status === 'rejected') throw result.reason
      return result.value
    })
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  }
}

function portFailure(port: number, error: NodeJS.ErrnoException): Error {
  if (error.code !== 'EADDRINUSE') return error
  const expected = `a free port on ${HOST}`
  const message = `port ${port} is taken: end the program that listens there, or choose others with --base-port`
  return new VitalsealError('ERR_ARGUMENT_INVALID', message, {
    path: 'base-port',
    details: { argument: 'base-port', expected, found: `${port}, which is taken` },
    cause: error,
  })
}

async function writeConfig(node: ClusterNodeFiles, nodes: readonly ClusterNodeFiles[]): Promise<void> {
  const config = {
    genesis: '../genesis.cbor',
    key: 'key',
    directory: 'data',
    listen: node.address,
    peers: nodes.filter(({ index }) => index !== node.index).map(({ address }) => `ws://${address}`),
    ...(node.traceFile === undefined ? {} : { trace: 'trace.ndjson' }),
  }
  await writeFile(node.configFile, `${JSON.stringify(config, null, 2)}\n`)
}

/** How a node has to be started: nobody but this directory knows whether it is new or has lost what it knew. */
export async function chooseStart(node: ClusterNodeFiles): Promise<'--initialise' | '--lost-disk' | undefined> {
  const isNew = await exists(node.newFile)
  if (!(await exists(node.directory))) return isNew ? '--initialise' : '--lost-disk'
  return isNew && !(await holdsAnything(node.directory)) ? '--initialise' : undefined
}

/** Whether a database was begun: a start that was cut short may leave its files without a byte of content. */
async function holdsAnything(directory: string): Promise<boolean> {
  for (const name of await readdir(directory)) {
    if (/\.(log|ldb)$/.test(name) && (await stat(join(directory, name))).size > 0) return true
  }
  return false
}

/** Notes that a node has run. */
export async function noteStarted(node: ClusterNodeFiles): Promise<void> {
  await rm(node.newFile, { force: true })
}
