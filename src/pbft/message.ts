/**
 * Messages between replicas (pbft.md 1.4): kinds, wire form, and what each signature covers.
 *
 * On the wire `[kind, memberEpoch, signer, body, signature, batch]`. The signature covers tag, chain id, epoch, signer and
 * body, so a message is worth nothing in another group, epoch, kind or under another name. REQUEST carries its client's
 * signature, FETCHED is checked by hash or certificate; both have no signature of their own and their `signer` is a return
 * address, not an identity. The batch rides unsigned, bound by the digest in the body.
 */

import type { Result } from '../errors.ts'
import type { Brand, Bytes } from '../primitives/bytes.ts'
import type { CborValue, CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import {
  bytesOf,
  choice,
  constant,
  encodeShape,
  listOf,
  Mismatch,
  nullable,
  parseShape,
  tuple,
  uint,
  viewUpTo,
  type Shape,
} from '../primitives/shape.ts'
import type { Signature, Signer } from '../primitives/signature.ts'
import { LEDGER_TAGS, type Tag } from '../primitives/tags.ts'
import { requestShape, type Batch, type Request } from './batch.ts'
import { certificateShape, type Certificate } from './certificate.ts'
import type { Settings } from './config.ts'
import {
  MEMBERS_MAX,
  MESSAGE_BYTES_MAX,
  messageLimits,
  SNAPSHOT_CHUNK_BYTES_MAX,
  SNAPSHOT_CHUNKS_MAX,
  WINDOW_MAX,
} from './limits.ts'
import {
  commitShape,
  digestView,
  epochShape,
  indexShape,
  orderingShape,
  preparedShape,
  sequenceShape,
  signatureView,
  viewShape,
  type CommitCertificate,
  type Ordering,
  type PreparedCertificate,
} from './shape.ts'

/** Kinds of messages, by wire position. */
export const MESSAGE_KINDS = [
  'request',
  'pre-prepare',
  'prepare',
  'commit',
  'exec-vote',
  'view-change',
  'new-view',
  'status',
  'fetch',
  'fetched',
] as const

/** A kind of message. */
export type MessageKind = (typeof MESSAGE_KINDS)[number]

/** Body of an EXEC-VOTE; at the heights of checkpoints, PBFT's CHECKPOINT. */
export interface ExecVote {
  readonly sequence: number
  readonly headerDigest: Digest32
  /** BLS signature of the same block, 48 bytes, for a certificate of constant size. The vote's signature leaves it out. */
  readonly share?: Bytes
}

/** Body of a VIEW-CHANGE: the newest certified block of its sender, and what it prepared above. */
export interface ViewChange {
  /** The view that its sender moves to. */
  readonly view: number
  /** h: the stable checkpoint; 0 needs no certificate. */
  readonly stable: number
  readonly checkpoint: Certificate | null
  /** P: for each sequence number above h the prepared certificate of the highest view, ascending. */
  readonly prepared: readonly PreparedCertificate[]
}

/** One entry of O: what a sequence number orders in the new view; null is the null batch. */
export interface NewViewEntry {
  readonly sequence: number
  readonly digest: Digest32 | null
}

/** Body of a NEW-VIEW: O, and the names of the VIEW-CHANGEs from which it follows. */
export interface NewView {
  readonly view: number
  readonly order: readonly NewViewEntry[]
  readonly viewChanges: readonly { readonly signer: number; readonly digest: Digest32 }[]
}

/** Modes that a STATUS can name. */
export const STATUS_MODES = ['normal', 'view-change', 'recovering'] as const

/** Body of a STATUS: where its sender stands, so that others can send what it lacks. */
export interface Status {
  readonly view: number
  readonly mode: (typeof STATUS_MODES)[number]
  readonly stable: number
  readonly executed: number
  readonly certified: number
  /** Certificate of `stable`; only in answers to replicas that recover. */
  readonly checkpoint: Certificate | null
}

/** What a FETCH can ask for. */
export const FETCH_KINDS = ['batch', 'view-change', 'blocks', 'snapshot'] as const

/** Body of a FETCH. */
export interface Fetch {
  readonly what: (typeof FETCH_KINDS)[number]
  /** `blocks`: from this height; `snapshot`: of this height. */
  readonly height: number
  /** `snapshot`: which chunk. */
  readonly index: number
  /** `batch`, `view-change`: of this digest. */
  readonly digest: Digest32 | null
}

/** A chunk of a snapshot, with the certificate of its height. */
export interface SnapshotPart {
  readonly height: number
  readonly index: number
  readonly count: number
  readonly chunk: Bytes
  readonly certificate: Certificate
}

/** Body of a FETCHED; the batch that belongs to it rides in the message. */
export interface Fetched {
  readonly height: number
  readonly commit: CommitCertificate | null
  readonly certificate: Certificate | null
  readonly snapshot: SnapshotPart | null
}

/** MessageBodies by kind. */
export interface MessageBodies {
  readonly request: Request
  readonly 'pre-prepare': Ordering
  readonly prepare: Ordering
  readonly commit: Ordering
  readonly 'exec-vote': ExecVote
  readonly 'view-change': ViewChange
  readonly 'new-view': NewView
  readonly status: Status
  readonly fetch: Fetch
  readonly fetched: Fetched
}

/** A message of one kind, parsed. */
export interface MessageOf<K extends MessageKind> {
  readonly kind: K
  /** Who signed it; of REQUEST and FETCHED only who says to have sent it. */
  readonly from: Did
  /** As on the wire. */
  readonly bytes: Bytes
  readonly signer: number
  readonly body: MessageBodies[K]
  readonly signature: Signature | null
  /** What the signature covers; undefined where there is none, and in votes of one's own. */
  readonly digest: Digest32 | undefined
  /** The batch that rides along, of the digest in the body where that names one. */
  readonly batch: Batch | null
  /** Set when its sender signed something that proves its fault, such as a VIEW-CHANGE with an invalid certificate. */
  readonly fault: string | null
}

/** A message from a replica; only `authenticateMessages` and the replica itself make verified ones. */
export type PeerMessage = { readonly [K in MessageKind]: MessageOf<K> }[MessageKind]

/** A verified message of one kind. */
export type VerifiedMessage<K extends MessageKind> = MessageOf<K> & Brand<unknown, 'Verified'>

const signatureRule: Readonly<Record<MessageKind, boolean>> = {
  request: false,
  'pre-prepare': true,
  prepare: true,
  commit: true,
  'exec-vote': true,
  'view-change': true,
  'new-view': true,
  status: true,
  fetch: true,
  fetched: false,
}

const tags = {
  'pre-prepare': LEDGER_TAGS.pbftPrePrepare,
  prepare: LEDGER_TAGS.pbftPrepare,
  commit: LEDGER_TAGS.pbftCommit,
  'exec-vote': LEDGER_TAGS.pbftExecVote,
  'view-change': LEDGER_TAGS.pbftViewChange,
  'new-view': LEDGER_TAGS.pbftNewView,
  status: LEDGER_TAGS.pbftStatus,
  fetch: LEDGER_TAGS.pbftFetch,
} as const satisfies Partial<Record<MessageKind, Tag>>

/** A kind whose messages are signed by their sender. */
export type SignedKind = keyof typeof tags

const plainVote = tuple({ sequence: sequenceShape, headerDigest: digestView })
const sharedVote = tuple({ sequence: sequenceShape, headerDigest: digestView, share: bytesOf(48) })

/** A vote without a share is as long as it ever was. */
const execVoteShape: Shape<ExecVote> = {
  read: (value) => (Array.isArray(value) && value.length === 3 ? sharedVote : plainVote).read(value),
  write: ({ share, ...vote }) => (share === undefined ? plainVote.write(vote) : sharedVote.write({ ...vote, share })),
}

const bodyShapes: { readonly [K in MessageKind]: Shape<MessageBodies[K]> } = {
  request: requestShape,
  'pre-prepare': orderingShape,
  prepare: orderingShape,
  commit: orderingShape,
  'exec-vote': execVoteShape,
  'view-change': tuple({
    view: viewShape,
    stable: sequenceShape,
    checkpoint: nullable(certificateShape),
    prepared: listOf(preparedShape, { name: 'certificates', countMax: WINDOW_MAX }),
  }),
  'new-view': tuple({
    view: viewShape,
    order: listOf(tuple({ sequence: sequenceShape, digest: nullable(digestView) }), {
      name: 'entries',
      countMax: WINDOW_MAX,
    }),
    viewChanges: listOf(tuple({ signer: indexShape, digest: digestView }), {
      name: 'view changes',
      countMax: MEMBERS_MAX,
    }),
  }),
  status: tuple({
    view: viewShape,
    mode: choice('mode', STATUS_MODES),
    stable: sequenceShape,
    executed: sequenceShape,
    certified: sequenceShape,
    checkpoint: nullable(certificateShape),
  }),
  fetch: tuple({
    what: choice('object', FETCH_KINDS),
    height: sequenceShape,
    index: uint(SNAPSHOT_CHUNKS_MAX - 1),
    digest: nullable(digestView),
  }),
  fetched: tuple({
    height: sequenceShape,
    commit: nullable(commitShape),
    certificate: nullable(certificateShape),
    snapshot: nullable(
      tuple({
        height: sequenceShape,
        index: uint(SNAPSHOT_CHUNKS_MAX - 1),
        count: uint(SNAPSHOT_CHUNKS_MAX, 1),
        chunk: viewUpTo(SNAPSHOT_CHUNK_BYTES_MAX),
        certificate: certificateShape,
      }),
    ),
  }),
}

/** A message as it stands on the wire, nothing checked but its form. */
export interface WireMessage<K extends MessageKind = MessageKind> {
  readonly kind: K
  readonly memberEpoch: number
  readonly signer: number
  readonly body: MessageBodies[K]
  readonly signature: Signature | null
  readonly batch: Bytes | null
}

function wireTuple(kind: MessageKind): Shape<unknown> {
  return tuple({
    kind: constant(MESSAGE_KINDS.indexOf(kind)),
    memberEpoch: epochShape,
    signer: indexShape,
    body: bodyShapes[kind],
    signature: nullable(signatureView),
    batch: nullable(viewUpTo(MESSAGE_BYTES_MAX)),
  })
}

let wireShapes: readonly Shape<unknown>[] | undefined

function wireShapeAt(index: number): Shape<unknown> | undefined {
  wireShapes ??= MESSAGE_KINDS.map((kind) => wireTuple(kind))
  return wireShapes[index]
}

/** The shape of the kind that the first element names. */
const wireShape: Shape<WireMessage> = {
  read(value) {
    const index = Array.isArray(value) ? (value[0] as CborValue) : undefined
    const shape = typeof index === 'number' ? wireShapeAt(index) : undefined
    if (shape === undefined) return new Mismatch('a message of a known kind')
    const read = shape.read(value)
    if (read instanceof Mismatch) return read
    const message = { ...(read as object), kind: MESSAGE_KINDS[index as number] } as WireMessage
    if ((message.signature !== null) !== signatureRule[message.kind]) {
      return new Mismatch(signatureRule[message.kind] ? 'a signature' : 'no signature').within('signature', 4)
    }
    const mayCarryBatch = message.kind === 'pre-prepare' || message.kind === 'fetched'
    return message.batch === null || mayCarryBatch ? message : new Mismatch('no batch').within('batch', 5)
  },
  write(message) {
    const index = MESSAGE_KINDS.indexOf(message.kind)
    return (wireShapeAt(index) as Shape<unknown>).write({ ...message, kind: index })
  },
}

/** Reads the form of a message. Total; nothing is verified. Byte strings of the result are views of the input. */
export function parseWireMessage(bytes: Uint8Array): Result<WireMessage, CodecErrorCode> {
  return parseShape(bytes, wireShape, { object: 'message', limits: messageLimits })
}

/** What a signature covers, besides group and epoch. */
export type Unsigned = {
  readonly [K in SignedKind]: { readonly kind: K; readonly signer: number; readonly body: MessageBodies[K] }
}[SignedKind]

/**
 * Returns the fields that the signature of a message covers.
 *
 * EXEC-VOTE leaves the signer out, so that votes of a quorum are signatures of one digest.
 */
function signedFields(settings: Settings, message: Unsigned): readonly CborValue[] {
  const { chainDigest, memberEpoch } = settings
  const { kind, signer, body } = message
  switch (kind) {
    case 'pre-prepare':
    case 'prepare':
    case 'commit': {
      const { view, sequence, digest } = body
      return [chainDigest, memberEpoch, signer, view, sequence, digest]
    }
    case 'exec-vote': {
      const { sequence, headerDigest } = body
      return [chainDigest, memberEpoch, sequence, headerDigest]
    }
    default:
      return [chainDigest, memberEpoch, signer, (bodyShapes[kind] as Shape<unknown>).write(body)]
  }
}

/** Returns the digest that the signature of a message covers. */
export function messageDigest(settings: Settings, message: Unsigned): Digest32 {
  return taggedHash(tags[message.kind], ...signedFields(settings, message))
}

/** Tells whether messages of this kind are signed by their sender. */
export function isSignedKind(kind: MessageKind): kind is SignedKind {
  return signatureRule[kind]
}

/** What goes into a message of one's own. */
export interface Draft<K extends MessageKind> {
  readonly kind: K
  readonly body: MessageBodies[K]
  /** Only its bytes leave. */
  readonly batch?: Batch | Pick<Batch, 'bytes'> | null
}

/**
 * Returns a signed message of this replica, ready to be sent.
 *
 * Callers ask the vote guard first: what is signed here can never be unsaid.
 *
 * @throws When a field is out of range: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function sealMessage<K extends MessageKind>(
  settings: Settings,
  signer: Signer,
  draft: Draft<K>,
): VerifiedMessage<K> {
  const { kind, body, batch = null } = draft
  const index = settings.indexes.get(signer.did) as number
  const { memberEpoch } = settings
  const unsigned = isSignedKind(kind) ? ({ kind, signer: index, body } as Unsigned) : undefined
  // Only these are named by digest; for votes the signer has hashed the same already.
  const isNamed = kind === 'view-change' || kind === 'new-view'
  const digest = isNamed && unsigned !== undefined ? messageDigest(settings, unsigned) : undefined
  const signature = unsigned === undefined ? null : signer.sign(tags[unsigned.kind], signedFields(settings, unsigned))
  const wire: WireMessage = { kind, memberEpoch, signer: index, body, signature, batch: batch?.bytes ?? null }
  const bytes = encodeShape(wire, wireShape, { object: 'message', limits: messageLimits })
  const whole = batch !== null && 'requests' in batch ? batch : null
  const message = { kind, from: signer.did, bytes, signer: index, body, signature, digest, batch: whole, fault: null }
  return Object.freeze(message) as unknown as VerifiedMessage<K>
}
