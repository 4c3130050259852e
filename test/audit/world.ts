import type { BundleSource } from '../../src/audit/index.ts'
import {
  collectCommitted,
  createMemoryLedgerStore,
  createView,
  encodeBlock,
  type AppliedBlock,
  type LedgerView,
  type StoredBlock,
} from '../../src/chain/index.ts'
import type { Identity } from '../../src/identity/index.ts'
import type { Recipient } from '../../src/keys/index.ts'
import { createCertificate, encodeCertificate, signExecution, type ExecutedBlock } from '../../src/pbft/index.ts'
import { ALL_TYPES_LABEL, type Label } from '../../src/primitives/label.ts'
import type { RecordId } from '../../src/primitives/content-id.ts'
import type { DataType, Did } from '../../src/primitives/did.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import type { Signature } from '../../src/primitives/signature.ts'
import {
  createChainWorld,
  freshRecord,
  HOUR_MS,
  labeler,
  registerAll,
  type ChainWorld,
} from '../support/chain-world.ts'
import { party } from '../support/parties.ts'

export const ann = party('ann')
export const bob = party('bob')
export const carol = party('carol')
export const dan = party('dan')
export const phone = party('phone')
export const people = { ann, bob, carol, dan, phone }

/** A ledger whose blocks are stored with certificates, and the steps of its story. */
export interface AuditWorld extends ChainWorld {
  readonly applied: readonly AppliedBlock[]
  readonly source: BundleSource
  readonly stored: readonly StoredBlock[]
  view(options?: { readonly patient?: Did }): LedgerView
  grant(
    to: Identity | { readonly role: 'clinician'; readonly organisation: string },
    dataTypes: readonly DataType[] | 'all',
    options?: { readonly hours?: number; readonly actions?: readonly ('access' | 'write' | 'use')[] },
  ): void
  revoke(from: Identity): number
  give(to: Identity, dataTypes: Recipient['dataTypes'], handed?: Recipient['handed']): Promise<void>
  seal(dataType: DataType, options?: { readonly by?: Identity; readonly delegate?: number }): RecordId
  diagnose(by: Identity, record: RecordId, dataType: DataType): RecordId
  read(by: Identity, record: RecordId, dataType: DataType): string | null
  epoch(): number
}

/** Nodes of a group that stands one fault. */
export const nodes = ['node', 'node 1', 'node 2', 'node 3'].map(party)

/** A certificate of the given members. */
export function certify(block: ExecutedBlock, signers: readonly number[] = [0, 1, 2]): Uint8Array<ArrayBuffer> {
  const votes = new Map<number, Signature>(
    signers.map((index) => [index, signExecution(block, { signer: (nodes[index] as Identity).signer })]),
  )
  return encodeCertificate(createCertificate(block, votes, nodes.length))
}

/** Throws where a step of the story is refused: stories are told as they should go. */
function expectApplied(code: string | null): void {
  if (code !== null) throw new Error(`refused: ${code}`)
}

