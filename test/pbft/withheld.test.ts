// What one member alone knows, or repeats, must not stop the others.
import { describe, expect, it } from 'vitest'

import { createBatch } from '../../src/pbft/batch.ts'
import { settleConfig } from '../../src/pbft/config.ts'
import { entryCountMax } from '../../src/pbft/limits.ts'
import { sealMessage, type Draft, type MessageKind, type VerifiedMessage } from '../../src/pbft/message.ts'
import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { fail } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { agreement, authenticate, createGroup, feed, settle, submit, tick, type Group, type Node } from './group.ts'

const nodeAt = (group: Group, index: number): Node => group.nodes[index] as Node

function sealAs<K extends MessageKind>(group: Group, index: number, draft: Draft<K>): VerifiedMessage<K> {
  return sealMessage(settleConfig(group.config), nodeAt(group, index).signer, draft)
}

function send<K extends MessageKind>(group: Group, from: number, to: number, draft: Draft<K>): void {
  const { bytes } = sealAs(group, from, draft)
  feed(group, nodeAt(group, to), { kind: 'message', message: authenticate(group, bytes) })
}

describe('a prepared certificate whose batch its holder keeps to itself', () => {
  /** Replicas 0 and 1 of seven are faulty: together with the PREPAREs of three they have a certificate, and nobody else has. */
  function withhold(): { readonly group: Group; readonly spread: () => void } {
    const group = createGroup(7)
    const faulty = [nodeAt(group, 0), nodeAt(group, 1)]
    for (const node of faulty) node.isDown = true
    const requests = [createSimulatedRequest(9, 'withheld')]
    const batch = createBatch({ originalView: 0, proposer: 0, timeMs: group.nowMs, requests })
    const body = { view: 0, sequence: 1, digest: batch.digest }
    const proposal = sealAs(group, 0, { kind: 'pre-prepare', body, batch })
    for (const to of [2, 3, 4]) send(group, 0, to, { kind: 'pre-prepare', body, batch })
    const honest = group.packets.flatMap(({ bytes, to }) => {
      const message = to === 5 ? authenticate(group, bytes) : undefined
      return message?.kind === 'prepare' ? [message] : []
    })
    settle(group)
    const prepares = [sealAs(group, 1, { kind: 'prepare', body }), ...honest].map(({ signer, signature }) => ({
      signer,
      signature: signature as NonNullable<typeof signature>,
    }))
    expect(prepares.map(({ signer }) => signer)).toEqual([1, 2, 3, 4])
    const prePrepare = proposal.signature as NonNullable<typeof proposal.signature>
    const certificate = { ...body, prePrepare, prepares }
    const spread = (): void => {
      for (const to of [2, 3, 4, 5, 6]) {
        const view = nodeAt(group, to).replica.status().view + 1
        // The view after the proposal fails by the silence of replica 1, and is left by all without its batch.
        const prepared = view === 1 ? [] : [certificate]
        send(group, 0, to, { kind: 'view-change', body: { view, stable: 0, checkpoint: null, prepared } })
      }
    }
    return { group, spread }
  }

  it('stops nobody: a leader counts a VIEW-CHANGE when it has the batches that it names', () => {
    const { group, spread } = withhold()
    for (const index of [2, 3, 4, 5, 6]) submit(group, index, 'honest')
    for (let turn = 0; turn < 400; turn++) {
      spread()
      tick(group, 1)
    }
    expect(agreement(group).executed).toContain(toHex(createSimulatedRequest(0, 'honest').id))
    expect(nodeAt(group, 2).replica.status()).toMatchObject({ view: 2, mode: 'normal' })
  })
})

it('a leader that names ever other VIEW-CHANGEs fills no memory with them', () => {
  const group = createGroup(4)
  const to = nodeAt(group, 2)
  const max = entryCountMax({ logSpan: 64, replicaCount: 4 })
  for (let turn = 1; turn <= 2 * max; turn++) {
    const change = { kind: 'view-change', body: { view: turn, stable: 0, checkpoint: null, prepared: [] } } as const
    const { digest } = sealAs(group, 1, change)
    const viewChanges = [0, 1, 2].map((signer) => ({
      signer,
      digest: signer === 1 ? (digest as NonNullable<typeof digest>) : sha256(Uint8Array.of(signer)),
    }))
    send(group, 1, 2, { kind: 'new-view', body: { view: 1, order: [], viewChanges } })
    send(group, 1, 2, change)
    group.packets.length = 0
  }
  expect(to.replica.status().entryCount).toBeLessThanOrEqual(max)
  expect(to.replica.status().entryCount).toBeLessThan(10)
})

it('a request that has become void is dropped, and no primary is given up for it', () => {
  const group = createGroup(4)
  const rival = createSimulatedRequest(0, 'the same nonce as one that was executed')
  // The primary executed the other one first, and does not take this one any more.
  for (const to of [1, 2, 3]) feed(group, nodeAt(group, to), { kind: 'request', request: rival })
  group.packets.length = 0
  const voidId = toHex(rival.id)
  for (const { application } of group.nodes) {
    const check = application.check.bind(application)
    application.check = (request) =>
      toHex(request.id) === voidId
        ? fail('ERR_CHAIN_NONCE', 'used', { details: { nonceNext: 1, found: 0 } })
        : check(request)
  }
  tick(group, 100)
  for (const { replica } of group.nodes) {
    expect(replica.status()).toMatchObject({ view: 0, mode: 'normal', requestCount: 0 })
  }
})

it('a replica that moved on alone stops nobody, though another one fails then', () => {
  const group = createGroup(4)
  // Replica 3 alone knows of a request, cannot tell anyone, and gives up view 0.
  group.fate = ({ from, to }) => (from === 3 || to === 3 ? 0 : 1)
  feed(group, nodeAt(group, 3), { kind: 'request', request: createSimulatedRequest(1, 'known to one') })
  tick(group, 60)
  const modes = () => group.nodes.map(({ replica }) => `${replica.status().view} ${replica.status().mode}`)
  expect(modes()).toEqual(['0 normal', '0 normal', '0 normal', '1 view-change'])
  group.fate = () => 1
  // The leader of the view that replica 3 waits for.
  nodeAt(group, 1).isDown = true
  submit(group, 0, 'honest')
  tick(group, 60 + 80 + 40)
  expect(agreement(group)).toMatchObject({ executed: { length: 2 } })
})
