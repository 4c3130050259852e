import { bls12_381 } from '@noble/curves/bls12-381.js'
import { beforeAll, describe, expect, it } from 'vitest'

import { aggregateShares } from '../../src/pbft/aggregate.ts'
import {
  createCertificate,
  encodeCertificate,
  parseCertificate,
  signExecution,
  signExecutionShare,
  verifyCertificate,
  type Certificate,
} from '../../src/pbft/certificate.ts'
import { unwrap } from '../../src/errors.ts'
import { authenticateMessages } from '../../src/pbft/authenticate.ts'
import { settleConfig } from '../../src/pbft/config.ts'
import { sealMessage } from '../../src/pbft/message.ts'
import { encodeCbor, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import { createInbox } from '../../src/pbft/inbox.ts'
import { createReplica } from '../../src/pbft/replica.ts'
import { deriveQuorum } from '../../src/pbft/quorum.ts'
import { aggregateBlsSignatures, createBlsSigner, type BlsSigner } from '../../src/primitives/bls-signature.ts'
import { toHex, type Bytes } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { createBlsVerifier, createMemberBlsKey, type BlsVerifier } from '../../src/primitives/member-bls.ts'
import type { Member } from '../../src/primitives/member.ts'
import { createSigner, type Signer } from '../../src/primitives/signature.ts'
import { encodeSignerBitmap } from '../../src/primitives/signer-bitmap.ts'
import { LEDGER_TAGS, TAGS } from '../../src/primitives/tags.ts'
import { secretKey } from '../support/bls.ts'
import { authenticate, chainId, createGroup, feed, submit, type Group } from './group.ts'

const headerDigest = sha256(new Uint8Array())
const block = { chainId, memberEpoch: 2, height: 9, headerDigest }

interface Party {
  readonly signer: Signer
  readonly bls: BlsSigner
  readonly member: Member
}

function createParty(index: number): Party {
  const signer = createSigner(new Uint8Array(32).fill(index + 1))
  const bls = createBlsSigner(secretKey(BigInt(index + 1000)))
  return { signer, bls, member: { did: signer.did, bls: createMemberBlsKey(bls, signer.did) } }
}

const parties = Array.from({ length: 4 }, (_, index) => createParty(index))
const members = parties.map(({ member }) => member)
const shareOf = (index: number, of = block): Bytes =>
  signExecutionShare(of, { blsSigner: (parties[index] as Party).bls })
const blsVerifier = createBlsVerifier()
const options = { members, chainId, headerDigest, blsVerifier }

function aggregateOf(indexes: readonly number[], shares = indexes.map((index) => shareOf(index))): Certificate {
  const sum = aggregateBlsSignatures(shares)
  if (!sum.ok) throw new Error(sum.message)
  const { memberEpoch, height } = block
  const proof = { kind: 'aggregate', signers: encodeSignerBitmap(indexes, 4), signature: sum.value } as const
  return { memberEpoch, height, headerDigest, proof }
}

/** Counts the calls of a verifier. */
function counting(inner: BlsVerifier): BlsVerifier & { readonly calls: () => number } {
  let calls = 0
  return {
    ...inner,
    verifyAggregate(aggregate) {
      calls++
      return inner.verifyAggregate(aggregate)
    },
    calls: () => calls,
  }
}

describe('a certificate of constant size', () => {
  let certificate: Certificate

  beforeAll(() => {
    const shares = new Map([3, 1, 0].map((index) => [index, shareOf(index)]))
    const made = aggregateShares(block, shares, { members, blsVerifier })
    expect(made.invalid).toEqual([])
    certificate = made.certificate as Certificate
  })

  it('holds with the sum of Q shares, beside the list form, for whoever has a verifier of both', () => {
    expect(verifyCertificate(certificate, options)).toBe(true)
    const signatures = new Map(parties.map(({ signer }, index) => [index, signExecution(block, { signer })]))
    expect(verifyCertificate(createCertificate(block, signatures, 4), options)).toBe(true)
    // Whoever brought no pairing cannot tell.
    expect(verifyCertificate(certificate, { members, chainId, headerDigest })).toBe(false)
  })

  it('has a pinned encoding and comes back from it', () => {
    const bytes = encodeCertificate(certificate)
    expect(toHex(bytes)).toMatchInlineSnapshot(
      `"8402095820e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8558301410b583084e77d70d5dc068bf46a4d8bfb699291d799689ec59643e120eff9a21128e0951df9261a3ec04692f07d31f0d10fe5fa"`,
    )
    expect(parseCertificate(bytes)).toEqual({ ok: true, value: certificate })
    expect(parseCertificate(Uint8Array.of(...bytes, 0))).toMatchObject({ code: 'ERR_CODEC_TRAILING_BYTES' })
    for (let length = 0; length < bytes.length; length++)
      expect(parseCertificate(bytes.subarray(0, length)).ok).toBe(false)
    // Another kind of proof than the two.
    const other = Uint8Array.from(bytes)
    const at = bytes.length - 48 - 2 - 2 - 1
    expect(other[at]).toBe(1)
    other[at] = 2
    expect(parseCertificate(other)).toMatchObject({ code: 'ERR_CODEC_VERSION' })
  })

  it('does not hold for another block, chain, epoch, order of members, or with too few of them', () => {
    const others: readonly [string, Certificate][] = [
      ['two of three', aggregateOf([0, 1])],
      ['another height', { ...certificate, height: 10 }],
      ['another epoch', { ...certificate, memberEpoch: 3 }],
      [
        'a share of another height',
        aggregateOf([0, 1, 2], [shareOf(0), shareOf(1), shareOf(2, { ...block, height: 8 })]),
      ],
      ['one share twice', aggregateOf([0, 1, 2], [shareOf(0), shareOf(1), shareOf(1)])],
    ]
    for (const [name, other] of others) expect(verifyCertificate(other, options), name).toBe(false)
    expect(verifyCertificate(certificate, { ...options, chainId: 'ff'.repeat(32) as never })).toBe(false)
    expect(verifyCertificate(certificate, { ...options, members: members.toReversed() })).toBe(false)
    expect(verifyCertificate(certificate, { ...options, headerDigest: sha256(Uint8Array.of(1)) })).toBe(false)
  })

  it('does not hold with a bitmap of another length, with unused bits, with other signers, or with a spoilt sum', () => {
    const { proof } = certificate as Certificate & { proof: { kind: 'aggregate'; signers: Bytes; signature: Bytes } }
    const withBits = (...signers: number[]) =>
      verifyCertificate({ ...certificate, proof: { ...proof, signers: Uint8Array.from(signers) } }, options)
    expect(withBits(0b1011)).toBe(true)
    expect(withBits()).toBe(false)
    expect(withBits(0b1011, 0)).toBe(false)
    expect(withBits(0b0001_1011)).toBe(false)
    expect(withBits(0b0111)).toBe(false)
    expect(withBits(0b1111)).toBe(false)
    for (const signature of [new Uint8Array(48), proof.signature.slice(1), Uint8Array.of(0xc0, ...new Uint8Array(47))])
      expect(verifyCertificate({ ...certificate, proof: { ...proof, signature } }, options)).toBe(false)
  })

  it('is not made from signatures under another tag', () => {
    const fields = [toDigest(chainId), 2, 9, headerDigest]
    const wrong = parties.map(({ bls }) => bls.sign(LEDGER_TAGS.pbftExecVote, fields))
    expect(verifyCertificate(aggregateOf([0, 1, 2], wrong.slice(0, 3)), options)).toBe(false)
    const made = aggregateShares(block, new Map(wrong.entries()), { members, blsVerifier })
    expect(made.certificate).toBeUndefined()
  })

  it('names whoever spoilt the sum, and is made without him', () => {
    const shares = new Map<number, Uint8Array>([
      [0, shareOf(0)],
      [1, shareOf(1, { ...block, height: 8 })],
      [2, shareOf(2)],
      [3, shareOf(3)],
    ])
    const made = aggregateShares(block, shares, { members, blsVerifier })
    expect(made.invalid).toEqual([1])
    expect(verifyCertificate(made.certificate as Certificate, options)).toBe(true)
    // Bytes that are no point are found the same way; with two of four gone there is no quorum.
    shares.set(3, new Uint8Array(48))
    const none = aggregateShares(block, shares, { members, blsVerifier })
    expect(none.certificate).toBeUndefined()
    expect([...none.invalid].sort()).toEqual([1, 3])
  })

  it('is verified once where all is well, also when two spoil their shares against each other', () => {
    // One adds what the other takes away: both have signed all the same, or there would be no such sum.
    const { Point } = bls12_381.G1
    const shares = new Map([0, 1, 2].map((index) => [index, shareOf(index)]))
    const [one, two] = [0, 1].map((index) => Point.fromBytes(shares.get(index) as Bytes))
    shares.set(0, Uint8Array.from((one as typeof Point.BASE).add(Point.BASE).toBytes()))
    shares.set(1, Uint8Array.from((two as typeof Point.BASE).subtract(Point.BASE).toBytes()))
    const once = counting(blsVerifier)
    const made = aggregateShares(block, shares, { members, blsVerifier: once })
    expect(made.invalid).toEqual([])
    expect(once.calls()).toBe(1)
    expect(verifyCertificate(made.certificate as Certificate, options)).toBe(true)
  })

  it('refuses a key without a proof that its owner holds the secret', () => {
    // Rogue key: mine minus theirs. Its owner signs alone for both.
    const mine = createBlsSigner(secretKey(77n))
    const victim = members[0] as Member
    const { Point } = bls12_381.G2
    const theirs = Point.fromBytes(victim.bls?.publicKey as Bytes)
    const rogueKey = Uint8Array.from(Point.fromBytes(mine.publicKey).subtract(theirs).toBytes())
    const attacker = parties[1] as Party
    const stolen = { publicKey: rogueKey, proof: attacker.member.bls?.proof as Bytes }
    const group: readonly Member[] = [victim, { did: attacker.member.did, bls: stolen }]
    const fields = [toDigest(chainId), 2, 9, headerDigest]
    const signature = mine.sign(TAGS.blsCertificate, fields)
    const proof = { kind: 'aggregate', signers: Uint8Array.of(3), signature } as const
    const { memberEpoch, height } = block
    const forged = { memberEpoch, height, headerDigest, proof }
    expect(blsVerifier.verifyPossession(group[1] as Member)).toBe(false)
    expect(verifyCertificate(forged, { ...options, members: group })).toBe(false)
    // A copied key with its copied proof is that of another member: nobody votes twice.
    const copied: readonly Member[] = [victim, { ...victim, did: attacker.member.did }]
    expect(blsVerifier.verifyPossession(copied[1] as Member)).toBe(false)
    // And a member without a key can be named by nobody.
    const { did } = attacker.member
    expect(verifyCertificate(aggregateOf([0, 1, 3]), { ...options, members: members.with(1, { did }) })).toBe(false)
  })
})

describe('a group whose members have BLS keys', () => {
  const keys = parties.map(({ bls }) => bls)
  const open = () => createGroup(4, { bls: keys, checkpointEvery: 2 })
  const sharesOf = (group: Group) =>
    group.nodes.flatMap(({ effects }) =>
      effects.flatMap((effect) => {
        if (effect.kind !== 'send') return []
        const message = authenticate(group, effect.bytes)
        return message.kind === 'exec-vote' && message.body.share !== undefined ? [message.body.sequence] : []
      }),
    )

  it('adds up a checkpoint when it is asked to, and not before', () => {
    const group = open()
    const counted = counting(blsVerifier)
    const [node] = group.nodes as [Group['nodes'][number]]
    expect(node.replica.aggregate({ blsVerifier: counted })).toBeUndefined()
    submit(group, 0, 'a')
    submit(group, 0, 'b')
    submit(group, 0, 'c')
    expect(counted.calls()).toBe(0)
    expect(new Set(sharesOf(group))).toEqual(new Set([2]))
    for (const { replica, delivered } of group.nodes) {
      const made = replica.aggregate({ blsVerifier: counted })
      const [, second] = delivered
      expect(made?.invalid).toEqual([])
      expect(made?.certificate).toMatchObject({ height: 2, headerDigest: second?.certificate.headerDigest })
      const { members: config } = group.config
      const expected = {
        members: config,
        chainId,
        headerDigest: second?.certificate.headerDigest as never,
        blsVerifier,
      }
      expect(verifyCertificate(made?.certificate as Certificate, expected)).toBe(true)
    }
    expect(counted.calls()).toBe(4)
  })

  it('takes the share of whoever is late, and names whoever spoils his', () => {
    const group = open()
    const spoil = (bytes: Uint8Array) => {
      const message = authenticate(group, bytes)
      if (message.kind !== 'exec-vote' || message.body.share === undefined || message.signer !== 1) return bytes
      // The share is not signed: on the way it becomes that of another.
      const wire = message.bytes.slice()
      const at = Buffer.from(wire).indexOf(Buffer.from(message.body.share))
      wire.set(shareOf(3), at)
      return wire
    }
    submit(group, 0, 'a')
    const packets: Uint8Array[] = []
    group.fate = (packet, message) => {
      if (message.kind !== 'exec-vote' || packet.to !== 0) return 1
      packets.push(spoil(packet.bytes))
      return 0
    }
    submit(group, 0, 'b')
    const [node] = group.nodes as [Group['nodes'][number]]
    const give = (bytes: Uint8Array) => feed(group, node, { kind: 'message', message: authenticate(group, bytes) })
    const [first, second, third] = packets as [Uint8Array, Uint8Array, Uint8Array]
    give(first)
    give(second)
    // Q votes make the checkpoint; one of their shares is spoilt, and the last comes late.
    expect(node.delivered).toHaveLength(2)
    const before = node.replica.aggregate({ blsVerifier })
    give(third)
    const after = node.replica.aggregate({ blsVerifier })
    expect(after?.invalid).toEqual([1])
    expect(before?.certificate).toBeUndefined()
    expect(after?.certificate?.height).toBe(2)
  })

  it('has late shares verified by an inbox too, which drops other late votes', () => {
    const group = open()
    submit(group, 0, 'a')
    const packets: Uint8Array[] = []
    group.fate = (packet, message) => {
      if (message.kind !== 'exec-vote' || packet.to !== 0) return 1
      packets.push(packet.bytes)
      return 0
    }
    submit(group, 0, 'b')
    const [node] = group.nodes as [Group['nodes'][number]]
    const { config, verifier } = group
    let checks = 0
    const inbox = createInbox({
      config,
      replica: node.replica,
      verifier: {
        verify(item) {
          checks++
          return verifier.verify(item)
        },
      },
    })
    for (const bytes of packets) inbox.receive(bytes)
    expect(checks).toBe(3)
    // Once is enough.
    expect(inbox.receive(packets[2] as Uint8Array)).toMatchObject([{ grade: 'ignored' }])
    expect(node.replica.status().height).toBe(2)
    expect(node.replica.aggregate({ blsVerifier })?.certificate).toBeDefined()
  })

  it('has votes of two forms and no other, and the signature holds for both', () => {
    const { config, verifier, nodes } = open()
    const { signer } = nodes[1] as Group['nodes'][number]
    const body = { sequence: 2, headerDigest, share: shareOf(1) }
    const { bytes } = sealMessage(settleConfig(config), signer, { kind: 'exec-vote', body })
    const [kind, epoch, index, vote, ...rest] = unwrap(parseCbor(bytes)) as readonly CborValue[]
    const [sequence, digest, share] = vote as readonly CborValue[]
    const read = (changed: readonly CborValue[]) =>
      authenticateMessages(
        [encodeCbor([kind as CborValue, epoch as CborValue, index as CborValue, changed, ...rest])],
        {
          config,
          verifier,
        },
      )[0]
    const known = [sequence, digest] as readonly CborValue[]
    expect(read(vote as readonly CborValue[])).toMatchObject({ ok: true, value: { body } })
    expect(read(known)).toMatchObject({ ok: true, value: { body: { sequence: 2, headerDigest } } })
    // Altered on the way: the vote stands, the share is judged when it is added up.
    expect(read([...known, shareOf(2)])).toMatchObject({ ok: true })
    for (const wrong of [new Uint8Array(47), new Uint8Array(49), null, 1])
      expect(read([...known, wrong])).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
    expect(read([...known, share as CborValue, share as CborValue])).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
    expect(read([1, digest as CborValue])).toMatchObject({ code: 'ERR_SIGNATURE_INVALID' })
  })

  it('does not sign shares with a key that the group does not know', () => {
    const { config, nodes } = open()
    const [node] = nodes as [Group['nodes'][number]]
    const { signer, application } = node
    const make = (blsSigner: BlsSigner) => () => createReplica({ config, signer, application, blsSigner, log: [] })
    expect(make(keys[0] as BlsSigner)).not.toThrow()
    expect(make(keys[1] as BlsSigner)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  it('has votes without shares where a member has no key, and no aggregate below Q', () => {
    const group = createGroup(4, { bls: keys.slice(0, 2), checkpointEvery: 2 })
    submit(group, 0, 'a')
    submit(group, 0, 'b')
    const [node] = group.nodes as [Group['nodes'][number]]
    expect(node.delivered).toHaveLength(2)
    expect(node.replica.aggregate({ blsVerifier })).toEqual({ certificate: undefined, invalid: [] })
  })
})

describe('sizes', () => {
  it.each([4, 31])('are constant but for the bitmap with %i members', (count) => {
    const { quorum } = deriveQuorum(count)
    const indexes = Array.from({ length: quorum }, (_, index) => index)
    const signature = shareOf(0)
    const proof = { kind: 'aggregate', signers: encodeSignerBitmap(indexes, count), signature } as const
    const rest = { memberEpoch: 2 ** 32 - 1, height: 2 ** 32, headerDigest }
    const bytes = encodeCertificate({ ...rest, proof })
    const { signer } = parties[0] as Party
    const votes = new Map(indexes.map((index) => [index, signExecution(block, { signer })]))
    const list = encodeCertificate(createCertificate({ ...rest, chainId }, votes, count))
    expect([bytes.length, list.length]).toEqual(count === 4 ? [103, 254] : [106, 1470])
    expect(bytes.length).toBeLessThanOrEqual(112)
    // P14 compares what proves: the sum and its bitmap with the signatures.
    const around = encodeCertificate({ ...rest, proof: { kind: 'list', signatures: [] } }).length
    if (count === 31) expect((bytes.length - around) / (list.length - around)).toBeLessThanOrEqual(0.05)
  })
})
