/**
 * The hospitals of the demo: a cluster of four processes, a client that believes none of them, IPFS blocks on disk, a
 * registrar, and how parties are admitted.
 */
import { FsBlockstore } from 'blockstore-fs'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { createRegistrar, createStorageNode, type Registrar, type StorageNode } from 'vitalseal/actors'
import { connectLedger, type LedgerClient, type LedgerStore } from 'vitalseal/chain'
import {
  createAgreementProof,
  createPreKeyMaker,
  createPreKeyVerifier,
  deriveIdentity,
  generateSeed,
  type Identity,
  type PreIdentity,
} from 'vitalseal/identity'
import { createOpensslVerifier, startCluster, type Cluster } from 'vitalseal/node'
import { secureSharingRules } from 'vitalseal/presets'
import type { Role, Signer } from 'vitalseal/primitives'

import { createRecorder, type Recorder } from './recorder.ts'

export const DIRECTORY = 'out/demo'
/** Judges the keys of those who let proxies convert, and of institutions; whoever executes blocks needs it. */
export const preKeyVerifier = createPreKeyVerifier()
/** The rules of the ledger: those of care, and those of the sharing contract. */
export const rules = secureSharingRules()
/** Micro-units of an institution. */
const BUDGET = 100_000_000
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
  /** Four processes. */
  readonly cluster: Cluster
  /** Processes that have ended, and why. */
  readonly ends: readonly { readonly index: number; readonly because: string }[]
  /** Follows all of them and executes every block itself. */
  readonly ledger: LedgerClient
  /** The client's blocks. */
  readonly store: LedgerStore
  readonly recorder: Recorder
  readonly blocks: FsBlockstore
  readonly registrar: Registrar
  /** Shown to the registrar and certified. */
  register(identity: Identity, role: Role): Promise<void>
  /** A fresh identity, shown to the registrar and certified. */
  admit(circle: string, role: Role): Promise<Identity>
  /** One with keys for re-encryption. */
  admitWithPre(circle: string, role: Role, options?: { readonly isPseudonym?: boolean }): Promise<PreIdentity>
  /** The institutions, which have money from the beginning. */
  readonly institutions: readonly PreIdentity[]
  /** Who took part in the ceremony besides the institution: a hospital and a patients' association. */
  readonly witnesses: readonly Signer[]
  /** Serves ciphertexts to those who show a ticket. */
  readonly storage: StorageNode
  readonly shared: { readonly ledger: LedgerClient; readonly blocks: FsBlockstore; readonly clock: () => number }
}

/** Starts from an empty directory. */
export async function createWorld(): Promise<World> {
  rmSync(DIRECTORY, { recursive: true, force: true })
  mkdirSync(DIRECTORY, { recursive: true })
  const blocks = new FsBlockstore(`${DIRECTORY}/blocks`)
  await blocks.open()
  const identityOf = (circle: string) => deriveIdentity({ seed: generateSeed(), circle })
  const clerk = identityOf('registrar')
  const withPre = (circle: string) => deriveIdentity({ seed: generateSeed(), circle, pre: createPreKeyMaker() })
  const institutions = ['institute of diabetes', 'a rival'].map(withPre)
  const ends: { readonly index: number; readonly because: string }[] = []
  const cluster = await startCluster({
    directory: `${DIRECTORY}/cluster`,
    nodeCount: 4,
    registrars: [clerk.did],
    preset: 'secure-sharing',
    balances: institutions.map(({ did: account }) => ({ account, amount: BUDGET })),
    hasTrace: true,
    // The demo itself starts the node that it kills.
    restart: 'never',
    onEvent(event) {
      if (event.kind === 'said') console.error(`node ${event.index}: ${event.text}`)
      if (event.kind === 'ended') ends.push({ index: event.index, because: event.because })
    },
  })
  const { genesis, endpoints } = cluster
  const recorder = createRecorder(endpoints)
  const store = createFileStore(`${DIRECTORY}/ledger`)
  const verifier = createOpensslVerifier()
  const connected = await connectLedger({
    genesis,
    endpoints,
    openSocket: (endpoint) => recorder.openSocket(endpoint),
    wait: (delayMs) => wait(delayMs),
    store,
    verifier,
    preKeyVerifier,
    rules,
  })
  const ledger = recorder.watch(connected)
  const shared = { ledger, blocks, clock: Date.now }
  const registrar = await createRegistrar({ identity: clerk, ...shared })
  async function register(identity: Identity, role: Role, pseudonym = false): Promise<void> {
    const challenge = registrar.challenge()
    const { keys, agreement, did } = identity
    const claim = { record: keys, chainId: ledger.chainId, challenge }
    const proof = createAgreementProof(claim, { agreement, registrar: clerk.keys.agreement })
    const valid = { fromMs: Date.now() - 60_000, untilMs: Date.now() + YEAR_MS }
    const credential = registrar.certify({ subject: did, role, organisation: 'Organization/f001', valid, pseudonym })
    await registrar.admit({ keys, proof, challenge }, [credential])
  }

  for (const institution of institutions) await register(institution, 'institution')
  const parties = ['hospital of the ceremony', 'association of patients'].map(identityOf)
  for (const party of parties) await register(party, 'issuer')

  return {
    cluster,
    ends,
    ledger,
    store,
    recorder,
    blocks,
    registrar,
    shared,
    storage: createStorageNode({ ...shared, verifier }),
    register: (identity, role) => register(identity, role),
    async admit(circle, role) {
      const identity = identityOf(circle)
      await register(identity, role)
      return identity
    },
    async admitWithPre(circle, role, { isPseudonym = false } = {}) {
      const identity = withPre(circle)
      await register(identity, role, isPseudonym)
      return identity
    },
    institutions,
    witnesses: parties.map(({ signer }) => signer),
  }
}
