import { beforeAll, describe, expect, it } from 'vitest'

import {
  assessRevocation,
  compareAccess,
  exportAuditBundle,
  parseAuditBundle,
  validateAuditBundle,
  whoCanDecrypt,
  type AuditBundle,
  type AuditedLedger,
  type Excerpt,
  type LedgerBundle,
  type PatientBundle,
  type ValidateBundleOptions,
} from '../../src/audit/index.ts'
import {
  createGenesis,
  createLedger,
  createMemoryLedgerStore,
  encodeBlock,
  encodeReceipt,
  hashHeader,
  parseBlock,
  parseReceipt,
  type StoredBlock,
} from '../../src/chain/index.ts'
import { createTransaction, encodeTransaction, signTransaction } from '../../src/transactions/index.ts'
import { createOpensslVerifier } from '../../src/node/index.ts'
import {
  createCredential,
  createPreKeyMaker,
  createPreKeyVerifier,
  deriveIdentity,
  issueCredential,
} from '../../src/identity/index.ts'
import { encodeCertificate, parseCertificate } from '../../src/pbft/index.ts'
import { consortium } from '../../src/presets/index.ts'
import { equalBytes, fromHex, toHex, type Bytes } from '../../src/primitives/bytes.ts'
import { DAG_CBOR_CODEC, hashBlock, type RecordId } from '../../src/primitives/content-id.ts'
import type { Digest32 } from '../../src/primitives/hash.ts'
import { toDigest, type ChainId } from '../../src/primitives/ids.ts'
import { encodeCar, parseCar } from '../../src/storage/index.ts'
import { unwrap } from '../../src/errors.ts'
import { signaturesOf } from '../support/certificates.ts'
import { freshRecord, glucose, heartRate, HOUR_MS } from '../support/chain-world.ts'
import { codeOfResult } from '../support/failure.ts'
import { seededRandom } from '../support/parties.ts'
import { ann, bob, carol, certify, createAuditWorld, dan, nodes, phone, registerAll, type AuditWorld } from './world.ts'

const patient = ann.did
const verifier = createOpensslVerifier()

let world: AuditWorld
let chainId: ChainId
let ledger: LedgerBundle
let hers: PatientBundle
let bytes: { readonly ledger: Bytes; readonly patient: Bytes }

/** Two patients, a doctor who comes and goes, answers, reads permitted and refused. */
async function tell(): Promise<AuditWorld> {
  const told = createAuditWorld()
  registerAll(told, ann, dan, bob, carol)
  expect(await told.rotate(ann, { dataTypes: [heartRate, glucose] })).toBe(null)
  expect(await told.rotate(dan, { dataTypes: [heartRate] })).toBe(null)
  const record = told.seal(heartRate)
  told.grant(bob, [heartRate])
  await told.give(bob, [heartRate])
  const answers = told.ringOf(bob).latest(patient)
  if (answers !== null) expect(told.send(bob, { kind: 'acknowledge', answers })).toBe(null)
  expect(told.read(bob, record, heartRate)).toBe(null)
  expect(told.read(carol, record, heartRate)).toBe('ERR_POLICY_DENIED')
  told.diagnose(bob, record, heartRate)
  // One block with transactions of both patients.
  const label = told.ringOf(ann).label(heartRate)
  const access = { kind: 'access', supersedes: null, grants: [] } as const
  told.block([
    told.sign(dan, { ...access, patient: dan.did, grantee: bob.did }),
    told.sign(ann, { ...access, patient, grantee: bob.did }),
    told.sign(dan, { kind: 'iot', record: freshRecord(), label, epoch: 1 }),
  ])
  expect(await told.rotate(ann)).toBe(null)
  told.seal(heartRate)
  expect(await told.rotate(dan)).toBe(null)
  return told
}

beforeAll(async () => {
  world = await tell()
  chainId = world.genesis.chainId
  bytes = {
    ledger: await exportAuditBundle(world.source),
    patient: await exportAuditBundle(world.source, { patient }),
  }
  const [whole, part] = [unwrap(parseAuditBundle(bytes.ledger)), unwrap(parseAuditBundle(bytes.patient))]
  if (whole.form !== 'ledger' || part.form !== 'patient') throw new Error('other forms')
  ledger = whole
  hers = part
})

async function audited(bundle: AuditBundle, options: ValidateBundleOptions = { chainId }): Promise<AuditedLedger> {
  return unwrap(await validateAuditBundle(bundle, { verifier, ...options }))
}

