import { expect, it } from 'vitest'

import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { authenticate, createGroup, feed, tick, type Node } from './group.ts'

const TICKS = 200
const HONEST_CLIENTS = 8
const FLOODER = 99

/** Honest requests executed in a group that orders 16 a tick, while one more client asks for so many a tick at every replica. */
function order(floodPerTick: number): { honest: number; flooding: number; longestWait: number } {
  const group = createGroup(4, { batchTransactionsMax: 16, windowSize: 1, timeoutTicks: 100 })
  const held: { readonly to: number; readonly bytes: Uint8Array }[] = []
  // A COMMIT takes a tick, so a block does.
  group.fate = ({ to, bytes }, message) => {
    if (message.kind !== 'commit') return 1
    held.push({ to, bytes })
    return 0
  }
  const offeredAt = new Map<string, number>()
  const offer = (client: number, payload: string, now: number): void => {
    const request = createSimulatedRequest(client, payload)
    if (client !== FLOODER) offeredAt.set(toHex(request.id), now)
    for (const node of group.nodes) feed(group, node, { kind: 'request', request })
  }
  let done = 0
  let longestWait = 0
  for (let now = 0; now < TICKS; now++) {
    for (let number = 0; number < floodPerTick; number++) offer(FLOODER, `flood ${now} ${number}`, now)
    for (let client = 0; client < HONEST_CLIENTS; client++) offer(client, `${now}`, now)
    for (const { to, bytes } of held.splice(0)) {
      feed(group, group.nodes[to] as Node, { kind: 'message', message: authenticate(group, bytes) })
    }
    tick(group, 1)
    const executed = (group.nodes[0] as Node).application.executed()
    for (const id of executed.slice(done)) longestWait = Math.max(longestWait, now - (offeredAt.get(id) ?? now))
    done = executed.length
  }
  const executed = (group.nodes[0] as Node).application.executed()
  const honest = executed.filter((id) => offeredAt.has(id)).length
  return { honest, flooding: executed.length - honest, longestWait }
}

it('a client that floods leaves honest ones four fifths of what they got, and delays them by its 256 places only (P10)', () => {
  const without = order(0)
  const under = order(40)
  expect(without.honest).toBeGreaterThan(0.9 * TICKS * HONEST_CLIENTS)
  expect(under.honest / without.honest).toBeGreaterThanOrEqual(0.8)
  expect(under.flooding).toBeGreaterThan(0)
  expect(under.longestWait).toBeLessThanOrEqual(256 / (16 - HONEST_CLIENTS) + 4)
})