export function createAuditWorld(options: { readonly registrars?: readonly Did[] } = {}): AuditWorld {
  const world = createChainWorld({ ...options, members: nodes.map(({ did }) => ({ did })) })
  const { genesis, ledger } = world
  const applied: AppliedBlock[] = []
  const stored: StoredBlock[] = []
  const store = createMemoryLedgerStore()
  const apply = ledger.applyBatch.bind(ledger)
  ledger.applyBatch = (batch) => {
    const block = apply(batch)
    const { height } = block.block.header
    const { chainId } = genesis
    const certificate = certify({ chainId, memberEpoch: 0, height, headerDigest: block.headerDigest })
    const entry = { height, block: encodeBlock(block.block), certificate }
    applied.push(block)
    stored.push(entry)
    void store.append(entry)
    return block
  }
  for (const identity of Object.values(people)) world.ringOf(identity)
  const sets = new Map<string, TransactionId>()
  const labelsOf = (dataTypes: readonly DataType[] | 'all'): readonly Label[] | 'all' =>
    dataTypes === 'all' ? 'all' : dataTypes.map((dataType) => labeler.label(dataType))
  const audit: AuditWorld = Object.assign(world, {
    applied,
    stored,
    source: { store, genesis, ledger },
    view({ patient }: { readonly patient?: Did } = {}): LedgerView {
      const committed = applied
        .flatMap(collectCommitted)
        .filter((entry) => patient === undefined || entry.patient === patient || entry.transaction.kind === 'register')
      const { height = 0, timeMs = genesis.timeMs } = ledger.header ?? {}
      const { chainId, registrars } = genesis
      return createView({ chainId, registrars, height, timeMs, committed })
    },
    grant(
      to: Parameters<AuditWorld['grant']>[0],
      dataTypes: readonly DataType[] | 'all',
      { hours = 24, actions = ['access', 'write'] as const }: Parameters<AuditWorld['grant']>[2] = {},
    ) {
      const grantee = 'did' in to ? to.did : to
      const access = { fromMs: world.nowMs, untilMs: world.nowMs + hours * HOUR_MS }
      setGrants(grantee, [{ dataTypes: labelsOf(dataTypes), actions, purposes: ['TREAT'], access }])
    },
    revoke(from: Identity) {
      setGrants(from.did, [])
      return ledger.header?.height ?? 0
    },
    async give(to: Identity, dataTypes: Recipient['dataTypes'], handed: Recipient['handed'] = []) {
      expectApplied(await world.extend(ann, { recipients: [{ ...world.recipient(to, dataTypes), handed }] }))
    },
    seal(dataType: DataType, { by = ann, delegate = 0 }: Parameters<AuditWorld['seal']>[1] = {}) {
      const record = freshRecord()
      const draft = { kind: 'iot', record, label: labeler.label(dataType), epoch: audit.epoch() } as const
      expectApplied(world.send(by, draft, { sender: ann.did, delegate }))
      return record
    },
    diagnose(by: Identity, cause: RecordId, dataType: DataType) {
      const record = freshRecord()
      const causes = applied
        .flatMap(({ transactions }) => transactions)
        .flatMap((transaction) => (transaction.kind === 'iot' && transaction.record === cause ? [transaction.id] : []))
      const draft = { kind: 'diagnosis', causes, record, label: labeler.label(dataType), epoch: audit.epoch() } as const
      expectApplied(world.send(by, draft))
      return record
    },
    read: (by: Identity, record: RecordId, dataType: DataType) =>
      world.send(by, {
        kind: 'data',
        mode: 'read',
        patient: ann.did,
        label: labeler.label(dataType),
        record,
        purpose: 'TREAT',
      }),
    epoch: () => world.ringOf(ann).epochs(ann.did).at(-1)?.epoch ?? 0,
  })
  type Grants = Extract<Parameters<ChainWorld['send']>[1], { readonly kind: 'access' }>['grants']
  function setGrants(
    grantee: Did | { readonly role: 'clinician'; readonly organisation: string },
    grants: Grants,
  ): void {
    const name = JSON.stringify(grantee)
    const draft = { kind: 'access', patient: ann.did, grantee, supersedes: sets.get(name) ?? null, grants } as const
    expectApplied(world.send(ann, draft))
    sets.set(name, (applied.at(-1) as AppliedBlock).transactions[0]?.id as TransactionId)
  }
  return audit
}

/** Whether somebody's ring opens a record: what the keys say, whatever an audit says. */
export function canOpen(
  world: AuditWorld,
  holder: Identity,
  of: { readonly author: Did; readonly label: Label; readonly epoch: number },
): boolean {
  const ring = world.ringOf(holder)
  const { author: doctor, label, epoch } = of
  const patient = ann.did
  try {
    if (doctor === patient) ring.openingKey({ patient, label, epoch })
    else ring.diagnosisKey({ patient, doctor, label, epoch })
    return label !== ALL_TYPES_LABEL
  } catch {
    return false
  }
}

export { registerAll }
