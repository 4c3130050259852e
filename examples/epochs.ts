// Give a doctor the key of one type, then take the next one away.
import { generateIdentity } from 'vitalseal/identity'
import { createKeyRing, extendEpoch, rotateEpoch, type KeyDrafts } from 'vitalseal/keys'
import { createId, sha256 } from 'vitalseal/primitives'
import { createTransaction, signTransaction, unwrap, validateTransaction } from 'vitalseal/transactions'

const chainId = createId('chain', sha256(new TextEncoder().encode('my first ledger')))
const [ann, bob] = [generateIdentity(), generateIdentity()]
const accounts = [ann.did, bob.did] // a ledger numbers its accounts
const directory = {
  indexOf: (did: string) => accounts.findIndex((account) => account === did),
  accountAt: (index: number) => accounts[index],
}
const [annRing, bobRing] = [ann, bob].map((identity) => createKeyRing({ identity, chainId, directory })) as [
  ReturnType<typeof createKeyRing>,
  ReturnType<typeof createKeyRing>,
]

let nonce = 0
/** What a ledger does with drafts: order them, validate them, show them to everyone. */
async function publish({ drafts }: KeyDrafts): Promise<string> {
  for (const draft of drafts) {
    const fields = {
      ...draft,
      previous: annRing.latest(ann.did),
      sender: ann.did,
      nonce: nonce++,
      issuedAtMs: Date.now(),
    }
    const signed = signTransaction(createTransaction(fields), { chainId, signer: ann.signer })
    const valid = unwrap(validateTransaction(signed, { chainId }))
    await annRing.apply(valid)
    console.log(`tx_key of epoch ${draft.epoch}: bob says ${await bobRing.apply(valid)}`)
  }
  return `epoch ${annRing.sealingKey('http://loinc.org|8867-4').epoch}`
}

const heartRate = 'http://loinc.org|8867-4'
await publish(await rotateEpoch(annRing, { dataTypes: [heartRate, 'http://loinc.org|15074-8'] }))
await publish(await extendEpoch(annRing, { recipients: [{ keys: bob.keys, index: 1, dataTypes: [heartRate] }] }))
const label = annRing.label(heartRate)
console.log('bob opens epoch', bobRing.openingKey({ patient: ann.did, label, epoch: 1 }).epoch)
await publish(await rotateEpoch(annRing)) // revoked: the next epoch has no envelope for bob
try {
  bobRing.openingKey({ patient: ann.did, label, epoch: 2 })
} catch (error) {
  console.log((error as Error).name) // VitalsealError [ERR_KEYS_NOT_HELD]
}
