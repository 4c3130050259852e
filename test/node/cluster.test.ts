/** The cluster as a parent of processes: with a program that only behaves like a node, so that it costs little. */

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { clusterCommand } from '../../src/node/cluster-command.ts'
import { startCluster, type Cluster, type ClusterEvent, type ClusterOptions } from '../../src/node/cluster.ts'
import { playProcess, runCommand, until } from '../support/command-io.ts'
import { party } from '../support/parties.ts'

const folder = mkdtempSync(join(tmpdir(), 'vitalseal-cluster-'))
const program = join(folder, 'stand-in.mjs')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Notes how it was started, says that it listens, and ends with its input; files beside its configuration spoil it. */
const STAND_IN = `
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
const args = process.argv.slice(2)
const folder = dirname(args[args.indexOf('--config') + 1])
const config = JSON.parse(readFileSync(join(folder, 'node.json'), 'utf8'))
appendFileSync(join(folder, 'starts'), args.slice(3).join(' ') + '\\n')
const say = (line) => process.stdout.write(JSON.stringify(line) + '\\n')
if (existsSync(join(folder, 'fails'))) {
  process.stderr.write('a first complaint\\nno such luck\\n')
  process.exit(Number(readFileSync(join(folder, 'fails'), 'utf8')))
}
mkdirSync(join(folder, 'data'), { recursive: true })
say('noise')
say({ event: 'listening', address: config.listen, chainId: '00', did: 'x' })
const did = 'DID'
say({ event: 'status', status: { did, height: 5, memberEpoch: 0, view: 0, mode: 'normal', primary: did, connected: [] } })
process.stdin.resume().on('end', () => {
  if (!existsSync(join(folder, 'hangs'))) process.exit(0)
})
setInterval(() => undefined, 1000)
`
beforeAll(() => writeFileSync(program, STAND_IN.replace('DID', party('a').did)))

let count = 0
const fresh = () => join(folder, `cluster-${count++}`)
const startsOf = (directory: string, index: number) =>
  readFileSync(join(directory, `node-${index}`, 'starts'), 'utf8')
    .trimEnd()
    .split('\n')

/** Whether a process is there. */
function isAlive(pid: number | undefined): boolean {
  try {
    return process.kill(pid ?? 0, 0)
  } catch {
    return false
  }
}

/** Starts one, and ends it after the test did what it wanted. */
async function withCluster(
  options: Partial<ClusterOptions> & { readonly directory: string },
  test: (cluster: Cluster, events: readonly ClusterEvent[]) => Promise<void>,
): Promise<void> {
  const events: ClusterEvent[] = []
  const cluster = await startCluster({ program, nodeCount: 2, ...options, onEvent: (event) => void events.push(event) })
  try {
    await test(cluster, events)
  } finally {
    await cluster.stop()
  }
}

