/**
 * The sale of PS, steps 1 to 9: an institution asks for glucose of at least 6.1 mmol/L and an age of at least 40; a patient
 * proves under a pseudonym that her record meets it; a proxy converts what she sealed; the ledger pays. A stolen, a replayed,
 * an expired and a relabelled proof are refused, and so is a second exclusive sale of one record.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import {
  createIssuer,
  createParticipant,
  type Claimed,
  type Institution,
  type Issuer,
  type Participant,
  type Proxy,
} from 'vitalseal/actors'
import type { LedgerClient } from 'vitalseal/chain'
import type { Identity } from 'vitalseal/identity'
import { unwrap, type Verified } from 'vitalseal/primitives'
import {
  evaluateShare,
  findLicenceViolations,
  findListing,
  findListings,
  openListing,
  publishRequirement,
  witnessKey,
  type Attested,
  type OpenListing,
  type RequirementTerms,
} from 'vitalseal/sharing'
import type { Draft } from 'vitalseal/transactions'
import {
  compileRequirement,
  encodeZkObject,
  explainRequirement,
  generatePersonSecret,
  generateProofKeys,
  lintRequirement,
  parseTranscript,
  parseZkObject,
  validateCeremony,
  validateProvingKey,
  type CeremonyResult,
  type ProvingKey,
} from 'vitalseal/zk'

import { asked, CEREMONY_FILES, hospitals, schema } from './asked.ts'
import type { Notebook } from './checks.ts'
import type { Research } from './research.ts'
import type { Reading } from './resources.ts'
import type { World } from './world.ts'

const DAY_MS = 86_400_000
/** Micro-units for a share. */
const PRICE = 5_000_000
/** How long the proof counts that is sent too late. */
const SHORT_MS = 4_000

/** The parties of the sale, for the picture; patients under their pseudonyms. */
export type SaleParty = 'institution' | 'rival' | 'proxy' | 'patient'

/** A transaction of the sale, as the ledger has it. */
export interface SaleStep {
  readonly by: SaleParty
  readonly what: string
  readonly height: number
  /** The code of the refusal; null where it was applied. */
  readonly refusal: string | null
}

/** The sale, for the report. */
export interface Sold {
  readonly sentence: string
  readonly steps: readonly SaleStep[]
  readonly proofMs: number
}

/** What the hospital read in the patient's record. */
export interface SaleRecord {
  readonly reading: Reading
  readonly glucose: `${number}`
  readonly age: number
}

/** Who takes part. */
interface Scene extends SaleRecord {
  readonly world: World
  readonly notebook: Notebook
  readonly institution: Institution
  /** Another one, which wants the same. */
  readonly rival: Institution
  readonly hospital: Issuer
  readonly clinic: Issuer
  readonly proxy: Proxy
  /** The patient, under a pseudonym for each study. */
  readonly join: Join
  /** What the ledger refused, in order. */
  readonly refused: string[]
}

type Join = (study: string, ledger?: LedgerClient) => Promise<Participant>
type Claim = Draft<'claim'>

/** What is claimed, and with which key. */
interface Offer {
  readonly listing: OpenListing
  readonly provingKey: Verified<ProvingKey>
}

/** Notes that the ledger refuses a claim. */
async function expectRefusal(
  { notebook, refused }: Scene,
  name: string,
  code: string,
  action: () => Promise<unknown>,
): Promise<void> {
  refused.push(name)
  await notebook.expectFailure(sale(name), code, action)
}

const sale = (name: string) => `sale: ${name}`

/** Somebody with one secret and many pseudonyms, each admitted by a T-Cert. */
function createPerson(world: World, name: string): Join {
  const personSecret = generatePersonSecret()
  return async (study, ledger = world.ledger) => {
    const identity = await world.admitWithPre(`${name} in ${study}`, 'patient', { isPseudonym: true })
    return createParticipant({ identity, personSecret, ...world.shared, ledger })
  }
}

