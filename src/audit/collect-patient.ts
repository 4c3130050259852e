/**
 * Gathering what proves one patient's part of a ledger: her transactions, the accounts that they name, and for each account
 * the registrations that give its keys and credentials.
 */

import { rejectArgument, unwrap } from '../errors.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import { hashMerkleLeaf } from '../primitives/merkle.ts'
import { createMerkleTree, type MerkleTree } from '../primitives/merkle-tree.ts'
import { reportStep, type ProgressOptions } from '../primitives/progress.ts'
import { account as accountDid, encodeShape, transactionId, type Shape } from '../primitives/shape.ts'
import { createId } from '../primitives/ids.ts'
import type { RoleGrantee } from '../policy/index.ts'
import { hashTransaction, parseTransaction, type ParsedTransaction } from '../transactions/index.ts'
import {
  accountShape,
  credentialListShape,
  encodeHeader,
  encodeReceipt,
  hashHeader,
  hashReceipt,
  hashTransactionLeaf,
  parseBlock,
  stateKeys,
  transactionShape,
  type Block,
  type Ledger,
  type Receipt,
  type StateKey,
} from '../chain/index.ts'
import type { EpochClosing, Excerpt, PatientBundle, ProvenAccount, ProvenValue } from './bundle-format.ts'
import { ledgerAtHead, readStored, type BundleSource } from './bundle-source.ts'

/** A registration or delegation that was applied: it shows who signs for an account. */
interface Support {
  readonly height: number
  readonly position: number
  readonly about: Did
  /** Who signed it, and who issued the credentials in it. */
  readonly needs: readonly Did[]
  readonly roles: readonly RoleGrantee[]
}

/** Positions of transactions by height. */
type Chosen = Map<number, Set<number>>

interface Survey {
  readonly history: MerkleTree
  /** Heights before the head at which a member epoch closed. */
  readonly closings: readonly number[]
  readonly support: readonly Support[]
  /** Who takes part in what concerns the patient. */
  readonly parties: ReadonlySet<Did>
  readonly roles: readonly RoleGrantee[]
}

/** Versions on the wire of the kinds that show keys: register and delegate. */
const SUPPORT_VERSION_MAX = 2

/** Returns the parts of a patient's bundle. Cost: one pass over the ledger, and a replay where no ledger is given. */
export async function collectPatient(
  source: BundleSource,
  options: ProgressOptions & { readonly patient: Did; readonly heights?: readonly number[] },
): Promise<Pick<PatientBundle, 'epochs' | 'head' | 'accounts' | 'own' | 'excerpts'>> {
  const total = await source.store.height()
  if (total === 0) rejectArgument('source.store', 'at least one block', 'none')
  const ledger = await ledgerAtHead(source, total, options)
  const { own, chosen } = listOwn(ledger, options.patient)
  const survey = await surveyLedger(source, { ledger, chosen, total, options })
  const involved = closeOver(survey)
  for (const { about, height, position } of survey.support)
    if (involved.has(about) && about !== options.patient) choose(chosen, height, position)
  for (const height of options.heights ?? []) {
    if (!(height >= 1 && height <= total)) rejectArgument('options.heights', `heights from 1 to ${total}`, `${height}`)
    choose(chosen, height)
  }
  const stored = await readStored(source, total)
  const head = { header: encodeHeader(unwrap(parseBlock(stored.block)).header), certificate: stored.certificate }
  const excerpts: Excerpt[] = []
  for (const height of [...chosen.keys()].sort((a, b) => a - b)) {
    const block = unwrap(parseBlock((await readStored(source, height)).block))
    excerpts.push(makeExcerpt(block, chosen.get(height) as ReadonlySet<number>, survey.history))
    await reportStep(options, { done: excerpts.length, total: chosen.size, step: 'proofs' })
  }
  const accounts = [...involved].flatMap((did) => proveAccount(ledger, did) ?? [])
  const epochs: EpochClosing[] = []
  for (const height of survey.closings) epochs.push(await proveClosing(source, height, survey.history))
  return { epochs, head, accounts, own, excerpts }
}

function choose(chosen: Chosen, height: number, position?: number): void {
  const positions = chosen.get(height) ?? new Set()
  chosen.set(height, positions)
  if (position !== undefined) positions.add(position)
}

function listOwn({ state }: Ledger, patient: Did): { readonly own: PatientBundle['own']; readonly chosen: Chosen } {
  const list = stateKeys.own(patient)
  const count = state.count(list)
  const chosen: Chosen = new Map()
  const entries = Array.from({ length: count }, (_, index) => {
    const id = state.entry(list, index, transactionId) ?? rejectArgument('source.ledger', 'a complete list', 'a gap')
    const at = state.get(stateKeys.transaction(id), transactionShape)
    if (at !== undefined) choose(chosen, at.height, at.position)
    return { id, proof: state.prove([...list, index]) }
  })
  return { own: { count, proof: state.prove(list), entries }, chosen }
}

