/**
 * Claims on a ledger with the sharing contract: signature, attestation, terms and proof of each in the rule itself.
 *
 * A person claims once per study, and proving takes longer than verifying. So a few people claim on one ledger after the other,
 * which are alike to the last byte, as if they were more people on one.
 */

import { statementOfClaim, type ListedTerms } from '../src/sharing/index.ts'
import type { Draft } from '../src/transactions/index.ts'
import {
  attestCommitment,
  commitPerson,
  commitValues,
  compileRequirement,
  createRequirement,
  createSchema,
  encodeZkObject,
  generatePersonSecret,
  generateProofKeys,
  prove,
} from '../src/zk/index.ts'
import { digest } from '../test/support/chain-fast.ts'
import { party } from '../test/support/parties.ts'
import {
  ann,
  bob,
  claimOn,
  clinic,
  createSharingWorld,
  END_MS,
  hospital,
  institute,
  payee,
  proxy,
  START_MS,
} from '../test/support/sharing-world.ts'

const PEOPLE = 8
const PRICE = 10

/** Returns how many claims a second a ledger takes, over about so many claims. */
export async function measureClaims(count: number): Promise<{ readonly perSecond: number; readonly claims: number }> {
  const claimants = Array.from({ length: PEOPLE }, (_, i) => party(`claimant ${i}`))
  const schema = createSchema('glucose', { glucose: { kind: 'int', bits: 8 } })
  const requirement = createRequirement(schema, (r) => r.gte('glucose', 7), { issuers: [hospital.did, clinic.did] })
  const circuit = compileRequirement(requirement)
  const { provingKey, verifyingKey } = await generateProofKeys(circuit, { trust: 'single-verifier' })
  const createWorld = () => {
    const people = [institute, hospital, clinic, proxy, ann, bob, payee, ...claimants]
    const world = createSharingWorld({ people, budget: PRICE * PEOPLE })
    const listing = world.publish({
      requirement: requirement.digest,
      schema: schema.id,
      verifyingKey: encodeZkObject(verifyingKey),
      price: PRICE,
      sharesMax: PEOPLE,
    })
    return { ...world, listing }
  }

  const first = createWorld()
  const terms: ListedTerms = {
    chainId: first.chainId,
    id: first.listing,
    institution: institute.did,
    study: digest('a study'),
    schema: schema.id,
    price: PRICE,
    exclusiveForMs: null,
  }
  const drafts: Draft<'claim'>[] = []
  for (const claimant of claimants) {
    const personSecret = generatePersonSecret()
    const bound = { subject: claimant.did, issuedAtMs: START_MS, person: commitPerson(personSecret) }
    const opening = commitValues(schema, { glucose: 8 }, { ...bound, recordSerial: digest(claimant.did) })
    const attestation = attestCommitment(opening, { signer: hospital.signer, chainId: terms.chainId })
    const draft = claimOn(terms.id, {
      commitment: opening.commitment,
      attestation: attestation.signature,
      expiresAtMs: END_MS,
    })
    const statement = statementOfClaim(terms, draft, claimant.did)
    const { proof, nullifiers } = await prove(provingKey, { circuit, statement, opening, personSecret })
    drafts.push({ ...draft, studyNullifier: nullifiers.study, proof: encodeZkObject(proof) })
  }

  let [seconds, claims] = [0, 0]
  while (claims < count) {
    const { chain } = createWorld()
    const signed = drafts.map((draft, i) => chain.sign(claimants[i]!, draft))
    const start = process.hrtime.bigint()
    const { block } = chain.block(signed)
    seconds += Number(process.hrtime.bigint() - start) / 1e9
    if (!block.receipts.every(({ code }) => code === null)) throw new Error('a claim was refused')
    claims += block.receipts.length
  }
  return { perSecond: claims / seconds, claims }
}
