import { describe, expect, it } from 'vitest'

import { createSigner, createVerifier } from '../../src/primitives/signature.ts'
import { verifyCertificate, type Certificate } from '../../src/pbft/certificate.ts'
import { deriveQuorum } from '../../src/pbft/quorum.ts'
import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { signaturesOf } from '../support/certificates.ts'
import {
  agreement,
  authenticate,
  chainId,
  createGroup,
  feed,
  restart,
  settle,
  submit,
  tick,
  type Group,
} from './group.ts'

const payloads = (count: number, name = 'request'): string[] =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`)

/** Whatever was lost is made good by STATUS after some ticks. */
function recover(group: Group): void {
  group.fate = () => 1
  tick(group, 200)
}

describe('the normal case', () => {
  it('orders requests of any replica alike on all four and certifies each block', () => {
    const group = createGroup(4, { batchTransactionsMax: 2 })
    submit(group, 0, ...payloads(5))
    submit(group, 2, 'from a backup')
    const { height, executed } = agreement(group)
    expect(executed).toHaveLength(6)
    for (const node of group.nodes) {
      expect(node.delivered.map((block) => block.height)).toEqual(
        Array.from({ length: height }, (_, index) => index + 1),
      )
      for (const { certificate } of node.delivered) {
        const { headerDigest } = certificate
        const options = { members: group.config.members, chainId, headerDigest, verifier: group.verifier }
        expect(verifyCertificate(certificate, options)).toBe(true)
      }
    }
  })

  it('runs with real keys', () => {
    const signers = [1, 2, 3, 4].map((byte) => createSigner(new Uint8Array(32).fill(byte)))
    const group = createGroup(4, { keys: { signers, verifier: createVerifier() } })
    submit(group, 1, 'one', 'two')
    expect(agreement(group)).toMatchObject({ executed: { length: 2 } })
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 10])('goes on with f of %i replicas silent, with exactly Q voting', (count) => {
    const { faultMax, quorum } = deriveQuorum(count)
    const group = createGroup(count)
    for (const node of group.nodes.slice(count - faultMax)) node.isDown = true
    submit(group, 0, ...payloads(3))
    expect(agreement(group)).toMatchObject({ height: 3, executed: { length: 3 } })
    const certificate = group.nodes[0]?.delivered[0]?.certificate
    expect(signaturesOf(certificate as Certificate).filter((signature) => signature !== null)).toHaveLength(quorum)
  })

  it('does not go on with one silent replica too many', () => {
    const group = createGroup(4)
    for (const node of group.nodes.slice(2)) node.isDown = true
    submit(group, 0, 'never')
    tick(group, 30)
    expect(agreement(group)).toMatchObject({ height: 0, executed: { length: 0 } })
  })

  it('sends exactly 2n(n - 1) messages a block, EXEC-VOTEs apart', () => {
    for (const count of [4, 7]) {
      const group = createGroup(count)
      const sent = new Map<string, number>()
      group.fate = (_packet, message) => {
        sent.set(message.kind, (sent.get(message.kind) ?? 0) + 1)
        return 1
      }
      submit(group, 0, 'one block')
      const ordering = ['pre-prepare', 'prepare', 'commit'].reduce((sum, kind) => sum + (sent.get(kind) ?? 0), 0)
      // n - 1 proposals, (n - 1)^2 PREPAREs, n (n - 1) COMMITs.
      expect(ordering).toBe(2 * count * (count - 1))
      expect(sent.get('exec-vote')).toBe(count * (count - 1))
    }
  })

  it('fills batches while it waits, and sends a part after batchWaitTicks', () => {
    const group = createGroup(4, { batchWaitTicks: 3, batchTransactionsMax: 4 })
    submit(group, 0, ...payloads(5))
    expect(agreement(group)).toMatchObject({ height: 1, executed: { length: 4 } })
    tick(group, 3)
    expect(agreement(group)).toMatchObject({ height: 2, executed: { length: 5 } })
  })

  it('closes a batch at its bytes', () => {
    const group = createGroup(4, { batchWaitTicks: 3, batchBytesMax: 60 })
    submit(group, 0, 'x'.repeat(40), 'y'.repeat(40))
    tick(group, 4)
    expect(agreement(group).height).toBe(2)
  })

  it('keeps no more proposals in flight than the window', () => {
    const group = createGroup(4, { windowSize: 3, batchTransactionsMax: 1 })
    group.fate = (_packet, message) => (message.kind === 'prepare' ? 0 : 1)
    submit(group, 0, ...payloads(10))
    const primary = group.nodes[0]
    const proposals = primary?.effects.filter((effect) => effect.kind === 'persist') ?? []
    // The record of the new identity, and three proposals.
    expect(proposals).toHaveLength(1 + 3)
    recover(group)
    expect(agreement(group).executed).toHaveLength(10)
  })

  it('passes the proposing on after every block when asked to rotate', () => {
    const group = createGroup(4, { rotateEvery: 1, batchTransactionsMax: 1 })
    for (const index of [0, 1, 2, 3, 4, 5]) submit(group, index % 4, `request ${index}`)
    expect(agreement(group)).toMatchObject({ height: 6, executed: { length: 6 } })
    const proposers = group.nodes.map((node) => node.replica.status().primary)
    expect(new Set(proposers)).toEqual(new Set([group.config.members[2]?.did]))
  })

  it('moves its watermark at checkpoints, and frees log and disk', () => {
    const group = createGroup(4, { checkpointEvery: 4, batchTransactionsMax: 1 })
    submit(group, 0, ...payloads(10))
    for (const node of group.nodes) {
      expect(node.replica.status()).toMatchObject({ height: 10, stableHeight: 8 })
      // Two open blocks, each accepted, prepared and executed, and the checkpoint.
      expect(node.log.length).toBeLessThanOrEqual(7)
    }
  })

  it('does not order a request twice', () => {
    const group = createGroup(4)
    submit(group, 0, 'once')
    submit(group, 1, 'once')
    submit(group, 0, 'once')
    expect(agreement(group)).toMatchObject({ height: 1, executed: { length: 1 } })
  })

  it('refuses a request that the application refuses, and one of a wrong form, without an exception', () => {
    const group = createGroup(4)
    const [node] = group.nodes
    const request = { ...createSimulatedRequest(0, 'forged'), bytes: new Uint8Array(20) }
    const wrong = { ...createSimulatedRequest(0, 'no client'), client: new Uint8Array() }
    for (const bad of [request, wrong]) {
      expect(feed(group, node as never, { kind: 'request', request: bad })).toEqual([
        expect.objectContaining({ kind: 'reject', grade: 'rejected', from: null }),
      ])
    }
    settle(group)
    expect(agreement(group).height).toBe(0)
  })

  it('takes the same inputs to the same state', () => {
    const digests = [0, 1].map(() => {
      const group = createGroup(4)
      submit(group, 1, ...payloads(5))
      tick(group, 3)
      return group.nodes.map((node) => node.replica.digest().join())
    })
    expect(digests[0]).toEqual(digests[1])
  })
})

describe('a faulty network', () => {
  const draws = (seed: number) => {
    let state = seed
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
  }

  it.each([1, 2, 3, 4, 5])('does not matter: order, duplication and loss by seed %i', (seed) => {
    const draw = draws(seed)
    const group = createGroup(4, { checkpointEvery: 4, batchTransactionsMax: 2 })
    group.pick = (count) => Math.floor(draw() * count)
    group.fate = () => (draw() < 0.15 ? 0 : draw() < 0.1 ? 2 : 1)
    for (let round = 0; round < 10; round++) {
      submit(group, 0, ...payloads(3, `round ${round}`))
      tick(group, 3)
    }
    recover(group)
    expect(agreement(group)).toMatchObject({ executed: { length: 30 } })
    for (const node of group.nodes) {
      const heights = node.delivered.map((block) => block.height)
      expect(heights).toEqual(heights.map((_, index) => index + 1))
      expect(node.effects.filter(({ kind }) => kind === 'halt' || kind === 'evidence')).toEqual([])
    }
  })

  it('brings a replica that slept through everything up by blocks', () => {
    const group = createGroup(4, { checkpointEvery: 4, batchTransactionsMax: 1 })
    const sleeper = group.nodes[3]
    if (sleeper !== undefined) sleeper.isDown = true
    submit(group, 0, ...payloads(20))
    if (sleeper !== undefined) sleeper.isDown = false
    tick(group, 100)
    expect(agreement(group)).toMatchObject({ height: 20, executed: { length: 20 } })
    expect(sleeper?.delivered.map((block) => block.height)).toHaveLength(20)
  })

  it('brings it up by a snapshot when the blocks are gone', () => {
    const group = createGroup(4, { checkpointEvery: 4, historyBlocks: 8, batchTransactionsMax: 1 })
    const sleeper = group.nodes[3]
    if (sleeper !== undefined) sleeper.isDown = true
    submit(group, 0, ...payloads(40))
    if (sleeper !== undefined) sleeper.isDown = false
    tick(group, 200)
    expect(agreement(group)).toMatchObject({ height: 40, executed: { length: 40 } })
    submit(group, 0, 'after')
    expect(agreement(group)).toMatchObject({ height: 41, executed: { length: 41 } })
  })
})

describe('restart', () => {
  it('continues from the log, wherever the application was rebuilt', () => {
    const group = createGroup(4, { checkpointEvery: 4, batchTransactionsMax: 1 })
    submit(group, 0, ...payloads(3))
    for (const node of group.nodes) restart(group, node.index)
    submit(group, 0, 'after')
    tick(group, 100)
    expect(agreement(group)).toMatchObject({ height: 4, executed: { length: 4 } })
    expect(group.nodes[1]?.delivered.map((block) => block.height)).toEqual([1, 2, 3, 1, 2, 3, 4])
  })

  it('sends its votes again, the same bytes', () => {
    const group = createGroup(4)
    group.fate = () => 0
    submit(group, 0, 'all votes are lost')
    for (const node of group.nodes) restart(group, node.index)
    group.fate = () => 1
    tick(group, 1)
    expect(agreement(group)).toMatchObject({ height: 1, executed: { length: 1 } })
    expect(group.nodes.flatMap((node) => node.effects.filter(({ kind }) => kind === 'evidence'))).toEqual([])
  })

  it('fetches what an application that was lost needs, below the watermark', () => {
    const group = createGroup(4, { checkpointEvery: 4, batchTransactionsMax: 1 })
    submit(group, 0, ...payloads(10))
    restart(group, 2)
    tick(group, 100)
    submit(group, 0, 'after')
    expect(agreement(group)).toMatchObject({ height: 11, executed: { length: 11 } })
  })

  it('recovers from an empty disk in silence until none of its old votes can matter', () => {
    const group = createGroup(4, { checkpointEvery: 4, batchTransactionsMax: 1 })
    submit(group, 0, ...payloads(6))
    const node = restart(group, 3, { log: [] })
    node.effects.length = 0
    tick(group, 60)
    expect(node.replica.status()).toMatchObject({ mode: 'recovering', height: 6 })
    const votes = () =>
      node.effects.flatMap((effect) => {
        if (effect.kind !== 'send') return []
        const { kind } = authenticate(group, effect.bytes)
        return ['prepare', 'commit', 'exec-vote'].includes(kind) ? [kind] : []
      })
    // The group's checkpoint was 4, L is 8: silent until its checkpoint is 20.
    submit(group, 0, ...payloads(13, 'more'))
    tick(group, 60)
    expect(votes()).toEqual([])
    expect(node.replica.status()).toMatchObject({ mode: 'recovering', height: 19 })
    submit(group, 0, 'the twentieth', 'and one more')
    tick(group, 60)
    expect(node.replica.status()).toMatchObject({ mode: 'normal', height: 21 })
    submit(group, 0, 'with its vote')
    expect(votes().length).toBeGreaterThan(0)
    expect(agreement(group).executed).toHaveLength(22)
  })

  it('halts when executing again gives another header', () => {
    const group = createGroup(4)
    submit(group, 0, 'one')
    const node = restart(group, 1, {
      log: group.nodes[1]?.log.map((record) => record) ?? [],
      application: { ...(group.nodes[0]?.application as never as object), ...otherApplication() } as never,
    })
    const effects = feed(group, node, { kind: 'tick', nowMs: group.nowMs })
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'halt', height: 1 }))
    expect(feed(group, node, { kind: 'tick', nowMs: group.nowMs })).toEqual([])
    expect(node.replica.status().mode).toBe('halted')
  })
})

function otherApplication(): object {
  const digest = new Uint8Array(32).fill(9)
  return {
    head: () => ({ height: 0, headerDigest: digest, stateRoot: digest }),
    apply: () => ({ block: new Uint8Array(), headerDigest: digest, stateRoot: digest }),
  }
}
