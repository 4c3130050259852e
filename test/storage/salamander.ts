import { createCipheriv } from 'node:crypto'

/**
 * Builds ciphertexts that AES-GCM opens under two keys ("invisible salamanders": Grubbs, Lu and Ristenpart 2017; Dodis,
 * Grubbs, Ristenpart and Woodage 2018). The tag is a polynomial in the key's H over the ciphertext blocks, so one block can
 * be solved for such that both keys give the same tag.
 */

/** Key and nonce of one of the two openings. */
export interface GcmKey {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
}

const REDUCTION = 0xe1n << 120n

/** GF(2^128) of GCM, first bit leftmost (SP 800-38D, 6.3). */
function multiply(left: bigint, right: bigint): bigint {
  let product = 0n
  let shifted = right
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((left >> bit) & 1n) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ REDUCTION : shifted >> 1n
  }
  return product
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n << 127n
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, square)
    square = multiply(square, square)
  }
  return result
}

function inverse(value: bigint): bigint {
  return power(value, 2n ** 128n - 2n)
}

function toBlock(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function fromBlock(block: bigint): Uint8Array {
  return Buffer.from(block.toString(16).padStart(32, '0'), 'hex')
}

function encryptBlock(key: Uint8Array, block: Uint8Array): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  return toBlock(cipher.update(block))
}

function hashKey({ key }: GcmKey): bigint {
  return encryptBlock(key, new Uint8Array(16))
}

function maskOf({ key, nonce }: GcmKey): bigint {
  return encryptBlock(key, Buffer.concat([nonce, Buffer.of(0, 0, 0, 1)]))
}

/** GHASH of the blocks and the length block, without additional data. */
function ghash(hash: bigint, blocks: readonly bigint[]): bigint {
  return [...blocks, BigInt(128 * blocks.length)].reduce((sum, block) => multiply(sum ^ block, hash), 0n)
}

/** Key stream of CTR mode from counter 2 on, as GCM uses it. */
export function keyStream({ key, nonce }: GcmKey, byteCount: number): Uint8Array {
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.concat([nonce, Buffer.of(0, 0, 0, 2)]))
  return cipher.update(new Uint8Array(byteCount))
}

/**
 * Changes the first block of a ciphertext of whole blocks so that one tag holds under both keys.
 *
 * @returns ciphertext and tag
 */
export function createSalamander(ciphertext: Uint8Array, [first, second]: readonly [GcmKey, GcmKey]): Uint8Array {
  const blocks: bigint[] = []
  for (let start = 0; start < ciphertext.length; start += 16)
    blocks.push(toBlock(ciphertext.subarray(start, start + 16)))
  blocks[0] = 0n
  const [left, right] = [hashKey(first), hashKey(second)]
  const degree = BigInt(blocks.length + 1)
  // mask1 + ghash1 + x h1^n = mask2 + ghash2 + x h2^n, solved for x.
  const difference = maskOf(first) ^ ghash(left, blocks) ^ maskOf(second) ^ ghash(right, blocks)
  blocks[0] = multiply(difference, inverse(power(left, degree) ^ power(right, degree)))
  const tag = maskOf(first) ^ ghash(left, blocks)
  return Buffer.concat([...blocks, tag].map(fromBlock))
}
