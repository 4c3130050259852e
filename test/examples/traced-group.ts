/** Four replicas over a network with delays, one of which is killed: what their nodes would note in their traces. */

import { createSimulatedApplication, createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import { authenticateMessages } from '../../src/pbft/authenticate.ts'
import { createReplica } from '../../src/pbft/replica.ts'
import type { Input } from '../../src/pbft/types.ts'
import { unwrap } from '../../src/errors.ts'
import { parseId } from '../../src/primitives/ids.ts'
import type { Submitted } from '../../examples/demo/trace.ts'

/** What was noted, and what the client saw. */
export interface TracedRun {
  readonly members: readonly string[]
  /** Lines of each node's trace. */
  readonly traces: readonly (readonly object[])[]
  readonly submitted: readonly Submitted[]
  readonly killed: { readonly lane: number; readonly atMs: number }
}

const NODES = 4
const TICK_MS = 10
const START_MS = 1_700_000_000_000

/** Runs requests one after the other; before `killAt` is answered, the first leader is killed. */
export function runTraced({ requests, killAt }: { readonly requests: number; readonly killAt: number }): TracedRun {
  const { signers, verifier } = createSimulatedKeys(NODES, 1)
  const chainId = unwrap(parseId('chain', 'c1'.repeat(32)))
  const config = { chainId, members: signers.map(({ did }) => ({ did })), batchWaitTicks: 0, timeoutTicks: 50 }
  const replicas = signers.map((signer) => createReplica({ config, signer, application: createSimulatedApplication() }))
  const members = signers.map(({ did }) => did)
  const traces: object[][] = signers.map(() => [])
  const submitted: Submitted[] = []
  const events: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = []
  let [nowMs, order, seed, request, sentMs, deadMs] = [START_MS, 0, 7, 0, START_MS, Number.POSITIVE_INFINITY]
  const isDead = (node: number) => node === 0 && nowMs >= deadMs

  const at = (delayMs: number, run: () => void) => void events.push({ atMs: nowMs + delayMs, order: order++, run })
  const delay = () => 0.2 + (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647

  function note(node: number, direction: 'sent' | 'received', from: number, to: readonly string[], bytes: Uint8Array) {
    const [checked] = authenticateMessages([bytes], { config, verifier })
    if (checked?.ok !== true) return undefined
    const { kind, body } = checked.value as { readonly kind: string; readonly body: object }
    const { view, sequence } = body as { readonly view?: number; readonly sequence?: number }
    traces[node]?.push({ atMs: nowMs, direction, kind, from: members[from], to, view, sequence })
    return checked.value
  }

  function step(node: number, input: Input): void {
    if (isDead(node)) return
    for (const effect of replicas[node]?.step(input) ?? []) {
      if (effect.kind === 'send') {
        note(node, 'sent', node, effect.to, effect.bytes)
        for (const did of effect.to) {
          const to = members.indexOf(did)
          at(delay(), () => {
            if (isDead(to)) return
            const message = note(to, 'received', node, [did], effect.bytes)
            if (message !== undefined) step(to, { kind: 'message', message })
          })
        }
      }
      if (effect.kind === 'deliver') answer(node, effect.height)
    }
  }

  function answer(node: number, height: number): void {
    if (submitted.some((one) => one.height === height)) return
    submitted.push({ height, sentMs, finalMs: nowMs + 0.3, answeredBy: node })
    at(3, submit)
  }

  function submit(): void {
    if (request === requests) return
    sentMs = nowMs
    const body = createSimulatedRequest(1, `request ${request}`)
    // Between the proposal and its commit.
    if (request++ === killAt) deadMs = nowMs + 1
    for (const node of members.keys()) at(0.2, () => step(node, { kind: 'request', request: body }))
  }

  function tick(): void {
    for (const node of members.keys()) step(node, { kind: 'tick', nowMs: Math.floor(nowMs) })
    at(TICK_MS, tick)
  }

  tick()
  at(5, submit)
  while (submitted.length < requests && nowMs < START_MS + 60_000) {
    events.sort((left, right) => left.atMs - right.atMs || left.order - right.order)
    const event = events.shift()
    if (event === undefined) break
    nowMs = event.atMs
    event.run()
  }
  return { members, traces, submitted, killed: { lane: 0, atMs: deadMs } }
}
