import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { afterAll, expect, it } from 'vitest'

import { exportAuditBundle, parseAuditBundle, validateAuditBundle } from '../../src/audit/index.ts'
import {
  connectLedger,
  createMemoryLedgerStore,
  parseGenesis,
  replayLedger,
  RULES,
  type LedgerStore,
  type StoredBlock,
} from '../../src/chain/index.ts'
import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { clusterCommand } from '../../src/node/cluster-command.ts'
import { prepareCluster } from '../../src/node/cluster-files.ts'
import { genesisCommand } from '../../src/node/genesis-command.ts'
import { loadPreset, loadRules } from '../../src/node/presets.ts'
import { openSocket } from '../../src/node/socket.ts'
import { startNode } from '../../src/node/start-node.ts'
import { verifyCommand } from '../../src/node/verify-command.ts'
import { secureSharingKinds, secureSharingRules } from '../../src/presets/index.ts'
import { registration } from '../support/chain-fast.ts'
import { runCommand } from '../support/command-io.ts'
import { createWallet, nodeParty } from '../support/node-world.ts'
import { publication } from '../support/sharing-world.ts'

const folder = await mkdtemp(join(tmpdir(), 'vitalseal-sharing-'))
const file = (name: string) => join(folder, name)
afterAll(() => rm(folder, { recursive: true }))

async function* blocksOf(store: LedgerStore): AsyncGenerator<StoredBlock> {
  for (let height = 1; height <= (await store.height()); height++) yield (await store.read(height)) as StoredBlock
}

const codeOf = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    if (isVitalsealError(error)) return error.code
    throw error
  }
  return 'resolved'
}

it('a node, its clients and an auditor find the rules of a ledger by the kinds of its genesis', async () => {
  const [member, institution] = [nodeParty('node 0'), nodeParty('institution')]
  const made = await runCommand(
    genesisCommand,
    ...['--out', file('genesis.cbor'), '--member', member.did, '--open-registration', '--preset', 'secure-sharing'],
  )
  expect(made.out).toContain('preset       secure-sharing')
  const genesis = unwrap(parseGenesis(await readFile(file('genesis.cbor'))))
  expect(genesis.kinds).toEqual(secureSharingKinds)

  const store = createMemoryLedgerStore()
  const options = { genesis, signer: member.signer, directory: file('data'), listen: '127.0.0.1:0', peers: [], store }
  const tuning = { batchWaitTicks: 1 }
  const node = await startNode({ ...options, tuning, initialise: true })
  const wallet = createWallet(genesis, institution)
  await node.client.submit(wallet.sign(registration(institution)))
  const terms = { issuers: [institution.did], expiresAtMs: Date.now() + 3_600_000 }
  // Nobody has money on a ledger without a genesis that gives some.
  const published = await node.client.submit(wallet.sign(publication({ ...terms, price: 0 })))
  expect(await codeOf(node.client.submit(wallet.sign(publication(terms))))).toBe('ERR_CHAIN_REFUSED')

  const connecting = { genesis, endpoints: [`ws://${node.address}/ledger`], openSocket, wait }
  expect(await codeOf(connectLedger(connecting))).toBe('ERR_ARGUMENT_INVALID')
  const outside = await connectLedger({ ...connecting, rules: secureSharingRules() })
  expect((await outside.view()).find(published.id)?.receipt.code).toBe(null)
  outside.close()
  await node.stop()
  const again = await startNode(options)
  expect(again.status().height).toBe(published.height + 1)
  await again.stop()

  const withoutRules = await replayLedger(blocksOf(store), { genesis })
  expect(withoutRules).toMatchObject({ ok: false, code: 'ERR_CHAIN_PROOF' })
  expect((await replayLedger(blocksOf(store), { genesis, rules: secureSharingRules() })).ok).toBe(true)

  const source = { store, genesis, rules: secureSharingRules() }
  for (const patient of [undefined, institution.did]) {
    const bytes = await exportAuditBundle(source, patient === undefined ? {} : { patient })
    const bundle = unwrap(parseAuditBundle(bytes))
    expect((await validateAuditBundle(bundle, { genesis, rules: secureSharingRules() })).ok).toBe(true)
    await writeFile(file('bundle.car'), bytes)
    const verified = await runCommand(verifyCommand, file('bundle.car'), '--chain', genesis.chainId)
    expect([verified.code, verified.err]).toEqual([0, ''])
  }
}, 60_000)

it('a cluster has the preset that was asked for, from its first start on', async () => {
  const directory = file('cluster')
  const { genesis } = await prepareCluster({ directory, nodeCount: 1, preset: 'secure-sharing' })
  expect([genesis.preset, genesis.kinds]).toEqual(['secure-sharing', secureSharingKinds])
  expect((await prepareCluster({ directory })).genesis.chainId).toBe(genesis.chainId)
  expect((await prepareCluster({ directory: file('plain'), nodeCount: 1 })).genesis.preset).toBe('consortium')
  const { code, err } = await runCommand(clusterCommand, '--preset', 'clustered')
  expect([code, err]).toEqual([2, expect.stringContaining('--preset expected one of consortium, secure-sharing')])
})

it('a ledger without the kinds of sharing has the rules of a consortium', async () => {
  const members = [{ did: nodeParty('node 0').did }]
  const consortium = (await loadPreset('consortium'))({ members, timeMs: 0 }) as unknown as { kinds: readonly string[] }
  expect(await loadRules(consortium)).toBe(RULES)
  expect(await loadRules({ kinds: ['register', 'share'] })).toHaveProperty('share')
})
