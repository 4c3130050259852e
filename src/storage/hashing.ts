/**
 * Blocks: bytes and the address that they hash to. WebCrypto hashes where that is faster, noble otherwise, to the same digest.
 */

import type { CID } from 'multiformats/cid'

import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import { createCid, type ContentCodec } from '../primitives/content-id.ts'
import { sha256 } from '../primitives/hash.ts'
import { subtleCrypto } from '../primitives/web-crypto.ts'

/** From this length on WebCrypto is faster, its thread change included (measured: both take 73 microseconds). */
const WEB_CRYPTO_BYTES_MIN = 16_384

/** Bytes and the address that they hash to. */
export interface ContentBlock {
  readonly cid: CID
  readonly bytes: Bytes
}

/** Returns the pieces joined; unlike a call with as many arguments, this takes any number of them. */
export function joinBytes(pieces: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let position = 0
  for (const piece of pieces) {
    joined.set(piece, position)
    position += piece.length
  }
  return joined
}

async function digest(bytes: Bytes): Promise<Uint8Array> {
  const subtle = bytes.length < WEB_CRYPTO_BYTES_MIN ? undefined : subtleCrypto()
  return subtle === undefined ? sha256(bytes) : new Uint8Array(await subtle.digest('SHA-256', bytes))
}

/** Returns the block with its address. */
export async function addressBlock(codec: ContentCodec, bytes: Bytes): Promise<ContentBlock> {
  return { cid: createCid(codec, await digest(bytes)), bytes }
}

/** Tells whether the bytes hash to the address. */
export async function hashesTo(cid: CID, bytes: Bytes): Promise<boolean> {
  return equalBytes(await digest(bytes), cid.multihash.digest)
}
