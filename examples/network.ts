// What connect.ts finds on the network: one ledger node on this machine, in a directory that is gone afterwards.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGenesis } from 'vitalseal/chain'
import { generateIdentity } from 'vitalseal/identity'
import { startNode } from 'vitalseal/node'
import { consortium } from 'vitalseal/presets'

const { did, signer } = generateIdentity()
const directory = mkdtempSync(join(tmpdir(), 'vitalseal-'))
export const genesis = createGenesis(consortium({ members: [{ did }], timeMs: Date.now() }))
const node = await startNode({ genesis, signer, directory, listen: '127.0.0.1:0', peers: [], initialise: true })
/** Of a group of four, name at least two: one of them may lie. */
export const endpoints = [`ws://${node.address}/ledger`]
export const stop = async (): Promise<void> => {
  await node.stop()
  rmSync(directory, { recursive: true, force: true })
}
