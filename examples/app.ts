// What the programs beside this file take from their application: a ledger in memory, blocks, names, a device.
import { createGenesis, createLocalLedger } from 'vitalseal/chain'
import { generateIdentity, generateSeed } from 'vitalseal/identity'
import { consortium } from 'vitalseal/presets'
import type { Did } from 'vitalseal/primitives'
import { createMemoryBlockstore } from 'vitalseal/storage'

const node = generateIdentity()
export const genesis = createGenesis(consortium({ members: [{ did: node.did }], timeMs: Date.now() }))
export const ledger = createLocalLedger({ genesis, signer: node.signer, clock: Date.now })
export const blocks = createMemoryBlockstore()
export const shared = { ledger, blocks, clock: Date.now }
/** Comes from the backup in a real application. */
export const seed = generateSeed()
export const doctorSeed = generateSeed()
/** A heart rate as a device sends it. */
export const heartRate = (value: number): string =>
  `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"effectiveDateTime":"2026-06-01T08:00:00Z","valueQuantity":{"value":${value},"code":"/min"}}`
export const nameOf = (did: Did): string => `Dr ${did.slice(-6)}`
