import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  exportAuditBundle,
  parseAuditBundle,
  validateAuditBundle,
  type AuditBundle,
  type EpochClosing,
  type LedgerBundle,
  type PatientBundle,
} from '../../src/audit/index.ts'
import {
  createMemoryLedgerStore,
  encodeBlock,
  encodeHeader,
  hashMembers,
  parseBlock,
  type AppliedBlock,
  type StoredBlock,
} from '../../src/chain/index.ts'
import type { Identity } from '../../src/identity/index.ts'
import { createOpensslVerifier } from '../../src/node/index.ts'
import { verifyCommand } from '../../src/node/verify-command.ts'
import { createCertificate, encodeCertificate, signExecution, signExecutionShare } from '../../src/pbft/index.ts'
import { aggregateShares } from '../../src/pbft/aggregate.ts'
import { createBlsSigner } from '../../src/primitives/bls-signature.ts'
import { createBlsVerifier, createMemberBlsKey } from '../../src/primitives/member-bls.ts'
import type { Member } from '../../src/primitives/member.ts'
import { unwrap } from '../../src/errors.ts'
import { approveMembers, type Transaction } from '../../src/transactions/index.ts'
import { secretKey } from '../support/bls.ts'
import { createChainWorld, registerAll } from '../support/chain-world.ts'
import { party } from '../support/parties.ts'

const nodes = Array.from({ length: 6 }, (_, index) => party(`member ${index}`))
const [ann, bob] = [party('ann'), party('bob')]
const bls = nodes.map((_, index) => createBlsSigner(secretKey(BigInt(500 + index))))
const blsVerifier = createBlsVerifier()
const verifier = createOpensslVerifier()

const memberAt = (index: number): Member => ({ did: (nodes[index] as Identity).did })
const withBls = (index: number): Member => {
  const member = memberAt(index)
  return { ...member, bls: createMemberBlsKey(bls[index] as (typeof bls)[number], member.did) }
}

/** Certifies a block by a quorum of these members, in the form that is asked for. */
function certify(
  { block: { header }, headerDigest }: AppliedBlock,
  set: { readonly memberEpoch: number; readonly members: readonly Member[] },
  form: 'list' | 'aggregate' = 'list',
): Uint8Array<ArrayBuffer> {
  const { memberEpoch, members } = set
  const block = { chainId: header.chainId, memberEpoch, height: header.height, headerDigest }
  const indexes = members.map(({ did }) => nodes.findIndex((node) => node.did === did))
  if (form === 'aggregate') {
    const shares = new Map(
      indexes.map((node, index) => [
        index,
        signExecutionShare(block, { blsSigner: bls[node] as (typeof bls)[number] }),
      ]),
    )
    const { certificate } = aggregateShares(block, shares, { members, blsVerifier })
    return encodeCertificate(certificate as NonNullable<typeof certificate>)
  }
  const votes = new Map(
    indexes.map((node, index) => [index, signExecution(block, { signer: (nodes[node] as Identity).signer })]),
  )
  return encodeCertificate(createCertificate(block, votes, members.length))
}

