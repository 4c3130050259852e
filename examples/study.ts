// What owner.ts, proxy.ts and institution.ts take from their surroundings: a ledger that knows PRE keys, and who they are.
import { createGenesis, createLocalLedger } from 'vitalseal/chain'
import {
  createPreKeyMaker,
  createPreKeyVerifier,
  deriveIdentity,
  generateIdentity,
  generateSeed,
} from 'vitalseal/identity'
import { consortium } from 'vitalseal/presets'
import { createMemoryBlockstore } from 'vitalseal/storage'

const node = generateIdentity()
const genesis = createGenesis(consortium({ members: [{ did: node.did }], timeMs: Date.now() }))
const preKeyVerifier = createPreKeyVerifier()
const ledger = createLocalLedger({ genesis, signer: node.signer, clock: Date.now, preKeyVerifier })
export const shared = { ledger, blocks: createMemoryBlockstore(), clock: Date.now }
const pre = createPreKeyMaker()
export const ownerIdentity = deriveIdentity({ seed: generateSeed(), circle: 'study.example', pre })
export const institutionIdentity = deriveIdentity({ seed: generateSeed(), circle: 'study.example', pre })
export const proxyIdentity = generateIdentity()
