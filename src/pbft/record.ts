/**
 * Records of the write-ahead log: what must be durable before a message may leave (pbft.md 1.10).
 *
 * | before sending           | durable                                              |
 * | ------------------------ | ---------------------------------------------------- |
 * | PRE-PREPARE, PREPARE     | accepted: the proposal with its batch, and the vote  |
 * | COMMIT                   | prepared: the prepared certificate, and the vote     |
 * | EXEC-VOTE                | executed: the commit certificate, header and vote    |
 * | VIEW-CHANGE              | view-change: the message, which holds P              |
 * | anything in the new view | new-view: the NEW-VIEW and the VIEW-CHANGEs it names |
 *
 * A checkpoint record begins a new segment that repeats what is still open. Votes are stored as sent: after a restart the
 * identical bytes go out again. Records are this replica's own: their signatures are not checked again, their form is.
 */

import { VitalsealError } from '../errors.ts'
import { copyBytes, type Bytes } from '../primitives/bytes.ts'
import type { CborValue } from '../primitives/codec.ts'
import {
  constant,
  encodeShape,
  listOf,
  Mismatch,
  nullable,
  parseShape,
  tuple,
  viewUpTo,
  type Shape,
} from '../primitives/shape.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { certificateShape, type Certificate } from './certificate.ts'
import { MEMBERS_MAX, MESSAGE_BYTES_MAX, recordLimits } from './limits.ts'
import {
  commitShape,
  digestView,
  preparedShape,
  sequenceShape,
  type CommitCertificate,
  type PreparedCertificate,
} from './shape.ts'

/** What a record holds, by kind. */
export type ReplicaRecord =
  /** The first record of a new identity: it has never voted. */
  | { readonly kind: 'founded' }
  | {
      readonly kind: 'accepted'
      readonly proposal: Bytes
      readonly batch: Bytes | null
      readonly prepare: Bytes | null
    }
  | {
      readonly kind: 'prepared'
      readonly certificate: PreparedCertificate
      /** Null where the accepted record of the same sequence number holds it; so below. */
      readonly batch: Bytes | null
      readonly commit: Bytes | null
    }
  | {
      readonly kind: 'executed'
      readonly commit: CommitCertificate
      readonly batch: Bytes | null
      readonly headerDigest: Digest32
      readonly vote: Bytes | null
    }
  | { readonly kind: 'view-change'; readonly message: Bytes }
  | { readonly kind: 'new-view'; readonly message: Bytes; readonly viewChanges: readonly Bytes[] }
  | { readonly kind: 'checkpoint'; readonly height: number; readonly certificate: Certificate | null }
  /** A state was taken over from another replica; what lies below its height is void. */
  | { readonly kind: 'restored'; readonly height: number; readonly certificate: Certificate }
  /** This identity lost its memory and recovers: until the record that ends it, it has not voted. */
  | { readonly kind: 'recovering' }
  | { readonly kind: 'recovered' }

const KINDS = [
  'founded',
  'accepted',
  'prepared',
  'executed',
  'view-change',
  'new-view',
  'checkpoint',
  'restored',
  'recovering',
  'recovered',
] as const satisfies readonly ReplicaRecord['kind'][]

const messageBytes = viewUpTo(MESSAGE_BYTES_MAX)

const fields: { readonly [K in ReplicaRecord['kind']]: Readonly<Record<string, Shape<never> | Shape<unknown>>> } = {
  founded: {},
  accepted: { proposal: messageBytes, batch: nullable(messageBytes), prepare: nullable(messageBytes) },
  prepared: { certificate: preparedShape, batch: nullable(messageBytes), commit: nullable(messageBytes) },
  executed: {
    commit: commitShape,
    batch: nullable(messageBytes),
    headerDigest: digestView,
    vote: nullable(messageBytes),
  },
  'view-change': { message: messageBytes },
  'new-view': {
    message: messageBytes,
    viewChanges: listOf(messageBytes, { name: 'view changes', countMax: MEMBERS_MAX }),
  },
  checkpoint: { height: sequenceShape, certificate: nullable(certificateShape) },
  restored: { height: sequenceShape, certificate: certificateShape },
  recovering: {},
  recovered: {},
}

let shapes: readonly Shape<object>[] | undefined

function shapeAt(index: number): Shape<object> {
  shapes ??= KINDS.map((kind, at) => tuple({ kind: constant(at), ...fields[kind] }))
  return shapes[index] as Shape<object>
}

const recordShape: Shape<ReplicaRecord> = {
  read(value) {
    const index = Array.isArray(value) ? (value[0] as CborValue) : undefined
    const kind = typeof index === 'number' ? KINDS[index] : undefined
    if (kind === undefined) return new Mismatch('a record of a known kind')
    const read = shapeAt(index as number).read(value)
    return read instanceof Mismatch ? read : ({ ...read, kind } as ReplicaRecord)
  },
  write(record) {
    const index = KINDS.indexOf(record.kind)
    return shapeAt(index).write({ ...record, kind: index })
  },
}

/** Returns the bytes of a record. */
export function encodeRecord(record: ReplicaRecord): Bytes {
  return encodeShape(record, recordShape, { object: 'record', limits: recordLimits })
}

/**
 * Reads a record of this replica's own log.
 *
 * @throws When the bytes are no record: `ERR_PBFT_LOG_CORRUPT`; the host drops a torn tail before this. {@link VitalsealError}
 */
export function readRecord(bytes: Uint8Array, recordIndex: number): ReplicaRecord {
  const record = parseShape(copyBytes(bytes), recordShape, { object: 'record', limits: recordLimits })
  if (record.ok) return record.value
  throw new VitalsealError('ERR_PBFT_LOG_CORRUPT', `record ${recordIndex} is damaged: ${record.message}`, {
    details: { recordIndex },
  })
}
