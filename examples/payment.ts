// (n) The institution again: opens the share, compares it with the hospital's word, and pays; silence would pay as well.
import { isVitalsealError } from 'vitalseal/sharing'
import { ann, claim } from './claim.ts'
import { institute } from './listing.ts'
import { hospital, schema } from './market.ts'

try {
  const { values, record } = await institute.receiveShare(claim)
  console.log(`${record.length} bytes, as attested:`, values)
  await institute.acknowledge(claim) // her signature of the claim and this one: both are on the ledger
} catch (error) {
  if (!isVitalsealError(error, 'ERR_SHARING_CONTENT')) throw error
  // Not what was attested: the hospital computes who is right.
  const { evidence } = await institute.dispute(claim)
  await hospital.judge(claim, { schema, evidence })
}
const state = await ann.state(claim)
if (state.kind === 'settled') console.log(`${state.amount} paid: ${state.because}`)
