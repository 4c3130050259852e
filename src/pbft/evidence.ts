/**
 * Evidence: messages that their signer cannot explain, verifiable by anyone who knows the group.
 *
 * Kinds: two different votes for one (type, view, sequence); two EXEC-VOTEs for one height; a PREPARE by the proposer; a
 * VIEW-CHANGE with an invalid certificate. Every signature in it is checked, and who is accused follows from the verified
 * key, never from a field.
 */

import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import { bytesUpTo, encodeShape, listOf, parseShape, type Shape } from '../primitives/shape.ts'
import { createVerifier, type Verifier } from '../primitives/signature.ts'
import { authenticateMessage } from './authenticate.ts'
import { proposerOf, settleConfig, type ReplicaConfig, type Settings } from './config.ts'
import type { Core } from './core.ts'
import { MESSAGE_BYTES_MAX, messageLimits } from './limits.ts'
import type { PeerMessage } from './message.ts'

const evidenceShape: Shape<readonly Bytes[]> = listOf(bytesUpTo(MESSAGE_BYTES_MAX), {
  name: 'messages',
  countMin: 1,
  countMax: 2,
})

const evidenceLimits = { ...messageLimits, bytesMax: 2 * MESSAGE_BYTES_MAX + 16 }

/** What a message fixes: two that agree on this must be equal. */
function statement(message: PeerMessage): { readonly place: string; readonly says: Uint8Array } | undefined {
  const { kind, body } = message
  switch (kind) {
    case 'pre-prepare':
    case 'prepare':
    case 'commit':
      return { place: `${kind}/${body.view}/${body.sequence}`, says: body.digest }
    case 'exec-vote':
      return { place: `${kind}/${body.sequence}`, says: body.headerDigest }
    default:
      return undefined
  }
}

function contradict(left: PeerMessage, right: PeerMessage): boolean {
  const [one, other] = [statement(left), statement(right)]
  if (one === undefined || other === undefined || left.from !== right.from) return false
  return one.place === other.place && !equalBytes(one.says, other.says)
}

function incriminates(settings: Settings, message: PeerMessage): boolean {
  if (message.kind === 'view-change') return message.fault !== null
  if (message.kind !== 'prepare') return false
  return proposerOf(settings, message.body.view, message.body.sequence) === message.signer
}

/**
 * Tells whether evidence proves that a member broke the protocol.
 *
 * @param evidence - as an effect carried it; foreign bytes are a `false`
 * @param options - configuration of the group in that epoch, and optionally who should be proven guilty
 */
export function verifyEvidence(
  evidence: Uint8Array,
  options: { readonly config: ReplicaConfig; readonly accused?: Did; readonly verifier?: Verifier },
): boolean {
  const { config, accused, verifier = createVerifier() } = options
  const parsed = parseShape(evidence, evidenceShape, { object: 'evidence', limits: evidenceLimits })
  if (!parsed.ok) return false
  const settings = settleConfig(config)
  const messages: PeerMessage[] = []
  for (const bytes of parsed.value) {
    const message = authenticateMessage(settings, verifier, bytes)
    // An unsigned message names no one.
    if (!message.ok || message.value.signature === null) return false
    messages.push(message.value)
  }
  const [first, second] = messages as [PeerMessage, PeerMessage?]
  if (accused !== undefined && first.from !== accused) return false
  return second === undefined ? incriminates(settings, first) : contradict(first, second)
}

/** Reports a fault that these messages prove, once for each member and kind: memory and effects stay bounded. */
export function accuse(core: Core, ...messages: readonly [PeerMessage] | readonly [PeerMessage, PeerMessage]): void {
  const [first] = messages
  if (first.kind === 'pre-prepare' && first.body.view === core.view) core.primaryProvenFaulty = true
  const key = `${first.signer}/${first.kind}/${messages.length}`
  if (core.accused.has(key)) return
  core.accused.add(key)
  const evidence = encodeShape(
    messages.map(({ bytes }) => bytes),
    evidenceShape,
    { object: 'evidence', limits: evidenceLimits },
  )
  core.outbox.add({ kind: 'evidence', accused: first.from, evidence })
}
