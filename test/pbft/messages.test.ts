import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { encodeCbor, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { authenticateMessages } from '../../src/pbft/authenticate.ts'
import { createBatch, nullBatch, parseBatch } from '../../src/pbft/batch.ts'
import { createCertificate } from '../../src/pbft/certificate.ts'
import { settleConfig, type ReplicaConfig } from '../../src/pbft/config.ts'
import { verifyEvidence } from '../../src/pbft/evidence.ts'
import {
  BATCH_REQUEST_BYTES_MAX,
  CLIENT_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  REQUEST_BYTES_MAX,
  VIEW_MAX,
} from '../../src/pbft/limits.ts'
import {
  sealMessage,
  type MessageBodies,
  type Draft,
  type MessageKind,
  type PeerMessage,
} from '../../src/pbft/message.ts'
import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import type { Signature, Signer } from '../../src/primitives/signature.ts'
import { chainId } from './group.ts'

const keys = createSimulatedKeys(4, 1)
const config: ReplicaConfig = { chainId, members: keys.signers.map(({ did }) => ({ did })) }
const settings = settleConfig(config)
const { verifier } = keys
const options = { config, verifier }
const [primary, backup] = keys.signers as [Signer, Signer, Signer, Signer]
const digest = sha256(new Uint8Array())
const request = createSimulatedRequest(0, 'a')
const batch = createBatch({ originalView: 0, proposer: 0, timeMs: 1, requests: [request] })
const ordering = { view: 0, sequence: 1, digest: batch.digest }
const vote = (kind: 'prepare' | 'commit' | 'pre-prepare', signer: number, body = ordering) => ({
  signer,
  signature: sealMessage(settings, keys.signers[signer] as Signer, { kind, body }).signature as Signature,
})
const prepared = {
  ...ordering,
  prePrepare: vote('pre-prepare', 0).signature,
  prepares: [vote('prepare', 1), vote('prepare', 2)],
}
const commit = { ...ordering, commits: [0, 1, 2].map((signer) => vote('commit', signer)) }
const execVote = (signer: number) =>
  sealMessage(settings, keys.signers[signer] as Signer, {
    kind: 'exec-vote',
    body: { sequence: 1, headerDigest: digest },
  })
const certificate = createCertificate(
  { chainId, memberEpoch: 0, height: 1, headerDigest: digest },
  new Map([0, 1, 2].map((signer) => [signer, execVote(signer).signature as Signature])),
  4,
)

const drafts: { readonly [K in MessageKind]: Draft<K> } = {
  request: { kind: 'request', body: request },
  'pre-prepare': { kind: 'pre-prepare', body: ordering, batch },
  prepare: { kind: 'prepare', body: ordering },
  commit: { kind: 'commit', body: ordering },
  'exec-vote': { kind: 'exec-vote', body: { sequence: 1, headerDigest: digest } },
  'view-change': {
    kind: 'view-change',
    body: { view: 1, stable: 1, checkpoint: certificate, prepared: [{ ...prepared, ...reorder(2) }] },
  },
  'new-view': {
    kind: 'new-view',
    body: { view: 1, order: [{ sequence: 1, digest: null }], viewChanges: [{ signer: 0, digest }] },
  },
  status: {
    kind: 'status',
    body: { view: 0, mode: 'normal', stable: 1, executed: 2, certified: 2, checkpoint: certificate },
  },
  fetch: { kind: 'fetch', body: { what: 'blocks', height: 1, index: 0, digest: null } },
  fetched: { kind: 'fetched', body: { height: 1, commit, certificate, snapshot: null }, batch },
}

/** The prepared certificate at another sequence number, signed anew. */
function reorder(sequence: number) {
  const body = { ...ordering, sequence }
  return {
    ...body,
    prePrepare: vote('pre-prepare', 0, body).signature,
    prepares: [vote('prepare', 1, body), vote('prepare', 2, body)],
  }
}

function seal<K extends MessageKind>(kind: K, body?: Partial<MessageBodies[K]>, signer = backup): PeerMessage {
  const draft = drafts[kind] as Draft<K>
  return sealMessage(settings, signer, { ...draft, body: { ...draft.body, ...body } }) as unknown as PeerMessage
}

function judge(bytes: Uint8Array) {
  return authenticateMessages([bytes], options)[0] as NonNullable<ReturnType<typeof authenticateMessages>[number]>
}

function codeOf(bytes: Uint8Array): string {
  const result = judge(bytes)
  return result.ok ? 'ok' : result.code
}

function fieldsOf(bytes: Uint8Array): CborValue[] {
  return [...(unwrap(parseCbor(bytes)) as readonly CborValue[])]
}

const kinds = Object.keys(drafts) as MessageKind[]

describe.each(kinds)('%s', (kind) => {
  const { bytes } = seal(kind)

  it('comes back as it was sent', () => {
    const result = judge(bytes)
    expect(result).toMatchObject({ ok: true, value: { kind, from: backup.did, signer: 1, fault: null } })
    if (!result.ok) return
    expect(result.value.body).toEqual(drafts[kind].body)
    expect(result.value.bytes).toEqual(bytes)
    expect(result.value.batch?.bytes).toEqual(drafts[kind].batch?.bytes)
  })

  it('is refused with bytes after it, and with any byte cut off', () => {
    expect(codeOf(Uint8Array.of(...bytes, 0))).toBe('ERR_CODEC_TRAILING_BYTES')
    for (let length = 0; length < bytes.length; length++) expect(judge(bytes.subarray(0, length)).ok).toBe(false)
  })

  it('is refused with a signature where there is none, and without one where there should be', () => {
    const fields = fieldsOf(bytes)
    fields[4] = fields[4] === null ? new Uint8Array(65) : null
    expect(codeOf(encodeCbor(fields))).toBe('ERR_CODEC_MALFORMED')
  })

  it('is refused from another epoch, and from no member', () => {
    for (const [index, value] of [
      [1, 1],
      [2, 4],
    ] as const) {
      const fields = fieldsOf(bytes)
      fields[index] = value
      expect(codeOf(encodeCbor(fields))).toBe('ERR_PBFT_NOT_A_MEMBER')
    }
  })

  const isSigned = seal(kind).signature !== null
  it(isSigned ? 'is refused under another name, in another group or epoch' : 'names no one', () => {
    if (!isSigned) {
      expect(verifyEvidence(encodeCbor([bytes]), options)).toBe(false)
      return
    }
    const fields = fieldsOf(bytes)
    fields[2] = 2
    expect(codeOf(encodeCbor(fields))).toBe('ERR_SIGNATURE_INVALID')
    for (const other of [
      { ...config, chainId: 'ff'.repeat(32) as never },
      { ...config, memberEpoch: 1 },
    ]) {
      const draft = drafts[kind] as Draft<MessageKind>
      const foreign = sealMessage(settleConfig(other), backup, draft).bytes
      const result = authenticateMessages([foreign], options)[0]
      expect(result?.ok).toBe(false)
    }
  })

  it('survives nonsense in any byte', () => {
    for (let index = 0; index < Math.min(bytes.length, 300); index++) {
      const changed = Uint8Array.from(bytes)
      changed[index] = (changed[index] as number) ^ 0x55
      expect(() => judge(changed)).not.toThrow()
    }
  })
})

describe('wire form', () => {
  it('is pinned for a PREPARE', () => {
    const pinned = sealMessage(settings, backup, { kind: 'prepare', body: { view: 7, sequence: 9, digest } })
    const signature = toHex(pinned.signature as Uint8Array)
    expect(toHex(pinned.bytes)).toBe(`860200018307095820${toHex(digest)}5841${signature}f6`)
  })

  it('is pinned for a batch, and its digest', () => {
    const empty = nullBatch()
    expect(toHex(empty.bytes)).toBe('8400000080')
    expect(toHex(empty.digest)).toBe('dc892eeb1d239f4495061ffd1032d470026aeb663412e5ce969e38e5068953a7')
  })

  it('has views and sequence numbers below 2^48', () => {
    expect(codeOf(seal('prepare', { view: VIEW_MAX, sequence: VIEW_MAX }).bytes)).toBe('ok')
    expect(() => seal('prepare', { view: VIEW_MAX + 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    )
  })

  it('is at most 4 MiB, told before decoding', () => {
    expect(codeOf(new Uint8Array(MESSAGE_BYTES_MAX + 1))).toBe('ERR_CODEC_LIMIT')
    expect(codeOf(new Uint8Array(MESSAGE_BYTES_MAX))).not.toBe('ERR_CODEC_LIMIT')
  })

  it('limits requests: bytes, client, and all of a batch together', () => {
    const sized = (byteCount: number, client = 1) => ({
      ...request,
      client: new Uint8Array(client),
      bytes: new Uint8Array(byteCount),
    })
    const make = (...requests: (typeof request)[]) => createBatch({ originalView: 0, proposer: 0, timeMs: 0, requests })
    expect(parseBatch(make(sized(REQUEST_BYTES_MAX, CLIENT_BYTES_MAX)).bytes).ok).toBe(true)
    for (const bad of [sized(REQUEST_BYTES_MAX + 1), sized(1, CLIENT_BYTES_MAX + 1), sized(1, 0)]) {
      expect(() => make(bad)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
    }
    const quarter = sized(BATCH_REQUEST_BYTES_MAX / 4)
    expect(parseBatch(make(quarter, quarter, quarter, quarter).bytes).ok).toBe(true)
    expect(parseBatch(make(quarter, quarter, quarter, quarter, sized(1)).bytes)).toMatchObject({
      code: 'ERR_CODEC_LIMIT',
    })
  })
})

describe('authenticateMessages', () => {
  it('refuses a batch other than the digest names', () => {
    const other = createBatch({ ...batch, timeMs: 2 })
    const { bytes } = sealMessage(settings, primary, { kind: 'pre-prepare', body: ordering, batch: other })
    expect(codeOf(bytes)).toBe('ERR_CODEC_MALFORMED')
  })

  it('marks a VIEW-CHANGE whose certificates do not hold as a fault of its signer', () => {
    const shown = reorder(2)
    const faults: readonly Partial<MessageBodies['view-change']>[] = [
      { checkpoint: null },
      { stable: 2 },
      { prepared: [shown, shown] },
      { prepared: [{ ...shown, prepares: shown.prepares.slice(1) }] },
      { prepared: [{ ...shown, prepares: [vote('prepare', 1), vote('prepare', 1)] }] },
      { prepared: [{ ...shown, prepares: [...shown.prepares, vote('prepare', 0, shown)] }] },
      { prepared: [{ ...shown, sequence: 3 }] },
      { prepared: [{ ...shown, sequence: 1 }] },
      { prepared: [{ ...shown, view: 1 }] },
      { prepared: [{ ...shown, prePrepare: vote('prepare', 1, shown).signature }] },
    ]
    for (const body of faults) {
      const result = judge(seal('view-change', body).bytes)
      expect(result, JSON.stringify(Object.keys(body))).toMatchObject({
        ok: true,
        value: { fault: expect.stringMatching(/certificate|order|view/) as string },
      })
    }
  })

  it('refuses an answer whose certificates do not hold: it is not signed, so nobody is to blame', () => {
    const bad = [
      { commit: { ...commit, commits: commit.commits.slice(1) } },
      {
        commit: {
          ...commit,
          commits: [...commit.commits.slice(1), commit.commits[1] as (typeof commit.commits)[number]],
        },
      },
      { height: 2 },
      { certificate: { ...certificate, height: 2 } },
      { certificate: { ...certificate, memberEpoch: 9 } },
    ]
    for (const body of bad) expect(codeOf(seal('fetched', body).bytes)).toBe('ERR_SIGNATURE_INVALID')
  })

  it('answers in order', () => {
    const results = authenticateMessages([seal('prepare').bytes, new Uint8Array(3), seal('commit').bytes], options)
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true])
  })
})
