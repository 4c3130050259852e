import { inspect } from 'node:util'

import { beforeAll, describe, expect, it } from 'vitest'

import { createIssuer, createProxy, type Issuer, type ReKeyStore } from '../../src/actors/index.ts'
import { unwrap, VitalsealError } from '../../src/errors.ts'
import { createKeyRecord, signKeyRotation, validateKeyRecord, type PreIdentity } from '../../src/identity/index.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { createCid, hashBlock, RAW_CODEC } from '../../src/primitives/content-id.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import {
  deriveRecordSerial,
  findAnswered,
  findClaim,
  findLicenceViolations,
  findListings,
  proveClaim,
  sealShare,
  sealShareDelivery,
  type OpenListing,
} from '../../src/sharing/index.ts'
import type { Draft, Transaction } from '../../src/transactions/index.ts'
import { commitValues, createRequirement, createSchema, lintRequirement } from '../../src/zk/index.ts'
import { preKeysOf } from '../../src/actors/capsules.ts'
import {
  BUDGET,
  clinicIdentity,
  createShareStory,
  DAY_MS,
  hospitalIdentity,
  HOUR_MS,
  instituteIdentity,
  keysOf,
  person,
  PRICE,
  record,
  requirement,
  schema,
  secretOf,
  stepsOf,
  values,
  witnesses,
  type ShareStory,
} from '../support/share-story.ts'

const code = (wanted: string, path?: string) =>
  expect.objectContaining(path === undefined ? { code: wanted } : { code: wanted, path }) as unknown

beforeAll(async () => void (await keysOf()), 60_000)

/** A claim as anybody can read it on the ledger, to be sent again. */
function draftOf(claim: Transaction<'claim'>): Draft<'claim'> {
  const { kind, listing, issuer, commitment, attestedAtMs, attestation, studyNullifier, recordNullifier } = claim
  const { proof, expiresAtMs, payee, proxy, reKey, share } = claim
  const attested = { issuer, commitment, attestedAtMs, attestation }
  const agreed = { expiresAtMs, payee, proxy, reKey, share }
  return { kind, listing, ...attested, studyNullifier, recordNullifier, proof, ...agreed }
}

/** What the institution has left, by asking for it: a listing of one share that costs so much. */
async function canSpend({ publish }: ShareStory, price: number): Promise<boolean> {
  try {
    await publish({ price, sharesMax: 1, study: 'a trial of the balance' })
    return true
  } catch {
    return false
  }
}

