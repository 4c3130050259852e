/**
 * The one error class of the library, its stable codes, and results as values.
 *
 * Foreign input fails as a value ({@link Result}); a caller's mistake and failed work throw {@link VitalsealError};
 * {@link unwrap} turns the first into the second. Compare `code`, never the message; `instanceof` fails when two copies
 * of the package are loaded, {@link isVitalsealError} does not. Neither message nor details ever hold a key, a plaintext
 * or a patient's data.
 *
 * @packageDocumentation
 */

/** No further details: the code says all that may be said. */
export type NoDetails = Readonly<Record<never, never>>

/** What each code carries besides its message. The keys are the stable codes, part of the versioned surface. */
export interface ErrorDetails {
  /** An argument of the caller is wrong: correct the call. */
  readonly ERR_ARGUMENT_INVALID: { readonly argument: string; readonly expected: string; readonly found: string }
  /** Truncated, or of wrong type, order or length: discard the input; `path` says where. */
  readonly ERR_CODEC_MALFORMED: { readonly byteOffset: number; readonly expected: string }
  /** Decodes, but encodes to other bytes: discard; ask the sender for another encoder. */
  readonly ERR_CODEC_NOT_CANONICAL: { readonly byteOffset: number }
  /** Bytes after the end: discard. */
  readonly ERR_CODEC_TRAILING_BYTES: { readonly byteOffset: number }
  /** Too deep, too long or too many; told before allocation: discard, or split the data if it is yours. */
  readonly ERR_CODEC_LIMIT: { readonly limit: string; readonly allowed: number; readonly found: number }
  /** A later version or unknown kind: update the library. */
  readonly ERR_CODEC_VERSION: { readonly object: string; readonly found: number }
  /** Not on the curve, not in the subgroup, of low order, or the identity: discard. */
  readonly ERR_CRYPTO_INVALID_POINT: { readonly group: 'secp256k1' | 'x25519' | 'G1' | 'G2' | 'GT' }
  /** The caller's signal ended the work: nothing was published. */
  readonly ERR_ABORTED: NoDetails
  /** No random source, or one that gave zeros or too few bytes: run where Web Crypto exists, or repair the port. */
  readonly ERR_CRYPTO_NO_RANDOM: NoDetails
  /** The runtime lacks an algorithm, for example OpenSSL without secp256k1: use the portable implementation. */
  readonly ERR_CRYPTO_UNSUPPORTED: { readonly algorithm: string }
  /** Wrong key, changed bytes or wrong order; one code, no reason: check that id and key belong together. */
  readonly ERR_DECRYPTION_FAILED: NoDetails
  /** Wrong signer or chain, high S, or out of range: discard; if it is yours, check `chainId`. */
  readonly ERR_SIGNATURE_INVALID: { readonly signer: string }
  /** A block is absent: ask another blockstore; missing is not denied. */
  readonly ERR_STORAGE_NOT_FOUND: { readonly record: string }
  /** A block does not hash to its CID: delete the local copy and fetch again. */
  readonly ERR_STORAGE_CORRUPT: { readonly record: string }
  /** `get` failed, and not because the block is absent: the cause says why; try again, or another blockstore. */
  readonly ERR_STORAGE_READ: { readonly record: string }
  /** `put` failed or did not read back: nothing was published, try again. */
  readonly ERR_STORAGE_WRITE: { readonly record: string }
  /** Well-formed, but against a rule of its kind: `path` names the field. */
  readonly ERR_TRANSACTIONS_FIELD: { readonly expected: string }
  /** A key record, credential or delegate that breaks a rule of its own: `path` names the field. */
  readonly ERR_IDENTITY_INVALID: { readonly expected: string }
  /** Sealing under an epoch that is no longer the newest known: take `keyRing.sealingKey` again and seal again. */
  readonly ERR_KEYS_EPOCH_SUPERSEDED: { readonly label: string; readonly epoch: number; readonly epochCurrent: number }
  /** The key ring has no key for that epoch and type: ask the patient for a grant. */
  readonly ERR_KEYS_NOT_HELD: { readonly label: string; readonly epoch: number }
  /** An envelope opens to a key other than the committed one: refuse; the patient's app is faulty or hostile. */
  readonly ERR_KEYS_COMMITMENT: { readonly epoch: number }
  /** The policy says deny: show `reasons`; ask for a grant or a purpose that fits. */
  readonly ERR_POLICY_DENIED: { readonly reasons: readonly string[]; readonly height: number }
  /** More grants in a set, or grantors for one grantee, than an index keeps: nothing was changed; withdraw some first. */
  readonly ERR_POLICY_LIMIT: { readonly limit: string; readonly allowed: number; readonly found: number }
  /** The grantor may not grant access to this patient's data: discard; nothing was changed. */
  readonly ERR_POLICY_GRANTOR: { readonly grantor: string }
  /** Unknown clause, unit or a contradiction: a person decides; never treat it as permit. */
  readonly ERR_POLICY_INDETERMINATE: { readonly reasons: readonly string[] }
  /** The signer is not in that member set: ignore the message. */
  readonly ERR_PBFT_NOT_A_MEMBER: { readonly memberEpoch: number }
  /** This replica's state differs from the group's: stop, keep the data, compare the state roots. */
  readonly ERR_PBFT_HALTED: { readonly height: number }
  /** Damage before the tail of the log: start with an empty log; the replica recovers before it votes. */
  readonly ERR_PBFT_LOG_CORRUPT: { readonly recordIndex: number }
  /** Re-key and capsule have different owners or conditions: use the re-key of that type and epoch. */
  readonly ERR_PRE_CONDITION_MISMATCH: NoDetails
  /** The re-key has ended: ask its owner for a new one. */
  readonly ERR_PRE_EXPIRED: { readonly expiresAtMs: number }
  /** Fewer fragments of one re-key than it takes: ask more proxies. */
  readonly ERR_PRE_NOT_ENOUGH_FRAGMENTS: { readonly threshold: number; readonly found: number }
  /** The account is unknown to the ledger, revoked, or registered already. */
  readonly ERR_CHAIN_ACCOUNT: NoDetails
  /** Only a registrar of the ledger may do this. */
  readonly ERR_CHAIN_REGISTRAR: NoDetails
  /** A credential whose issuer may not issue it, or one too many. */
  readonly ERR_CHAIN_CREDENTIAL: NoDetails
  /** A delegate slot that is not in use, has ended, or was given to another key. */
  readonly ERR_CHAIN_SLOT: NoDetails
  /** Names another predecessor than the current one: read the ledger and build it again. */
  readonly ERR_CHAIN_PREVIOUS: NoDetails
  /** Another key epoch than the owner's current one: take the key of the current epoch and seal again. */
  readonly ERR_CHAIN_EPOCH: NoDetails
  /** Something was taken from a reader: the owner must rotate before anything more is sealed. */
  readonly ERR_CHAIN_MUST_ROTATE: NoDetails
  /** A reader's permit has ended: the owner must rotate before anything more is sealed. */
  readonly ERR_CHAIN_EPOCH_ENDED: NoDetails
  /** The epoch does not list this type: extend it first. */
  readonly ERR_CHAIN_LABEL: NoDetails
  /** The recipient is not registered, or no live grant names him. */
  readonly ERR_CHAIN_RECIPIENT: NoDetails
  /** The sender may not grant for this owner. */
  readonly ERR_CHAIN_GRANTOR: NoDetails
  /** The record is unknown, recorded already, or of another type. */
  readonly ERR_CHAIN_CONTENT: NoDetails
  /** A cause is unknown, was refused, or belongs to another patient. */
  readonly ERR_CHAIN_CAUSE: NoDetails
  /** The balance does not hold so much. */
  readonly ERR_CHAIN_BALANCE: NoDetails
  /** Nothing to answer: the sender is no recipient of that tx_key, or has answered. */
  readonly ERR_CHAIN_ANSWER: NoDetails
  /** Not what a quorum of the present members approved, or of another member epoch: read the members and have it approved again. */
  readonly ERR_CHAIN_MEMBERS: NoDetails
  /** No re-key of that id is recorded for this proxy and delegatee, it has ended, or it was recorded before: ask its owner. */
  readonly ERR_CHAIN_REKEY: NoDetails
  /** Not now, or not by this party: read `evaluateShare` and do the step that it names. */
  readonly ERR_SHARING_STATE: NoDetails
  /** The listing is unknown, has ended or is sold out, or the claim does not keep its terms: look for another listing. */
  readonly ERR_SHARING_LISTING: NoDetails
  /** The terms of a listing contradict each other, or its key does not do for them: publish it again. */
  readonly ERR_SHARING_TERMS: NoDetails
  /** This person has a claim in this study: nothing to do. */
  readonly ERR_SHARING_CLAIMED: NoDetails
  /** An exclusive licence on this record runs: wait for its end. */
  readonly ERR_SHARING_EXCLUSIVE: NoDetails
  /** Attestation or proof does not hold, has expired, was withdrawn, or is about something else: prove again. */
  readonly ERR_SHARING_PROOF: NoDetails
  /** What was shared is not what was attested: dispute it. */
  readonly ERR_SHARING_CONTENT: NoDetails
  /** One entry too many for this owner, grantee or account. */
  readonly ERR_CHAIN_LIMIT: NoDetails
  /** Replayed or skipped nonce: build again with `nonceNext`. */
  readonly ERR_CHAIN_NONCE: { readonly nonceNext: number; readonly found: number }
  /** Too many transactions of one sender in this minute: wait until `retryAtMs`. */
  readonly ERR_CHAIN_QUOTA: { readonly retryAtMs: number }
  /** Committed with an error receipt: see `code`. */
  readonly ERR_CHAIN_REFUSED: { readonly code: string; readonly height: number }
  /** Too few, repeated or foreign signers: try another endpoint; report the block. */
  readonly ERR_CHAIN_CERTIFICATE: { readonly height: number; readonly memberEpoch: number }
  /** An inclusion or state proof does not hold, or a block differs from what its transactions give. */
  readonly ERR_CHAIN_PROOF: { readonly height: number }
  /** Fewer endpoints answered than needed: check the network; submitting again is safe. */
  readonly ERR_CHAIN_UNREACHABLE: { readonly endpoints: number; readonly answered: number }
  /** The chain of an audit bundle breaks; `link` names the first place: rely on nothing in it. */
  readonly ERR_AUDIT_BROKEN: { readonly height: number; readonly link: string }
  /** A package that this needs and that is optional is not installed: install it beside this one. */
  readonly ERR_NODE_PACKAGE: { readonly package: string }
  /** The database of a node is damaged, and not at its tail: `where` names the place; keep the directory, rely on nothing in it. */
  readonly ERR_NODE_STORE_CORRUPT: { readonly where: string }
  /** The directory belongs to another chain, member or purpose: check the configuration. */
  readonly ERR_NODE_STORE_FOREIGN: { readonly expected: string; readonly found: string }
  /** Another process has the directory open: end it first. */
  readonly ERR_NODE_STORE_LOCKED: { readonly directory: string }
  /** The directory is empty where it should not be, or the other way round: say whether this is a first start or a lost disk. */
  readonly ERR_NODE_INITIALISE: { readonly directory: string }
  /** A write or its fsync failed, or the disk is full: nothing was acknowledged since; repair the disk and start again. */
  readonly ERR_NODE_DISK: NoDetails
  /** Nothing can listen at this address: it is in use, or not of this machine. */
  readonly ERR_NODE_ADDRESS: { readonly address: string }
  /** The process of a node of a cluster ended before it listened; the message holds its last complaint. */
  readonly ERR_NODE_PROCESS: { readonly index: number }
  /** The node has stopped: nothing is taken any more. */
  readonly ERR_NODE_STOPPED: NoDetails
  /** The values do not meet the requirement; names no value: nothing to prove, tell the patient. */
  readonly ERR_ZK_REQUIREMENT_NOT_MET: { readonly requirement: string }
  /** Gamma equals delta, the identity, or a failed check: refuse the key; it could leak or forge. */
  readonly ERR_ZK_INSECURE_KEY: { readonly check: string }
  /** The key of another circuit: fetch the one that the listing names. */
  readonly ERR_ZK_KEY_MISMATCH: { readonly circuit: string; readonly found: string }
  /** The worker that makes keys and proofs did not load, ended, or failed: nothing was published; start another. */
  readonly ERR_ZK_WORKER: NoDetails
  /** The resource breaks a rule of its type: show `element`; nothing is corrected silently. */
  readonly ERR_FHIR_INVALID: { readonly element: string; readonly rule: string }
  /** The unit differs, as UCUM text: convert at the source. */
  readonly ERR_FHIR_UNIT: { readonly expected: string; readonly found: string }
}