/** The code, height and link of the first break. */
async function breakOf(bundle: AuditBundle, options: ValidateBundleOptions = { chainId }): Promise<string> {
  const result = await validateAuditBundle(bundle, { verifier, ...options })
  if (result.ok) return 'accepted'
  const { height, link } = result.details as { readonly height: number; readonly link?: string }
  return [result.code, height, link].filter((part) => part !== undefined).join(' ')
}

function headerDigest(at: number): Digest32 {
  return hashHeader(unwrap(parseBlock((world.stored[at - 1] as StoredBlock).block)).header)
}

const questions = (view: Parameters<typeof compareAccess>[0]) => {
  const records = [...view.transactions({ patient })].flatMap(({ transaction }) =>
    transaction.kind === 'iot' || transaction.kind === 'diagnosis' ? [transaction.record] : [],
  )
  return {
    holders: records.map((record) => whoCanDecrypt(view, record)),
    gaps: compareAccess(view, { patient }),
    effect: assessRevocation(view, { patient, grantee: bob.did }),
    accounts: [ann, bob, carol].map(({ did }) => view.indexOf(did)),
    keys: [ann, bob].map(({ did }) => view.keys(did)?.signingKey),
  }
}

describe('a bundle of the whole ledger', () => {
  it('says what the ledger says, and on what that rests', async () => {
    const view = await audited(ledger)
    expect([...view.transactions({ outcome: 'any' })]).toEqual([...world.view().transactions({ outcome: 'any' })])
    expect(questions(view)).toEqual(questions(world.view()))
    const height = world.stored.length
    expect(view.evidence).toEqual({
      form: 'ledger',
      patient: null,
      head: { height, hash: headerDigest(height), timeMs: world.nowMs },
      epochs: [
        {
          memberEpoch: 0,
          heightFirst: 1,
          heightLast: height,
          members: nodes.map(({ did }) => did),
          membersHash: world.ledger.header?.membersHash,
          quorum: 3,
        },
      ],
      blockCount: height,
      transactionCount: 19,
      refusedCount: 1,
    })
  })

  it('is refused without the right chain id from elsewhere', async () => {
    const foreign = createGenesis(consortium({ members: nodes, timeMs: world.genesis.timeMs }), seededRandom('other'))
    expect(await breakOf(ledger, { genesis: foreign })).toBe('ERR_AUDIT_BROKEN 0 chain id')
    expect(await breakOf(ledger, { chainId: foreign.chainId })).toBe('ERR_AUDIT_BROKEN 0 chain id')
    expect(await breakOf({ ...ledger, genesis: foreign }, { genesis: foreign })).toBe('ERR_AUDIT_BROKEN 1 chain id')
    await expect(validateAuditBundle(ledger, {})).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
    expect(await breakOf(ledger, { genesis: world.genesis })).toBe('accepted')
  })

  it('is refused with a block missing, moved, or from elsewhere', async () => {
    const { blocks } = ledger
    const renumber = (list: readonly StoredBlock[]) => list.map((stored, index) => ({ ...stored, height: index + 1 }))
    const without = renumber([...blocks.slice(0, 4), ...blocks.slice(5)])
    expect(await breakOf({ ...ledger, blocks: without })).toBe('ERR_AUDIT_BROKEN 5 height')
    const [first, second, ...rest] = blocks as readonly [StoredBlock, StoredBlock, ...StoredBlock[]]
    expect(await breakOf({ ...ledger, blocks: renumber([second, first, ...rest]) })).toBe('ERR_AUDIT_BROKEN 1 height')
    const other = createAuditWorld()
    registerAll(other, dan, ann)
    const replaced = blocks.with(0, other.stored[0] as StoredBlock)
    expect(await breakOf({ ...ledger, blocks: replaced })).toBe('ERR_AUDIT_BROKEN 2 parent')
    const forked = blocks.with(1, other.stored[1] as StoredBlock)
    expect(await breakOf({ ...ledger, blocks: forked })).toBe('ERR_AUDIT_BROKEN 2 parent')
    expect(
      await breakOf({ ...ledger, blocks: blocks.with(2, { ...(blocks[2] as StoredBlock), block: new Uint8Array(9) }) }),
    ).toBe('ERR_AUDIT_BROKEN 3 block')
  })

  it('is refused with another certificate than one of a quorum on that block', async () => {
    const at = 3
    const headerDigestThere = headerDigest(at)
    const block = { chainId, memberEpoch: 0, height: at, headerDigest: headerDigestThere }
    const genuine = unwrap(parseCertificate((ledger.blocks[at - 1] as StoredBlock).certificate))
    const [one, two, three] = signaturesOf(genuine)
    const withCertificate = (certificate: Bytes) => ({
      ...ledger,
      blocks: ledger.blocks.with(at - 1, { ...(ledger.blocks[at - 1] as StoredBlock), certificate }),
    })
    const withSignatures = (signatures: ReturnType<typeof signaturesOf>) =>
      withCertificate(encodeCertificate({ ...genuine, proof: { kind: 'list', signatures } }))
    expect(await breakOf(withCertificate(certify(block, [1, 2, 3])))).toBe('accepted')
    const refused = `ERR_CHAIN_CERTIFICATE ${at}`
    // Of another block, of too few, of one three times, of members in other places, of nobody.
    expect(await breakOf(withCertificate((ledger.blocks[at] as StoredBlock).certificate))).toBe(refused)
    expect(await breakOf(withSignatures([one ?? null, two ?? null, null, null]))).toBe(refused)
    expect(await breakOf(withSignatures([one ?? null, one ?? null, one ?? null, null]))).toBe(refused)
    expect(await breakOf(withSignatures([two ?? null, one ?? null, three ?? null, null]))).toBe(refused)
    expect(await breakOf(withSignatures([one ?? null, two ?? null, three ?? null]))).toBe(refused)
    expect(await breakOf(withCertificate(certify({ ...block, headerDigest: headerDigest(2) })))).toBe(refused)
    expect(await breakOf(withCertificate(certify({ ...block, height: 2 })))).toBe(refused)
    expect(await breakOf(withCertificate(certify({ ...block, memberEpoch: 1 })))).toBe(refused)
    expect(await breakOf(withCertificate(new Uint8Array(3)))).toBe(`ERR_AUDIT_BROKEN ${at} certificate`)
  })

  it('with the newest blocks left out holds only as what it is', async () => {
    const height = world.stored.length
    const truncated = { ...ledger, heightLast: height - 2, blocks: ledger.blocks.slice(0, height - 2) }
    expect((await audited(truncated)).height).toBe(height - 2)
    const trustedHead = { height, hash: headerDigest(height) }
    expect(await breakOf(truncated, { chainId, trustedHead })).toBe(`ERR_AUDIT_BROKEN ${height} trusted head`)
    expect(await breakOf(ledger, { chainId, trustedHead })).toBe('accepted')
    expect(await breakOf(ledger, { chainId, trustedHead: { height: 4, hash: headerDigest(4) } })).toBe('accepted')
    const another = { height: 4, hash: headerDigest(5) }
    expect(await breakOf(ledger, { chainId, trustedHead: another })).toBe('ERR_AUDIT_BROKEN 4 trusted head')
    // Height 0 is the genesis.
    for (const bundle of [ledger, hers]) {
      const first = { height: 0, hash: toDigest(chainId) }
      expect(await breakOf(bundle, { chainId, trustedHead: first })).toBe('accepted')
      const wrong = { height: 0, hash: headerDigest(1) }
      expect(await breakOf(bundle, { chainId, trustedHead: wrong })).toBe('ERR_AUDIT_BROKEN 0 trusted head')
      for (const none of [1.5, -1, NaN]) {
        const options = { chainId, trustedHead: { height: none, hash: headerDigest(1) } }
        await expect(validateAuditBundle(bundle, options)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
      }
    }
  })

  it('of an empty ledger is an empty view', async () => {
    const empty = createAuditWorld()
    const bundle = unwrap(parseAuditBundle(await exportAuditBundle(empty.source)))
    const view = await audited(bundle, { genesis: empty.genesis })
    expect([view.height, view.timeMs, toHex(view.evidence.head.hash)]).toEqual([0, empty.nowMs, empty.genesis.chainId])
  })

  it('reports progress and stops when told to', async () => {
    const steps: number[] = []
    await audited(ledger, { chainId, onProgress: ({ done, total }) => void steps.push(done / total) })
    expect(steps).toHaveLength(world.stored.length)
    expect(steps.at(-1)).toBe(1)
    const signal = { aborted: true, addEventListener: () => undefined }
    await expect(validateAuditBundle(ledger, { chainId, signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(validateAuditBundle(hers, { chainId, signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(exportAuditBundle(world.source, { signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })
})

describe('a bundle of one patient', () => {
  /** The bundle with one excerpt changed. */
  function withExcerpt(at: number, change: (excerpt: Excerpt) => Excerpt): PatientBundle {
    return { ...hers, excerpts: hers.excerpts.with(at, change(hers.excerpts[at] as Excerpt)) }
  }
  const mixed = () => hers.excerpts.findIndex(({ transactions }) => transactions.some(({ position }) => position === 1))

  it('answers as the whole ledger does, and holds nothing of others but their keys', async () => {
    const view = await audited(hers)
    const whole = world.view()
    expect(questions(view)).toEqual(questions(whole))
    const own = (from: typeof whole) => [...from.transactions({ patient, outcome: 'any' })]
    expect(own(view)).toEqual(own(whole))
    expect([...view.transactions({ patient: dan.did, outcome: 'any' })]).toEqual([])
    expect(view.evidence).toMatchObject({ form: 'patient', patient, transactionCount: 14, refusedCount: 1 })
    expect(view.indexOf(dan.did)).toBe(undefined)
  })

  it('is made from a store alone, too', async () => {
    const { store, genesis } = world.source
    expect(equalBytes(await exportAuditBundle({ store, genesis, verifier }, { patient }), bytes.patient)).toBe(true)
  })

  it('is refused with a transaction left out, wherever it is hidden', async () => {
    const head = world.stored.length
    for (const [at, { transactions }] of hers.excerpts.entries()) {
      for (const { position } of transactions) {
        const without = withExcerpt(at, (excerpt) => ({
          ...excerpt,
          transactions: excerpt.transactions.filter((entry) => entry.position !== position),
        }))
        expect(await breakOf(without)).toMatch(/^ERR_AUDIT_BROKEN \d+ (transaction|completeness|signature|account)$/)
      }
    }
    const { own } = hers
    const shorter = { ...own, entries: own.entries.slice(0, -1) }
    expect(await breakOf({ ...hers, own: shorter })).toBe(`ERR_AUDIT_BROKEN ${head} completeness`)
    const fewer = { ...shorter, count: own.count - 1 }
    expect(await breakOf({ ...hers, own: fewer })).toBe(`ERR_CHAIN_PROOF ${head}`)
    const none = { ...own, count: 0, entries: [] }
    expect(await breakOf({ ...hers, own: none })).toBe(`ERR_CHAIN_PROOF ${head}`)
    const twice = { ...own, entries: own.entries.with(1, own.entries[0] as (typeof own.entries)[number]) }
    expect(await breakOf({ ...hers, own: twice })).toBe(`ERR_CHAIN_PROOF ${head}`)
  })

  it('is refused with a transaction of another patient in it, or as that of another patient', async () => {
    const both = unwrap(parseAuditBundle(await exportAuditBundle(world.source, { patient: dan.did })))
    if (both.form !== 'patient') throw new Error('other form')
    const at = mixed()
    const foreign = both.excerpts.find(({ header }) => equalBytes(header, (hers.excerpts[at] as Excerpt).header))
    const added = withExcerpt(at, (excerpt) => ({
      ...excerpt,
      transactions: [...excerpt.transactions, ...(foreign?.transactions ?? [])].toSorted(
        (a, b) => a.position - b.position,
      ),
    }))
    expect(foreign?.transactions).toHaveLength(2)
    expect(await breakOf(added)).toMatch(/^ERR_AUDIT_BROKEN \d+ (signature|transaction)$/)
    expect(await breakOf({ ...hers, patient: dan.did })).toBe(`ERR_CHAIN_PROOF ${world.stored.length}`)
    expect(await breakOf({ ...hers, excerpts: both.excerpts })).toMatch(/^ERR_AUDIT_BROKEN/)
  })

  it('is refused when a proof, receipt or header is another', async () => {
    const at = mixed()
    const [entry] = (hers.excerpts[at] as Excerpt).transactions
    const [before] = (hers.excerpts[at - 1] as Excerpt).transactions
    if (entry === undefined || before === undefined) throw new Error('no transactions')
    const height = unwrap(parseBlock((world.stored[0] as StoredBlock).block)).header.height
    expect(height).toBe(1)
    const changed = (fields: Partial<typeof entry>) =>
      withExcerpt(at, (excerpt) => ({ ...excerpt, transactions: [{ ...entry, ...fields }] }))
    const proof = /^ERR_CHAIN_PROOF \d+$/
    expect(await breakOf(changed({ position: 0 }))).toMatch(proof)
    expect(await breakOf(changed({ transactionProof: entry.transactionProof.slice(1) }))).toMatch(proof)
    expect(await breakOf(changed({ receiptProof: entry.receiptProof.toReversed() }))).toMatch(proof)
    expect(await breakOf(changed({ receipt: before.receipt }))).toMatch(proof)
    expect(await breakOf(changed({ transaction: before.transaction }))).toMatch(proof)
    expect(await breakOf(changed({ receipt: new Uint8Array(3) }))).toMatch(/^ERR_AUDIT_BROKEN \d+ receipt$/)
    expect(await breakOf(changed({ transaction: new Uint8Array(3) }))).toMatch(/^ERR_AUDIT_BROKEN \d+ transaction$/)
    const { header, historyProof } = hers.excerpts[at - 1] as Excerpt
    expect(await breakOf(withExcerpt(at, (excerpt) => ({ ...excerpt, header })))).toMatch(
      /^ERR_AUDIT_BROKEN \d+ order$/,
    )
    expect(await breakOf(withExcerpt(at, (excerpt) => ({ ...excerpt, historyProof })))).toMatch(proof)
    expect(await breakOf(withExcerpt(at, (excerpt) => ({ ...excerpt, historyProof: [] })))).toMatch(proof)
    expect(await breakOf({ ...hers, excerpts: hers.excerpts.toReversed() })).toMatch(/^ERR_AUDIT_BROKEN/)
    const twice = withExcerpt(at, (excerpt) => ({ ...excerpt, transactions: [entry, entry] }))
    expect(await breakOf(twice)).toMatch(/^ERR_AUDIT_BROKEN \d+ order$/)
    const certificate = (world.stored[2] as StoredBlock).certificate
    expect(await breakOf({ ...hers, head: { ...hers.head, certificate } })).toMatch(/^ERR_CHAIN_CERTIFICATE/)
    const other = { ...hers.head, header: (hers.excerpts[0] as Excerpt).header }
    expect(await breakOf({ ...hers, head: other })).toMatch(/^ERR_CHAIN_CERTIFICATE 1$/)
  })

  it('is refused when somebody who was given something is not shown', async () => {
    for (const account of hers.accounts) {
      const accounts = hers.accounts.filter((entry) => entry !== account)
      expect(await breakOf({ ...hers, accounts })).toMatch(account.did === patient ? /^accepted$/ : /^ERR_AUDIT_BROKEN/)
    }
    const [one, two] = hers.accounts
    if (one === undefined || two === undefined) throw new Error('no accounts')
    const head = world.stored.length
    expect(await breakOf({ ...hers, accounts: [{ ...one, did: two.did }] })).toBe(`ERR_CHAIN_PROOF ${head}`)
    const unregistered = { ...one, account: { ...one.account, value: null } }
    expect(await breakOf({ ...hers, accounts: [unregistered] })).toBe(`ERR_CHAIN_PROOF ${head}`)
    const credentials = { ...one.credentials, value: one.account.value }
    expect(await breakOf({ ...hers, accounts: [{ ...one, credentials }, ...hers.accounts.slice(1)] })).toBe(
      `ERR_CHAIN_PROOF ${head}`,
    )
  })

  it('shows whoever vouches for the keys and roles of those in it', async () => {
    const admitted = createAuditWorld({ registrars: [dan.did] })
    const organisation = 'st-marys.example'
    const credential = issueCredential(
      createCredential({
        kind: 'E-Cert',
        issuer: dan.did,
        subject: bob.did,
        role: 'clinician',
        organisation,
        notBeforeMs: admitted.nowMs,
        notAfterMs: admitted.nowMs + HOUR_MS,
      }),
      { chainId: admitted.genesis.chainId, signer: dan.signer },
    )
    const register = { kind: 'register', operation: 'add', previousSignature: null } as const
    for (const { did: subject, keys } of [dan, ann, bob, carol]) {
      const credentials = subject === bob.did ? [credential] : []
      expect(admitted.send(dan, { ...register, subject, keys, credentials })).toBe(null)
    }
    const fields = { slot: 1, signingKey: phone.did, agreement: null, notAfterMs: admitted.nowMs + HOUR_MS } as const
    expect(admitted.send(ann, { kind: 'delegate', ...fields, rights: ['publish'] })).toBe(null)
    expect(await admitted.rotate(ann, { dataTypes: [heartRate] })).toBe(null)
    admitted.seal(heartRate, { by: phone, delegate: 1 })
    admitted.grant({ role: 'clinician', organisation }, [heartRate])
    const bundle = unwrap(parseAuditBundle(await exportAuditBundle(admitted.source, { patient })))
    if (bundle.form !== 'patient') throw new Error('other form')
    // The registrar, the patient, and bob, whom nothing names but his role.
    expect(bundle.accounts.map(({ did }) => did).toSorted()).toEqual([dan.did, ann.did, bob.did].toSorted())
    const genesis = { genesis: admitted.genesis }
    const view = await audited(bundle, genesis)
    expect(compareAccess(view, { patient })).toEqual(compareAccess(admitted.view(), { patient }))
    expect(compareAccess(view, { patient }).map(({ holder, kind }) => [holder, kind])).toEqual([
      [bob.did, 'may-read-cannot-decrypt'],
    ])
    for (const [at, { transactions }] of bundle.excerpts.entries()) {
      expect(transactions).toHaveLength(1)
      expect(await breakOf({ ...bundle, excerpts: bundle.excerpts.toSpliced(at, 1) }, genesis)).toMatch(
        /^ERR_AUDIT_BROKEN/,
      )
    }
    // An envelope for the holder of a role names him by his number alone.
    await admitted.give(bob, [heartRate])
    const given = unwrap(parseAuditBundle(await exportAuditBundle(admitted.source, { patient })))
    if (given.form !== 'patient') throw new Error('other form')
    const without = {
      ...given,
      accounts: given.accounts.filter(({ did }) => did !== bob.did),
      excerpts: given.excerpts.toSpliced(2, 1),
    }
    expect(await breakOf(given, genesis)).toBe('accepted')
    expect(await breakOf(without, genesis)).toBe(`ERR_AUDIT_BROKEN ${admitted.stored.length} account`)
  })

  it('is refused when somebody who was given keys and never did anything is not shown', async () => {
    const quiet = createAuditWorld()
    registerAll(quiet, ann, carol)
    expect(await quiet.rotate(ann, { dataTypes: [heartRate] })).toBe(null)
    quiet.grant(carol, [heartRate])
    await quiet.give(carol, [heartRate])
    const bundle = unwrap(parseAuditBundle(await exportAuditBundle(quiet.source, { patient })))
    if (bundle.form !== 'patient') throw new Error('other form')
    const genesis = { genesis: quiet.genesis }
    const registration = bundle.excerpts.toSpliced(1, 1)
    const accounts = bundle.accounts.filter(({ did }) => did !== carol.did)
    expect(await breakOf({ ...bundle, accounts, excerpts: registration }, genesis)).toBe('ERR_AUDIT_BROKEN 4 account')
  })

  it('is refused when its members certified what a sender never signed', async () => {
    const doubting = {
      verify: (item: Parameters<typeof verifier.verify>[0]) => item.signer !== bob.did && verifier.verify(item),
    }
    expect(await breakOf(hers, { chainId, verifier: doubting })).toMatch(/^ERR_AUDIT_BROKEN \d+ signature$/)
    expect(await breakOf(ledger, { chainId, verifier: doubting })).toMatch(/^ERR_CHAIN_PROOF \d+$/)
  })

  it('is refused when a refusal was turned into leave', async () => {
    const at = hers.excerpts.findIndex(({ transactions }) =>
      transactions.some(({ receipt }) => unwrap(parseReceipt(receipt)).code === 'ERR_POLICY_DENIED'),
    )
    const turned = withExcerpt(at, (excerpt) => ({
      ...excerpt,
      transactions: excerpt.transactions.map((entry) => ({
        ...entry,
        receipt: encodeReceipt({ ...unwrap(parseReceipt(entry.receipt)), code: null, untilMs: 1 }),
      })),
    }))
    expect(await breakOf(turned)).toMatch(/^ERR_CHAIN_PROOF \d+$/)
  })

  it('of accounts with keys for proxies needs who checks such keys', async () => {
    const preKeyVerifier = createPreKeyVerifier()
    const genesis = createGenesis(consortium({ members: nodes, timeMs: world.genesis.timeMs }), seededRandom('pre'))
    const state = createLedger({ genesis, preKeyVerifier })
    const seed = new Uint8Array(32).fill(7)
    const eve = deriveIdentity({ seed, circle: 'test', pre: createPreKeyMaker() }, seededRandom('eve'))
    const register = { kind: 'register', operation: 'add', credentials: [], previousSignature: null } as const
    const fields = { ...register, subject: eve.did, keys: eve.keys, sender: eve.did, nonce: 0, issuedAtMs: 1 }
    const signed = signTransaction(createTransaction(fields), { chainId: genesis.chainId, signer: eve.signer })
    const { block, headerDigest: digest } = state.applyBatch({ transactions: [encodeTransaction(signed)], timeMs: 1 })
    const store = createMemoryLedgerStore()
    const certificate = certify({ chainId: genesis.chainId, memberEpoch: 0, height: 1, headerDigest: digest })
    await store.append({ height: 1, block: encodeBlock(block), certificate })
    for (const options of [{}, { patient: eve.did }]) {
      const file = await exportAuditBundle({ store, genesis, preKeyVerifier }, options)
      const bundle = unwrap(parseAuditBundle(file))
      expect(await breakOf(bundle, { genesis, preKeyVerifier })).toBe('accepted')
      expect(await breakOf(bundle, { genesis })).not.toBe('accepted')
    }
  })

  it('shows blocks to those who know one of them', async () => {
    const head = world.stored.length
    const known = (at: number) => ({ chainId, trustedHead: { height: at, hash: headerDigest(at) } })
    expect(await breakOf(hers, known(head))).toBe('accepted')
    // dan's registration is not hers.
    expect(await breakOf(hers, known(2))).toBe('ERR_AUDIT_BROKEN 2 trusted head')
    const shown = unwrap(parseAuditBundle(await exportAuditBundle(world.source, { patient, heights: [2, head] })))
    expect(await breakOf(shown, known(2))).toBe('accepted')
    const another = { chainId, trustedHead: { height: 2, hash: headerDigest(3) } }
    expect(await breakOf(shown, another)).toBe('ERR_AUDIT_BROKEN 2 trusted head')
    expect(await breakOf(shown, { chainId, trustedHead: { height: head + 1, hash: headerDigest(1) } })).toBe(
      `ERR_AUDIT_BROKEN ${head + 1} trusted head`,
    )
  })

  it('of somebody who was never heard of shows that', async () => {
    const bundle = unwrap(parseAuditBundle(await exportAuditBundle(world.source, { patient: phone.did })))
    const view = await audited(bundle)
    expect([view.evidence.transactionCount, view.height]).toEqual([0, world.stored.length])
    const trustedHead = { height: 2, hash: headerDigest(2) }
    expect(await breakOf(bundle, { chainId, trustedHead })).toBe('ERR_AUDIT_BROKEN 2 trusted head')
    expect(await breakOf({ ...bundle, patient } as PatientBundle)).toBe(`ERR_CHAIN_PROOF ${world.stored.length}`)
  })

  it('is not made from a ledger that is not there', async () => {
    const { store, genesis } = world.source
    const other = createAuditWorld()
    const refused = { code: 'ERR_ARGUMENT_INVALID' }
    await expect(exportAuditBundle(other.source, { patient })).rejects.toMatchObject(refused)
    await expect(exportAuditBundle({ store, genesis, ledger: other.ledger }, { patient })).rejects.toMatchObject(
      refused,
    )
    await expect(exportAuditBundle(world.source, { patient, heights: [0] })).rejects.toMatchObject(refused)
  })
})

describe('the file', () => {
  /** Both forms, as small as they come. */
  async function smallest(): Promise<readonly Bytes[]> {
    const small = createAuditWorld()
    registerAll(small, ann)
    return [await exportAuditBundle(small.source), await exportAuditBundle(small.source, { patient })]
  }

  it('is refused with any byte changed, and cut anywhere', async () => {
    for (const file of await smallest()) {
      for (let at = 0; at < file.length; at++) {
        const spoilt = Uint8Array.from(file)
        spoilt[at] = (file[at] as number) ^ (1 << (at % 8))
        expect(parseAuditBundle(spoilt).ok).toBe(false)
        if (at % 16 === 0) expect(parseAuditBundle(file.subarray(0, at)).ok).toBe(false)
      }
      expect(codeOfResult(parseAuditBundle(Uint8Array.of(...file, 0)))).not.toBe('accepted')
      expect(codeOfResult(parseAuditBundle(file))).toBe('accepted')
    }
  })

  /** Replaces a block and every link that leads to it, as one does who wants a change to be believed. */
  function relink(file: Bytes, index: number, block: Bytes): Bytes {
    const { blocks } = unwrap(parseCar(file))
    let contents = blocks.map((entry) => Uint8Array.from(entry.bytes))
    const names = blocks.map(({ cid }) => Uint8Array.from(cid.bytes))
    contents = contents.with(index, block)
    // What links comes before what is linked.
    for (let child = index; child >= 0; child--) {
      const [before, content] = [names[child] as Uint8Array, contents[child] as Bytes]
      const after = hashBlock(DAG_CBOR_CODEC, content).bytes
      contents = contents.map((bytes, parent) => (parent < child ? substitute(bytes, before, after) : bytes))
    }
    const written = contents.map((bytes) => ({ cid: hashBlock(DAG_CBOR_CODEC, bytes), bytes }))
    return encodeCar({ roots: written.slice(0, 1).map(({ cid }) => cid), blocks: written })
  }

  function substitute(bytes: Bytes, before: Uint8Array, after: Uint8Array): Bytes {
    return fromHex(toHex(bytes).replaceAll(toHex(before), toHex(after)))
  }

  it('is refused with a byte changed and every address made anew, but for the hints of signatures', async () => {
    const small = createAuditWorld()
    registerAll(small, ann)
    const genuine = { chainId: small.genesis.chainId, verifier }
    for (const file of [await exportAuditBundle(small.source), await exportAuditBundle(small.source, { patient })]) {
      const { blocks } = unwrap(parseCar(file))
      const accepted: string[] = []
      let tried = 0
      for (const [index, { bytes: block }] of blocks.entries()) {
        for (let at = index % 13; at < block.length; at += 13) {
          const spoilt = block.with(at, (block[at] as number) ^ (1 << (at % 8)))
          const parsed = parseAuditBundle(relink(file, index, spoilt))
          tried++
          if (!parsed.ok || !(await validateAuditBundle(parsed.value, genuine)).ok) continue
          accepted.push(`block ${index} byte ${at}`)
          // A hint follows r | s and says which of four keys; it is nobody's.
          expect(block[at]).toBeLessThan(4)
        }
      }
      expect(tried).toBeGreaterThan(100)
      expect(accepted.length).toBeLessThan(4)
      expect(relink(file, 0, blocks[0]?.bytes as Bytes)).toEqual(file)
    }
  })

  it('is refused with a block missing, moved, or left over, and with other roots', () => {
    for (const file of Object.values(bytes)) {
      const { roots, blocks } = unwrap(parseCar(file))
      const codes = [
        encodeCar({ roots, blocks: blocks.toSpliced(4, 1) }),
        encodeCar({ roots, blocks: [...blocks.slice(0, 3), ...blocks.slice(3).toReversed()] }),
        encodeCar({
          roots,
          blocks: [
            ...blocks,
            { cid: hashBlock(DAG_CBOR_CODEC, roots[0]?.bytes as Uint8Array), bytes: roots[0]?.bytes as Uint8Array },
          ],
        }),
        encodeCar({ roots: [], blocks }),
        encodeCar({ roots: [roots[0] as (typeof roots)[number], (blocks[1] as (typeof blocks)[number]).cid], blocks }),
        encodeCar({ roots: [(blocks[1] as (typeof blocks)[number]).cid], blocks: blocks.slice(1) }),
      ].map((changed) => codeOfResult(parseAuditBundle(changed)))
      expect(codes.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => 'ERR_CODEC_MALFORMED'))
      expect(codes[4]).toBe('ERR_CODEC_LIMIT')
      expect(codes[5]).not.toBe('accepted')
    }
    expect(codeOfResult(parseAuditBundle(new Uint8Array(0)))).toBe('ERR_CODEC_MALFORMED')
  })

  it('goes on over pages', async () => {
    const long = createAuditWorld()
    registerAll(long, ann)
    expect(await long.rotate(ann, { dataTypes: [heartRate] })).toBe(null)
    const label = long.ringOf(ann).label(heartRate)
    const record = (index: number) => hashBlock(DAG_CBOR_CODEC, Uint8Array.of(index >> 8, index)).toString() as RecordId
    const sealed = Array.from({ length: 100 }, (_, index) =>
      long.sign(ann, { kind: 'iot', record: record(index), label, epoch: 1 }),
    )
    long.block(sealed)
    for (let empty = 0; empty < 300; empty++) long.block([])
    const parsed = [{}, { patient }].map(async (options) =>
      unwrap(parseAuditBundle(await exportAuditBundle(long.source, options))),
    )
    for (const bundle of await Promise.all(parsed)) {
      const view = await audited(bundle, { genesis: long.genesis })
      expect([...view.transactions({ kind: 'iot', patient })]).toHaveLength(100)
      expect(view.height).toBe(303)
    }
  })
})
