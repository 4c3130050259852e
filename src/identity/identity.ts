/**
 * Identities: the secret side of a party.
 *
 * An identity signs, agrees and labels, and gives none of the keys away by which it does so: it prints as its public
 * half. Each key has one purpose; PRE secrets are handed to the module `pre` only and sign nothing.
 *
 * JavaScript cannot promise that memory is wiped: bigints and copies inside of libraries stay until they are collected.
 * `dispose` overwrites the bytes held here and lets go of the rest.
 */

import { rejectArgument, unwrap } from '../errors.ts'
import { createAgreementKey, type AgreementKey } from '../primitives/agreement.ts'
import type { PreSecret } from '../primitives/bls-secret.ts'
import { copyBytes, type Bytes, type Verified } from '../primitives/bytes.ts'
import type { CborValue } from '../primitives/codec.ts'
import { createDid, type DataType, type Did } from '../primitives/did.ts'
import { taggedHash } from '../primitives/hash.ts'
import { createLabeler, type Labeler } from '../primitives/label.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { deriveSigningKey } from '../primitives/secp256k1.ts'
import { signDigest, type Signer } from '../primitives/signature.ts'
import type { Tag } from '../primitives/tags.ts'
import { createKeyRecord, preKeyContext, validateKeyRecord, type KeyRecord, type PreKeys } from './key-record.ts'
import type { PreKeyMaker } from './pre-keys.ts'
import {
  assertSeedPath,
  deriveAgreementSecret,
  deriveLabelKey,
  derivePreSecrets,
  deriveSigningSecret,
  generateSeed,
  type PreSecrets,
} from './seed.ts'

/** A party that can act. Prints without its secrets. */
export interface Identity {
  /** The account: the first signing key, for ever. */
  readonly did: Did
  /** Signs as the account. */
  readonly signer: Signer
  /** Opens what is sealed to the account. */
  readonly agreement: AgreementKey
  /** The public keys, as a registrar puts them on the ledger. */
  readonly keys: Verified<KeyRecord>
  /** Maps types of data to this account's private labels. */
  readonly labeler: Labeler
  /** Overwrites the secrets; every later use of them throws `ERR_ARGUMENT_INVALID`. May be called again. */
  dispose(): void
}

/** An identity that takes part in proxy re-encryption. */
export interface PreIdentity extends Identity {
  /**
   * Returns copies of the PRE secrets, 32 bytes each, for the module `pre`. They print as what they are; overwrite them
   * after use.
   */
  preSecrets(): PreSecrets
}

/** How an identity is derived. */
export interface IdentityOptions {
  /** 32 bytes from {@link generateSeed}; secret. Not kept. */
  readonly seed: Uint8Array
  /** The relationship: one pseudonymous account for each care circle, study and ledger. */
  readonly circle: string
  /** The account, where it is older than this signing key; by default the key itself. */
  readonly did?: Did
}

interface Secrets {
  readonly signing: Bytes
  readonly label: Bytes
  readonly agreement: AgreementKey
  readonly pre: PreSecrets | undefined
}

/** The circle of identities that nobody derives again. */
const GENERATED_CIRCLE = 'generated'

function makePreKeys(did: Did, secrets: PreSecrets, maker: PreKeyMaker): PreKeys {
  const make = (role: keyof PreSecrets) => maker.makePreKey(secrets[role], preKeyContext(did, role))
  return Object.freeze({ delegator: make('delegator'), delegatee: make('delegatee') })
}

function copySecrets(secrets: PreSecrets | undefined): PreSecrets {
  if (secrets === undefined) return rejectArgument('identity', 'one with PRE keys', 'one without')
  return {
    delegator: copyBytes(secrets.delegator) as PreSecret,
    delegatee: copyBytes(secrets.delegatee) as PreSecret,
  }
}

/** Holds secrets until they are disposed of. */
interface Vault {
  readonly use: () => Secrets
  readonly dispose: () => void
}

function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const bytes of secrets) bytes?.fill(0)
}

function createVault(secrets: Secrets): Vault {
  let held: Secrets | undefined = secrets
  return {
    use: () => held ?? rejectArgument('identity', 'one that is in use', 'one that was disposed of'),
    dispose() {
      wipe(held?.signing, held?.label, held?.pre?.delegator, held?.pre?.delegatee)
      held = undefined
    },
  }
}