/** Three epochs: a list, a list, and one whose members have BLS keys and certify by aggregates. */
function createWorld() {
  const world = createChainWorld({
    members: [0, 1, 2, 3].map(memberAt),
    balances: [{ account: ann.did, amount: 9 }],
    blsVerifier,
  })
  const { genesis, ledger } = world
  const stored: StoredBlock[] = []
  const applied: AppliedBlock[] = []
  const store = createMemoryLedgerStore()
  const apply = ledger.applyBatch.bind(ledger)
  Object.assign(ledger, {
    applyBatch(batch: Parameters<typeof apply>[0]) {
      const set = ledger.members
      const block = apply(batch)
      const { height } = block.block.header
      const certificate = certify(block, set, set.memberEpoch === 2 ? 'aggregate' : 'list')
      const entry = { height, block: encodeBlock(block.block), certificate }
      stored.push(entry)
      applied.push(block)
      void store.append(entry)
      return block
    },
  })
  const change = (members: readonly Member[]): Transaction => {
    const { memberEpoch, members: present } = ledger.members
    const approvals = present.slice(0, 3).map(({ did }, member) => {
      const { signer } = nodes.find((node) => node.did === did) as Identity
      return { member, signature: approveMembers({ chainId: genesis.chainId, memberEpoch, members }, { signer }) }
    })
    return world.sign(nodes[1] as Identity, { kind: 'config', memberEpoch, members, approvals })
  }
  registerAll(world, ann, bob)
  world.block([change([1, 2, 3, 4].map(memberAt))])
  expect(world.send(ann, { kind: 'transfer', payee: bob.did, amount: 1, memo: null })).toBe(null)
  world.block([
    world.sign(ann, { kind: 'transfer', payee: bob.did, amount: 1, memo: null }),
    change([1, 2, 4, 5].map(withBls)),
  ])
  expect(world.send(ann, { kind: 'transfer', payee: bob.did, amount: 1, memo: null })).toBe(null)
  world.block([])
  return { ...world, stored, applied, source: { store, genesis, ledger } }
}

let world: ReturnType<typeof createWorld>
let bytes: { readonly ledger: Uint8Array; readonly patient: Uint8Array }
let whole: LedgerBundle
let hers: PatientBundle

beforeAll(async () => {
  world = createWorld()
  bytes = {
    ledger: await exportAuditBundle(world.source),
    patient: await exportAuditBundle(world.source, { patient: ann.did }),
  }
  whole = unwrap(parseAuditBundle(bytes.ledger)) as LedgerBundle
  hers = unwrap(parseAuditBundle(bytes.patient)) as PatientBundle
})

const validate = (bundle: AuditBundle, more: object = {}) =>
  validateAuditBundle(bundle, { chainId: world.genesis.chainId, verifier, blsVerifier, ...more })

async function breakOf(bundle: AuditBundle, more: object = {}): Promise<string> {
  const result = await validate(bundle, more)
  if (result.ok) return 'accepted'
  const { code, details } = result
  return [code, 'height' in details ? details.height : '', 'link' in details ? details.link : ''].join(' ').trim()
}

describe('a bundle across member epochs', () => {
  it.each(['ledger', 'patient'] as const)('of a %s names the path that it rests on', async (form) => {
    const { evidence } = unwrap(await validate(form === 'ledger' ? whole : hers))
    expect(evidence.epochs).toEqual(
      [
        { memberEpoch: 0, heightFirst: 1, heightLast: 3, at: [0, 1, 2, 3].map(memberAt) },
        { memberEpoch: 1, heightFirst: 4, heightLast: 5, at: [1, 2, 3, 4].map(memberAt) },
        { memberEpoch: 2, heightFirst: 6, heightLast: 7, at: [1, 2, 4, 5].map(withBls) },
      ].map(({ at, ...epoch }) => ({
        ...epoch,
        members: at.map(({ did }) => did),
        membersHash: hashMembers(at),
        quorum: 3,
      })),
    )
  })

  it('needs a verifier of aggregates only where there are some', async () => {
    expect(await breakOf(whole, { blsVerifier: undefined })).toBe('ERR_CHAIN_PROOF 5')
    expect(await breakOf(hers, { blsVerifier: undefined })).toBe('ERR_CHAIN_CERTIFICATE 7')
  })

  it('comes from a store that ends with the change: who follows has certified nothing yet', async () => {
    const store = createMemoryLedgerStore()
    for (const block of world.stored.slice(0, 3)) await store.append(block)
    const source = { store, genesis: world.genesis, verifier }
    for (const options of [{}, { patient: ann.did }]) {
      const bundle = unwrap(parseAuditBundle(await exportAuditBundle(source, options)))
      expect(unwrap(await validate(bundle)).evidence.epochs.map(({ heightLast }) => heightLast)).toEqual([3])
    }
  })
})

