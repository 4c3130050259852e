// (j) The proxy: converts what the ledger says that it may, and deletes what it says has ended.
import { createProxy } from 'vitalseal/actors'
import { isVitalsealError } from 'vitalseal/primitives'
import { delivery } from './owner.ts'
import { proxyIdentity, shared } from './study.ts'

export const proxy = await createProxy({ identity: proxyIdentity, ...shared })
try {
  await proxy.convert('00'.repeat(32))
} catch (error) {
  if (!isVitalsealError(error, 'ERR_CHAIN_REKEY')) throw error
  console.log('refused: no such re-key in use on the ledger')
}
const reKey = await proxy.accept(delivery) // compared with the ledger in every term
const { id } = await proxy.convert(reKey) // the digest is on the ledger before the block is in the store
/** The institution finds it on the ledger, too. */
export const conversion = id
console.log(`converted, with ${proxy.held().length} re-key held`)
