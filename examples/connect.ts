// A ledger over the network: the program trusts its genesis, and no endpoint.
import { createPatient } from 'vitalseal/actors'
import { connectLedger, createMemoryLedgerStore } from 'vitalseal/chain'
import { parseResource } from 'vitalseal/fhir'
import { deriveIdentity } from 'vitalseal/identity'
import { openSocket } from 'vitalseal/node' // in a browser: (url) => new WebSocket(url)
import { isVitalsealError, unwrap } from 'vitalseal/primitives'
import { blocks, heartRate, seed } from './app.ts'
import { endpoints, genesis, stop } from './network.ts'

const wait = (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs))
const store = createMemoryLedgerStore() // on a phone one that lasts: a restart then fetches only what is new
const options = { genesis, endpoints, openSocket, wait, store }

const ledger = await connectLedger(options)
const identity = deriveIdentity({ seed, circle: 'st-marys.example' })
const patient = await createPatient({ identity, ledger, blocks, clock: Date.now })
const { height } = await patient.seal(unwrap(parseResource(heartRate(44))))
patient.close()
ledger.close()

// After a restart: what is in the store is executed again, the rest comes from whoever has it.
const again = await connectLedger({ ...options, onProgress: ({ done, total, step }) => console.log(step, done, total) })
const view = await again.view({ patient: patient.did })
console.log(`sealed in block ${height} of ${view.height}`)
again.close()

await stop()
try {
  await connectLedger({ genesis, endpoints, openSocket }) // without wait: says at once that nobody is there
} catch (error) {
  if (!isVitalsealError(error, 'ERR_CHAIN_UNREACHABLE')) throw error
  console.log(`${error.details.answered} of ${error.details.endpoints} endpoints answered`)
}
