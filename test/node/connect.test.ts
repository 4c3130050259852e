/** Patient and doctor on four nodes of this process, over real sockets. */

import { createServer } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, expect, it } from 'vitest'

import { createClinician, createPatient, type Actor } from '../../src/actors/index.ts'
import { connectLedger, createGenesis, type LedgerClient } from '../../src/chain/index.ts'
import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { parseResource, VITAL_SIGNS } from '../../src/fhir/index.ts'
import { openSocket } from '../../src/node/socket.ts'
import { startNode, type RunningNode } from '../../src/node/start-node.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import { consortium } from '../../src/presets/index.ts'
import { createMemoryBlockstore } from '../../src/storage/index.ts'
import { party } from '../support/parties.ts'

const folder = mkdtempSync(join(tmpdir(), 'vitalseal-connect-'))
const members = Array.from({ length: 4 }, (_, index) => party(`node ${index}`))
const genesis = createGenesis(consortium({ members: members.map(({ did }) => ({ did })), timeMs: Date.now() - 1_000 }))
const nodes: (RunningNode | undefined)[] = []
const clients: LedgerClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const node of nodes.splice(0)) await node?.stop()
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Ports that are free now. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { readonly port: number }).port))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function start(index: number, ports: readonly number[], initialise: boolean): Promise<RunningNode> {
  const addresses = ports.map((port) => `127.0.0.1:${port}`)
  const node = await startNode({
    genesis,
    signer: members[index]!.signer,
    directory: join(folder, `${index}`),
    listen: addresses[index] as string,
    peers: addresses.filter((_, other) => other !== index).map((address) => `ws://${address}`),
    initialise,
  })
  nodes[index] = node
  return node
}

async function connect(ports: readonly number[]): Promise<LedgerClient> {
  const client = await connectLedger({
    genesis,
    endpoints: ports.map((port) => `ws://127.0.0.1:${port}/ledger`),
    openSocket,
    wait: (delayMs) => delay(delayMs),
  })
  clients.push(client)
  return client
}

const heartRate = (value: number) =>
  unwrap(
    parseResource(
      `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"effectiveDateTime":"2026-06-01T08:00:00Z","valueQuantity":{"value":${value},"code":"/min"}}`,
    ),
  )

/** Waits until somebody else's client has read the block that holds a record. */
async function seen(by: Actor, id: TransactionId): Promise<void> {
  for await (const event of by.follow()) if (event.kind === 'reading' && event.id === id) return
}

it('seals, grants and reads over the network, also while a node is away', { timeout: 60_000 }, async () => {
  const ports = await freePorts(4)
  await Promise.all(members.map((_, index) => start(index, ports, true)))
  const blocks = createMemoryBlockstore()
  const [atHome, atPractice] = [await connect(ports), await connect(ports)]
  const patient = await createPatient({ identity: party('ann'), ledger: atHome, blocks, clock: Date.now })
  const doctor = await createClinician({ identity: party('bob'), ledger: atPractice, blocks, clock: Date.now })
  const reading = await patient.seal(heartRate(44))
  await patient.grant({
    to: doctor.did,
    dataTypes: [VITAL_SIGNS.heartRate],
    purposes: ['TREAT'],
    access: { days: 30 },
  })
  await seen(doctor, reading.id)
  const opened = await doctor.read(reading.id, { purpose: 'TREAT' })
  expect(new TextDecoder().decode(opened.bytes)).toContain('"value":44')

  // The first leader goes, and with it one of the endpoints.
  await nodes[0]?.stop()
  nodes[0] = undefined
  const second = await patient.seal(heartRate(51))
  await seen(doctor, second.id)
  const again = await doctor.read(second.id, { purpose: 'TREAT' })
  expect(new TextDecoder().decode(again.bytes)).toContain('"value":51')
  await patient.revoke({ from: doctor.did })
  const refusal: unknown = await doctor.read(reading.id, { purpose: 'TREAT' }).catch((error: unknown) => error)
  expect(isVitalsealError(refusal) && refusal.code).toBe('ERR_POLICY_DENIED')

  // A third client executes everything from the genesis, from whoever is there.
  const { height } = await atHome.view()
  const auditor = await connect(ports)
  const all = await auditor.view()
  expect(all.height).toBeGreaterThanOrEqual(height)
  expect([...all.transactions({ kind: 'data', outcome: 'any' })]).toHaveLength(3)
  patient.close()
  doctor.close()
})

it('says who cannot be reached', async () => {
  const ports = await freePorts(2)
  const endpoints = ports.map((port) => `ws://127.0.0.1:${port}/ledger`)
  const error: unknown = await connectLedger({ genesis, endpoints, openSocket }).catch((reason: unknown) => reason)
  if (!isVitalsealError(error, 'ERR_CHAIN_UNREACHABLE')) return expect.unreachable()
  expect(error.details).toEqual({ endpoints: 2, answered: 0 })
  expect((error.cause as Error).message).toContain('ECONNREFUSED')
})

it('opens no address of another kind', () => {
  for (const endpoint of ['http://127.0.0.1', '127.0.0.1:7001', '', 'ws://']) {
    expect(() => openSocket(endpoint)).toThrow('endpoint')
  }
})
