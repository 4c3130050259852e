/**
 * Area audit: what a bundle weighs and how long it takes to verify, of a whole ledger and of one patient, with both verifiers.
 *
 * Four members, certificates of three. A patient grants once and a doctor reads again and again: small transactions, all of
 * which concern the patient, one in each block (the most headers and certificates) or fifty.
 */

import { exportAuditBundle, parseAuditBundle, validateAuditBundle, type AuditBundle } from '../src/audit/index.ts'
import {
  createGenesis,
  createLedger,
  createMemoryLedgerStore,
  encodeBlock,
  type Genesis,
  type Ledger,
  type LedgerStore,
} from '../src/chain/index.ts'
import { unwrap } from '../src/errors.ts'
import { deriveIdentity, type Identity } from '../src/identity/index.ts'
import { createOpensslVerifier } from '../src/node/index.ts'
import { createCertificate, encodeCertificate, signExecution } from '../src/pbft/index.ts'
import { consortium } from '../src/presets/index.ts'
import { toUtf8, type Bytes } from '../src/primitives/bytes.ts'
import { sha256 } from '../src/primitives/hash.ts'
import { createLabeler } from '../src/primitives/label.ts'
import { createVerifier, type Verifier } from '../src/primitives/signature.ts'
import { createTransaction, encodeTransaction, signTransaction, type Draft } from '../src/transactions/index.ts'
import { interleave, type Report } from './measure.ts'

const START_MS = 1_763_600_000_000
const SIGNERS = 3
const SIZES = [
  { count: 50, perBlock: 1 },
  { count: 1_000, perBlock: 1 },
  { count: 1_000, perBlock: 50 },
] as const

const label = createLabeler().label('http://loinc.org|8867-4')
const person = (name: string): Identity => deriveIdentity({ seed: sha256(toUtf8(name)), circle: 'benchmark' })
const nodes = [0, 1, 2, 3].map((index) => person(`node ${index}`))
const patient = person('patient')
const doctor = person('doctor')

interface Filled {
  readonly genesis: Genesis
  readonly store: LedgerStore
  readonly ledger: Ledger
}

/** A ledger with so many reads in its blocks. */
async function fill({ count, perBlock }: (typeof SIZES)[number]): Promise<Filled> {
  const parameters = { quotaPerMinute: 1_000_000 }
  const genesis = createGenesis({
    ...consortium({ members: nodes, timeMs: START_MS, parameters }),
    salt: sha256(toUtf8('audit')),
  })
  const { chainId } = genesis
  const ledger = createLedger({ genesis, verifier: { verify: () => true } })
  const store = createMemoryLedgerStore()
  const nonces = new Map<Identity, number>()
  const sign = (by: Identity, draft: Draft): Bytes => {
    const nonce = nonces.get(by) ?? 0
    nonces.set(by, nonce + 1)
    const unsigned = createTransaction({ ...draft, sender: by.did, nonce, issuedAtMs: START_MS })
    return encodeTransaction(signTransaction(unsigned, { chainId, signer: by.signer }))
  }
  const commit = async (transactions: readonly Bytes[]) => {
    const { block, headerDigest } = ledger.applyBatch({ transactions, timeMs: START_MS })
    const { height } = block.header
    const executed = { chainId, memberEpoch: 0, height, headerDigest }
    const votes = nodes
      .slice(0, SIGNERS)
      .map(({ signer }, index) => [index, signExecution(executed, { signer })] as const)
    const certificate = encodeCertificate(createCertificate(executed, new Map(votes), nodes.length))
    await store.append({ height, block: encodeBlock(block), certificate })
  }
  const register = (by: Identity) => {
    const fields = {
      operation: 'add',
      subject: by.did,
      keys: by.keys,
      credentials: [],
      previousSignature: null,
    } as const
    return sign(by, { kind: 'register', ...fields })
  }
  const access = { fromMs: START_MS, untilMs: START_MS + 1 }
  const grants = [{ dataTypes: [label], actions: ['access'], purposes: ['TREAT'], access }] as const
  const grant = { kind: 'access', patient: patient.did, grantee: doctor.did, supersedes: null, grants } as const
  await commit([register(patient), register(doctor), sign(patient, grant)])
  const read = { kind: 'data', mode: 'read', patient: patient.did, label, record: null, purpose: 'TREAT' } as const
  for (let done = 0; done < count; done += perBlock)
    await commit(Array.from({ length: perBlock }, () => sign(doctor, read)))
  return { genesis, store, ledger }
}

async function validate(bundle: AuditBundle, verifier: Verifier): Promise<void> {
  unwrap(await validateAuditBundle(bundle, { chainId: bundle.genesis.chainId, verifier }))
}

/** Runs the area. */
export async function run(report: Report): Promise<void> {
  const [openssl, noble] = [createOpensslVerifier(), createVerifier()]
  for (const size of SIZES) {
    const { count: n, perBlock } = size
    const filled = await fill(size)
    for (const form of ['ledger', 'patient'] as const) {
      const options = form === 'ledger' ? {} : { patient: patient.did }
      const bytes = await exportAuditBundle(filled, options)
      const bundle = unwrap(parseAuditBundle(bytes))
      const medians = await interleave(
        {
          openssl: () => validate(bundle, openssl),
          noble: () => validate(bundle, noble),
          parse: () => parseAuditBundle(bytes),
          export: () => exportAuditBundle(filled, options),
        },
        { rounds: 3, msPerRound: 1 },
      )
      const op = `${form}, ${perBlock} in a block`
      report.figure({ op: `${op}: file`, impl: 'vitalseal', median: bytes.length / 1000, unit: 'kB', n })
      for (const impl of ['openssl', 'noble'] as const)
        report.figure({ op: `${op}: verify`, impl, median: (medians[impl] ?? 0) * 1000, unit: 'ms', n })
      for (const step of ['parse', 'export'] as const)
        report.figure({ op: `${op}: ${step}`, impl: 'vitalseal', median: (medians[step] ?? 0) * 1000, unit: 'ms', n })
      const value = medians.openssl ?? Infinity
      // The demo's ledger is of this order.
      if (n === 50)
        report.demand({ ratio: `seconds to verify 50 transactions, ${form}`, value, demand: '<= 2', holds: value <= 2 })
    }
  }
}
