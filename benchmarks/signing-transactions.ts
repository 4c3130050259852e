/**
 * Whole transactions beside the bare curve: building and signing, parsing and validating; and what HC measured.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { createHash, createPublicKey, verify as opensslVerify } from 'node:crypto'

import { createOpensslVerifier } from '../src/node/openssl-verifier.ts'
import { createRecordId, hashBlock, RAW_CODEC } from '../src/primitives/content-id.ts'
import { toPublicKey } from '../src/primitives/did.ts'
import { createId, type ChainId, type TransactionId } from '../src/primitives/ids.ts'
import type { Digest32 } from '../src/primitives/hash.ts'
import { createLabeler } from '../src/primitives/label.ts'
import { createSigner, createVerifier, type Signer, type Verifier } from '../src/primitives/signature.ts'
import { unwrap } from '../src/errors.ts'
import {
  createTransaction,
  encodeTransaction,
  parseTransaction,
  signTransaction,
  validateTransaction,
} from '../src/transactions/index.ts'
import { interleave, type Report } from './measure.ts'

/** HC VI-B and Table III, milliseconds on other machines (a phone for users, a PC for doctors). */
const PAPER: readonly (readonly [string, number])[] = [
  ['make tx_IoT (Algorithm 2, phone)', 3.735],
  ['make tx_key (Algorithm 3, phone)', 4.809],
  ['make tx_diag (Algorithm 4, PC)', 0.021],
  ['SHA-256 (phone)', 0.012],
  ['AES encryption (phone)', 0.134],
  ['RSA encryption (phone)', 0.209],
  ['RSA signing (phone)', 3.556],
]
/** More senders than a verifier remembers, so that each is as new as the first. */
const SENDERS = 1_200
const MANY_SHORT_ROUNDS = { rounds: 401, msPerRound: 0.5 }

const chainId: ChainId = createId('chain', new Uint8Array(32).fill(1) as Digest32)
const record = createRecordId(hashBlock(RAW_CODEC, new Uint8Array(1_024)))
const label = createLabeler().label('http://loinc.org|8867-4')
const cause: TransactionId = createId('transaction', new Uint8Array(32).fill(4) as Digest32)

const iot = (signer: Signer, nonce = 0) =>
  signTransaction(
    createTransaction({
      kind: 'iot',
      record,
      label,
      epoch: 1,
      sender: signer.did,
      nonce,
      issuedAtMs: 1_763_600_000_000,
    }),
    { chainId, signer },
  )

/** Reports what a transaction costs. */
export async function measureTransactions(report: Report): Promise<void> {
  const secretKey = sha256(Uint8Array.of(7))
  const signer = createSigner(secretKey)
  const bytes = encodeTransaction(iot(signer))
  const unsigned = bytes.subarray(0, bytes.length - 67)

  const made = await interleave(
    {
      'noble, bare signature and hash': () =>
        secp256k1.sign(sha256(unsigned), secretKey, { prehash: true, lowS: true, extraEntropy: true }),
      'build and sign tx_IoT': () => iot(signer),
      'build and sign tx_diag': () =>
        signTransaction(
          createTransaction({
            kind: 'diagnosis',
            causes: [cause],
            record,
            label,
            epoch: 1,
            sender: signer.did,
            nonce: 0,
            issuedAtMs: 1,
          }),
          { chainId, signer },
        ),
    },
    MANY_SHORT_ROUNDS,
  )
  figures(report, 'make', made)
  for (const [op, median] of PAPER) report.figure({ op, impl: 'HC, other machines', median, unit: 'ms', n: 1 })

  const many = Array.from({ length: SENDERS }, (_, i) =>
    encodeTransaction(iot(createSigner(sha256(Uint8Array.of(8, i & 255, i >> 8))))),
  )
  let next = 0
  const validate = (input: Uint8Array, verifier: Verifier) =>
    unwrap(validateTransaction(unwrap(parseTransaction(input)), { chainId, verifier }))
  const portable = createVerifier()
  const openssl = createOpensslVerifier()
  const digest = sha256(unsigned)
  const signature = secp256k1.sign(digest, secretKey, { prehash: true, lowS: true })
  const publicKey = toPublicKey(signer.did)
  const key = createPublicKey({
    key: { kty: 'EC', crv: 'secp256k1', ...coordinates(publicKey) },
    format: 'jwk',
  })
  const judged = await interleave(
    {
      'noble, bare verification': () => secp256k1.verify(signature, digest, publicKey, { prehash: true, lowS: true }),
      'parse and validate tx_IoT, noble': () => validate(many[next++ % SENDERS] as Uint8Array, portable),
      'OpenSSL, bare verification': () =>
        opensslVerify(
          'sha256',
          createHash('sha256').update(unsigned).digest(),
          { key, dsaEncoding: 'ieee-p1363' },
          signature,
        ),
      'parse and validate tx_IoT, OpenSSL': () => validate(bytes, openssl),
    },
    MANY_SHORT_ROUNDS,
  )
  figures(report, 'judge', judged)
  demandAtMost(
    report,
    'build and sign tx_IoT / bare signature and hash',
    ratio(made, 'build and sign tx_IoT', 'noble, bare signature and hash'),
  )
  demandAtMost(
    report,
    'parse and validate tx_IoT / bare verification, noble',
    ratio(judged, 'parse and validate tx_IoT, noble', 'noble, bare verification'),
  )
  const native = ratio(judged, 'parse and validate tx_IoT, OpenSSL', 'OpenSSL, bare verification')
  report.figure({
    op: 'parse and validate tx_IoT / bare verification',
    impl: 'OpenSSL',
    median: native,
    unit: 'ratio',
    n: 1,
  })
}

function figures(report: Report, op: string, seconds: Readonly<Record<string, number>>): void {
  for (const [impl, median] of Object.entries(seconds))
    report.figure({ op, impl, median: median * 1e3, unit: 'ms', n: 1 })
}

function ratio(seconds: Readonly<Record<string, number>>, above: string, below: string): number {
  return (seconds[above] as number) / (seconds[below] as number)
}

function demandAtMost(report: Report, name: string, value: number): void {
  report.demand({ ratio: name, value, demand: '<= 1.2', holds: value <= 1.2 })
}

function coordinates(publicKey: Uint8Array): { readonly x: string; readonly y: string } {
  const point = secp256k1.Point.fromBytes(publicKey).toBytes(false)
  const part = (start: number) => Buffer.from(point.subarray(start, start + 32)).toString('base64url')
  return { x: part(1), y: part(33) }
}
