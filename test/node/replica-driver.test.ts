import { expect, it } from 'vitest'

import { createCertificate, signExecution, type Effect, type Inbox, type Replica } from '../../src/pbft/index.ts'
import type { LedgerApplication } from '../../src/node/ledger-application.ts'
import type { NodeStore, StoreChange } from '../../src/node/level-store.ts'
import { ReplicaDriver } from '../../src/node/replica-driver.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { chainId, party } from '../support/parties.ts'

const ann = party('ann')

function deliver(height: number): Effect {
  const executed = { chainId, memberEpoch: 0, height, headerDigest: sha256(Uint8Array.of(height)) }
  const votes = [0, 1, 2].map((member) => [member, signExecution(executed, { signer: ann.signer })] as const)
  const certificate = createCertificate(executed, new Map(votes), 4)
  return { kind: 'deliver', height, block: Uint8Array.of(height), certificate, nextMembers: null } as unknown as Effect
}

/** A driver over a store with two blocks; the replica gives what it is told to. */
function createWorld() {
  const given: Effect[] = []
  const written: number[] = []
  const delivered: number[] = []
  const failures: unknown[] = []
  const head = { memory: 'kept', memberEpoch: 0, last: null, height: 2, deliveredHeight: 2 }
  const store = {
    head,
    write({ blocks = [] }: StoreChange) {
      written.push(...blocks.map(({ height }) => height))
      head.height += blocks.length
      return Promise.resolve()
    },
  } as unknown as NodeStore
  const driver = new ReplicaDriver({
    replica: { status: () => ({ mode: 'normal' }) } as unknown as Replica,
    inbox: { step: () => given.splice(0) } as unknown as Inbox,
    memberEpoch: 0,
    application: { adoptedHeight: 0 } as LedgerApplication,
    store,
    send: () => undefined,
    onDeliver: ({ height }) => delivered.push(height),
    onEvidence: () => undefined,
    onReject: () => undefined,
    onFailure: (error) => failures.push(error),
  })
  const step = async (...effects: readonly Effect[]) => {
    given.push(...effects)
    driver.step({ kind: 'tick', nowMs: 0 })
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { step, written, delivered, failures }
}

it('stores the next blocks, and none behind a gap, which the host is told of all the same', async () => {
  const { step, written, delivered, failures } = createWorld()
  await step(deliver(3), deliver(4))
  // As after a restart, when the certificates of 5 to 9 are gone at those who were asked.
  await step(deliver(10))
  await step(deliver(11))
  await step(deliver(5))
  expect(written).toEqual([3, 4, 5])
  await step({ kind: 'persist', record: { index: 0, bytes: new Uint8Array() } } as unknown as Effect)
  expect(delivered).toEqual([3, 4, 10, 11, 5])
  expect(failures).toEqual([])
})