describe('a sale, steps 1 to 9 of PS, on four replicas', () => {
  it('is published, found, attested, proved, converted, opened, acknowledged and paid; nobody takes it over', async () => {
    const story = await createShareStory({ replicas: 4, hasRegistrar: true })
    const { institute, proxy, ann, ledger, provingKey } = story
    const listing = await story.publish({ keywords: [' Diabetes ', 'GLUCOSE'] })
    expect(findListings(await ledger.view(), { keywords: ['diabetes'], atMs: 0 })).toHaveLength(1)
    const attested = await story.attest()
    const steps: string[] = []
    const order = { ...attested, record, provingKey, proxy: proxy.did }
    const { id, delivery, untilMs } = await ann.claim(listing, {
      ...order,
      onProgress: ({ step }) => void steps.push(step),
    })
    expect(new Set(steps).size).toBeGreaterThan(0)
    expect(untilMs).toBe(listing.publishedAtMs + 3 * DAY_MS)
    expect(await ann.state(id)).toMatchObject({ kind: 'claimed', next: [{ step: 'delegate', by: proxy.did, untilMs }] })

    // Who sees the claim can neither send it as his own nor change it, and she cannot claim again.
    const view = await ledger.view()
    const { transaction } = findClaim(view, id)!.claimed
    const draft = draftOf(transaction)
    const bob = await story.join(2)
    const other = new Uint8Array(32).fill(3)
    await expect(bob.submit({ ...draft, studyNullifier: other })).rejects.toThrow(code('ERR_SHARING_PROOF'))
    await expect(bob.submit(draft)).rejects.toThrow(code('ERR_SHARING_CLAIMED'))
    await expect(ann.submit({ ...draft, payee: bob.did })).rejects.toThrow(code('ERR_SHARING_CLAIMED'))

    expect(await proxy.accept(delivery)).toBe(id)
    expect(proxy.held()).toEqual([id])
    await expect(institute.receiveShare(id)).rejects.toThrow(code('ERR_SHARING_STATE'))
    await proxy.convert(id)
    expect(proxy.held()).toEqual([])
    const share = await institute.receiveShare(id)
    expect(share).toMatchObject({ claimant: ann.did, issuer: hospitalIdentity.did, record, values })
    const { height } = await institute.acknowledge(id)
    expect(await ann.state(id)).toMatchObject({
      kind: 'settled',
      because: 'acknowledged',
      amount: PRICE,
      payee: ann.did,
    })
    expect(await stepsOf(story, id)).toEqual(['delegate', 'convert', 'acknowledge'])
    await expect(institute.acknowledge(id)).rejects.toThrow(code('ERR_SHARING_STATE'))

    // She has the money, and both signatures are on the ledger.
    await ann.submit({ kind: 'transfer', payee: bob.did, amount: PRICE, memo: null })
    await expect(bob.submit({ kind: 'transfer', payee: ann.did, amount: PRICE + 1, memo: null })).rejects.toThrow(
      code('ERR_CHAIN_BALANCE'),
    )
    const paid = [...(await ledger.view()).transactions({ kind: 'share' })].at(-1)
    expect(paid).toMatchObject({
      height,
      transaction: { sender: institute.did, claimSignature: transaction.signature },
    })
    expect(new Set(story.stateRoots()).size).toBe(1)

    // Her certificate says that she is a patient, and neither who she is nor when exactly she came.
    const [admitted] = [...(await ledger.view()).transactions({ kind: 'register' })].filter(
      ({ transaction: { subject } }) => subject === ann.did,
    )
    expect(admitted?.transaction.credentials).toMatchObject([{ kind: 'T-Cert', role: 'patient', organisation: null }])

    // The next requirement of this institution adds up with what it knows.
    const query = { institution: institute.did, claimants: [ann.did] }
    const answered = findAnswered(await ledger.view(), query)
    expect(answered.map(({ digest }) => digest)).toEqual([requirement.digest])
    const narrow = createRequirement(schema, (r) => r.lte('age', 42), { issuers: [hospitalIdentity.did] })
    expect(lintRequirement(narrow)).toEqual([])
    expect(lintRequirement(narrow, { answered })).toMatchObject([{ rule: 'too-narrow', attribute: 'age' }])
    expect(findAnswered(await ledger.view(), { ...query, claimants: [institute.did] })).toEqual([])
  }, 60_000)
})

