/**
 * The identity-based scheme under the paper's names: Setup, KeyGen, Encrypt, ReKeyGen, ReEncrypt, Decrypt, AuthSign with
 * AuthVerify, and a key centre of several.
 *
 * It is not the scheme that the paper prints, which does not decrypt as printed and, once corrected, is broken by any
 * single user (`docs/guide/pre-why-changed.md`). The roles, the algorithms and the master secret are the paper's; keys are
 * those of Boneh and Boyen, with a type of data as their second level.
 *
 * The key centre can read everything and sign as anyone; several centres spread that and do not remove it. Statement:
 * selective-identity secrecy under DBDH-3, adaptive in the random oracle model with a loss quadratic in hash queries; the
 * checks of opening make it withstand chosen ciphertexts, argued in the random oracle and algebraic group models, reviewed
 * by no third party. AuthSign is unforgeable for new messages and can be re-randomised by anyone; it proves nothing against
 * the key centre and signs no transactions.
 */

import { fail, isVitalsealError, rejectArgument, succeed, type Result } from '../errors.ts'
import { copyBytes, type Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import type { PairingGroups } from '../primitives/pairing-groups.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { decryptIb, encryptTo, makeIbReKey, readIbReKey, reEncryptIb } from './ib-cipher.ts'
import {
  checkIdentity,
  createIbPair,
  encodeIbSecret,
  isKeyOf,
  isSignedAs,
  readIbSecret,
  secretOfIdentity,
  signAs,
} from './ib-keys.ts'
import { createIbParameters, masterOf, parametersOf, readIbParameters, type IbBytes } from './ib-parameters.ts'
import { combineShares, isKeyShareSound, makeKeyShare, shareMaster, type IbMasterShares } from './ib-threshold.ts'

/** Parameters of the key centre, and groups other than the portable ones. */
export interface IbOptions {
  readonly parameters: IbBytes<'Parameters'>
  readonly groups?: PairingGroups
}

/** Why bytes of this scheme are refused. */
export type IbErrorCode = CodecErrorCode | 'ERR_CRYPTO_INVALID_POINT' | 'ERR_SIGNATURE_INVALID'

function decodedFor({ parameters, groups = createPairingGroups() }: IbOptions) {
  return parametersOf(parameters, groups)
}

/** Tells whether a check holds; it does not for a text of another form, or one whose point the centre made the identity. */
function holds(check: () => boolean): boolean {
  try {
    return check()
  } catch (error) {
    if (isVitalsealError(error)) return false
    throw error
  }
}

/** The seven algorithms of the paper, repaired. */
export interface IbScheme {
  /**
   * Returns parameters, to be published, and the master key, which reads everything. Run once by the key centre. Cost:
   * about 20 ms.
   */
  setup(random?: RandomSource): {
    readonly parameters: IbBytes<'Parameters'>
    readonly masterKey: IbBytes<'MasterKey'>
  }
  /** Returns the key of an identity. Run by the key centre, for whoever has shown to be that identity. */
  keyGen(
    options: IbOptions & { readonly masterKey: IbBytes<'MasterKey'>; readonly identity: string },
    random?: RandomSource,
  ): IbBytes<'SecretKey'>
  /** Tells whether a key is that of the identity: run by the user, who need not believe the key centre. Total. */
  verifyKey(options: IbOptions & { readonly secretKey: Uint8Array; readonly identity: string }): boolean
  /** Returns data sealed for an identity under a type, at most 256 KiB; the type may not begin with `#`. */
  encrypt(
    data: Uint8Array,
    options: IbOptions & { readonly identity: string; readonly type: string },
    random?: RandomSource,
  ): Promise<Bytes>
  /** Returns a re-key for one type and one other identity, signed. Run by the owner. */
  reKeyGen(
    options: IbOptions & {
      readonly secretKey: IbBytes<'SecretKey'>
      readonly toIdentity: string
      readonly type: string
    },
    random?: RandomSource,
  ): IbBytes<'ReKey'>
  /**
   * Returns the ciphertext for the other identity. Run by the proxy.
   *
   * @throws When identity or type differ: `ERR_PRE_CONDITION_MISMATCH`; when the re-key is not signed by its owner:
   *   `ERR_SIGNATURE_INVALID`; when the ciphertext is malformed or its proof does not hold: a code of the codec, or
   *   `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
   */
  reEncrypt(ciphertext: Uint8Array, options: IbOptions & { readonly reKey: IbBytes<'ReKey'> }): Bytes
  /**
   * Returns the data of a ciphertext for this key, converted or not.
   *
   * @throws When it does not open, whatever the reason: `ERR_DECRYPTION_FAILED`. {@link VitalsealError}
   */
  decrypt(ciphertext: Uint8Array, options: IbOptions & { readonly secretKey: IbBytes<'SecretKey'> }): Promise<Bytes>
  /** Returns a signature as the identity, 298 bytes. Not for transactions. */
  authSign(
    message: Uint8Array,
    options: IbOptions & { readonly secretKey: IbBytes<'SecretKey'> },
    random?: RandomSource,
  ): Bytes
  /** Tells whether a signature is that of the identity. Total. */
  authVerify(
    message: Uint8Array,
    options: IbOptions & { readonly identity: string; readonly signature: Uint8Array },
  ): boolean
  /** Returns a master key shared out to n centres, of which t make keys. */
  splitMasterKey(
    options: { readonly masterKey: IbBytes<'MasterKey'>; readonly threshold: number; readonly total: number } & Pick<
      IbOptions,
      'groups'
    >,
    random?: RandomSource,
  ): IbMasterShares
  /** Returns one centre's share of the key of an identity. */
  keyGenShare(
    options: IbOptions & { readonly masterShare: IbBytes<'MasterShare'>; readonly identity: string },
    random?: RandomSource,
  ): IbBytes<'KeyShare'>
  /** Tells whether a key share is right, so that a faulty centre is named. Run by the user. Total. */
  verifyKeyShare(
    options: IbOptions & {
      readonly keyShare: Uint8Array
      readonly identity: string
      readonly commitments: readonly Uint8Array[]
    },
  ): boolean
  /**
   * Returns the key that t key shares give together.
   *
   * @throws When they are too few, or one is wrong: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
   */
  combineKeyShares(
    options: IbOptions & { readonly keyShares: readonly Uint8Array[]; readonly identity: string },
  ): IbBytes<'SecretKey'>
}

/** The scheme as one frozen object: a bundle that does not name it does not carry it. */
export const ibpre: IbScheme = /* @__PURE__ */ Object.freeze({
  setup: (random: RandomSource = randomBytes) => createIbParameters(createPairingGroups(), random),
  keyGen(options, random = randomBytes) {
    const { masterKey, identity } = options
    const parameters = decodedFor(options)
    const master = masterOf(masterKey, parameters.groups)
    const [d0, d1] = createIbPair(parameters, master, { identity: checkIdentity(identity, 'identity'), random })
    return encodeIbSecret(parameters.groups, { identity, d0, d1 })
  },
  verifyKey(options) {
    const parameters = decodedFor(options)
    const read = readIbSecret(options.secretKey, parameters.groups)
    const secret = read.ok ? read.value : undefined
    return holds(() => secret?.identity === options.identity && isKeyOf(parameters, secret))
  },
  encrypt: async (data, options, random = randomBytes) => encryptTo(decodedFor(options), data, { ...options, random }),
  reKeyGen(options, random = randomBytes) {
    const parameters = decodedFor(options)
    return makeIbReKey(parameters, secretOfIdentity(options.secretKey, parameters.groups), { ...options, random })
  },
  reEncrypt: (ciphertext, options) => reEncryptIb(decodedFor(options), ciphertext, options.reKey),
  decrypt: async (ciphertext, options) => decryptIb(decodedFor(options), ciphertext, options.secretKey),
  authSign(message, options, random = randomBytes) {
    const parameters = decodedFor(options)
    return signAs(parameters, secretOfIdentity(options.secretKey, parameters.groups), { message, random })
  },
  authVerify(message, options) {
    const parameters = decodedFor(options)
    return holds(() => isSignedAs(parameters, { ...options, message }))
  },
  splitMasterKey(options, random = randomBytes) {
    const { masterKey, groups = createPairingGroups() } = options
    return shareMaster(groups, masterOf(masterKey, groups), { ...options, random })
  },
  keyGenShare: (options, random = randomBytes) =>
    makeKeyShare(decodedFor(options), options.masterShare, {
      identity: checkIdentity(options.identity, 'identity'),
      random,
    }),
  verifyKeyShare(options) {
    const parameters = decodedFor(options)
    return holds(() => isKeyShareSound(parameters, options.keyShare, options))
  },
  combineKeyShares(options) {
    const parameters = decodedFor(options)
    const secret = combineShares(parameters, options.keyShares, options.identity)
    if (secret === undefined) return rejectArgument('keyShares', 'enough right shares of one identity', 'others')
    return encodeIbSecret(parameters.groups, secret)
  },
} satisfies IbScheme)

/** Objects of the scheme that come from others, by their kind. */
export interface IbObjects {
  readonly parameters: IbBytes<'Parameters'>
  readonly 'secret-key': IbBytes<'SecretKey'>
  readonly 're-key': IbBytes<'ReKey'>
}

const KINDS: readonly (keyof IbObjects)[] = ['parameters', 'secret-key', 're-key']

/**
 * Reads foreign bytes as parameters of a key centre, as a key made by it, or as a re-key signed under it: gives them the
 * type that the scheme takes. Total. Parameters are checked for consistency, keys and re-keys against the parameters.
 *
 * @param kind - what the bytes should be
 * @param bytes - foreign
 * @param options - `parameters`: of the key centre; not needed for parameters themselves
 * @returns a copy, or why it is refused
 */
export function parseIbObject<K extends keyof IbObjects>(
  kind: K,
  bytes: Uint8Array,
  options: { readonly parameters?: IbBytes<'Parameters'>; readonly groups?: PairingGroups } = {},
): Result<IbObjects[K], IbErrorCode> {
  const { groups = createPairingGroups() } = options
  if (!KINDS.includes(kind)) rejectArgument('kind', `one of ${KINDS.join(', ')}`, 'another')
  const fault = findFault(kind, bytes, { ...options, groups })
  return fault ?? succeed(copyBytes(bytes) as IbObjects[K])
}

function findFault(
  kind: keyof IbObjects,
  bytes: Uint8Array,
  { parameters, groups }: { readonly parameters?: IbBytes<'Parameters'>; readonly groups: PairingGroups },
): Exclude<Result<never, IbErrorCode>, { readonly ok: true }> | undefined {
  if (kind === 'parameters') {
    const read = readIbParameters(bytes, groups)
    return read.ok ? undefined : read
  }
  if (parameters === undefined) return rejectArgument('parameters', 'those of the key centre', 'none')
  const decoded = parametersOf(parameters, groups)
  if (kind === 're-key') {
    const read = readIbReKey(bytes, decoded)
    return read.ok ? undefined : read
  }
  const read = readIbSecret(bytes, groups)
  if (!read.ok) return read
  if (read.value !== undefined && isKeyOf(decoded, read.value)) return undefined
  return fail('ERR_CRYPTO_INVALID_POINT', 'secretKey: expected a key made by this key centre', {
    path: 'secretKey',
    details: { group: 'G2' },
  })
}