/** A stable error code. */
export type ErrorCode = keyof ErrorDetails

/** Failure as a value, as `parse*` and `validate*` return it. */
export type Failure<C extends ErrorCode = ErrorCode> = {
  readonly [K in C]: {
    readonly ok: false
    readonly code: K
    readonly path: string
    readonly message: string
    readonly details: ErrorDetails[K]
  }
}[C]

/** Success as a value. */
export interface Success<T> {
  readonly ok: true
  readonly value: T
}

/** What `parse*` and `validate*` return: the value, or one of the named failures. */
export type Result<T, C extends ErrorCode = ErrorCode> = Success<T> | Failure<C>

const MARK = Symbol.for('vitalseal/error/v1')

/** The only class that the library throws. `code` is stable, the message is for people. */
export class VitalsealError<C extends ErrorCode = ErrorCode> extends Error {
  /** Stable code, to be compared. */
  readonly code: C
  /** Where in the input, for example `transaction.grants.0.access`; empty when there is no place to name. */
  readonly path: string
  /** Facts for programs; their type follows from the code. */
  readonly details: ErrorDetails[C]

  /**
   * Makes the error.
   *
   * @param code - stable code
   * @param message - one sentence, lower case, argument first, then expected and found, then the way out
   * @param facts - `path`, the details of the code, and the cause where another error led to this one
   */
  constructor(
    code: C,
    message: string,
    facts: { readonly details: ErrorDetails[C]; readonly path?: string; readonly cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = `VitalsealError [${code}]`
    this.code = code
    this.path = facts.path ?? ''
    this.details = facts.details
    Object.defineProperty(this, MARK, { value: true })
  }

  /** Code, path, message and details, for logs; holds no secret. */
  toJSON(): { readonly code: C; readonly path: string; readonly message: string; readonly details: ErrorDetails[C] } {
    return { code: this.code, path: this.path, message: this.message, details: this.details }
  }
}

/**
 * Tells whether a value is an error of this library, also when a second copy of the package threw it.
 *
 * @param value - anything caught
 * @param code - when given, only this code counts
 */
export function isVitalsealError<C extends ErrorCode = ErrorCode>(
  value: unknown,
  code?: C,
): value is VitalsealError<C> {
  if (typeof value !== 'object' || value === null || !(MARK in value)) return false
  return code === undefined || (value as unknown as VitalsealError).code === code
}

/**
 * Returns the value of a result.
 *
 * @throws The failure, as an exception with the same code, path, message and details. {@link VitalsealError}
 */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new VitalsealError(result.code, result.message, { path: result.path, details: result.details })
}

/** Returns a success. For those who write ports of their own. */
export function succeed<T>(value: T): Success<T> {
  return { ok: true, value }
}

/**
 * Returns a failure. For those who write ports of their own.
 *
 * @param code - stable code
 * @param message - one sentence without secrets
 * @param facts - details of the code, and the path where there is one
 */
export function fail<C extends ErrorCode>(
  code: C,
  message: string,
  facts: { readonly details: ErrorDetails[C]; readonly path?: string },
): Failure<C> {
  return { ok: false, code, path: facts.path ?? '', message, details: facts.details }
}

/**
 * Throws `ERR_ARGUMENT_INVALID` for an argument of the caller.
 *
 * @param argument - its name
 * @param expected - what it should have been
 * @param found - what it was, described without its content where that could be a secret
 */
export function rejectArgument(argument: string, expected: string, found: string): never {
  throw new VitalsealError('ERR_ARGUMENT_INVALID', `"${argument}" expected ${expected}, found ${found}`, {
    details: { argument, expected, found },
    path: argument,
  })
}