describe('a proxy', () => {
  it('that is silent costs the patient nothing: she claims again through another; a silent institution pays', async () => {
    const story = await createShareStory()
    const { ann, institute, shared } = story
    const listing = await story.publish({ sharesMax: 1, expiresAtMs: story.shared.clock() + 30 * DAY_MS })
    const first = await story.claimed(listing)
    expect(findListings(await story.ledger.view(), { atMs: shared.clock() })).toEqual([])
    await expect(ann.closeClaim(first.id)).rejects.toThrow(code('ERR_SHARING_STATE'))
    story.pass(3 * DAY_MS)
    expect(await ann.state(first.id)).toMatchObject({ kind: 'claimed', isOverdue: true, onClose: 'refunded' })
    // Too late for the proxy, too.
    await expect(story.proxy.accept(first.delivery)).rejects.toThrow(code('ERR_SHARING_STATE'))
    await ann.closeClaim(first.id)
    expect(await ann.state(first.id)).toMatchObject({ kind: 'refunded', because: 'not-converted', amount: PRICE })
    expect(findListings(await story.ledger.view(), { atMs: shared.clock() })).toHaveLength(1)

    const proxy = await createProxy({ identity: person(15, 'proxy'), ...shared })
    const order = { ...(await story.attest()), record, provingKey: story.provingKey, proxy: proxy.did }
    const { id, delivery } = await ann.claim(listing, order)
    await proxy.convert(await proxy.accept(delivery))
    story.pass(7 * DAY_MS - 1)
    expect(await ann.state(id)).toMatchObject({ kind: 'converted', isOverdue: false, onClose: 'settled' })
    story.pass(1)
    await expect(institute.dispute(id)).rejects.toThrow(code('ERR_SHARING_STATE'))
    await ann.closeClaim(id)
    expect(await ann.state(id)).toMatchObject({ kind: 'settled', because: 'institution-silent', payee: ann.did })
    await ann.submit({ kind: 'transfer', payee: institute.did, amount: PRICE, memo: null })
  }, 60_000)

  it('that records another conversion, or gives it to nobody, is found out, and the institution gets its money back', async () => {
    const story = await createShareStory()
    const { ann, institute, hospital, proxy, blocks } = story
    const listing = await story.publish({ sharesMax: 1, price: BUDGET })
    const { id, delivery } = await story.claimed(listing)
    await proxy.accept(delivery)
    const junk = toUtf8('a conversion of something else')
    await proxy.submit({ kind: 'share', step: 'convert', claim: id, converted: sha256(junk) })
    await expect(institute.receiveShare(id)).rejects.toThrow(code('ERR_STORAGE_NOT_FOUND'))
    blocks.put(hashBlock(RAW_CODEC, junk), junk)
    await expect(institute.receiveShare(id)).rejects.toThrow(code('ERR_SHARING_CONTENT', 'converted'))
    await expect(institute.acknowledge('00'.repeat(32) as unknown as TransactionId)).rejects.toThrow(
      code('ERR_SHARING_STATE'),
    )
    const { evidence, untilMs } = await institute.dispute(id)
    expect(await ann.state(id)).toMatchObject({
      kind: 'disputed',
      next: [{ step: 'judge', by: hospital.did, untilMs }],
    })
    expect(await hospital.judge(id, { schema, evidence })).toBe('not-converted')
    expect(await ann.state(id)).toMatchObject({ kind: 'refunded', because: 'not-converted', amount: BUDGET })
    // It was not her doing: her next claim is judged by its proof, which this one has for other terms.
    const again = draftOf(findClaim(await story.ledger.view(), id)!.claimed.transaction)
    await expect(ann.submit({ ...again, payee: hospital.did })).rejects.toThrow(code('ERR_SHARING_PROOF'))
    await institute.submit({ kind: 'requirement', step: 'withdraw', listing: listing.id })
    expect(await canSpend(story, BUDGET)).toBe(true)
  }, 60_000)
})