describe('a ledger bundle with another path', () => {
  const at = (height: number) => world.stored[height - 1] as StoredBlock
  const withCertificate = (height: number, certificate: Uint8Array<ArrayBuffer>): LedgerBundle => ({
    ...whole,
    blocks: whole.blocks.with(height - 1, { ...at(height), certificate }),
  })
  const setAt = (height: number) => ({
    memberEpoch: height <= 3 ? 0 : height <= 5 ? 1 : 2,
    members:
      height <= 3 ? [0, 1, 2, 3].map(memberAt) : height <= 5 ? [1, 2, 3, 4].map(memberAt) : [1, 2, 4, 5].map(withBls),
  })
  const certifiedBy = (height: number, set: ReturnType<typeof setAt>): LedgerBundle =>
    withCertificate(height, certify(world.applied[height - 1] as AppliedBlock, set))

  it('is refused where those before or after certify', async () => {
    expect(await breakOf(certifiedBy(4, setAt(4)))).toBe('accepted')
    // Either form will do where the members have keys for both.
    expect(await breakOf(certifiedBy(6, setAt(6)))).toBe('accepted')
    expect(await breakOf(certifiedBy(4, setAt(3)))).toBe('ERR_CHAIN_CERTIFICATE 4')
    expect(await breakOf(certifiedBy(3, setAt(4)))).toBe('ERR_CHAIN_CERTIFICATE 3')
    expect(await breakOf(certifiedBy(4, { ...setAt(3), memberEpoch: 1 }))).toBe('ERR_CHAIN_CERTIFICATE 4')
    expect(await breakOf(certifiedBy(4, { ...setAt(4), memberEpoch: 0 }))).toBe('ERR_CHAIN_CERTIFICATE 4')
  })

  it('is refused where blocks are listed under another epoch', async () => {
    expect(await breakOf({ ...whole, epochs: [1, 5, 6] })).toBe('ERR_AUDIT_BROKEN 4 member epoch')
    expect(await breakOf({ ...whole, epochs: [1, 3, 6] })).toBe('ERR_AUDIT_BROKEN 3 member epoch')
    expect(await breakOf({ ...whole, epochs: [1] })).toBe('ERR_AUDIT_BROKEN 4 member epoch')
    expect(await breakOf({ ...whole, epochs: [1, 4] })).toBe('ERR_AUDIT_BROKEN 6 member epoch')
  })
})

