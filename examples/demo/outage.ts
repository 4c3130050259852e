/**
 * The leader is killed while monitors send readings: nothing that was acknowledged is lost, what waits is ordered under
 * another leader, and the killed node catches up when it is started again.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createPatient, type Patient } from 'vitalseal/actors'
import { hashHeader, parseBlock, type LedgerView } from 'vitalseal/chain'
import type { Resource } from 'vitalseal/fhir'
import { startNode } from 'vitalseal/node'
import { createSigner, fromHex, toHex, unwrap } from 'vitalseal/primitives'

import type { Notebook } from './checks.ts'
import { nowMs } from './recorder.ts'
import { choosePanels, readArrows, type Panel } from './trace.ts'
import type { World } from './world.ts'

const MONITORS = 4
const READINGS = 8
/** Acknowledged readings after which the leader is killed; the others are under way or wait. */
const KILL_AFTER = 8
const CATCH_UP_WITHIN_MS = 30_000

/** What happened. */
export interface Outage {
  readonly killed: { readonly lane: number; readonly atMs: number }
  /** Height of the ledger when the leader was killed. */
  readonly height: number
  /** From the kill to the first block under another leader. */
  readonly recoveredMs: number
}

/** How a node is, as it answers to anybody. */
interface Answer {
  readonly height: number
  readonly executedHeight: number
  readonly stateRoot: string
  readonly primary: string
}

/** Asks the nodes that run. */
async function askNodes({ cluster }: World): Promise<readonly Answer[]> {
  const running = cluster.nodes().filter(({ pid }) => pid !== undefined)
  const urls = running.map(({ endpoint }) => endpoint.replace('ws:', 'http:').replace('/ledger', '/status'))
  return Promise.all(urls.map(async (url) => (await (await fetch(url)).json()) as Answer))
}

/** The node that leads, as all say. */
async function findLeader(world: World): Promise<number> {
  const leaders = new Set((await askNodes(world)).map(({ primary }) => primary))
  if (leaders.size !== 1) return -1
  return world.cluster.nodes().findIndex(({ did }) => leaders.has(did))
}

async function createMonitor(world: World, index: number): Promise<Patient> {
  const identity = await world.admit(`monitor ${index}`, 'patient')
  return createPatient({ identity, ...world.shared })
}

/** Kills the leader while monitors send. */
export async function killLeader(world: World, resource: Resource, notebook: Notebook): Promise<Outage> {
  const monitors: Patient[] = []
  for (let index = 0; index < MONITORS; index++) monitors.push(await createMonitor(world, index))
  const lane = await findLeader(world)
  let acknowledged = 0
  let killed: Promise<Outage['killed']> | undefined
  const finalMs: number[] = []

  async function kill(): Promise<Outage['killed']> {
    const atMs = nowMs()
    await world.cluster.kill(lane)
    return { lane, atMs }
  }

  async function send(monitor: Patient): Promise<void> {
    for (let reading = 0; reading < READINGS; reading++) {
      await monitor.seal(resource)
      finalMs.push(nowMs())
      if (++acknowledged === KILL_AFTER) killed = kill()
    }
  }

  const { length: before } = world.recorder.receipts
  const name = `node ${lane} leads and is killed (SIGKILL) while ${MONITORS} monitors send`
  await notebook.step(name, MONITORS * READINGS, async () => void (await Promise.all(monitors.map(send))))
  const { atMs } = (await killed) ?? { atMs: 0 }
  notebook.check('every reading sent while the leader was killed is acknowledged', acknowledged === MONITORS * READINGS)
  const next = await findLeader(world)
  notebook.check('the three others agree on another leader', next >= 0 && next !== lane)
  for (const monitor of monitors) monitor.close()
  const heights = world.recorder.receipts.slice(before, before + KILL_AFTER).map(({ height }) => height)
  // The first reading after the pause: what was under way when the leader died may still have been decided.
  const times = [atMs, ...finalMs.filter((ms) => ms > atMs)].toSorted((left, right) => left - right)
  const pauses = times.slice(1).map((ms, i) => ms - (times[i] ?? ms))
  const end = times[pauses.indexOf(Math.max(...pauses)) + 1] ?? atMs
  return { killed: { lane, atMs }, height: Math.max(...heights), recoveredMs: end - atMs }
}