describe('a patient who seals something else than was attested', () => {
  /** Claims with a true proof, and a share of her own making. */
  async function claimWithJunk(story: ShareStory, listing: OpenListing) {
    const { ann, institute, proxy, blocks, provingKey, ledger } = story
    const { opening, attestation } = await story.attest()
    const junk = toUtf8('{"resourceType":"Observation","valueQuantity":{"value":9.9}}')
    const { subject, issuedAtMs, person: secret } = opening
    const recordSerial = deriveRecordSerial(junk)
    const other = commitValues(schema, { glucose: '9.9' }, { subject, issuedAtMs, person: secret, recordSerial })
    const identity = person(1)
    const keys = preKeysOf(identity, 'delegator')
    const { signer } = identity
    const expiresAtMs = listing.expiresAtMs
    const common = {
      listing,
      personSecret: secretOf(1),
      keys,
      signer,
      institution: instituteIdentity.keys,
      expiresAtMs,
    }
    const share = await sealShare({ ...common, record: junk, opening: other })
    const [atMs, claimant] = [story.shared.clock(), ann.did]
    const options = { claimant, opening, attestation, personSecret: secretOf(1), provingKey, proxy: proxy.did, share }
    const { id } = await ann.submit(await proveClaim(listing, { ...options, atMs }))
    blocks.put(createCid(RAW_CODEC, share.digest), share.block)
    const { reKey } = share
    const to = { proxy: (await ledger.view()).keys(proxy.did)! }
    const delivery = sealShareDelivery({ chainId: ledger.chainId, claim: id, reKey: reKey.bytes }, to)
    expect(institute.did).toBe(listing.institution)
    return { id, delivery }
  }

  it('is disputed, judged by computing, and not paid; an institution that shows nothing is not heard', async () => {
    const story = await createShareStory()
    const { ann, institute, hospital, proxy } = story
    const listing = await story.publish()
    const { id, delivery } = await claimWithJunk(story, listing)
    await proxy.convert(await proxy.accept(delivery))
    await expect(institute.receiveShare(id)).rejects.toThrow(code('ERR_SHARING_CONTENT', 'opening'))
    await expect(hospital.judge(id, { schema, evidence: new Uint8Array(3) })).rejects.toThrow(code('ERR_SHARING_STATE'))
    const { evidence, untilMs } = await institute.dispute(id)
    // Whoever crashed before the issuer had it asks again.
    expect(await institute.dispute(id)).toEqual({ evidence, untilMs })
    // What somebody else sends, or the wrong schema, must not become a verdict: there is one only.
    const sent = hospital.judge(id, { schema, evidence: new Uint8Array(3) })
    await expect(sent).rejects.toThrow(code('ERR_SHARING_CONTENT', 'evidence'))
    const other = createSchema('diabetes-2027', { glucose: { kind: 'int', bits: 8 } })
    await expect(hospital.judge(id, { schema: other, evidence })).rejects.toThrow(
      code('ERR_ARGUMENT_INVALID', 'schema'),
    )
    expect(await hospital.judge(id, { schema, evidence })).toBe('not-as-attested')
    await expect(institute.dispute(id)).rejects.toThrow(code('ERR_SHARING_STATE'))
    expect(await ann.state(id)).toMatchObject({ kind: 'refunded', because: 'not-as-attested' })
    // She has had her claim in this study.
    const again = draftOf(findClaim(await story.ledger.view(), id)!.claimed.transaction)
    await expect(ann.submit(again)).rejects.toThrow(code('ERR_SHARING_CLAIMED'))

    // An honest share, disputed all the same: what the institution shows, or hides, speaks for the patient.
    const bob = await story.join(2)
    const honest = await story.claimed(listing, bob)
    await proxy.convert(await proxy.accept(honest.delivery))
    await institute.receiveShare(honest.id)
    const shown = await institute.dispute(honest.id)
    expect(await hospital.judge(honest.id, { schema, evidence: shown.evidence })).toBe('as-attested')
    expect(await bob.state(honest.id)).toMatchObject({ kind: 'settled', because: 'as-attested', payee: bob.did })
  }, 60_000)
})

/** Gives an issuer another signing key. */
async function changeKey(
  { ledger: { chainId } }: ShareStory,
  { issuer, identity }: { readonly issuer: Issuer; readonly identity: PreIdentity },
) {
  const next = person(16, issuer.did)
  const { did: subject } = issuer
  const keys = unwrap(validateKeyRecord(createKeyRecord({ did: subject, agreement: identity.keys.agreement }, next)))
  const previousSignature = signKeyRotation({ record: keys, chainId }, identity)
  await issuer.submit({ kind: 'register', operation: 'rotate-key', subject, keys, credentials: [], previousSignature })
  return { next, keys }
}

it('shows nothing that it was made with: a log of an actor must not hold a person secret', async () => {
  const { ann, institute, hospital, proxy } = await createShareStory()
  const common = ['close', 'did', 'follow', 'keyRing', 'submit']
  const own = (actor: object) => Object.keys(actor).filter((name) => !common.includes(name))
  expect(own(ann)).toEqual(['person', 'openAttested', 'claim', 'state', 'closeClaim'])
  expect(own(institute)).toEqual(['receive', 'open', 'receiveShare', 'acknowledge', 'dispute'])
  expect(own(hospital)).toEqual(['attest', 'withdraw', 'judge'])
  expect(own(proxy)).toEqual(['accept', 'convert', 'held'])
  expect(inspect(ann, { depth: 9, showHidden: true })).not.toContain(inspect(secretOf(1)))
}, 60_000)

