/**
 * PS step 1: an institution publishes what it asks of records, with price, licence and deadlines.
 */

import { rejectArgument, VitalsealError } from '../errors.ts'
import { equalBytes, toHex } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import type { Signer } from '../primitives/signature.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'
import type { Draft, KeyWitness } from '../transactions/index.ts'
import {
  compileRequirement,
  encodeRequirement,
  encodeSchema,
  encodeZkObject,
  type Requirement,
  type VerifyingKey,
} from '../zk/index.ts'

const DAY_MS = 86_400_000
/** Witnesses without whom nobody sells exclusively. */
const WITNESSES_MIN = 2

/** What an institution asks, offers and demands. */
export interface RequirementTerms {
  readonly requirement: Requirement
  /** Of the circuit of that requirement. */
  readonly verifyingKey: VerifyingKey
  /** The institution's name of the study. A person claims once in a study, whatever listings it has. */
  readonly study: string
  /** Words by which patients find it. */
  readonly keywords?: readonly string[]
  /** Micro-units for each share. */
  readonly price: number
  /** Shares that are paid for; `price * sharesMax` is locked. */
  readonly sharesMax: number
  /** How long a share is exclusive, from its claim on; default: it is not. Needs a key of a ceremony with two witnesses. */
  readonly exclusiveForMs?: number
  /** From this time on nothing is claimed. */
  readonly expiresAtMs: number
  /** From claim to conversion; default 3 days. */
  readonly convertWithinMs?: number
  /** From conversion to the institution's answer; default 7 days. A silent institution pays. */
  readonly answerWithinMs?: number
  /** From a dispute to the issuer's verdict; default 14 days. */
  readonly judgeWithinMs?: number
  /** `digest`: those who ask get requirement and schema from the institution; default `public`. */
  readonly visibility?: 'public' | 'digest'
  /** Who took part in the ceremony of the key, each from {@link witnessKey}. */
  readonly witnesses?: readonly KeyWitness[]
}

/** Returns the 32 bytes that stand for the institution's name of a study. */
export function hashStudyName(study: string): Digest32 {
  return taggedHash(LEDGER_TAGS.sharingStudyName, study.normalize('NFC'))
}

/** One spelling for what people type: compatibility forms, case and spaces do not count. */
function normalizeKeyword(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').trim().replace(/\s+/gu, ' ')
}

/** The words of a listing or of a search in one spelling: ascending, each once, without empty ones. */
export function normalizeKeywords(words: readonly string[]): readonly string[] {
  return [...new Set(words.map(normalizeKeyword))].filter((word) => word !== '').sort(compare)
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** What a typing mistake must not decide: a requirement that is published cannot be taken back. */
function checkWords({ study, keywords = [], visibility = 'public' }: RequirementTerms): void {
  if (typeof study !== 'string' || study === '') rejectArgument('study', 'a name', typeof study)
  if (!Array.isArray(keywords)) rejectArgument('keywords', 'a list of words', typeof keywords)
  if (!['public', 'digest'].includes(visibility)) rejectArgument('visibility', '"public" or "digest"', 'something else')
}

function checkKey({ requirement, verifyingKey, exclusiveForMs, witnesses = [] }: RequirementTerms): void {
  const { id } = compileRequirement(requirement)
  if (!equalBytes(id, verifyingKey.circuit)) {
    throw new VitalsealError('ERR_ZK_KEY_MISMATCH', '"verifyingKey" belongs to another requirement', {
      path: 'verifyingKey',
      details: { circuit: toHex(id), found: toHex(verifyingKey.circuit) },
    })
  }
  if (exclusiveForMs === undefined) return
  if (verifyingKey.setup !== 'ceremony') rejectArgument('verifyingKey', 'a key of a ceremony', 'one of a single party')
  if (witnesses.length < WITNESSES_MIN) {
    rejectArgument('witnesses', `at least ${WITNESSES_MIN} parties of the ceremony`, `${witnesses.length}`)
  }
}

/**
 * Returns the transaction that publishes a requirement and locks what its shares cost.
 *
 * Run by the institution. Cost: the circuit is compiled once more, so that no money is locked under a key of another
 * requirement. The ledger sets the terms in stone: they are under every proof.
 *
 * @throws When key and requirement differ: `ERR_ZK_KEY_MISMATCH`; when an exclusive licence lacks ceremony or witnesses, or
 *   a word is none: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @see privacy-preserving-secure-sharing, step 1
 */
export function publishRequirement(terms: RequirementTerms): Draft<'requirement'> {
  checkWords(terms)
  checkKey(terms)
  const { requirement, verifyingKey, visibility = 'public', witnesses = [] } = terms
  const { digest, schema, issuers, ageMsMax, checksWithdrawal } = requirement
  return {
    kind: 'requirement',
    step: 'publish',
    study: hashStudyName(terms.study),
    requirement: digest,
    schema: schema.id,
    text:
      visibility === 'digest' ? null : { schema: encodeSchema(schema), requirement: encodeRequirement(requirement) },
    issuers,
    ageMsMax,
    checksWithdrawal,
    keywords: normalizeKeywords(terms.keywords ?? []),
    verifyingKey: encodeZkObject(verifyingKey),
    witnesses: [...witnesses].sort((left, right) => compare(left.account, right.account)),
    price: terms.price,
    sharesMax: terms.sharesMax,
    exclusiveForMs: terms.exclusiveForMs ?? null,
    expiresAtMs: terms.expiresAtMs,
    deadlines: {
      convertWithinMs: terms.convertWithinMs ?? 3 * DAY_MS,
      answerWithinMs: terms.answerWithinMs ?? 7 * DAY_MS,
      judgeWithinMs: terms.judgeWithinMs ?? 14 * DAY_MS,
    },
  }
}

/**
 * Signs that a party took part in the ceremony of a key, and found its contribution in the transcript that it checked.
 * With an `account` where that is older than the signer's key.
 */
export function witnessKey(
  key: VerifyingKey,
  options: { readonly signer: Signer; readonly chainId: ChainId; readonly account?: Did },
): KeyWitness {
  const { signer, chainId, account = signer.did } = options
  return { account, signature: signer.sign(LEDGER_TAGS.sharingWitness, [toDigest(chainId), key.digest]) }
}
