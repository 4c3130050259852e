/** The hospital of the demo: four replicas, a ledger and IPFS blocks on disk, a registrar, and how parties are admitted. */
import { FsBlockstore } from 'blockstore-fs'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createLocalConsortium, createRegistrar, type LocalConsortium, type Registrar } from 'vitalseal/actors'
import { createGenesis, encodeGenesis, type LedgerStore } from 'vitalseal/chain'
import { createAgreementProof, deriveIdentity, generateSeed, type Identity } from 'vitalseal/identity'
import { createOpensslVerifier } from 'vitalseal/node'
import { consortium } from 'vitalseal/presets'
import type { Role } from 'vitalseal/primitives'

export const DIRECTORY = 'out/demo'
const REPLICAS = 4
const YEAR_MS = 365 * 86_400_000

/** Keeps blocks as files. */
function createFileStore(directory: string): LedgerStore {
  mkdirSync(directory, { recursive: true })
  const path = (height: number, what: string) => `${directory}/${String(height).padStart(6, '0')}.${what}`
  let newest = 0
  return {
    append({ height, block, certificate }) {
      writeFileSync(path(height, 'block'), block)
      writeFileSync(path(height, 'certificate'), certificate)
      newest = height
      return Promise.resolve()
    },
    read(height) {
      if (!existsSync(path(height, 'block'))) return Promise.resolve(undefined)
      const read = (what: string) => Uint8Array.from(readFileSync(path(height, what)))
      return Promise.resolve({ height, block: read('block'), certificate: read('certificate') })
    },
    height: () => Promise.resolve(newest),
  }
}

/** The demo's world. */
export interface World {
  readonly ledger: LocalConsortium
  readonly blocks: FsBlockstore
  readonly registrar: Registrar
  /** A fresh identity, shown to the registrar and certified. */
  admit(circle: string, role: Role): Promise<Identity>
  readonly shared: { readonly ledger: LocalConsortium; readonly blocks: FsBlockstore; readonly clock: () => number }
}

/** Starts from an empty directory. */
export async function createWorld(): Promise<World> {
  rmSync(DIRECTORY, { recursive: true, force: true })
  mkdirSync(DIRECTORY, { recursive: true })
  const blocks = new FsBlockstore(`${DIRECTORY}/blocks`)
  await blocks.open()
  const identityOf = (circle: string) => deriveIdentity({ seed: generateSeed(), circle })
  const replicas = Array.from({ length: REPLICAS }, (_, i) => identityOf(`replica ${i}`))
  const clerk = identityOf('registrar')
  const genesis = createGenesis(
    consortium({ members: replicas.map(({ did }) => ({ did })), registrars: [clerk.did], timeMs: Date.now() }),
  )
  writeFileSync(`${DIRECTORY}/genesis.cbor`, encodeGenesis(genesis))
  const ledger = createLocalConsortium({
    genesis,
    signers: replicas.map(({ signer }) => signer),
    clock: Date.now,
    store: createFileStore(`${DIRECTORY}/ledger`),
    verifier: createOpensslVerifier(),
  })
  const shared = { ledger, blocks, clock: Date.now }
  const registrar = await createRegistrar({ identity: clerk, ...shared })
  return {
    ledger,
    blocks,
    registrar,
    shared,
    async admit(circle, role) {
      const identity = identityOf(circle)
      const challenge = registrar.challenge()
      const { keys, agreement, did } = identity
      const claim = { record: keys, chainId: ledger.chainId, challenge }
      const proof = createAgreementProof(claim, { agreement, registrar: clerk.keys.agreement })
      const valid = { fromMs: Date.now() - 60_000, untilMs: Date.now() + YEAR_MS }
      const credential = registrar.certify({ subject: did, role, organisation: 'Organization/f001', valid })
      await registrar.admit({ keys, proof, challenge }, [credential])
      return identity
    },
  }
}