describe('an issuer who changed its key', () => {
  it('attests with the present one, and its word is taken by patient and ledger', async () => {
    const story = await createShareStory()
    const { ann, hospital, shared } = story
    const { next, keys } = await changeKey(story, { issuer: hospital, identity: hospitalIdentity })
    const now = await createIssuer({ identity: { ...hospitalIdentity, signer: next.signer, keys }, ...shared })
    const listing = await story.publish()
    // Who goes on with the old key is not believed any more.
    await expect(story.attest(ann)).rejects.toThrow(code('ERR_DECRYPTION_FAILED'))
    const order = { ...(await story.attest(ann, { by: now })), record, provingKey: story.provingKey }
    expect(order.attestation.issuer).toBe(hospital.did)
    const { id } = await ann.claim(listing, { ...order, proxy: story.proxy.did })
    expect(await ann.state(id)).toMatchObject({ kind: 'claimed' })
  }, 60_000)
})

describe('an exclusive licence', () => {
  it('refuses a second sale of the record, whoever attests and in whatever study; the attempt is evidence', async () => {
    const story = await createShareStory()
    const { ann, clinic, institute, ledger, proxy } = story
    const { verifyingKey, provingKey } = await keysOf('ceremony')
    const exclusive = { verifyingKey, witnesses: witnesses(story, verifyingKey), exclusiveForMs: 365 * DAY_MS }
    const listing = await story.publish({ ...exclusive, visibility: 'digest' })
    expect(listing.text).toBe(null)
    const claimed = await ann.claim(listing, { ...(await story.attest()), record, provingKey, proxy: proxy.did })
    expect(claimed.untilMs).toBe(story.shared.clock() + 3 * DAY_MS)
    expect(findLicenceViolations(await ledger.view())).toEqual([])
    // Whoever published a digest brings what it stands for.
    await proxy.convert(await proxy.accept(claimed.delivery))
    await expect(institute.receiveShare(claimed.id)).rejects.toThrow(code('ERR_SHARING_LISTING'))
    expect(await institute.receiveShare(claimed.id, { requirement })).toMatchObject({ record, values })

    // The same person under another pseudonym, in another study.
    const again = await story.join(1, 'another study')
    const next = await story.publish({ ...exclusive, study: 'another study' })
    const order = { ...(await story.attest(again, { by: clinic })), record, provingKey, proxy: proxy.did }
    story.pass(HOUR_MS)
    await expect(again.claim(next, order)).rejects.toThrow(code('ERR_SHARING_EXCLUSIVE'))
    const views = [await ledger.view()]
    const [violation, ...rest] = findLicenceViolations(views)
    expect(rest).toEqual([])
    expect(violation).toMatchObject({
      kind: 'attempted',
      first: { claim: claimed.id, listing: listing.id },
      second: { listing: next.id },
    })
    // Who writes her nullifier down proves nothing.
    const { transaction } = findClaim(views[0]!, claimed.id)!.claimed
    const draft = draftOf(transaction)
    const bob = await story.join(2)
    const expiresAtMs = next.expiresAtMs
    const framed = { ...draft, expiresAtMs, studyNullifier: new Uint8Array(32).fill(1) }
    await expect(bob.submit(framed)).rejects.toThrow(code('ERR_SHARING_EXCLUSIVE'))
    // Nor does it help that the issuer of the attempt has another key by now.
    await changeKey(story, { issuer: clinic, identity: clinicIdentity })
    expect(findLicenceViolations(await ledger.view())).toHaveLength(1)
  }, 60_000)
})