async function surveyLedger(
  source: BundleSource,
  of: {
    readonly ledger: Ledger
    readonly chosen: Chosen
    readonly total: number
    readonly options: ProgressOptions & { readonly patient: Did }
  },
): Promise<Survey> {
  const { ledger, chosen, total, options } = of
  const history = createMerkleTree()
  const closings: number[] = []
  const support: Support[] = []
  const parties = new Set<Did>([options.patient])
  const roles: RoleGrantee[] = []
  for (let height = 1; height <= total; height++) {
    const { header, transactions, receipts } = unwrap(parseBlock((await readStored(source, height)).block))
    history.append(hashMerkleLeaf(hashHeader(header)))
    if (height < total && !equalBytes(header.membersHash, header.nextMembersHash)) closings.push(height)
    for (const [position, bytes] of transactions.entries()) {
      const isOwn = chosen.get(height)?.has(position) === true
      const isApplied = receipts[position]?.code === null
      // The kind is the second byte of the tuple.
      const mayShowKeys = isApplied && (bytes[1] ?? SUPPORT_VERSION_MAX + 1) <= SUPPORT_VERSION_MAX
      if (!isOwn && !mayShowKeys) continue
      const transaction = unwrap(parseTransaction(bytes))
      if (mayShowKeys) support.push(toSupport(transaction, height, position))
      if (!isOwn) continue
      for (const did of partiesOf(ledger, transaction)) parties.add(did)
      if (isApplied && transaction.kind === 'access' && typeof transaction.grantee !== 'string')
        roles.push(transaction.grantee)
    }
    await reportStep(options, { done: height, total, step: 'survey' })
  }
  return { history, closings, support, parties, roles }
}

function toSupport(transaction: ParsedTransaction, height: number, position: number): Support {
  const { sender } = transaction
  if (transaction.kind !== 'register') return { height, position, about: sender, needs: [sender], roles: [] }
  const { subject: about, credentials } = transaction
  return {
    height,
    position,
    about,
    needs: [sender, ...credentials.map(({ issuer }) => issuer)],
    roles: credentials.flatMap(({ role, organisation }) => (organisation === null ? [] : [{ role, organisation }])),
  }
}

/** Who sends a transaction, and whom it names. */
function partiesOf({ state }: Ledger, transaction: ParsedTransaction): readonly Did[] {
  const { sender } = transaction
  switch (transaction.kind) {
    case 'access':
      return typeof transaction.grantee === 'string' ? [sender, transaction.grantee] : [sender]
    case 'rekey':
      return [sender, transaction.proxy, transaction.delegatee]
    case 'conversion':
      return [sender, transaction.delegatee]
    case 'register':
      return [sender, ...transaction.credentials.map(({ issuer }) => issuer)]
    case 'key': {
      const indexes = transaction.envelopes.flatMap(({ index, handed }) => [
        index,
        ...handed.flatMap((key) => ('doctorIndex' in key ? [key.doctorIndex] : [])),
      ])
      return [sender, ...indexes.flatMap((index) => state.entry(stateKeys.index, index, accountDid) ?? [])]
    }
    default:
      return [sender]
  }
}

/** The parties, who holds a role that is granted, and whoever their registrations rest on. */
function closeOver({ parties, roles, support }: Survey): ReadonlySet<Did> {
  const involved = new Set(parties)
  for (const { about, roles: held } of support) {
    const isGranted = held.some(({ role, organisation }) =>
      roles.some((granted) => granted.role === role && granted.organisation === organisation),
    )
    if (isGranted) involved.add(about)
  }
  for (let before = 0; before < involved.size;) {
    before = involved.size
    for (const { about, needs } of support) if (involved.has(about)) for (const did of needs) involved.add(did)
  }
  return involved
}

function makeExcerpt(block: Block, positions: ReadonlySet<number>, history: MerkleTree): Excerpt {
  const { header, transactions, receipts } = block
  const { height, chainId } = header
  const count = history.count - 1
  const leaves = transactions.map((bytes) => {
    const transaction = unwrap(parseTransaction(bytes))
    const id = createId('transaction', hashTransaction(transaction, { chainId }))
    return hashTransactionLeaf({ id, signature: transaction.signature })
  })
  const transactionTree = createMerkleTree(leaves)
  const receiptTree = createMerkleTree(receipts.map(hashReceipt))
  return {
    header: encodeHeader(header),
    historyProof: height > count ? [] : history.proveInclusion({ index: height - 1, count }),
    transactions: [...positions]
      .sort((a, b) => a - b)
      .map((position) => ({
        position,
        transaction: transactions[position] as (typeof transactions)[number],
        receipt: encodeReceipt(receipts[position] as Receipt),
        transactionProof: transactionTree.proveInclusion({ index: position }),
        receiptProof: receiptTree.proveInclusion({ index: position }),
      })),
  }
}

/** The end of an epoch: its last header, and the members that the change in that block names. */
async function proveClosing(source: BundleSource, height: number, history: MerkleTree): Promise<EpochClosing> {
  const { block, certificate } = await readStored(source, height)
  const { header, transactions, receipts } = unwrap(parseBlock(block))
  const changes = transactions.flatMap((bytes, position) => {
    const transaction = receipts[position]?.code === null ? unwrap(parseTransaction(bytes)) : undefined
    return transaction?.kind === 'config' ? [transaction] : []
  })
  const { members } = changes[0] ?? rejectArgument('source.store', `a change of members in block ${height}`, 'none')
  const historyProof = history.proveInclusion({ index: height - 1, count: history.count - 1 })
  return { header: encodeHeader(header), certificate, historyProof, members }
}

function proveAccount(ledger: Ledger, did: Did): ProvenAccount | undefined {
  const account = proveValue(ledger, stateKeys.account(did), accountShape)
  if (account.value === null) return undefined
  return { did, account, credentials: proveValue(ledger, stateKeys.credentials(did), credentialListShape) }
}

function proveValue<T>({ state }: Ledger, key: StateKey, shape: Shape<T>): ProvenValue {
  const value = state.get(key, shape)
  return {
    value: value === undefined ? null : encodeShape(value, shape, { object: key[0] }),
    proof: state.prove(key),
  }
}
