// The layers of the house, lowest first; folders of one layer never import each other.
export const layers = [
  ['errors'],
  ['primitives'],
  ['identity', 'policy', 'pre', 'zk', 'pbft', 'storage'],
  ['transactions'],
  ['keys'],
  ['chain'],
  ['sharing', 'fhir'],
  ['presets'],
  ['audit'],
  ['actors'],
  ['node'],
]

/** Pairs of folders where less than the index is open. */
export const restrictions = {
  // Types too; but of code only what a light client needs to check a certificate, never a replica.
  'chain -> pbft': { codeFrom: 'pbft/certificate.ts' },
  'chain -> storage': { typesOnly: true },
}

/**
 * Which files may import which package, so that a change of package touches few files and a curve cannot slip into a
 * bundle unseen. A name that ends in a slash means a whole folder. A new line here is a decision, not a formality.
 */
export const packages = {
  '@noble/ciphers/aes.js': ['primitives/aead.ts', 'primitives/hpke.ts'],
  '@noble/ciphers/chacha.js': ['primitives/hpke.ts'],
  '@noble/ciphers/utils.js': ['primitives/bytes.ts'],
  '@noble/curves/abstract/modular.js': ['primitives/agreement.ts'],
  '@noble/curves/abstract/montgomery.js': ['primitives/agreement.ts'],
  '@noble/curves/abstract/tower.js': ['primitives/bls12-381.ts'],
  '@noble/curves/abstract/weierstrass.js': ['primitives/bls12-381.ts', 'primitives/secp256k1.ts'],
  '@noble/curves/bls12-381.js': ['primitives/bls12-381-group.ts', 'primitives/bls12-381.ts'],
  '@noble/curves/secp256k1.js': ['primitives/secp256k1.ts'],
  '@noble/curves/utils.js': ['primitives/secp256k1.ts'],
  '@noble/hashes/hkdf.js': ['primitives/hpke.ts', 'primitives/kdf.ts'],
  '@noble/hashes/hmac.js': ['primitives/hash.ts'],
  '@noble/hashes/sha2.js': ['primitives/'],
  '@noble/hashes/utils.js': ['primitives/bytes.ts'],
  'multiformats/bases/base58': ['identity/multikey.ts', 'primitives/did.ts'],
  'multiformats/bases/base64': ['transactions/format.ts'],
  'classic-level': ['node/database.ts'],
  ws: ['node/socket.ts'],
  // The class of content ids is vocabulary, as blockstores of others speak it.
  'multiformats/bases/base32': ['primitives/content-id.ts'],
  'multiformats/cid': ['chain/header.ts', 'primitives/', 'storage/'],
  'multiformats/hashes/digest': ['primitives/content-id.ts'],
}