/** Tells the sale of one record. */
export async function tellSale(
  world: World,
  research: Research,
  record: SaleRecord,
  notebook: Notebook,
): Promise<Sold> {
  const { institution, rival } = research
  const employ = async (identity: Identity) => {
    await world.register(identity, 'issuer')
    return createIssuer({ identity, ...world.shared })
  }
  const scene: Scene = {
    ...record,
    world,
    notebook,
    institution,
    rival,
    hospital: await employ(hospitals.hospital),
    clinic: await employ(hospitals.clinic),
    proxy: await research.startProxy(),
    join: createPerson(world, 'Patient/f001'),
    refused: [],
  }
  const offer = await publish(scene)
  await refuseNeighbour(scene, offer)
  const { claim, proofMs } = await claimOnce(scene, offer)
  await convertAndPay(scene, offer, claim)
  await sellExclusively(scene)
  scene.proxy.close()
  return {
    sentence: explainRequirement(offer.listing.asked, { nameOf: (named) => nameOf(scene, named) }),
    steps: await listSteps(scene),
    proofMs,
  }
}

function termsOf(study: string): Omit<RequirementTerms, 'verifyingKey'> {
  const expiresAtMs = Date.now() + 30 * DAY_MS
  return { requirement: asked, study, keywords: ['diabetes'], price: PRICE, sharesMax: 2, expiresAtMs }
}

/** Publishes, and returns the listing as the patient's app reads it. */
async function list({ world }: Scene, by: Institution, terms: RequirementTerms): Promise<OpenListing> {
  const { id } = await by.submit(publishRequirement(terms))
  const found = findListing(await world.ledger.view(), id)
  if (found === undefined) throw new Error('the ledger took the listing and does not have it')
  return unwrap(openListing(found))
}

/** Step 1. */
async function publish(scene: Scene): Promise<Offer> {
  const { notebook, institution, world } = scene
  const terms = termsOf('glucose after forty')
  const keys = await notebook.step(sale('the institution makes its keys: ZKPKeyGen'), 1, () =>
    generateProofKeys(compileRequirement(terms.requirement), { trust: 'single-verifier' }),
  )
  const { verifyingKey } = keys
  const listing = await notebook.step(
    sale('step 1, it publishes what it asks and locks the price: requirement'),
    1,
    () => list(scene, institution, { ...terms, verifyingKey }),
  )
  const view = await world.ledger.view()
  const found = findListings(view, { keywords: ['Diabetes'], atMs: view.timeMs })
  notebook.check(sale('the patient finds it by its keyword'), found.map(({ id }) => id).join() === listing.id)
  notebook.check(
    sale('what is asked is not so narrow that a yes tells the value'),
    lintRequirement(listing.asked).length === 0,
  )
  // From the institution's site, as bytes: a bad key could leak the record.
  const [keyBytes, auditBytes] = [encodeZkObject(keys.provingKey), encodeZkObject(keys.audit)]
  const provingKey = await notebook.step(sale('the patient checks the key that the institution made'), 1, async () =>
    unwrap(
      await validateProvingKey(unwrap(parseZkObject('proving-key', keyBytes)), {
        circuit: compileRequirement(listing.asked),
        audit: unwrap(parseZkObject('key-audit', auditBytes)),
      }),
    ),
  )
  return { listing, provingKey }
}

/** An issuer vouches for what it read in the record, and the patient opens what it made for her. */
async function attest(
  { reading, glucose, age }: Scene,
  { by, to, read = glucose }: { readonly by: Issuer; readonly to: Participant; readonly read?: `${number}` },
): Promise<Attested> {
  const order = { schema, values: { glucose: read, age }, record: reading.resource.bytes }
  const { sealed } = await by.attest({ ...order, subject: to.did, person: to.person })
  return to.openAttested(sealed, { schema })
}

function orderOf({ reading, proxy }: Scene, { provingKey }: Offer) {
  return { record: reading.resource.bytes, provingKey, proxy: proxy.did }
}

/** Whose record does not meet it, comes to nothing before anything is proved. */
async function refuseNeighbour(scene: Scene, offer: Offer): Promise<void> {
  const { notebook, hospital, world } = scene
  await notebook.step(sale('a neighbour with 5.9 mmol/L tries'), 2, async () => {
    const neighbour = await createPerson(world, 'a neighbour')('study one')
    const order = orderOf(scene, offer)
    const low = await attest(scene, { by: hospital, to: neighbour, read: '5.9' })
    const { opening } = await attest(scene, { by: hospital, to: neighbour, read: '6.4' })
    await notebook.expectFailure(sale('5.9 mmol/L proves nothing'), 'ERR_ZK_REQUIREMENT_NOT_MET', () =>
      neighbour.claim(offer.listing, { ...order, ...low }),
    )
    await notebook.expectFailure(
      sale('6.4 under the hospital’s word for 5.9 proves nothing'),
      'ERR_SHARING_PROOF',
      () => neighbour.claim(offer.listing, { ...order, ...low, opening }),
    )
    neighbour.close()
  })
}

