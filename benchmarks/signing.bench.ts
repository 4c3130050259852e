/**
 * Signing and verifying behind the ports, beside the bare curve: noble and OpenSSL, and BLS certificates.
 *
 * Bare means the curve package on a digest that is there already. The ports add hashing the tagged tuple, fresh randomness
 * for the nonce, judging form and range, and finding the key of a did. A signer seen often has a table of multiples, one seen
 * for the first time does not; both are measured.
 */

import { createPublicKey, verify as opensslVerify } from 'node:crypto'

import { bls12_381 } from '@noble/curves/bls12-381.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'

import { unwrap } from '../src/errors.ts'
import { createOpensslVerifier } from '../src/node/openssl-verifier.ts'
import { deriveBlsSecretKey } from '../src/primitives/bls-secret.ts'
import {
  aggregateBlsSignatures,
  createBlsSigner,
  validateBlsPossession,
  verifyBlsAggregate,
} from '../src/primitives/bls-signature.ts'
import { createDid, toPublicKey } from '../src/primitives/did.ts'
import { taggedHash } from '../src/primitives/hash.ts'
import { createSigner, createVerifier, signDigest, type SignedDigest } from '../src/primitives/signature.ts'
import { encodeSignerBitmap } from '../src/primitives/signer-bitmap.ts'
import { TAGS } from '../src/primitives/tags.ts'
import { interleave, type Report } from './measure.ts'
import { measureTransactions } from './signing-transactions.ts'

const secretKey = sha256(Uint8Array.of(1))
const tag = TAGS.transaction
/** As large as what a tx_IoT signs. */
const fields = [new Uint8Array(32).fill(2), new Uint8Array(110).fill(3)]
/** More signers than a verifier remembers, so that each is as new as the first. */
const STRANGERS = 1_500
const MEMBERS = 31
const SIGNED = 21

/** A call takes less than a millisecond: short rounds keep what interrupts some of them out of the median. */
const MANY_SHORT_ROUNDS = { rounds: 601, msPerRound: 0.3 }

/** Runs the area. */
export async function run(report: Report): Promise<void> {
  await measurePorts(report)
  await measureTransactions(report)
  await measureCertificates(report)
}

function milliseconds(report: Report, op: string, n: number, seconds: Readonly<Record<string, number>>): void {
  for (const [impl, median] of Object.entries(seconds)) {
    report.figure({ op, impl, median: median * 1_000, unit: 'ms', n })
  }
}

function demandAtMost(report: Report, ratio: string, value: number, most: number): void {
  report.demand({ ratio, value, demand: `<= ${most}`, holds: value <= most })
}

async function measurePorts(report: Report): Promise<void> {
  const signer = createSigner(secretKey)
  const digest = taggedHash(tag, ...fields)
  const signature = signDigest(digest, secretKey, false)
  const item: SignedDigest = { signer: signer.did, digest, signature }
  const publicKey = toPublicKey(signer.did)
  const pair = signature.subarray(0, 64)
  const hash = sha256(digest)

  const signing = await interleave(
    {
      'noble, bare': () => secp256k1.sign(hash, secretKey, { prehash: false, lowS: true }),
      'Signer port': () => signer.sign(tag, fields),
    },
    MANY_SHORT_ROUNDS,
  )
  milliseconds(report, 'sign', 1, signing)
  demandAtMost(report, 'Signer port / noble, bare', at(signing, 'Signer port') / at(signing, 'noble, bare'), 1.2)

  const portable = createVerifier()
  const openssl = createOpensslVerifier()
  const strangers = createStrangers()
  const key = createPublicKey({ key: spkiOf(publicKey), format: 'der', type: 'spki' })
  let next = 0
  const stranger = (): SignedDigest => strangers[next++ % STRANGERS] as SignedDigest
  const verifying = await interleave(
    {
      'noble, bare': () => secp256k1.verify(pair, hash, publicKey, { prehash: false, lowS: true }),
      'Verifier port, new signer': () => expectTrue(portable.verify(stranger())),
      'Verifier port, busy signer': () => expectTrue(portable.verify(item)),
      'OpenSSL, bare': () => opensslVerify('sha256', digest, { key, dsaEncoding: 'ieee-p1363' }, pair),
      'OpenSSL verifier': () => expectTrue(openssl.verify(item)),
    },
    MANY_SHORT_ROUNDS,
  )
  milliseconds(report, 'verify', 1, verifying)
  const bare = at(verifying, 'noble, bare')
  const fresh = at(verifying, 'Verifier port, new signer')
  const busy = at(verifying, 'Verifier port, busy signer')
  const ported = at(verifying, 'OpenSSL verifier')
  demandAtMost(report, 'Verifier port, new signer / noble, bare', fresh / bare, 1.2)
  demandAtMost(report, 'Verifier port, busy signer / noble, bare', busy / bare, 1.2)
  demandAtMost(report, 'OpenSSL verifier / OpenSSL, bare', ported / at(verifying, 'OpenSSL, bare'), 1.2)
  report.demand({
    ratio: 'noble, bare / OpenSSL verifier',
    value: bare / ported,
    demand: '>= 3.5',
    holds: bare / ported >= 3.5,
  })
}

