/**
 * Making a bundle out of a ledger: everything, or what concerns one patient with all that proves it.
 *
 * The exporter is not trusted by whoever verifies; he may leave a bundle unmade, not falsify it. A patient's bundle shows her
 * the accounts that she deals with (keys, credentials), and to whoever receives it all that her own ledger entries show.
 */

import type { Bytes } from '../primitives/bytes.ts'
import { DAG_CBOR_CODEC, hashBlock } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import { reportStep, type ProgressOptions } from '../primitives/progress.ts'
import { encodeShape, type Shape } from '../primitives/shape.ts'
import { unwrap } from '../errors.ts'
import { encodeGenesis, parseBlock, type Genesis, type StoredBlock } from '../chain/index.ts'
import { encodeCar, type CarBlock } from '../storage/index.ts'
import {
  accountPageShape,
  blockPageShape,
  epochClosingShape,
  excerptPageShape,
  excerptShape,
  headShape,
  manifestShape,
  ownPageShape,
  PAGE_ENTRIES_MAX,
  pageLimits,
  type Link,
} from './bundle-format.ts'
import { readAll, type BundleSource } from './bundle-source.ts'
import { collectPatient } from './collect-patient.ts'

/** What is exported. */
export interface ExportBundleOptions extends ProgressOptions {
  /** Only what concerns this patient, with proofs; the whole ledger when absent. */
  readonly patient?: Did
  /** Of a patient's bundle: blocks to show besides, so that a reader who knows one of them can compare. */
  readonly heights?: readonly number[]
}

/** Blocks of an archive in their order, each with its address. */
interface Writer {
  readonly blocks: CarBlock[]
  put(bytes: Bytes): Link
}

/**
 * Returns an audit bundle: CARv1 that {@link parseAuditBundle} reads.
 *
 * Of the whole ledger it holds each block and certificate. Of a patient it grows with her transactions: about 2 KiB for each
 * in blocks of one.
 *
 * @throws When the store lacks a block, or the ledger is not at its newest: `ERR_ARGUMENT_INVALID`; when the signal is aborted: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function exportAuditBundle(source: BundleSource, options: ExportBundleOptions = {}): Promise<Bytes> {
  const { patient } = options
  return patient === undefined ? exportLedger(source, options) : exportPatient(source, { ...options, patient })
}

function createWriter(): Writer {
  const blocks: CarBlock[] = []
  return {
    blocks,
    put(bytes) {
      const cid = hashBlock(DAG_CBOR_CODEC, bytes)
      blocks.push({ cid, bytes })
      return cid
    },
  }
}

function encodePage<T>(value: T, shape: Shape<T>): Bytes {
  return encodeShape(value, shape, { object: 'bundle', limits: pageLimits })
}

function encodeManifest(manifest: Parameters<typeof manifestShape.write>[0], genesis: Genesis, rest: Writer): Bytes {
  const root = encodePage(manifest, manifestShape)
  const cid = hashBlock(DAG_CBOR_CODEC, root)
  const first = [root, encodeGenesis(genesis)].map((bytes) => ({ cid: hashBlock(DAG_CBOR_CODEC, bytes), bytes }))
  return encodeCar({ roots: [cid], blocks: [...first, ...rest.blocks] })
}

/** Lists of at most `size` entries. */
function pagesOf<T>(entries: readonly T[], size: number): readonly (readonly T[])[] {
  const pages: (readonly T[])[] = []
  for (let start = 0; start < entries.length; start += size) pages.push(entries.slice(start, start + size))
  return pages
}

/** Writes a page and, behind it, what it links. */
function putPage<T>(
  writer: Writer,
  page: { readonly value: T; readonly shape: Shape<T>; readonly linked: readonly Bytes[] },
): Link {
  const link = writer.put(encodePage(page.value, page.shape))
  for (const bytes of page.linked) writer.put(bytes)
  return link
}

const linkOf = (bytes: Bytes): Link => hashBlock(DAG_CBOR_CODEC, bytes)

async function exportLedger(source: BundleSource, options: ExportBundleOptions): Promise<Bytes> {
  const { store, genesis } = source
  const total = await store.height()
  const stored: StoredBlock[] = []
  for await (const block of readAll(source, total)) {
    stored.push(block)
    await reportStep(options, { done: block.height, total, step: 'export' })
  }
  const writer = createWriter()
  const epochs = byEpoch(stored).map((blocks, memberEpoch) => ({
    memberEpoch,
    pages: pagesOf(blocks, PAGE_ENTRIES_MAX.blocks).map((page) => putBlocks(writer, page)),
  }))
  const manifest = { genesis: linkOf(encodeGenesis(genesis)), ledger: { epochs }, patient: null }
  return encodeManifest(manifest, genesis, writer)
}

function putBlocks(writer: Writer, page: readonly StoredBlock[]): Link {
  return putPage(writer, {
    value: page.map(({ block, certificate }) => ({ block: linkOf(block), certificate: linkOf(certificate) })),
    shape: blockPageShape,
    linked: page.flatMap(({ block, certificate }) => [block, certificate]),
  })
}

/** The blocks of each member epoch; of a ledger without blocks the first epoch, empty. */
function byEpoch(stored: readonly StoredBlock[]): readonly (readonly StoredBlock[])[] {
  const epochs: StoredBlock[][] = [[]]
  for (const block of stored) {
    const { memberEpoch } = unwrap(parseBlock(block.block)).header
    const epoch = (epochs[memberEpoch] ??= [])
    epoch.push(block)
  }
  return epochs
}

async function exportPatient(
  source: BundleSource,
  options: ExportBundleOptions & { readonly patient: Did },
): Promise<Bytes> {
  const { genesis } = source
  const { patient } = options
  const { epochs, head, accounts, own, excerpts } = await collectPatient(source, options)
  const writer = createWriter()
  const epochLinks = epochs.map((epoch) => writer.put(encodePage(epoch, epochClosingShape)))
  const headLink = writer.put(encodePage(head, headShape))
  const accountPages = pagesOf(accounts, PAGE_ENTRIES_MAX.accounts).map((value) =>
    putPage(writer, { value, shape: accountPageShape, linked: [] }),
  )
  const ownPages = pagesOf(own.entries, PAGE_ENTRIES_MAX.own).map((value) =>
    putPage(writer, { value, shape: ownPageShape, linked: [] }),
  )
  const written = excerpts.map((excerpt) => encodePage(excerpt, excerptShape))
  const excerptPages = pagesOf(written, PAGE_ENTRIES_MAX.blocks).map((linked) =>
    putPage(writer, { value: linked.map(linkOf), shape: excerptPageShape, linked }),
  )
  const manifest = {
    genesis: linkOf(encodeGenesis(genesis)),
    ledger: null,
    patient: {
      patient,
      epochs: epochLinks,
      head: headLink,
      accounts: accountPages,
      ownCount: own.count,
      ownProof: own.proof,
      own: ownPages,
      excerpts: excerptPages,
    },
  }
  return encodeManifest(manifest, genesis, writer)
}