/** A claim without sender, nonce and signature: what others can make of it. */
function bodyOf(claim: Claim): Claim {
  const { kind, listing, issuer, commitment, attestedAtMs, attestation, studyNullifier, recordNullifier } = claim
  const { proof, expiresAtMs, payee, proxy, reKey, share } = claim
  const attested = { issuer, commitment, attestedAtMs, attestation }
  return { kind, listing, ...attested, studyNullifier, recordNullifier, proof, expiresAtMs, payee, proxy, reKey, share }
}

/** A ledger on whose way somebody sees claims before they are taken. */
function overhear(ledger: LedgerClient, onClaim: (claim: Claim) => Promise<void>): LedgerClient {
  return {
    ...ledger,
    async submit(transaction, options) {
      if (transaction.kind === 'claim') await onClaim(transaction)
      return ledger.submit(transaction, options)
    },
  }
}

/** Steps 2 to 5: too late at first, then in time, with somebody who listens; and not twice. */
async function claimOnce(scene: Scene, offer: Offer): Promise<{ readonly claim: Claimed; readonly proofMs: number }> {
  const { notebook, hospital, world, join } = scene
  const { listing } = offer
  let onClaim: (claim: Claim) => Promise<void> = () => Promise.resolve()
  const ann = await join(
    'study one',
    overhear(world.ledger, (claim) => onClaim(claim)),
  )
  const order = { ...orderOf(scene, offer), ...(await attest(scene, { by: hospital, to: ann })) }
  const seen: Claim[] = []
  onClaim = async (claim) => {
    seen.push(bodyOf(claim))
    onClaim = () => Promise.resolve()
    await wait(Math.max(0, claim.expiresAtMs - Date.now()) + 50)
  }
  await notebook.step(sale('a proof that comes too late'), 3, async () => {
    await expectRefusal(scene, 'an expired proof', 'ERR_SHARING_PROOF', () =>
      ann.claim(listing, { ...order, expiresAtMs: Date.now() + SHORT_MS }),
    )
    for (const claim of seen.splice(0)) {
      const later = { ...claim, expiresAtMs: listing.expiresAtMs }
      await expectRefusal(scene, 'the same with a later end on it', 'ERR_SHARING_PROOF', () => ann.submit(later))
      const other = { ...later, payee: hospital.did }
      await expectRefusal(scene, 'and with another payee', 'ERR_SHARING_PROOF', () => ann.submit(other))
    }
  })
  const thief = await createPerson(world, 'a thief')('study one')
  onClaim = async (claim) => {
    seen.push(bodyOf(claim))
    onClaim = () => Promise.resolve()
    await expectRefusal(scene, 'a proof stolen on its way', 'ERR_SHARING_PROOF', () => thief.submit(bodyOf(claim)))
  }
  const startMs = performance.now()
  const claim = await notebook.step(
    sale('steps 2 to 5, seal, prove 6.3 >= 6.1 and the age, claim: Prove, Verify'),
    1,
    () => ann.claim(listing, order),
  )
  const proofMs = performance.now() - startMs
  for (const claimed of seen) {
    await expectRefusal(scene, 'a replayed proof', 'ERR_SHARING_CLAIMED', () => ann.submit(claimed))
  }
  const again = await join('study one, once more')
  const attested = await attest(scene, { by: hospital, to: again })
  await expectRefusal(scene, 'one person under two pseudonyms', 'ERR_SHARING_CLAIMED', () =>
    again.claim(listing, { ...orderOf(scene, offer), ...attested }),
  )
  for (const participant of [ann, thief, again]) participant.close()
  return { claim, proofMs }
}

