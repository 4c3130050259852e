/**
 * The ledger beside its signatures: validation of blocks with both verifiers, update of the state, replay from disk, and
 * four replicas of one process that order for four ledgers.
 *
 * A block is executed on a ledger that stands where the block begins, restored from a snapshot outside of what is measured:
 * parsing, verification, rules, roots and header, as a replica does that never saw the transactions. Bare verification is
 * the verifier on digests that are there already. `VITALSEAL_BENCH_REPLAY=100000` replays as many transactions as demanded;
 * without it fewer are.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  createGenesis,
  createLedger,
  encodeBlock,
  replayLedger,
  RULES,
  type Ledger,
  type StoredBlock,
} from '../src/chain/index.ts'
import { unwrap } from '../src/errors.ts'
import { deriveIdentity, type Identity } from '../src/identity/index.ts'
import { createOpensslVerifier } from '../src/node/index.ts'
import { createCertificate, encodeCertificate, signExecution } from '../src/pbft/index.ts'
import { toUtf8, type Bytes } from '../src/primitives/bytes.ts'
import { createRecordId, hashBlock, RAW_CODEC } from '../src/primitives/content-id.ts'
import { sha256 } from '../src/primitives/hash.ts'
import { toPublicKey } from '../src/primitives/did.ts'
import { toDigest } from '../src/primitives/ids.ts'
import { createLabeler } from '../src/primitives/label.ts'
import { createVerifier, type SignedDigest, type Verifier } from '../src/primitives/signature.ts'
import {
  createTransaction,
  encodeTransaction,
  hashTransaction,
  signTransaction,
  type Draft,
  type Transaction,
} from '../src/transactions/index.ts'
import { heapUsedMiB, interleave, type Report } from './measure.ts'
import { createBench, createFreeKeys, createRealKeys } from './replicas.ts'

const START_MS = 1_763_600_040_000
/** Accounts that send in turn: few enough for the portable verifier to keep a table for each, as on a ward. */
const PATIENTS = 50
const BLOCK = 500
const REPLAY_BLOCK = 1_000
const REPLAY_DEFAULT = 5_000

const label = createLabeler().label('http://loinc.org|8867-4')
const node = person('node')
const patients = Array.from({ length: PATIENTS }, (_, index) => person(`patient ${index}`))
const genesis = createGenesis({
  preset: 'consortium',
  kinds: Object.keys(RULES),
  members: [{ did: node.did }],
  timeMs: START_MS,
  parameters: { quotaPerMinute: 1_000_000 },
  salt: sha256(toUtf8('benchmark')),
})
const { chainId } = genesis
const believing: Verifier = { verify: () => true }

function person(name: string): Identity {
  return deriveIdentity({ seed: sha256(toUtf8(name)), circle: 'benchmark' })
}

function sign(by: Identity, draft: Draft, nonce: number): Transaction {
  const unsigned = createTransaction({ ...draft, sender: by.did, nonce, issuedAtMs: START_MS })
  return signTransaction(unsigned, { chainId, signer: by.signer })
}

/** Registration and first epoch of each patient. */
function opening(): readonly Transaction[] {
  const digest = sha256(toUtf8('a commitment'))
  return patients.flatMap((by) => [
    sign(
      by,
      { kind: 'register', operation: 'add', subject: by.did, keys: by.keys, credentials: [], previousSignature: null },
      0,
    ),
    sign(
      by,
      {
        kind: 'key',
        mode: 'rotate',
        epoch: 1,
        previous: null,
        labels: [{ label, commitment: digest }],
        envelopes: [],
        ownEnvelopes: [{ delegate: 0, enc: digest, ciphertext: digest }],
        escrow: null,
      },
      1,
    ),
  ])
}

/** Readings of all patients in turn, from a number on. */
function readings(count: number, first = 0): readonly Transaction[] {
  return Array.from({ length: count }, (_, i) => {
    const number = first + i
    const by = patients[number % PATIENTS] as Identity
    const record = createRecordId(hashBlock(RAW_CODEC, toUtf8(`reading ${number}`)))
    return sign(by, { kind: 'iot', record, label, epoch: 1 }, 2 + Math.floor(number / PATIENTS))
  })
}

/** Runs the area. */
export async function run(report: Report): Promise<void> {
  await measureBlocks(report)
  measureOrder(report)
  await measureReplay(report, Number(process.env['VITALSEAL_BENCH_REPLAY'] ?? REPLAY_DEFAULT))
}

function assertWhole(ledger: Ledger, transactions: readonly Bytes[]): void {
  const { block } = ledger.applyBatch({ transactions, timeMs: START_MS })
  // A benchmark of refusals would look fast.
  if (block.header.count !== transactions.length || block.receipts.some(({ code }) => code !== null)) {
    throw new Error('a sound transaction was refused')
  }
}