/** Starts the killed node again, and waits until it is where the others are. */
export async function bringBack(world: World, { killed }: Outage, notebook: Notebook): Promise<void> {
  await notebook.step(`node ${killed.lane} is started again and catches up`, 1, async () => {
    await world.cluster.start(killed.lane)
    const giveUpMs = nowMs() + CATCH_UP_WITHIN_MS
    while (!(await isTogether(world)) && nowMs() < giveUpMs) await wait(50)
  })
  const others = world.ends.filter(({ index }) => index !== killed.lane)
  for (const { index, because } of others) console.error(`node ${index} ${because}`)
  notebook.check('no other process ended', others.length === 0 && world.ends.length === 1)
  const answers = await askNodes(world)
  notebook.check('the killed node has caught up: all four are at one height', await isTogether(world))
  notebook.check('the four nodes have one state', new Set(answers.map(({ stateRoot }) => stateRoot)).size === 1)
}

/** Whether all nodes and the client are at one height. */
async function isTogether(world: World): Promise<boolean> {
  const answers = await askNodes(world)
  const heightLast = await world.store.height()
  const isThere = ({ height, executedHeight }: Answer) => height === heightLast && executedHeight === height
  return answers.length === world.cluster.endpoints.length && answers.every(isThere)
}

/** What a node has on its disk: the hashes of all blocks, and the state after executing them again. */
async function readDisk({ cluster: { genesis } }: World, directory: string): Promise<readonly string[]> {
  const signer = createSigner(fromHex(readFileSync(join(directory, '../key'), 'utf8').trim()))
  // Alone, so that nobody can tell it anything.
  const node = await startNode({ genesis, signer, directory, listen: '127.0.0.1:0', peers: [] })
  const { height, stateRoot } = node.status()
  const hashes: string[] = []
  if (height > 0) {
    for await (const { header } of node.client.follow()) {
      hashes.push(toHex(hashHeader(header)))
      if (header.height === height) break
    }
  }
  await node.stop()
  return [...hashes, stateRoot]
}

/** Compares what the nodes have on their disks, after they have stopped, with what the client verified. */
export async function compareDisks(world: World, view: LedgerView, notebook: Notebook): Promise<void> {
  const { cluster, store, recorder } = world
  const height = await store.height()
  await notebook.step('each disk executed again, from the first block', height, async () => {
    const expected: string[] = []
    for (let at = 1; at <= height; at++) {
      const { block } = (await store.read(at)) ?? { block: new Uint8Array() }
      const { header } = unwrap(parseBlock(block))
      expected.push(toHex(hashHeader(header)), ...(at === height ? [toHex(header.stateRoot)] : []))
    }
    const disks: (readonly string[])[] = []
    for (const { directory } of cluster.nodes()) disks.push(await readDisk(world, directory))
    const same = disks.filter((disk) => disk.join() === expected.join())
    notebook.check(
      'order is the same everywhere: four disks, one sequence of blocks, one state',
      same.length === disks.length,
    )
  })
  const held = recorder.receipts.filter((receipt) => view.find(receipt.id)?.height === receipt.height)
  notebook.check(
    `nothing acknowledged is lost: ${held.length} transactions, each in its block`,
    held.length === recorder.receipts.length && held.length > 0,
  )
}

/** The pictures of the view change. */
export function drawOutage(world: World, { killed }: Outage): readonly Panel[] {
  const nodes = world.cluster.nodes()
  const files = nodes.map(({ traceFile }) => traceFile ?? '')
  const arrows = readArrows(
    files,
    nodes.map(({ did }) => did),
  )
  return choosePanels({ arrows, submitted: world.recorder.submitted(), nodes: nodes.length, killed }) ?? []
}

/** How many messages the nodes exchanged. */
export function countMessages(world: World): number {
  const nodes = world.cluster.nodes()
  return readArrows(
    nodes.map(({ traceFile }) => traceFile ?? ''),
    nodes.map(({ did }) => did),
  ).length
}
