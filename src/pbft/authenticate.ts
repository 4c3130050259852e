/**
 * From bytes to verified messages: the only place where peers' signatures are checked.
 *
 * It needs no state; `inbox.ts` decides which messages are worth it. Total: a peer may send anything.
 */

import { fail, succeed, type Result } from '../errors.ts'
import { copyBytes, equalBytes, type Bytes, type Verified } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { createVerifier, type SignedDigest, type Verifier } from '../primitives/signature.ts'
import { parseBatch, type Batch } from './batch.ts'
import { certificateItems, verifyAll, type Certificate } from './certificate.ts'
import { proposerOf, settleConfig, type ReplicaConfig, type Settings } from './config.ts'
import { MESSAGE_BYTES_MAX } from './limits.ts'
import {
  isSignedKind,
  messageDigest,
  parseWireMessage,
  type Fetched,
  type PeerMessage,
  type Status,
  type Unsigned,
  type ViewChange,
  type WireMessage,
} from './message.ts'
import type { CommitCertificate, Ordering, PreparedCertificate, SignedVote } from './shape.ts'

/** Why a message is not for the replica. */
export type MessageErrorCode = CodecErrorCode | 'ERR_SIGNATURE_INVALID' | 'ERR_PBFT_NOT_A_MEMBER'

/** A value, or why a message is none. */
export type Checked<T> = Result<T, MessageErrorCode>

/**
 * Returns each message verified, or why it is refused. In order; total.
 *
 * Cost: one signature check a message, and those of the certificates in it. A VIEW-CHANGE whose signature holds but whose
 * certificates do not comes through with `fault` set: it is evidence against its sender.
 *
 * @param messages - as they came, each at most 4 MiB
 * @param options - configuration of the group; the default verifier runs everywhere
 */
export function authenticateMessages(
  messages: readonly Uint8Array[],
  options: { readonly config: ReplicaConfig; readonly verifier?: Verifier },
): Checked<Verified<PeerMessage>>[] {
  const { config, verifier = createVerifier() } = options
  const settings = settleConfig(config)
  return messages.map((bytes) => authenticateMessage(settings, verifier, bytes))
}

/** Authenticates one message; see {@link authenticateMessages}. */
export function authenticateMessage(
  settings: Settings,
  verifier: Verifier,
  bytes: Uint8Array,
): Checked<Verified<PeerMessage>> {
  const parsed = readMessage(settings, bytes)
  return parsed.ok ? verifyMessage(settings, verifier, parsed.value) : parsed
}

/** Checks the signatures of a message that was read, and marks it verified. */
export function verifyMessage(
  settings: Settings,
  verifier: Verifier,
  message: PeerMessage,
): Checked<Verified<PeerMessage>> {
  const { digest, signature } = message
  if (digest !== undefined && signature !== null) {
    if (!verifier.verify({ signer: message.from, digest, signature })) return invalidSignature(message.from)
  }
  const fault = findFault(settings, verifier, message)
  if (fault === null) return succeed(Object.freeze(message) as Verified<PeerMessage>)
  if (digest === undefined) return invalidSignature(message.from)
  return succeed(Object.freeze({ ...message, fault }) as Verified<PeerMessage>)
}

function invalidSignature(signer: Did): Checked<never> {
  return fail('ERR_SIGNATURE_INVALID', 'message: the signature does not hold', { path: 'message', details: { signer } })
}

/** Reads a message: form only. The signatures of one's own log were checked or made before it was written. Total. */
export function readMessage(settings: Settings, bytes: Uint8Array): Checked<PeerMessage> {
  // One copy, and everything in the message is a view of it; what is too long is refused before it is copied.
  const own = bytes instanceof Uint8Array && bytes.length <= MESSAGE_BYTES_MAX ? copyBytes(bytes) : (bytes as Bytes)
  const wire = parseWireMessage(own)
  if (!wire.ok) return wire
  const { kind, memberEpoch, signer, body, signature } = wire.value
  const from = settings.members[signer]
  if (memberEpoch !== settings.memberEpoch || from === undefined) {
    const message = `message.signer: expected a member of epoch ${settings.memberEpoch}`
    return fail('ERR_PBFT_NOT_A_MEMBER', message, { path: 'message.signer', details: { memberEpoch } })
  }
  const batch = readBatch(wire.value)
  if (!batch.ok) return batch
  const digest = isSignedKind(kind) ? messageDigest(settings, wire.value as Unsigned) : undefined
  return succeed({
    kind,
    from,
    bytes: own,
    signer,
    body,
    signature,
    digest,
    batch: batch.value,
    fault: null,
  } as PeerMessage)
}