describe('startCluster', () => {
  it('makes keys, genesis and configurations, and a process for each node', async () => {
    const directory = fresh()
    let pids: readonly (number | undefined)[] = []
    await withCluster(
      { directory, nodeCount: 4, registrars: [party('clerk').did], hasTrace: true },
      async (cluster) => {
        const { genesis, endpoints } = cluster
        expect([genesis.members.length, genesis.registrars]).toEqual([4, [party('clerk').did]])
        pids = cluster.nodes().map(({ pid }) => pid)
        expect(new Set(pids).size).toBe(4)
        expect(pids.every(isAlive)).toBe(true)
        for (const { index, did, endpoint, traceFile } of cluster.nodes()) {
          expect(did).toBe(genesis.members[index]?.did)
          const config = JSON.parse(readFileSync(join(directory, `node-${index}/node.json`), 'utf8')) as object
          const address = endpoint.replace('ws://', '').replace('/ledger', '')
          const peers = endpoints.filter((other) => other !== endpoint).map((other) => other.replace('/ledger', ''))
          expect(config).toMatchObject({ listen: address, peers, trace: 'trace.ndjson' })
          expect(traceFile).toBe(join(directory, `node-${index}/trace.ndjson`))
        }
        await until(() => cluster.nodes().every(({ status }) => status?.height === 5))
      },
    )
    expect(pids.some(isAlive)).toBe(false)
  })

  it('goes on with the same ledger and the same ports; who lost its data says so', async () => {
    const directory = fresh()
    let before: Pick<Cluster, 'genesis' | 'endpoints'> | undefined
    await withCluster({ directory }, (cluster) => Promise.resolve(void (before = cluster)))
    rmSync(join(directory, 'node-1/data'), { recursive: true })
    await withCluster({ directory }, ({ genesis, endpoints }) => {
      expect([genesis.chainId, endpoints]).toEqual([before?.genesis.chainId, before?.endpoints])
      return Promise.resolve()
    })
    const always = '--json --until-input-ends'
    expect(startsOf(directory, 0)).toEqual([`${always} --initialise`, always])
    expect(startsOf(directory, 1)).toEqual([`${always} --initialise`, `${always} --lost-disk`])
  })

  it('starts a node as a new one whose first start was cut short before its database was', async () => {
    const directory = fresh()
    await withCluster({ directory }, () => Promise.resolve())
    for (const [index, content] of ['', 'a record'].entries()) {
      writeFileSync(join(directory, `node-${index}/new`), '')
      writeFileSync(join(directory, `node-${index}/data/000003.log`), content)
    }
    await withCluster({ directory }, () => Promise.resolve())
    const always = '--json --until-input-ends'
    expect(startsOf(directory, 0)[1]).toBe(`${always} --initialise`)
    expect(startsOf(directory, 1)[1]).toBe(always)
  })

  it('starts a node again that ended, later each time', async () => {
    const directory = fresh()
    await withCluster({ directory }, async (cluster, events) => {
      const pid = cluster.nodes()[1]?.pid ?? 0
      process.kill(pid, 'SIGKILL')
      await until(() => cluster.nodes()[1]?.pid !== undefined && cluster.nodes()[1]?.pid !== pid)
      await until(() => events.filter(({ kind, index }) => kind === 'listening' && index === 1).length === 2)
      await cluster.kill(1)
      expect(cluster.nodes()[1]?.pid).toBe(undefined)
      await cluster.start(1)
      const ends = events.filter((event) => event.kind === 'ended')
      expect(ends).toMatchObject([
        { index: 1, because: 'was ended by SIGKILL', restartAfterMs: 500 },
        { index: 1, because: 'was ended by SIGKILL', restartAfterMs: 1_000 },
      ])
    })
  })

  it('leaves a node down that is to stay down', async () => {
    await withCluster({ directory: fresh() }, async (cluster, events) => {
      await cluster.stopNode(0)
      expect(events.at(-1)).toEqual({
        kind: 'ended',
        index: 0,
        because: 'ended with code 0',
        restartAfterMs: undefined,
      })
      expect(cluster.nodes()[0]?.pid).toBe(undefined)
      await cluster.start(0)
      expect(isAlive(cluster.nodes()[0]?.pid)).toBe(true)
      await cluster.start(0)
    })
    await withCluster({ directory: fresh(), restart: 'never' }, async (cluster, events) => {
      await cluster.kill(0)
      expect(events.at(-1)).toMatchObject({ kind: 'ended', restartAfterMs: undefined })
    })
  })

  it('does not start a node again whose configuration is refused', async () => {
    const directory = fresh()
    await withCluster({ directory }, async (cluster, events) => {
      writeFileSync(join(directory, 'node-0/fails'), '2')
      await cluster.kill(0)
      await until(() => events.filter(({ kind }) => kind === 'ended').length === 2)
      expect(events.at(-1)).toMatchObject({ because: 'ended with code 2: no such luck', restartAfterMs: undefined })
      await expect(cluster.start(0)).rejects.toMatchObject({ code: 'ERR_NODE_PROCESS', details: { index: 0 } })
    })
  })

  it('ends all when one cannot be started, and says why', async () => {
    const directory = fresh()
    mkdirSync(join(directory, 'node-1'), { recursive: true })
    writeFileSync(join(directory, 'node-1/fails'), '1')
    const started = startCluster({ program, nodeCount: 2, directory })
    await expect(started).rejects.toMatchObject({
      code: 'ERR_NODE_PROCESS',
      message: 'node 1 ended with code 1: no such luck',
    })
    expect(startsOf(directory, 1)).toHaveLength(1)
  })

  it('refuses sizes and directories that do not fit', async () => {
    const directory = fresh()
    for (const nodeCount of [0, 17, 1.5]) {
      await expect(startCluster({ program, directory, nodeCount })).rejects.toMatchObject({ path: 'nodes' })
    }
    await withCluster({ directory, nodeCount: 1 }, () => Promise.resolve())
    await expect(startCluster({ program, directory, nodeCount: 2 })).rejects.toMatchObject({
      message: expect.stringContaining('take another directory') as string,
    })
    rmSync(join(directory, 'node-0/key'))
    await expect(startCluster({ program, directory })).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
    await expect(startCluster({ program, directory: fresh(), portFirst: 65_533 })).rejects.toMatchObject({
      path: 'base-port',
    })
  })

  it('refuses ports that are taken', async () => {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as { readonly port: number }
    const directory = fresh()
    await expect(startCluster({ program, directory, nodeCount: 1, portFirst: port })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      message: `port ${port} is taken: end the program that listens there, or choose others with --base-port`,
    })
    server.close()
  })
})