describe('a proxy compares a delivery of a share', () => {
  it('with the claim, the re-key and the block, and holds it over a restart', async () => {
    const story = await createShareStory()
    const { ann, proxy, ledger, blocks, shared } = story
    const listing = await story.publish()
    const { id, delivery } = await story.claimed(listing)
    const view = await ledger.view()
    const { share } = findClaim(view, id)!.claimed.transaction
    const stranger = await createProxy({ identity: person(15, 'proxy'), ...shared })
    await expect(stranger.accept(delivery)).rejects.toThrow(code('ERR_DECRYPTION_FAILED'))
    for (const at of [0, 40, delivery.length - 1]) {
      const flipped = delivery.map((byte, index) => (index === at ? byte ^ 1 : byte))
      await expect(proxy.accept(flipped)).rejects.toThrow(code('ERR_DECRYPTION_FAILED'))
    }
    await expect(proxy.convert(id)).rejects.toThrow(code('ERR_CHAIN_REKEY'))

    // Another re-key of hers than the claim names.
    const identity = person(1)
    const keys = preKeysOf(identity, 'delegator')
    const { opening } = await story.attest()
    const other = await sealShare({
      listing,
      record,
      opening,
      personSecret: secretOf(1),
      keys,
      signer: identity.signer,
      institution: instituteIdentity.keys,
      expiresAtMs: listing.expiresAtMs,
    })
    const to = { proxy: view.keys(proxy.did)! }
    const wrong = sealShareDelivery({ chainId: ledger.chainId, claim: id, reKey: other.reKey.bytes }, to)
    await expect(proxy.accept(wrong)).rejects.toThrow(code('ERR_PRE_CONDITION_MISMATCH'))
    const unknown = 'ab'.repeat(32) as unknown as TransactionId
    const lost = sealShareDelivery({ chainId: ledger.chainId, claim: unknown, reKey: other.reKey.bytes }, to)
    await expect(proxy.accept(lost)).rejects.toThrow(code('ERR_SHARING_STATE'))

    const cid = createCid(RAW_CODEC, share)
    const block = blocks.get(cid) as Uint8Array
    blocks.delete(cid)
    await expect(proxy.accept(delivery)).rejects.toThrow(code('ERR_STORAGE_NOT_FOUND'))
    expect(await stepsOf(story, id)).toEqual([])
    blocks.put(cid, block)

    const kept = new Map<string, Uint8Array>()
    const store: ReKeyStore = {
      put: (name, bytes) => Promise.resolve(void kept.set(name, bytes)),
      list: () => Promise.resolve([...kept.values()]),
      delete: (name) => Promise.resolve(void kept.delete(name)),
    }
    const options = { identity: person(14, 'proxy'), ...shared, store }
    // A crash in any moment leaves the re-key here or the claim as it was; a silent ledger ends nothing.
    const full = { ...store, put: () => Promise.reject(new Error('no space')) }
    await expect((await createProxy({ ...options, store: full })).accept(delivery)).rejects.toThrow('no space')
    expect(await stepsOf(story, id)).toEqual([])
    const silent = (wanted: 'submit' | 'view', left: number): typeof ledger => ({
      ...ledger,
      [wanted]: (...given: never[]) =>
        left-- > 0
          ? (ledger[wanted] as (...all: never[]) => unknown)(...given)
          : Promise.reject(new VitalsealError('ERR_ABORTED', 'no answer', { details: {} })),
    })
    const mute = await createProxy({ ...options, ledger: silent('submit', 0) })
    await expect(mute.accept(delivery)).rejects.toThrow(code('ERR_ABORTED'))
    expect([...kept.keys()]).toEqual([id])
    await expect(createProxy({ ...options, ledger: silent('view', 1) })).rejects.toThrow(code('ERR_ABORTED'))
    expect([...kept.keys()]).toEqual([id])
    let put: typeof blocks.put = () => {
      throw new Error('no space')
    }
    const failing = { ...blocks, put: (...block: Parameters<typeof blocks.put>) => put(...block) }
    const restarted = await createProxy({ ...options, blocks: failing })
    expect(restarted.held()).toEqual([id])
    expect(await stepsOf(story, id)).toEqual(['delegate'])
    // The store of blocks fails after the ledger has the conversion: the same again, after its deadline too.
    await expect(restarted.convert(id)).rejects.toThrow(code('ERR_STORAGE_WRITE'))
    put = blocks.put
    story.pass(4 * DAY_MS)
    await restarted.convert(id)
    expect([restarted.held(), kept.size]).toEqual([[], 0])
    expect(await ann.state(id)).toMatchObject({ kind: 'converted' })
    await expect(restarted.convert(id)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
  }, 60_000)
})
