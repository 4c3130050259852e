/**
 * A key centre of n, of which any t make keys together: the master key is shared out in the exponent.
 *
 *     share j = h^c * h^p(j), p of degree t - 1 with p(0) = 0      key share = (share j * F(i)^tj, h^tj)
 *
 * The user checks each key share against the commitments g^(coefficient k), and combines t of them. This spreads the power
 * to read everything; it does not remove it.
 */

import { rejectArgument, unwrap } from '../errors.ts'
import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import type { BlsScalar } from '../primitives/bls12-381.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { G2Element, PairingGroups } from '../primitives/pairing-groups.ts'
import type { RandomSource } from '../primitives/random.ts'
import { bytesOf, encodeShape, identifier, parseShape, tuple, uint } from '../primitives/shape.ts'
import { createIbPair, isKeyOf, type IbSecret } from './ib-keys.ts'
import { drawScalar, type IbBytes, type IbDecoded } from './ib-parameters.ts'
import { invertScalar } from './scalar.ts'
import { header, headerOf } from './suite.ts'

/** Centres of one master key. */
export const IB_CENTRES_MAX = 16

const masterShareShape = tuple({
  ...header('ibpre', 'ibMasterShare'),
  index: uint(IB_CENTRES_MAX, 1),
  element: bytesOf(96),
})
const keyShareShape = tuple({
  ...header('ibpre', 'ibKeyShare'),
  index: uint(IB_CENTRES_MAX, 1),
  identity: identifier,
  d0: bytesOf(96),
  d1: bytesOf(96),
})
const MASTER_SHARE = { object: 'ibMasterShare' }
const KEY_SHARE = { object: 'ibKeyShare' }

/** What sharing out a master key gives. */
export interface IbMasterShares {
  /** One for each centre; secret. */
  readonly shares: readonly IbBytes<'MasterShare'>[]
  /** Public, 48 bytes each, t - 1 of them. */
  readonly commitments: readonly Bytes[]
}

function evaluate(coefficients: readonly bigint[], index: number): bigint {
  return coefficients.reduceRight((sum, c) => ((sum + c) * BigInt(index)) % BLS_GROUP_ORDER, 0n)
}

/** Shares out h^c. */
export function shareMaster(
  groups: PairingGroups,
  master: G2Element,
  input: { readonly threshold: number; readonly total: number; readonly random: RandomSource },
): IbMasterShares {
  const { threshold, total, random } = input
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 2 && value <= IB_CENTRES_MAX
  if (!isCount(total)) rejectArgument('total', `2 to ${IB_CENTRES_MAX}`, `${total}`)
  if (!isCount(threshold) || threshold > total) rejectArgument('threshold', `2 to ${total}`, `${threshold}`)
  const boundTo = [groups.encodeG2(master), threshold, total]
  const coefficients = Array.from({ length: threshold - 1 }, (_, k) => drawScalar(random, 'coefficient', ...boundTo, k))
  const shares = Array.from({ length: total }, (_, i) => {
    const value = evaluate(coefficients, i + 1) as BlsScalar
    const element = groups.addG2(master, groups.multiplyBaseG2(value))
    if (element === undefined) return rejectArgument('random', 'bytes that nobody has chosen', 'others')
    const wire = { ...headerOf('ibpre', 'ibMasterShare'), index: i + 1, element: groups.encodeG2(element) }
    return encodeShape(wire, masterShareShape, MASTER_SHARE) as IbBytes<'MasterShare'>
  })
  return { shares, commitments: coefficients.map((c) => groups.encodeG1(groups.multiplyBaseG1(c))) }
}

/** KeyGen by one centre. */
export function makeKeyShare(
  parameters: IbDecoded,
  share: IbBytes<'MasterShare'>,
  input: { readonly identity: string; readonly random: RandomSource },
): IbBytes<'KeyShare'> {
  const { groups } = parameters
  const { index, element } = unwrap(parseShape(share, masterShareShape, MASTER_SHARE))
  const master = groups.parseG2(element)
  if (master === undefined) return rejectArgument('masterShare', 'a share of a master key', 'other bytes')
  const [d0, d1] = createIbPair(parameters, master, input)
  const points = { d0: groups.encodeG2(d0), d1: groups.encodeG2(d1) }
  const wire = { ...headerOf('ibpre', 'ibKeyShare'), index, identity: input.identity, ...points }
  return encodeShape(wire, keyShareShape, KEY_SHARE) as IbBytes<'KeyShare'>
}

