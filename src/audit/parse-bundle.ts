/** Reading a bundle: its form, that nothing is missing, left over or out of order; and nothing more. */

import { fail, succeed, type Failure, type Result } from '../errors.ts'
import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import { parseShape, type Shape } from '../primitives/shape.ts'
import { parseGenesis, parseHeader, type Genesis, type StoredBlock } from '../chain/index.ts'
import { parseCar, type Car, type CarErrorCode } from '../storage/index.ts'
import {
  accountPageShape,
  blockPageShape,
  bundleLimits,
  epochClosingShape,
  excerptPageShape,
  excerptShape,
  headShape,
  manifestShape,
  ownPageShape,
  pageLimits,
  type AuditBundle,
  type LedgerBundle,
  type Link,
  type PatientBundle,
} from './bundle-format.ts'
import { Refusal, take, toFailure } from './refusal.ts'

/** Codes that reading a bundle gives. */
export type BundleErrorCode = CarErrorCode

/** Gives the blocks of a CAR in their order, each to whom asks for it by its address. */
interface Blocks {
  bytes(link: Link, object: string): Bytes
  read<T>(link: Link, shape: Shape<T>, object: string): T
  finish(): void
}

function refuse(object: string, expected: string): never {
  const path = `bundle.${object}`
  throw new Refusal(
    fail('ERR_CODEC_MALFORMED', `${path}: expected ${expected}`, { path, details: { byteOffset: 0, expected } }),
  )
}

function createBlocks({ blocks }: Car): Blocks {
  let next = 0
  function bytes(link: Link, object: string): Bytes {
    const block = blocks[next++]
    if (block === undefined || !equalBytes(block.cid.bytes, link.bytes))
      refuse(object, 'the block that is linked, in its place')
    return block.bytes
  }
  return {
    bytes,
    read: (link, shape, object) =>
      take(parseShape(bytes(link, object), shape, { object: `bundle.${object}`, limits: pageLimits })),
    finish() {
      if (next < blocks.length) refuse('manifest', 'no blocks that nothing links')
    },
  }
}

/**
 * Reads an audit bundle. Total.
 *
 * Believes nothing: see {@link validateAuditBundle}. The whole is held in memory.
 *
 * @param bytes - CARv1 of at most 1 GiB
 * @returns the bundle, or the code of the codec or of the archive
 */
export function parseAuditBundle(bytes: Uint8Array): Result<AuditBundle, BundleErrorCode> {
  try {
    return succeed(readBundle(take(parseCar(bytes, bundleLimits))))
  } catch (error) {
    return toFailure(error) as Failure<BundleErrorCode>
  }
}

function readBundle(car: Car): AuditBundle {
  const [root, ...others] = car.roots
  if (root === undefined || others.length > 0) refuse('manifest', 'one root')
  const blocks = createBlocks(car)
  const { genesis: genesisLink, ledger, patient } = blocks.read(root, manifestShape, 'manifest')
  const genesis = take(parseGenesis(blocks.bytes(genesisLink, 'genesis')))
  if ((ledger === null) === (patient === null)) refuse('manifest', 'either a ledger or a patient')
  const bundle =
    ledger === null
      ? readPatient(blocks, genesis, patient as NonNullable<typeof patient>)
      : readLedger(blocks, genesis, ledger.epochs)
  blocks.finish()
  return bundle
}

function readLedger(
  blocks: Blocks,
  genesis: Genesis,
  epochs: readonly { readonly memberEpoch: number; readonly pages: readonly Link[] }[],
): LedgerBundle {
  const stored: StoredBlock[] = []
  const heights: number[] = []
  for (const [index, { memberEpoch, pages }] of epochs.entries()) {
    if (memberEpoch !== index || (pages.length === 0 && epochs.length > 1))
      refuse('manifest.ledger.epochs', 'the member epochs that have blocks, from 0 on')
    heights.push(stored.length + 1)
    for (const page of pages) stored.push(...readPage(blocks, page, stored.length))
  }
  return { form: 'ledger', genesis, heightLast: stored.length, blocks: stored, epochs: heights }
}

function readPage(blocks: Blocks, page: Link, heightBefore: number): readonly StoredBlock[] {
  return blocks.read(page, blockPageShape, 'page').map(({ block, certificate }, index) => ({
    height: heightBefore + index + 1,
    block: blocks.bytes(block, 'block'),
    certificate: blocks.bytes(certificate, 'certificate'),
  }))
}

function readPatient(blocks: Blocks, genesis: Genesis, manifest: NonNullable<ManifestPatient>): PatientBundle {
  const epochs = manifest.epochs.map((epoch) => blocks.read(epoch, epochClosingShape, 'epoch'))
  const head = blocks.read(manifest.head, headShape, 'head')
  const header = take(parseHeader(head.header))
  const accounts = manifest.accounts.flatMap((page) => blocks.read(page, accountPageShape, 'accounts'))
  const entries = manifest.own.flatMap((page) => blocks.read(page, ownPageShape, 'own'))
  const excerpts = manifest.excerpts.flatMap((page) =>
    blocks.read(page, excerptPageShape, 'page').map((excerpt) => blocks.read(excerpt, excerptShape, 'excerpt')),
  )
  const { patient, ownCount: count, ownProof: proof } = manifest
  return {
    form: 'patient',
    genesis,
    heightLast: header.height,
    patient,
    epochs,
    head,
    accounts,
    own: { count, proof, entries },
    excerpts,
  }
}

type ManifestPatient =
  typeof manifestShape extends Shape<infer M> ? (M extends { patient: infer P } ? P : never) : never