function at(seconds: Readonly<Record<string, number>>, name: string): number {
  return seconds[name] as number
}

/** A benchmark of refusals would look fast. */
function expectTrue(verdict: boolean): boolean {
  if (!verdict) throw new Error('a sound signature was refused')
  return verdict
}

function spkiOf(publicKey: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('3036301006072a8648ce3d020106052b8104000a032200', 'hex'), publicKey])
}

/** Signatures of signers who come round once only. */
function createStrangers(): SignedDigest[] {
  const digest = taggedHash(tag, ...fields)
  return Array.from({ length: STRANGERS }, (_, index) => {
    const key = sha256(Uint8Array.of(2, index & 0xff, index >> 8))
    return { signer: createDid(secp256k1.getPublicKey(key, true)), digest, signature: signDigest(digest, key, false) }
  })
}

/** A certificate of 21 out of 31 members beside noble's own functions on points; nothing is demanded of these. */
async function measureCertificates(report: Report): Promise<void> {
  const signers = Array.from({ length: MEMBERS }, (_, index) =>
    createBlsSigner(deriveBlsSecretKey(sha256(Uint8Array.of(index)))),
  )
  const members = signers.map((signer, index) => {
    const proof = signer.provePossession([index])
    return unwrap(validateBlsPossession({ publicKey: signer.publicKey, context: [index], proof }))
  })
  const signatures = signers.slice(0, SIGNED).map((signer) => signer.sign(TAGS.blsCertificate, fields))
  const signature = unwrap(aggregateBlsSignatures(signatures))
  const bitmap = encodeSignerBitmap([...signatures.keys()], MEMBERS)
  const certificate = { members, bitmap, tag: TAGS.blsCertificate, fields, signature }
  const first = signers[0] as (typeof signers)[number]
  const { shortSignatures } = bls12_381
  const message = shortSignatures.hash(secretKey)
  const secret = deriveBlsSecretKey(secretKey)
  const key = shortSignatures.getPublicKey(secret)
  const point = shortSignatures.sign(message, secret)
  const seconds = await interleave(
    {
      'noble, pairing check on points': () => expectTrue(shortSignatures.verify(point, message, key)),
      sign: () => first.sign(TAGS.blsCertificate, fields),
      aggregate: () => unwrap(aggregateBlsSignatures(signatures)),
      'verify the aggregate': () => expectTrue(verifyBlsAggregate(certificate)),
    },
    { rounds: 31, msPerRound: 1 },
  )
  milliseconds(report, `BLS certificate, ${SIGNED} of ${MEMBERS}`, SIGNED, seconds)
  report.note(
    `a BLS certificate takes ${signature.length + bitmap.length} bytes, a list of ${SIGNED} signatures ${SIGNED * 65}`,
  )
}