function readBatch(message: WireMessage): Checked<Batch | null> {
  if (message.batch === null) return succeed(null)
  const batch = parseBatch(message.batch)
  if (!batch.ok) return batch
  const named = message.kind === 'pre-prepare' ? (message.body as Ordering) : (message.body as Fetched).commit
  if (named === null || equalBytes(named.digest, batch.value.digest)) return batch
  const expected = 'the batch that the digest names'
  return fail('ERR_CODEC_MALFORMED', `message.batch: expected ${expected}`, {
    path: 'message.batch',
    details: { byteOffset: 0, expected },
  })
}

function findFault(settings: Settings, verifier: Verifier, message: PeerMessage): string | null {
  switch (message.kind) {
    case 'view-change':
      return viewChangeFault(settings, verifier, message.body)
    case 'status':
      return statusFault(settings, verifier, message.body)
    case 'fetched':
      return fetchedFault(settings, verifier, message.body)
    default:
      return null
  }
}

/** Returns why a VIEW-CHANGE is invalid by itself, or null. */
export function viewChangeFault(settings: Settings, verifier: Verifier, body: ViewChange): string | null {
  const { stable, checkpoint, prepared, view } = body
  if (view < 1) return 'a view change to view 0'
  if (!provesStable(settings, verifier, stable, checkpoint)) return 'an invalid checkpoint certificate'
  let previous = stable
  for (const certificate of prepared) {
    const { sequence } = certificate
    if (sequence <= previous || sequence > stable + settings.logSpan) return 'a sequence number out of order or window'
    if (certificate.view >= view) return 'a certificate of a later view'
    if (!verifyPrepared(settings, verifier, certificate)) return 'an invalid prepared certificate'
    previous = sequence
  }
  return null
}

function statusFault(settings: Settings, verifier: Verifier, body: Status): string | null {
  if (body.checkpoint === null) return null
  return provesStable(settings, verifier, body.stable, body.checkpoint) ? null : 'an invalid checkpoint certificate'
}

function fetchedFault(settings: Settings, verifier: Verifier, body: Fetched): string | null {
  const { height, commit, certificate, snapshot } = body
  if (commit !== null && (commit.sequence !== height || !verifyCommit(settings, verifier, commit))) return 'a commit'
  if (certificate !== null && (certificate.height !== height || !verifyExecution(settings, verifier, certificate))) {
    return 'a certificate'
  }
  if (snapshot === null) return null
  const { certificate: head } = snapshot
  return head.height === snapshot.height && verifyExecution(settings, verifier, head) ? null : 'a snapshot certificate'
}

function provesStable(settings: Settings, verifier: Verifier, stable: number, checkpoint: Certificate | null): boolean {
  if (checkpoint === null) return stable === settings.baseHeight
  return checkpoint.height === stable && verifyExecution(settings, verifier, checkpoint)
}

/** Tells whether an execution certificate is one of this group and epoch. */
export function verifyExecution(settings: Settings, verifier: Verifier, certificate: Certificate): boolean {
  if (certificate.memberEpoch !== settings.memberEpoch) return false
  const items = certificateItems(certificate, settings)
  return items !== undefined && verifyAll(verifier, items)
}

/** Tells whether a prepared certificate holds: the proposer's PRE-PREPARE and Q - 1 PREPAREs of distinct others. */
export function verifyPrepared(settings: Settings, verifier: Verifier, certificate: PreparedCertificate): boolean {
  const { view, sequence, digest, prePrepare, prepares } = certificate
  const proposer = proposerOf(settings, view, sequence)
  if (prepares.some(({ signer }) => signer === proposer)) return false
  if (!areDistinctMembers(settings, prepares) || prepares.length < settings.quorum - 1) return false
  const body = { view, sequence, digest }
  const proposal = {
    signer: settings.members[proposer] as Did,
    digest: messageDigest(settings, { kind: 'pre-prepare', signer: proposer, body }),
    signature: prePrepare,
  }
  return verifyAll(verifier, [proposal, ...voteItems(settings, 'prepare', body, prepares)])
}

/** Tells whether a commit certificate holds: Q COMMITs of distinct members in one view. */
export function verifyCommit(settings: Settings, verifier: Verifier, certificate: CommitCertificate): boolean {
  const { view, sequence, digest, commits } = certificate
  if (!areDistinctMembers(settings, commits) || commits.length < settings.quorum) return false
  return verifyAll(verifier, voteItems(settings, 'commit', { view, sequence, digest }, commits))
}

function areDistinctMembers(settings: Settings, votes: readonly SignedVote[]): boolean {
  const signers = new Set(votes.map(({ signer }) => signer))
  return signers.size === votes.length && votes.every(({ signer }) => signer < settings.replicaCount)
}

function voteItems(
  settings: Settings,
  kind: 'prepare' | 'commit',
  body: Ordering,
  votes: readonly SignedVote[],
): SignedDigest[] {
  return votes.map(({ signer, signature }) => ({
    signer: settings.members[signer] as Did,
    digest: messageDigest(settings, { kind, signer, body }),
    signature,
  }))
}