async function measureBlocks(report: Report): Promise<void> {
  const before = createLedger({ genesis, verifier: believing })
  assertWhole(before, opening().map(encodeTransaction))
  const chunks = [...before.snapshot()]
  const block = readings(BLOCK)
  const bytes = block.map(encodeTransaction)
  const items = block.map(({ sender, signature, ...rest }): SignedDigest => {
    const digest = hashTransaction({ sender, ...rest }, { chainId })
    return { signer: sender, digest, signature }
  })
  const verifiers = { noble: createVerifier(), 'node:crypto': createOpensslVerifier() }
  const at = (verifier: Verifier) => {
    const ledger = createLedger({ genesis, verifier })
    unwrap(ledger.restore(chunks, before.head()))
    return ledger
  }
  const validate = (verifier: Verifier) => () => {
    assertWhole(at(verifier), bytes)
  }
  const verify = (verifier: Verifier) => () => {
    if (!items.every((item) => verifier.verify(item))) throw new Error('a sound signature was refused')
  }
  const seconds = await interleave(
    {
      restore: () => at(believing),
      'no signatures': validate(believing),
      'noble, block': validate(verifiers.noble),
      'noble, bare': verify(verifiers.noble),
      'node:crypto, block': validate(verifiers['node:crypto']),
      'node:crypto, bare': verify(verifiers['node:crypto']),
    },
    { rounds: 15, msPerRound: 1 },
  )
  const of = (name: string) => seconds[name] as number
  const restore = of('restore')
  const state = (of('no signatures') - restore) / BLOCK
  report.figure({ op: 'state update', impl: 'per transaction', median: state * 1e6, unit: 'us', n: BLOCK })
  for (const name of ['noble', 'node:crypto']) {
    const [whole, bare] = [of(`${name}, block`) - restore, of(`${name}, bare`)]
    report.figure({ op: 'block validation', impl: name, median: BLOCK / whole, unit: 'tx/s', n: BLOCK })
    report.figure({ op: 'bare verification', impl: name, median: BLOCK / bare, unit: '1/s', n: BLOCK })
    const value = bare / whole
    report.demand({
      ratio: `block validation / bare verification, ${name}`,
      value,
      demand: '>= 0.8',
      holds: value >= 0.8,
    })
  }
}

/** Four replicas with a ledger each: check, order, execute, certify. One clock, so all of it on one core. */
function measureOrder(report: Report): void {
  const start = createLedger({ genesis, verifier: believing })
  assertWhole(start, opening().map(encodeTransaction))
  const chunks = [...start.snapshot()]
  for (const batch of [1, 100, 1_000]) {
    const requests = readings(batch === 1 ? 20 : batch).map((transaction) => ({
      id: toDigest(transaction.id),
      client: toPublicKey(transaction.sender),
      bytes: encodeTransaction(transaction),
    }))
    for (const impl of ['noble', 'signatures off']) {
      const isReal = impl === 'noble'
      const ledgers: Ledger[] = []
      const application = () => {
        const ledger = createLedger({ genesis, verifier: isReal ? createVerifier() : believing })
        unwrap(ledger.restore(chunks, start.head()))
        ledgers.push(ledger)
        return ledger
      }
      const keys = isReal ? createRealKeys(4) : createFreeKeys(4)
      const bench = createBench({ keys, chainId, batch, application, baseHeight: 1 })
      const started = process.hrtime.bigint()
      for (let first = 0; first < requests.length; first += batch) bench.order(requests.slice(first, first + batch))
      const seconds = Number(process.hrtime.bigint() - started) / 1e9
      if (ledgers.some((ledger) => ledger.head().height !== 1 + requests.length / batch)) throw new Error('not ordered')
      const figure = { impl, median: requests.length / seconds, unit: 'tx/s', n: requests.length }
      report.figure({ op: `order and execute on four replicas, batch ${batch}`, ...figure })
    }
  }
}

/** Blocks as files, each with its certificate; returns how many. */
function storeBlocks(directory: string, count: number): number {
  const ledger = createLedger({ genesis, verifier: believing })
  const add = (transactions: readonly Transaction[]) => {
    const { block, headerDigest } = ledger.applyBatch({
      transactions: transactions.map(encodeTransaction),
      timeMs: START_MS,
    })
    const { height } = block.header
    const executed = { chainId, memberEpoch: 0, height, headerDigest }
    const certificate = createCertificate(executed, new Map([[0, signExecution(executed, { signer: node.signer })]]), 1)
    writeFileSync(join(directory, `${height}.block`), encodeBlock(block))
    writeFileSync(join(directory, `${height}.certificate`), encodeCertificate(certificate))
  }
  add(opening())
  for (let first = 0; first < count; first += REPLAY_BLOCK) add(readings(Math.min(REPLAY_BLOCK, count - first), first))
  return ledger.head().height
}

function* readBlocks(directory: string, heightLast: number): Iterable<StoredBlock> {
  const read = (height: number, what: string) => Uint8Array.from(readFileSync(join(directory, `${height}.${what}`)))
  for (let height = 1; height <= heightLast; height++)
    yield { height, block: read(height, 'block'), certificate: read(height, 'certificate') }
}

async function measureReplay(report: Report, count: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'vitalseal-bench-'))
  try {
    const heightLast = storeBlocks(directory, count)
    await replayWith(report, { directory, heightLast, count, impl: 'noble', verifier: createVerifier() })
    await replayWith(report, { directory, heightLast, count, impl: 'node:crypto', verifier: createOpensslVerifier() })
  } finally {
    rmSync(directory, { recursive: true })
  }
  if (count < 100_000) {
    report.note(`replayed ${count} transactions; VITALSEAL_BENCH_REPLAY=100000 replays as many as demanded`)
  }
}

/** On its own, so that the ledger before is gone when the memory of the next one is taken. */
async function replayWith(
  report: Report,
  from: {
    readonly directory: string
    readonly heightLast: number
    readonly count: number
    readonly impl: string
    readonly verifier: Verifier
  },
): Promise<void> {
  const { directory, heightLast, count, impl, verifier } = from
  const memory = heapUsedMiB()
  const started = process.hrtime.bigint()
  const ledger = unwrap(await replayLedger(readBlocks(directory, heightLast), { genesis, verifier }))
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  report.figure({ op: 'replay from disk', impl, median: seconds, unit: 's', n: count })
  report.figure({ op: 'replay, memory of the ledger', impl, median: heapUsedMiB() - memory, unit: 'MiB', n: count })
  if (ledger.head().height !== heightLast) throw new Error('a sound ledger was refused')
}