interface DecodedShare extends IbSecret {
  readonly index: number
}

function readShare(groups: PairingGroups, bytes: Uint8Array): DecodedShare | undefined {
  const parsed = parseShape(bytes, keyShareShape, KEY_SHARE)
  if (!parsed.ok) return undefined
  const d0 = groups.parseG2(parsed.value.d0)
  const d1 = groups.parseG2(parsed.value.d1)
  const { index, identity } = parsed.value
  return d0 === undefined || d1 === undefined ? undefined : { index, identity, d0, d1 }
}

/** Tells whether a key share is the centre's: e(g, d0) = Z * e(g^p(j), h) * e(F(i), d1). Total. */
export function isKeyShareSound(
  parameters: IbDecoded,
  share: Uint8Array,
  input: { readonly identity: string; readonly commitments: readonly Uint8Array[] },
): boolean {
  const { groups, base } = parameters
  const read = readShare(groups, share)
  if (read?.identity !== input.identity) return false
  if (!(input.commitments.length < IB_CENTRES_MAX)) return false
  let own: ReturnType<typeof groups.parseG1>
  for (const [k, bytes] of input.commitments.entries()) {
    const commitment = groups.parseG1(bytes)
    if (commitment === undefined) return false
    const term = groups.multiplyG1Public(commitment, (BigInt(read.index) ** BigInt(k + 1)) as BlsScalar)
    own = own === undefined ? term : groups.addG1(own, term)
  }
  const extra = own === undefined ? undefined : groups.pair([[own, groups.prepareG2(groups.g2)]])
  const expected = extra === undefined ? base : groups.multiplyGt(base, extra)
  return expected !== undefined && isKeyOf(parameters, read, expected)
}

/** Combines t key shares; undefined when they do not give a key of this identity. */
export function combineShares(
  parameters: IbDecoded,
  shares: readonly Uint8Array[],
  identity: string,
): IbSecret | undefined {
  const { groups } = parameters
  if (shares.length > IB_CENTRES_MAX) rejectArgument('keyShares', `at most ${IB_CENTRES_MAX}`, `${shares.length}`)
  const byIndex = new Map<number, DecodedShare>()
  for (const bytes of shares) {
    const share = readShare(groups, bytes)
    if (share?.identity === identity && !byIndex.has(share.index)) byIndex.set(share.index, share)
  }
  const list = [...byIndex.values()]
  let sums: readonly [G2Element, G2Element] | undefined
  for (const { index, d0, d1 } of list) {
    const factor = lagrange(index, [...byIndex.keys()])
    const terms = [groups.multiplyG2Public(d0, factor), groups.multiplyG2Public(d1, factor)] as const
    const left = sums === undefined ? terms[0] : groups.addG2(sums[0], terms[0])
    const right = sums === undefined ? terms[1] : groups.addG2(sums[1], terms[1])
    if (left === undefined || right === undefined) return undefined
    sums = [left, right]
  }
  if (sums === undefined) return undefined
  const secret = { identity, d0: sums[0], d1: sums[1] }
  return isKeyOf(parameters, secret) ? secret : undefined
}

/** The factor of one index at zero, modulo r. */
function lagrange(index: number, indexes: readonly number[]): BlsScalar {
  const own = BigInt(index)
  let numerator = 1n
  let denominator = 1n
  for (const other of indexes) {
    if (other === index) continue
    numerator = (numerator * BigInt(other)) % BLS_GROUP_ORDER
    denominator = (denominator * (BigInt(other) - own + BLS_GROUP_ORDER)) % BLS_GROUP_ORDER
  }
  return ((numerator * invertScalar(denominator)) % BLS_GROUP_ORDER) as BlsScalar
}