describe("a patient's bundle with another path", () => {
  const withEpochs = (epochs: readonly EpochClosing[]): PatientBundle => ({ ...hers, epochs })
  const [first, second] = [0, 1].map((index) => () => hers.epochs[index] as EpochClosing) as [
    () => EpochClosing,
    () => EpochClosing,
  ]

  it('is refused where a change is left out, comes twice or in another order', async () => {
    expect(await breakOf(withEpochs([first()]))).toBe('ERR_AUDIT_BROKEN 7 member epoch')
    expect(await breakOf(withEpochs([]))).toBe('ERR_AUDIT_BROKEN 7 member epoch')
    expect(await breakOf(withEpochs([second()]))).toBe('ERR_AUDIT_BROKEN 5 member epoch')
    expect(await breakOf(withEpochs([first(), first(), second()]))).toBe('ERR_AUDIT_BROKEN 3 order')
    expect(await breakOf(withEpochs([second(), first()]))).toBe('ERR_AUDIT_BROKEN 5 member epoch')
  })

  it('is refused where others are named as the next', async () => {
    const others = [0, 1, 2, 5].map(memberAt)
    expect(await breakOf(withEpochs([{ ...first(), members: others }, second()]))).toBe('ERR_AUDIT_BROKEN 3 members')
    expect(await breakOf(withEpochs([{ ...first(), members: first().members.toReversed() }, second()]))).toBe(
      'ERR_AUDIT_BROKEN 3 members',
    )
    // Keys without a proof of possession take part in no aggregate.
    const stolen = second().members.map((member, index) => ({
      ...member,
      bls: { ...(member.bls as NonNullable<Member['bls']>), proof: second().members[3 - index]?.bls?.proof as never },
    }))
    expect(await breakOf(withEpochs([first(), { ...second(), members: stolen }]))).toBe('ERR_CHAIN_CERTIFICATE 7')
  })

  it('is refused where those after certify the change, or its header closes nothing', async () => {
    const closing = world.applied[2] as AppliedBlock
    const set = { memberEpoch: 0, members: [1, 2, 3, 4].map(memberAt) }
    expect(await breakOf(withEpochs([{ ...first(), certificate: certify(closing, set) }, second()]))).toBe(
      'ERR_CHAIN_CERTIFICATE 3',
    )
    expect(await breakOf(withEpochs([{ ...first(), certificate: new Uint8Array(3) }, second()]))).toBe(
      'ERR_AUDIT_BROKEN 3 certificate',
    )
    const { header } = unwrap(parseBlock((world.stored[1] as StoredBlock).block))
    const idle = {
      ...first(),
      header: encodeHeader(header),
      certificate: (world.stored[1] as StoredBlock).certificate,
    }
    expect(await breakOf(withEpochs([idle, second()]))).toBe('ERR_CHAIN_PROOF 2')
    expect(await breakOf(withEpochs([{ ...first(), historyProof: second().historyProof }, second()]))).toBe(
      'ERR_CHAIN_PROOF 3',
    )
    expect(await breakOf(withEpochs([{ ...first(), header: new Uint8Array(9) }, second()]))).toBe(
      'ERR_AUDIT_BROKEN 1 header',
    )
  })

  it('is refused where a trusted head is another closing block', async () => {
    const trustedHead = { height: 3, hash: new Uint8Array(32) }
    expect(await breakOf(hers, { trustedHead })).toBe('ERR_AUDIT_BROKEN 3 trusted head')
    expect(
      await breakOf(hers, { trustedHead: { height: 3, hash: (world.applied[2] as AppliedBlock).headerDigest } }),
    ).toBe('accepted')
  })
})

describe('vitalseal verify', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vitalseal-epochs-'))
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  async function verify(name: string, content: Uint8Array) {
    const file = join(folder, name)
    writeFileSync(file, content)
    let [out, err] = ['', '']
    const io = {
      out: (text: string) => {
        out += text
      },
      err: (text: string) => {
        err += text
      },
      isTerminal: false,
      elapsedMs: () => 0,
    }
    const code = await verifyCommand.run([file, '--chain', world.genesis.chainId], io)
    return { code, out, err }
  }

  it.each(['ledger', 'patient'] as const)('prints the epochs of a %s', async (form) => {
    const { code, out, err } = await verify(`${form}.car`, bytes[form])
    expect([code, err]).toEqual([0, ''])
    expect(out.split('\n').filter((line) => line.includes('member epoch'))).toEqual([
      '  relied on     member epoch 0, blocks 1 to 3: 3 of 4 members',
      '  relied on     member epoch 1, blocks 4 to 5: 3 of 4 members',
      '  relied on     member epoch 2, blocks 6 to 7: 3 of 4 members',
    ])
  })

  it('fails when the path in the file was changed', async () => {
    // The members before the change go on certifying: the file is well-formed, and every header is the true one.
    const store = createMemoryLedgerStore()
    for (const entry of world.stored.slice(0, 5)) {
      const block = world.applied[entry.height - 1] as AppliedBlock
      const { memberEpoch } = block.block.header
      const members = [0, 1, 2, 3].map(memberAt)
      await store.append({ ...entry, certificate: certify(block, { memberEpoch, members }) })
    }
    const { code, err } = await verify('forked.car', await exportAuditBundle({ store, genesis: world.genesis }))
    expect(code).toBe(1)
    expect(err).toContain('NOT verified: block 4: no quorum of its members signed it (ERR_CHAIN_CERTIFICATE)')
  })
})
