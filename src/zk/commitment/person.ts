/**
 * The person secret k: one for each person, attested once, never shown. From it come the nullifiers that make one claim
 * per study and one exclusive sale per record, although every study sees another account.
 *
 * Whoever holds k of a person can compute her nullifiers for every study and so link her accounts: it stays with the
 * seed. Only its commitment goes to an issuer, who binds it into records.
 */

import { fail, rejectArgument, succeed, type Result } from '../../errors.ts'
import type { Brand, Bytes } from '../../primitives/bytes.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { randomBytes, type RandomSource } from '../../primitives/random.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import { digestToField, drawField, encodeField, parseField, toInteger, type FieldElement } from '../field.ts'
import { hashPoseidon } from './poseidon.ts'

/** Secret of a person, 32 bytes of a field element; kept with the seed. */
export type PersonSecret = Brand<Bytes, 'PersonSecret'>
/** Commitment to a person secret, 32 bytes: idc = Poseidon("person", k, 0). */
export type PersonCommitment = Brand<Bytes, 'PersonCommitment'>
/** 32 bytes that a person can make in one way only for a study or a record; public, and says nothing about the person. */
export type Nullifier = Brand<Bytes, 'Nullifier'>

/** Returns a fresh person secret, 32 bytes; secret. */
export function generatePersonSecret(random: RandomSource = randomBytes): PersonSecret {
  return encodeField(drawField(random)) as PersonSecret
}

/**
 * Reads a person secret, for example from a backup. Total.
 *
 * @returns a copy, or `ERR_CODEC_MALFORMED`, for zero too
 */
export function parsePersonSecret(bytes: Uint8Array): Result<PersonSecret, 'ERR_CODEC_MALFORMED'> {
  const value = parseField(bytes)
  if (value.ok && value.value !== 0n) return succeed(Uint8Array.from(bytes) as PersonSecret)
  const expected = '32 bytes of an integer from 1 to r - 1'
  return fail('ERR_CODEC_MALFORMED', `secret: expected ${expected}`, {
    path: 'secret',
    details: { byteOffset: 0, expected },
  })
}

/** Returns what goes to the issuer, 32 bytes; it hides the secret and binds to it. */
export function commitPerson(secret: PersonSecret): PersonCommitment {
  return encodeField(hashPoseidon('person', [readSecret(secret), 0n])) as PersonCommitment
}

/** The element of a secret. Kept inside the library. */
export function readSecret(secret: PersonSecret): FieldElement {
  const checked = parsePersonSecret(secret)
  return checked.ok ? toInteger(checked.value) : rejectArgument('personSecret', 'a person secret', 'other bytes')
}

/** Returns the element that stands for a study. */
export function studyToField(study: Uint8Array): FieldElement {
  return digestToField(taggedHash(ZK_TAGS.zkStudyId, study))
}

/** Returns nStudy: the same for every claim of a person in a study, unlinkable across studies. */
export function deriveStudyNullifier(secret: PersonSecret, study: Digest32): Nullifier {
  return encodeField(hashPoseidon('study', [readSecret(secret), studyToField(study)])) as Nullifier
}

/** Returns nRecord: the same for every exclusive claim of a person with a record, whoever issued it. */
export function deriveRecordNullifier(secret: PersonSecret, recordSerial: Digest32): Nullifier {
  return encodeField(hashPoseidon('record', [readSecret(secret), digestToField(recordSerial)])) as Nullifier
}