/** Steps 6 to 9. */
async function convertAndPay(scene: Scene, { listing }: Offer, { id, delivery }: Claimed): Promise<void> {
  const { notebook, institution, proxy, reading, glucose, age, world } = scene
  await notebook.expectFailure(sale('nothing is converted before the proxy has the re-key'), 'ERR_CHAIN_REKEY', () =>
    proxy.convert(id),
  )
  await notebook.step(
    sale('steps 6 and 7, the proxy takes the re-key and converts: ReKeyGen, ReEncrypt'),
    2,
    async () => {
      await proxy.accept(delivery)
      await proxy.convert(id)
    },
  )
  const share = await notebook.step(sale('step 8, the institution opens and compares with h: Decrypt'), 1, () =>
    institution.receiveShare(id),
  )
  notebook.check(sale('it has the record byte for byte'), Buffer.compare(share.record, reading.resource.bytes) === 0)
  notebook.check(sale('and the attested values'), share.values.glucose === glucose && share.values.age === age)
  await notebook.step(sale('step 9, both signatures on the ledger, paid: share'), 1, () => institution.acknowledge(id))
  const state = unwrap(evaluateShare(await world.ledger.view(), id))
  notebook.check(sale('the ledger paid the pseudonym'), state.kind === 'settled' && state.amount === listing.price)
}

/** The outcome of the ceremony, as its parties published it; nothing is checked but its form. */
function readCeremony(): CeremonyResult {
  const provingKey = unwrap(parseZkObject('proving-key', readFileSync(CEREMONY_FILES.provingKey)))
  return {
    provingKey,
    verifyingKey: provingKey.verifyingKey,
    audit: unwrap(parseZkObject('key-audit', readFileSync(CEREMONY_FILES.audit))),
    contributions: unwrap(parseTranscript(readFileSync(CEREMONY_FILES.transcript))),
  }
}

/** The same record, sold exclusively: once, whoever attests it. */
async function sellExclusively(scene: Scene): Promise<void> {
  const { notebook, institution, rival, hospital, clinic, world, join } = scene
  const terms = termsOf('exclusively')
  const circuit = compileRequirement(terms.requirement)
  const provingKey = await notebook.step(sale('everybody checks the ceremony of the exclusive keys'), 1, async () => {
    return unwrap(await validateCeremony(readCeremony(), { circuit })).provingKey
  })
  const { verifyingKey } = provingKey
  const { chainId } = world.ledger
  const exclusive = { ...terms, verifyingKey, exclusiveForMs: 365 * DAY_MS }
  const witnesses = world.witnesses.map((signer) => witnessKey(verifyingKey, { signer, chainId }))
  const offers = await notebook.step(sale('two institutions publish exclusive licences'), 2, async () => ({
    first: await list(scene, institution, { ...exclusive, witnesses }),
    second: await list(scene, rival, { ...exclusive, witnesses }),
  }))
  const claimAs = async (study: string, listing: OpenListing, by: Issuer) => {
    const ann = await join(study)
    const attested = await attest(scene, { by, to: ann })
    return ann.claim(listing, { ...orderOf(scene, { listing, provingKey }), ...attested }).finally(() => {
      ann.close()
    })
  }
  await notebook.step(sale('she sells the record exclusively: claim'), 1, () =>
    claimAs('study two', offers.first, hospital),
  )
  await expectRefusal(scene, 'a second exclusive sale, by another pseudonym and issuer', 'ERR_SHARING_EXCLUSIVE', () =>
    claimAs('study three', offers.second, clinic),
  )
  const violations = findLicenceViolations([await world.ledger.view()])
  notebook.check(sale('the attempt is on record for everybody'), violations.length === 1)
}

/** What people call the issuers; everything else is called what it is. */
function nameOf({ hospital, clinic }: Scene, named: string): string | undefined {
  return named === hospital.did ? 'the hospital' : named === clinic.did ? 'the clinic' : undefined
}

/** What the ledger has of the sale, oldest first. */
async function listSteps({ world, institution, rival, proxy, refused }: Scene): Promise<readonly SaleStep[]> {
  const view = await world.ledger.view()
  const names = refused.values()
  return [...view.transactions({ outcome: 'any' })].flatMap(({ transaction, receipt, height }) => {
    const { kind, sender } = transaction
    if (kind !== 'requirement' && kind !== 'claim' && kind !== 'share') return []
    const by: SaleParty =
      sender === institution.did
        ? 'institution'
        : sender === rival.did
          ? 'rival'
          : sender === proxy.did
            ? 'proxy'
            : 'patient'
    const tried = receipt.code === null ? undefined : names.next().value
    const what = tried ?? (kind === 'claim' ? 'claim' : transaction.step)
    return [{ by, what, height, refusal: receipt.code }]
  })
}
