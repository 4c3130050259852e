/**
 * The handshake between two replicas, without a socket: frames in, frames and a verdict out.
 *
 * Caller and callee each send `[v, chain id, party, nonce]`, then `[signature]`; the caller first, so that a callee signs
 * only for members that have shown their key. Each tells a stranger, another chain or itself by the first frame. Total: the
 * other side may send anything.
 */

import { signHandshake, verifyHandshake, HANDSHAKE_NONCE_BYTES, type Handshake } from '../chain/index.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { createId, toDigest, type ChainId } from '../primitives/ids.ts'
import { drawBytes, type RandomSource } from '../primitives/random.ts'
import { account, bytesOf, encodeShape, parseShape, tuple, versioned, type Shape } from '../primitives/shape.ts'
import { SIGNATURE_BYTES, type Signature, type Signer, type Verifier } from '../primitives/signature.ts'

/** Why a connection is ended, by the code that a close frame carries. */
export const CLOSE = {
  /** Not a message of this protocol. */
  malformed: 4400,
  /** The signature is not the party's, or not for this connection. */
  unproven: 4401,
  /** The party is no member. */
  stranger: 4403,
  /** No handshake in time. */
  late: 4408,
  /** It is this node itself. */
  duplicate: 4409,
  /** Another ledger. */
  chain: 4421,
  /** Too many at once: try again later. */
  busy: 1013,
  /** This node stops. */
  leaving: 1001,
} as const

/** What a handshake wants done after a frame. */
export type HandshakeStep =
  | { readonly kind: 'send'; readonly bytes: Bytes }
  /** The party is proved; `bytes` are still to be sent where they are not null. */
  | { readonly kind: 'done'; readonly party: Did; readonly bytes: Bytes | null }
  | { readonly kind: 'fail'; readonly code: number; readonly reason: string }

/** One side of one handshake. */
export interface PeerHandshake {
  /** What the caller sends first; null on the side of the callee. */
  readonly opening: Bytes | null
  /** Takes the next frame of the other side. */
  take(frame: Uint8Array): HandshakeStep
}

interface Hello {
  readonly chain: Bytes
  readonly party: Did
  readonly nonce: Bytes
}

const helloShape: Shape<Hello> = versioned(1, {
  chain: bytesOf(32),
  party: account,
  nonce: bytesOf(HANDSHAKE_NONCE_BYTES),
})
const proofShape = tuple({ signature: bytesOf(SIGNATURE_BYTES) as Shape<Signature> })

const refuse = (code: number, reason: string): HandshakeStep => ({ kind: 'fail', code, reason })

/** Returns one side of a handshake; `members` is asked when the other side has said who it is. */
export function createPeerHandshake(options: {
  readonly role: 'caller' | 'callee'
  readonly chainId: ChainId
  readonly members: () => readonly Did[]
  readonly signer: Signer
  readonly verifier: Verifier
  readonly random: RandomSource
}): PeerHandshake {
  const { role, chainId, members, signer, verifier, random } = options
  const other = role === 'caller' ? 'callee' : 'caller'
  const nonce = drawBytes(random, HANDSHAKE_NONCE_BYTES)
  const hello = encodeShape({ chain: toDigest(chainId), party: signer.did, nonce }, helloShape, { object: 'hello' })
  let agreed: { readonly party: Did; readonly handshake: Handshake } | undefined

  function takeHello(frame: Uint8Array): HandshakeStep {
    const parsed = parseShape(frame, helloShape, { object: 'hello' })
    if (!parsed.ok) return refuse(CLOSE.malformed, 'expected a greeting')
    const { chain, party, nonce: otherNonce } = parsed.value
    if (createId('chain', chain as Digest32) !== chainId) return refuse(CLOSE.chain, 'another ledger')
    if (party === signer.did) return refuse(CLOSE.duplicate, 'calling myself')
    if (!members().includes(party)) return refuse(CLOSE.stranger, 'no member of this ledger')
    const handshake: Handshake =
      role === 'caller'
        ? { chainId, caller: signer.did, callee: party, callerNonce: nonce, calleeNonce: otherNonce }
        : { chainId, caller: party, callee: signer.did, callerNonce: otherNonce, calleeNonce: nonce }
    agreed = { party, handshake }
    return { kind: 'send', bytes: role === 'caller' ? prove(handshake) : hello }
  }

  function takeProof(frame: Uint8Array, { party, handshake }: NonNullable<typeof agreed>): HandshakeStep {
    const parsed = parseShape(frame, proofShape, { object: 'proof' })
    if (!parsed.ok) return refuse(CLOSE.malformed, 'expected a proof')
    const { signature } = parsed.value
    if (!verifyHandshake(handshake, { role: other, signature, verifier })) {
      return refuse(CLOSE.unproven, 'the proof does not hold')
    }
    return { kind: 'done', party, bytes: role === 'callee' ? prove(handshake) : null }
  }

  const prove = (handshake: Handshake) =>
    encodeShape({ signature: signHandshake(handshake, { role, signer }) }, proofShape, { object: 'proof' })

  return {
    opening: role === 'caller' ? hello : null,
    take: (frame) => (agreed === undefined ? takeHello(frame) : takeProof(frame, agreed)),
  }
}
