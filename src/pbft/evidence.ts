/**
 * Evidence: messages that their signer cannot explain, verifiable by anyone who knows the group.
 *
 * Kinds: two different votes for one (type, view, sequence); two EXEC-VOTEs for one height; a PREPARE by the proposer, or a
 * PRE-PREPARE by another; a VIEW-CHANGE with an invalid certificate; a NEW-VIEW by another than the leader, one that names no
 * quorum, and one that does not follow from the VIEW-CHANGEs that it names, which stand behind it. Every signature in it is
 * checked, and who is accused follows from the verified key, never from a field.
 */

import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import { bytesUpTo, encodeShape, listOf, parseShape, type Shape } from '../primitives/shape.ts'
import { createVerifier, type Verifier } from '../primitives/signature.ts'
import { authenticateMessage } from './authenticate.ts'
import { leaderOf, proposerOf, settleConfig, type ReplicaConfig, type Settings } from './config.ts'
import type { Core } from './core.ts'
import { MEMBERS_MAX, MESSAGE_BYTES_MAX, recordLimits } from './limits.ts'
import type { MessageOf, PeerMessage } from './message.ts'
import { namesQuorum, newViewFault } from './view-change.ts'

const evidenceShape: Shape<readonly Bytes[]> = listOf(bytesUpTo(MESSAGE_BYTES_MAX), {
  name: 'messages',
  countMin: 1,
  countMax: MEMBERS_MAX + 1,
})

/** Of the encoding of a message, and of the list. */
const HEAD_BYTES_MAX = 9

const options = { object: 'evidence', limits: recordLimits }

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

/** Tells whether a member that keeps to the protocol never signs this message. */
function incriminates(settings: Settings, message: PeerMessage): boolean {
  const { kind, signer, body } = message
  switch (kind) {
    case 'pre-prepare':
      return proposerOf(settings, body.view, body.sequence) !== signer
    case 'prepare':
      return proposerOf(settings, body.view, body.sequence) === signer
    case 'view-change':
      return message.fault !== null
    case 'new-view':
      return leaderOf(settings, body.view) !== signer || !namesQuorum(settings, body)
    default:
      return false
  }
}

/** Tells whether a NEW-VIEW says something else than the VIEW-CHANGEs do that it names, all of which must be there. */
function misleads(settings: Settings, { body }: MessageOf<'new-view'>, named: readonly PeerMessage[]): boolean {
  const viewChanges = named.filter((message) => message.kind === 'view-change')
  const areNamed = body.viewChanges.every(({ signer, digest }, at) => {
    const found = viewChanges[at]
    return found?.digest !== undefined && found.signer === signer && equalBytes(found.digest, digest)
  })
  if (!areNamed || named.length !== body.viewChanges.length) return false
  // Whoever leads takes only VIEW-CHANGEs whose certificates hold.
  return viewChanges.some(({ fault }) => fault !== null) || newViewFault(settings, body, viewChanges) !== null
}

function proves(settings: Settings, first: PeerMessage, others: readonly PeerMessage[]): boolean {
  const [second] = others
  if (second === undefined) return incriminates(settings, first)
  if (first.kind === 'new-view') return misleads(settings, first, others)
  return others.length === 1 && contradict(first, second)
}

/**
 * Tells whether evidence proves that a member broke the protocol.
 *
 * @param evidence - as an effect carried it; foreign bytes are a `false`
 * @param group - its configuration in that epoch, and optionally who should be proven guilty
 */
export function verifyEvidence(
  evidence: Uint8Array,
  group: { readonly config: ReplicaConfig; readonly accused?: Did; readonly verifier?: Verifier },
): boolean {
  const { config, accused, verifier = createVerifier() } = group
  const parsed = parseShape(evidence, evidenceShape, options)
  if (!parsed.ok) return false
  const settings = settleConfig(config)
  const messages: PeerMessage[] = []
  for (const bytes of parsed.value) {
    const message = authenticateMessage(settings, verifier, bytes)
    // An unsigned message names no one.
    if (!message.ok || message.value.signature === null) return false
    messages.push(message.value)
  }
  const [first, ...others] = messages as [PeerMessage, ...PeerMessage[]]
  return (accused === undefined || first.from === accused) && proves(settings, first, others)
}

/** Reports a fault that these messages prove, once for each member and kind: memory and effects stay bounded. */
export function accuse(core: Core, ...messages: readonly [PeerMessage, ...PeerMessage[]]): void {
  const [first] = messages
  const key = `${first.signer}/${first.kind}/${messages.length}`
  const size = messages.reduce((sum, { bytes }) => sum + bytes.length + HEAD_BYTES_MAX, HEAD_BYTES_MAX)
  // What would not fit is no evidence for anyone; the view is changed all the same.
  if (core.accused.has(key) || size > recordLimits.bytesMax) return
  core.accused.add(key)
  const evidence = encodeShape(
    messages.map(({ bytes }) => bytes),
    evidenceShape,
    options,
  )
  core.outbox.add({ kind: 'evidence', accused: first.from, evidence })
}
