// (l) Your own blockstore, ledger store, verifier, clock and random source.
import { createPatient } from 'vitalseal/actors'
import { createGenesis, createLocalLedger, type LedgerStore, type StoredBlock } from 'vitalseal/chain'
import { parseResource } from 'vitalseal/fhir'
import { deriveIdentity, generateIdentity } from 'vitalseal/identity'
import { createOpensslVerifier } from 'vitalseal/node'
import { consortium } from 'vitalseal/presets'
import { unwrap, type Clock, type RandomSource, type Verifier } from 'vitalseal/primitives'
import { checkBlockstore, type Blockstore } from 'vitalseal/storage'
import { heartRate, seed } from './app.ts'

const objects = new Map<string, Uint8Array>()
const createStore = (): Blockstore => ({
  // any object store; the library hashes again whatever it reads
  get(cid) {
    const bytes = objects.get(cid.toString())
    if (bytes === undefined) throw Object.assign(new Error('absent'), { name: 'NotFoundError' })
    return Promise.resolve(bytes)
  },
  put: (cid, bytes) => Promise.resolve(objects.set(cid.toString(), Uint8Array.from(bytes))),
})
const table: StoredBlock[] = []
const store: LedgerStore = {
  // any database; append resolves when the block is durable
  append: (block) => Promise.resolve(void table.push(block)),
  read: (height) => Promise.resolve(table[height - 1]),
  height: () => Promise.resolve(table.length),
}
let verified = 0
const native = createOpensslVerifier()
const verifier: Verifier = { verify: (item) => (verified++, native.verify(item)) }
const clock: Clock = () => Date.now()
const random: RandomSource = (byteCount) => crypto.getRandomValues(new Uint8Array(byteCount))

for (const { rule, ok } of await checkBlockstore(createStore)) if (!ok) console.log('FAIL', rule)
const node = generateIdentity()
const genesis = createGenesis(consortium({ members: [{ did: node.did }], timeMs: clock() }))
const ledger = createLocalLedger({ genesis, signer: node.signer, clock, store, verifier })
const patient = await createPatient({
  identity: deriveIdentity({ seed, circle: 'st-marys.example' }),
  ledger,
  blocks: createStore(),
  clock,
  random,
})
await patient.seal(unwrap(parseResource(heartRate(44))))
console.log(`${await store.height()} blocks in our table, ${verified} signatures by our verifier`)
