/**
 * `vitalseal verify`: verifies an audit bundle on any machine, without a network.
 *
 * The bundle may come from anybody. What is trusted is the chain id on the command line and, beyond it, that of each member
 * set printed fewer than a third were faulty; with `--head`, that the bundle continues a block that is known already.
 */

import { readFile, stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'

import { fail, isVitalsealError, type Failure, type Result } from '../errors.ts'
import {
  bundleLimits,
  parseAuditBundle,
  validateAuditBundle,
  type AuditBundle,
  type AuditedLedger,
  type TrustedHead,
} from '../audit/index.ts'
import { createPreKeyVerifier } from '../identity/index.ts'
import { fromHex, toHex } from '../primitives/bytes.ts'
import { parseId, toDigest, type ChainId } from '../primitives/ids.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'
import { createBlsVerifier } from '../primitives/member-bls.ts'
import type { Progress } from '../primitives/progress.ts'
import { createVerifier, type Verifier } from '../primitives/signature.ts'
import { misuse, type Command, type CommandIo } from './command.ts'
import { createOpensslVerifier } from './openssl-verifier.ts'
import { loadRules } from './presets.ts'

const usage = `Usage: vitalseal verify FILE.car --chain ID [options]

Verifies an audit bundle: genesis, blocks, certificates, transactions, and that nothing is missing.
Prints on which members that rests. Needs no network.

  --chain ID               the ledger that the bundle must be of: 64 hexadecimal digits, from
                           somewhere else than from whoever sent the bundle
  --head HEIGHT:HASH       a block that you know; the bundle must contain it
  --trust-bundled-genesis  take the chain id from the bundle itself; shows only that the bundle
                           holds in itself
  --json                   print one JSON object
  --help                   print this

Exit code: 0 verified, 1 not verified (the first reason is printed), 2 misuse.
`

interface Asked {
  readonly file: string
  readonly chainId: ChainId | undefined
  readonly trustsBundle: boolean
  readonly head: TrustedHead | undefined
  readonly isJson: boolean
}

/** What is printed of a verified bundle. */
interface Report {
  readonly asked: Asked
  readonly bundle: AuditBundle
  readonly view: AuditedLedger
  readonly byteCount: number
  readonly elapsedMs: number
  readonly signatures: 'OpenSSL' | 'portable'
}

/** Verifies an audit bundle. */
export const verifyCommand: Command = {
  usage,
  async run(args, io) {
    const asked = readArguments(args)
    if (typeof asked === 'string') return misuse(io, asked, 'verify')
    if (asked === undefined) {
      io.out(usage)
      return 0
    }
    const bytes = await readBundle(asked.file)
    if (typeof bytes === 'string') return misuse(io, bytes, 'verify')
    const startMs = io.elapsedMs()
    const bundle: Result<AuditBundle> = bytes instanceof Uint8Array ? parseAuditBundle(bytes) : bytes
    if (!bundle.ok) return refuse(io, asked, bundle)
    const chainId = asked.chainId ?? (asked.trustsBundle ? bundle.value.genesis.chainId : undefined)
    if (chainId === undefined) return refuse(io, asked, withoutAnchor(bundle.value))
    const { verifier, signatures } = chooseVerifier()
    const checked = await validateAuditBundle(bundle.value, {
      chainId,
      rules: await loadRules(bundle.value.genesis),
      verifier,
      preKeyVerifier: createPreKeyVerifier(),
      blsVerifier: createBlsVerifier(),
      ...(asked.head === undefined ? {} : { trustedHead: asked.head }),
      ...(io.isTerminal ? { onProgress: showProgress(io) } : {}),
    })
    if (io.isTerminal) io.err('\r\u001b[K')
    if (!checked.ok) return refuse(io, asked, checked)
    const elapsedMs = io.elapsedMs() - startMs
    const byteCount = bytes instanceof Uint8Array ? bytes.length : 0
    const report: Report = { asked, bundle: bundle.value, view: checked.value, byteCount, elapsedMs, signatures }
    io.out(asked.isJson ? `${JSON.stringify(toJson(report))}\n` : describe(report))
    return 0
  },
}

/** What was asked; a sentence where it cannot be; undefined where help is wanted. */
function readArguments(args: readonly string[]): Asked | string | undefined {
  const options = {
    chain: { type: 'string' },
    head: { type: 'string' },
    'trust-bundled-genesis': { type: 'boolean' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    return (error as Error).message
  }
  const { values, positionals } = parsed
  if (values.help === true) return undefined
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) return 'expected one FILE.car'
  const chain = values.chain === undefined ? undefined : parseId('chain', values.chain.toLowerCase())
  if (chain?.ok === false) return '--chain expected 64 hexadecimal digits'
  const trustsBundle = values['trust-bundled-genesis'] === true
  if (chain !== undefined && trustsBundle) return 'expected either --chain or --trust-bundled-genesis'
  const head = values.head === undefined ? undefined : parseHead(values.head)
  if (head === 'malformed') return '--head expected HEIGHT:HASH, a height from 0 and 64 hexadecimal digits'
  return { file, chainId: chain?.value, trustsBundle, head, isJson: values.json === true }
}

function parseHead(text: string): TrustedHead | 'malformed' {
  const [, digits, hash] = /^(\d{1,10}):([0-9a-f]{64})$/i.exec(text) ?? []
  const height = Number(digits)
  if (hash === undefined || height > COUNTER_MAX) return 'malformed'
  return { height, hash: fromHex(hash.toLowerCase()) }
}

/** The file; a failure where it is too long; a sentence where it cannot be read. */
async function readBundle(file: string): Promise<Uint8Array | Failure | string> {
  try {
    const { size } = await stat(file)
    const { bytesMax: allowed } = bundleLimits
    if (size <= allowed) return new Uint8Array(await readFile(file))
    const message = `bundle: expected at most ${allowed} bytes, found ${size}`
    return fail('ERR_CODEC_LIMIT', message, { path: 'bundle', details: { limit: 'bytes', allowed, found: size } })
  } catch (error) {
    return `cannot read ${file}: ${(error as Error).message}`
  }
}

function withoutAnchor({ genesis }: AuditBundle): Failure {
  const wayOut =
    'compare it with the id that your hospital publishes and pass it by --chain; ' +
    '--trust-bundled-genesis shows only that the bundle holds in itself'
  return fail(
    'ERR_AUDIT_BROKEN',
    `the bundle says that it is of chain ${genesis.chainId}, which anybody may write; ${wayOut}`,
    {
      path: 'bundle.0',
      details: { height: 0, link: 'chain id' },
    },
  )
}

function chooseVerifier(): { readonly verifier: Verifier; readonly signatures: Report['signatures'] } {
  try {
    return { verifier: createOpensslVerifier(), signatures: 'OpenSSL' }
  } catch (error) {
    if (!isVitalsealError(error, 'ERR_CRYPTO_UNSUPPORTED')) throw error
    return { verifier: createVerifier(), signatures: 'portable' }
  }
}

function showProgress(io: CommandIo): (progress: Progress) => void {
  let shown = -1
  return ({ done, total, step }) => {
    const percent = Math.floor((100 * done) / Math.max(1, total))
    if (percent === shown) return
    shown = percent
    io.err(`\r${step} ${percent}%`)
  }
}

function refuse(io: CommandIo, { isJson, file }: Asked, failure: Failure): number {
  const { code, message, path, details } = failure
  if (isJson) io.out(`${JSON.stringify({ verified: false, file, code, message, path, details })}\n`)
  else io.err(`NOT verified: ${message} (${code})\n`)
  return 1
}

function toJson({ asked, bundle, view, byteCount, elapsedMs, signatures }: Report): object {
  const { form, patient, head, epochs, blockCount, transactionCount, refusedCount } = view.evidence
  return {
    verified: true,
    file: asked.file,
    bytes: byteCount,
    chainId: bundle.genesis.chainId,
    chainIdFrom: asked.chainId === undefined ? 'bundle' : 'command line',
    form,
    patient,
    head: { height: head.height, hash: toHex(head.hash), timeMs: head.timeMs },
    epochs: epochs.map((epoch) => ({ ...epoch, membersHash: toHex(epoch.membersHash) })),
    blocks: blockCount,
    transactions: transactionCount,
    refused: refusedCount,
    signatures,
    milliseconds: Math.round(elapsedMs),
  }
}

function describe({ asked, bundle, view, byteCount, elapsedMs, signatures }: Report): string {
  const { form, patient, head, epochs, blockCount, transactionCount, refusedCount } = view.evidence
  const { chainId } = bundle.genesis
  const lines = [
    `Verified ${asked.file}: ${byteCount} bytes in ${(elapsedMs / 1000).toFixed(2)} s (${signatures} signatures)`,
    `  chain         ${chainId}`,
    ...(asked.chainId === undefined
      ? ['                taken from the bundle itself: nobody else vouches for it']
      : []),
    `  contents      ${form === 'ledger' ? 'the whole ledger, executed again' : `everything that concerns ${patient ?? ''}`}`,
    `  transactions  ${transactionCount} in ${blockCount} blocks, ${refusedCount} of them refused by the ledger`,
    `  head          ${head.height}:${toHex(head.height === 0 ? toDigest(chainId) : head.hash)}`,
    `                of ${new Date(head.timeMs).toISOString()}`,
    ...epochs.flatMap(({ memberEpoch, heightFirst, heightLast, members, quorum }) => [
      `  relied on     member epoch ${memberEpoch}, blocks ${heightFirst} to ${heightLast}: ${quorum} of ${members.length} members`,
      ...members.map((did) => `                ${did}`),
    ]),
  ]
  return `${lines.join('\n')}\n`
}