describe('a cluster whose parent is killed', () => {
  it('ends with it', async () => {
    const parent = join(folder, 'parent.mjs')
    const directory = fresh()
    const source = `import { startCluster } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/node/cluster.ts'))}
const cluster = await startCluster(${JSON.stringify({ program, directory, nodeCount: 2 })})
process.stdout.write(JSON.stringify(cluster.nodes().map(({ pid }) => pid)) + '\\n')`
    buildSync({
      stdin: { contents: source, resolveDir: folder },
      outfile: parent,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      tsconfigRaw: {},
      logLevel: 'error',
    })
    const child = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] })
    const said = await new Promise<string>((done) => child.stdout.once('data', (data) => done(String(data))))
    const pids = JSON.parse(said) as readonly number[]
    expect(pids.map(isAlive)).toEqual([true, true])
    child.kill('SIGKILL')
    await until(() => !pids.some(isAlive))
  })
})

describe('vitalseal cluster', () => {
  it('says how to use it, does what is typed, and stops in order', async () => {
    const [directory, played] = [fresh(), playProcess({ program })]
    const args = ['--directory', directory, '--nodes', '2', '--base-port', '0']
    expect((await runCommand(clusterCommand, ...args)).code).toBe(2)
    const { endpoints } = await portsOf(directory)
    const code = clusterCommand.run(['--directory', directory], played.io)
    await until(() => played.out().includes('type kill 0'))
    const text = played.out()
    expect(text).toContain(`2 nodes in ${directory}\n`)
    expect(text).toContain('stands no fault: when one member fails, the ledger stops; four members stand one')
    for (const endpoint of endpoints) expect(text).toContain(endpoint)
    expect(text).toContain('const ledger = await connectLedger({ genesis, endpoints, openSocket, wait })')
    played.type(undefined)
    played.type('kill 1')
    await until(() => played.out().includes('node 1 was ended by SIGKILL; it is started again in 0.5 s'))
    await until(() => played.out().includes('node 1 listens again'))
    played.type('stop 0')
    await until(() => played.out().includes('node 0 ended with code 0; it stays down'))
    played.type('start 0')
    await until(() => played.out().includes('node 0 listens again'))
    for (const line of ['kill 2', 'kill', 'constructor 0', 'help']) played.type(line)
    expect(played.out().split('kill N, stop N, start N with N from 0 to 1')).toHaveLength(5)
    await until(() => played.out().includes('node 0: height 5, view 0 (normal)'))
    played.stop()
    expect([await code, played.err()]).toEqual([0, ''])
    expect(played.out()).not.toContain('node 1 ended with code 0')
    expect(played.out()).toMatch(
      /2 nodes stopped at height \d+ after \d+ s\nvitalseal cluster --directory \S+ continues this ledger\n$/,
    )
  })

  it('draws one table on a terminal', async () => {
    const [directory, played] = [fresh(), playProcess({ program, isTerminal: true })]
    await portsOf(directory)
    const code = clusterCommand.run(['--directory', directory, '--no-restart', '--trace'], played.io)
    await until(() => /^0 .* 5 +0 +normal/m.test(played.err()))
    played.type('stop 1')
    await until(() => played.err().includes('not running'))
    played.type('quit')
    expect(await code).toBe(0)
    const last = played.err().split('\u001b[J').at(-1) ?? ''
    expect(
      last
        .trimEnd()
        .split('\n')
        .slice(-3)
        .map((line) => line.split(/\s+/)[0]),
    ).toEqual(['node', '0', '1'])
    // Each drawing goes up over the one before, and over the line that was typed.
    expect(played.err()).toContain('\u001b[4A')
    expect(existsSync(join(directory, 'node-0/starts'))).toBe(true)
  })

  it('says why it does not start', async () => {
    const directory = fresh()
    await portsOf(directory)
    const { code, out, err } = await runCommand(clusterCommand, '--directory', directory, '--nodes', '3')
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('take another directory')
    expect((await runCommand(clusterCommand, '--directory', program)).code).toBe(1)
  })

  it('takes no questions that it cannot answer', async () => {
    const misused = [
      ['--nodes', '0'],
      ['--nodes', '17'],
      ['--nodes', 'four'],
      ['--base-port', '65536'],
      ['--base-port', '-1'],
      ['positional'],
      ['--unknown'],
    ]
    for (const args of misused) {
      const { code, out, err } = await runCommand(clusterCommand, '--directory', fresh(), ...args)
      expect([args, code, out]).toEqual([args, 2, ''])
      expect(err).toMatch(/^vitalseal cluster: [^]+\nSee vitalseal cluster --help\n$/)
    }
    expect(await runCommand(clusterCommand, '--help')).toEqual({ code: 0, out: clusterCommand.usage, err: '' })
  })
})

/** Makes a cluster on free ports, for commands that would take the usual ones. */
async function portsOf(directory: string): Promise<{ readonly endpoints: readonly string[] }> {
  const cluster = await startCluster({ program, directory, nodeCount: 2 })
  await cluster.stop()
  return cluster
}