/** The interfaces through which secrets are used. */
function createFaces({ use }: Vault, random: RandomSource): Pick<Identity, 'signer' | 'agreement' | 'labeler'> {
  return {
    signer: Object.freeze({
      did: createDid(deriveSigningKey(use().signing)),
      sign: (tag: Tag, fields: readonly CborValue[]) =>
        signDigest(taggedHash(tag, ...fields), use().signing, drawBytes(random, 32)),
    }),
    agreement: Object.freeze({
      publicKey: copyBytes(use().agreement.publicKey),
      agree: (peer: Uint8Array) => use().agreement.agree(peer),
    }),
    labeler: Object.freeze({
      isPrivate: true,
      label: (dataType: DataType) => createLabeler({ labelKey: use().label }).label(dataType),
    }),
  }
}

/**
 * Returns the identity of one circle. The same seed and circle give the same keys, on every machine and in every version.
 *
 * Cost: about 3 ms; with PRE keys about 30 ms, more the first time. Carries no pairing code unless `pre` brings it.
 *
 * @param options - seed and circle; `pre`: `createPreKeyMaker()`, for those who take part in proxy re-encryption
 * @param random - for hedged signatures; keys do not depend on it
 * @throws When seed or circle have another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @example
 * const identity = deriveIdentity({ seed, circle: 'st-marys.example' })
 */
export function deriveIdentity(
  options: IdentityOptions & { readonly pre: PreKeyMaker },
  random?: RandomSource,
): PreIdentity
export function deriveIdentity(
  options: IdentityOptions & { readonly pre?: PreKeyMaker },
  random?: RandomSource,
): Identity
export function deriveIdentity(
  options: IdentityOptions & { readonly pre?: PreKeyMaker },
  random: RandomSource = randomBytes,
): Identity | PreIdentity {
  assertSeedPath(options)
  const { pre: maker } = options
  const agreementSecret = deriveAgreementSecret(options)
  const agreement = createAgreementKey(agreementSecret)
  wipe(agreementSecret)
  const vault = createVault({
    signing: deriveSigningSecret(options),
    label: deriveLabelKey(options),
    agreement,
    pre: maker === undefined ? undefined : derivePreSecrets(options),
  })
  const faces = createFaces(vault, random)
  const did = options.did ?? faces.signer.did
  const base = { did, ...faces, dispose: vault.dispose }
  if (maker === undefined) return Object.freeze({ ...base, keys: createOwnRecord({ did }, faces) })
  const preSecrets = () => copySecrets(vault.use().pre)
  const lent = preSecrets()
  const pre = makePreKeys(did, lent, maker)
  wipe(lent.delegator, lent.delegatee)
  return Object.freeze({ ...base, keys: createOwnRecord({ did, pre }, faces), preSecrets })
}

/**
 * Makes and marks the record of this identity. Its signature is checked once more, which also catches a fault of the
 * arithmetic; PRE proofs cost twenty times as much and are left to those who receive the record.
 */
function createOwnRecord(
  keys: { readonly did: Did; readonly pre?: PreKeys },
  { signer, agreement }: Pick<Identity, 'signer' | 'agreement'>,
): Verified<KeyRecord> {
  const preKeyVerifier = { isPublicKey: () => true, verifyPossession: () => true }
  return unwrap(validateKeyRecord(createKeyRecord({ ...keys, agreement }, { signer }), { preKeyVerifier }))
}

/**
 * Returns a fresh identity whose keys are nowhere else: for doctors, institutions, nodes, and for tests. To be able to
 * restore it, use {@link generateSeed} and {@link deriveIdentity} instead.
 *
 * @param options - `pre`: `createPreKeyMaker()`, for those who take part in proxy re-encryption
 * @throws When there is no usable randomness: `ERR_CRYPTO_NO_RANDOM`. {@link VitalsealError}
 */
export function generateIdentity(options: { readonly pre: PreKeyMaker }, random?: RandomSource): PreIdentity
export function generateIdentity(options?: { readonly pre?: PreKeyMaker }, random?: RandomSource): Identity
export function generateIdentity(
  options: { readonly pre?: PreKeyMaker } = {},
  random: RandomSource = randomBytes,
): Identity {
  const seed = generateSeed(random)
  const identity = deriveIdentity({ ...options, seed, circle: GENERATED_CIRCLE }, random)
  wipe(seed)
  return identity
}
