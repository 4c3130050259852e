/**
 * How the ends of a connection show that they hold a member's key: by signing a challenge that names both of them.
 *
 * Signed are the chain id, the role of the signer, a nonce of each side, and both parties. So a signature counts on this
 * connection only: the nonce of the other side is fresh, the role keeps a signature from being turned round, the party it is
 * meant for is in it, and the tag keeps it apart from everything else that the key signs.
 *
 * It authenticates the ends and is no cipher of the channel: whoever sits on the way, or is called at an address of its own,
 * may pass on a whole handshake, and then read, drop or add. So no connection may keep another one out. What matters
 * authenticates itself (messages by their signatures, blocks by certificates); between machines use `wss`, that is, TLS, all
 * the same.
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { CborValue } from '../primitives/codec.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { taggedHash } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import type { Signature, Signer, Verifier } from '../primitives/signature.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'

/** Bytes of each side's nonce. */
export const HANDSHAKE_NONCE_BYTES = 32

/** Who signs: the replica that called, the one that was called, or a member that serves clients. */
export type HandshakeRole = 'caller' | 'callee' | 'ledger'

/** What both sides of a connection have said to each other. */
export interface Handshake {
  readonly chainId: ChainId
  /** Null: a client, who needs no key to read and whose transactions are signed anyway. */
  readonly caller: Did | null
  readonly callee: Did
  readonly callerNonce: Bytes
  readonly calleeNonce: Bytes
}

function fieldsOf(handshake: Handshake, role: HandshakeRole): readonly CborValue[] {
  const { chainId, caller, callee, callerNonce, calleeNonce } = handshake
  const callerKey = caller === null ? null : toPublicKey(caller)
  return [toDigest(chainId), role, callerNonce, calleeNonce, callerKey, toPublicKey(callee)]
}

/** Signs a handshake in a role; the signer is the party of that role. */
export function signHandshake(
  handshake: Handshake,
  options: { readonly role: HandshakeRole; readonly signer: Signer },
): Signature {
  const { role, signer } = options
  return signer.sign(LEDGER_TAGS.nodeHandshake, fieldsOf(handshake, role))
}

/** Tells whether the party of a role signed this handshake. Cost: one signature check. */
export function verifyHandshake(
  handshake: Handshake,
  options: { readonly role: HandshakeRole; readonly signature: Signature; readonly verifier: Verifier },
): boolean {
  const { role, signature, verifier } = options
  const signer = role === 'caller' ? handshake.caller : handshake.callee
  if (signer === null) return false
  return verifier.verify({
    signer,
    digest: taggedHash(LEDGER_TAGS.nodeHandshake, ...fieldsOf(handshake, role)),
    signature,
  })
}
