/**
 * The three groups of BLS12-381 and their pairing, as one port: what proxy re-encryption computes with.
 *
 * `createPairingGroups` is the implementation in TypeScript that runs everywhere; a faster one (WebAssembly, native) is
 * given in its place as an argument. Elements are opaque: only the groups that made an element understand it. Whatever
 * comes from bytes has been checked: on the curve, in the subgroup of order r, not the identity, in its one encoding.
 * Operations whose result may be the identity say so by `undefined`, so that nobody forgets what an attacker may bring
 * about.
 *
 * An operation whose name ends in `Public` may take a time that depends on its scalar.
 */

import type { BlsScalar } from './bls12-381.ts'
import type { Brand, Bytes } from './bytes.ts'
import type { Tag } from './tags.ts'

/** Element of G1 other than the identity. */
export type G1Element = Brand<object, 'G1Element'>
/** Element of G2 other than the identity. */
export type G2Element = Brand<object, 'G2Element'>
/** Element of GT other than one. */
export type GtElement = Brand<object, 'GtElement'>
/** Element of G2 with what pairings with it have in common: the lines of its Miller loop. */
export type PreparedG2 = Brand<object, 'PreparedG2'>
/** Element of GT with a table of its powers. */
export type PreparedGt = Brand<object, 'PreparedGt'>

/** Port: arithmetic in G1, G2 and GT. */
export interface PairingGroups {
  /** For people and figures. */
  readonly name: string
  /** Generator of G1. */
  readonly g1: G1Element
  /** Generator of G2. */
  readonly g2: G2Element

  /** Reads 48 bytes; undefined for what is no element. Total. */
  parseG1(bytes: Uint8Array): G1Element | undefined
  /** Returns the one encoding, 48 bytes. */
  encodeG1(element: G1Element): Bytes
  /** Reads 96 bytes; undefined for what is no element. Total. */
  parseG2(bytes: Uint8Array): G2Element | undefined
  /** Returns the one encoding, 96 bytes. */
  encodeG2(element: G2Element): Bytes
  /** Reads 288 bytes; undefined for what is no element, of other orders above all. Total. */
  parseGt(bytes: Uint8Array): GtElement | undefined
  /** Returns the one encoding, 288 bytes. */
  encodeGt(element: GtElement): Bytes

  /** Hashes to G2 by RFC 9380 under a tag. */
  hashToG2(message: Uint8Array, tag: Tag): G2Element

  /** A power of the generator of G1; the scalar may be secret. */
  multiplyBaseG1(scalar: BlsScalar): G1Element
  /** A multiple; the scalar may be secret. */
  multiplyG1(element: G1Element, scalar: BlsScalar): G1Element
  /** A multiple by a public scalar. */
  multiplyG1Public(element: G1Element, scalar: BlsScalar): G1Element
  /** The sum, or undefined for the identity. */
  addG1(left: G1Element, right: G1Element): G1Element | undefined
  /** The negative. */
  negateG1(element: G1Element): G1Element
  /** Tells whether two elements are the same. */
  isEqualG1(left: G1Element, right: G1Element): boolean

  /** A power of the generator of G2; the scalar may be secret. */
  multiplyBaseG2(scalar: BlsScalar): G2Element
  /** A multiple; the scalar may be secret. */
  multiplyG2(element: G2Element, scalar: BlsScalar): G2Element
  /** A multiple by a public scalar. */
  multiplyG2Public(element: G2Element, scalar: BlsScalar): G2Element
  /** The sum, or undefined for the identity. */
  addG2(left: G2Element, right: G2Element): G2Element | undefined

  /** A power; the exponent may be secret. */
  powerGt(element: GtElement, exponent: BlsScalar): GtElement
  /** A power with a public exponent. */
  powerGtPublic(element: GtElement, exponent: BlsScalar): GtElement
  /** The product, or undefined for one. */
  multiplyGt(left: GtElement, right: GtElement): GtElement | undefined
  /** The inverse. */
  invertGt(element: GtElement): GtElement
  /** Tells whether two elements are the same. */
  isEqualGt(left: GtElement, right: GtElement): boolean
  /** The element with a table, for many powers. */
  prepareGt(element: GtElement): PreparedGt
  /** A power by the table; the exponent may be secret. */
  powerPreparedGt(element: PreparedGt, exponent: BlsScalar): GtElement

  /** The element with its lines, for many pairings. */
  prepareG2(element: G2Element): PreparedG2
  /** The product of pairings with one final exponentiation, or undefined for one. */
  pair(pairs: readonly (readonly [G1Element, PreparedG2])[]): GtElement | undefined
}
