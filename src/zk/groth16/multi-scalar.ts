/**
 * Multi-scalar multiplication: the sum of points, each times its scalar, by Pippenger's buckets with signed digits.
 *
 * The scalars of a proof are values of the witness and decide which buckets are used: whoever shares a processor with the
 * prover may learn about them from its caches. Proving belongs on the patient's own device.
 *
 * @see Bernstein, Doumen, Lange, Oosterwijk, "Faster batch forgery identification", 2012/549, section 4
 */

import { rejectArgument } from '../../errors.ts'
import { addAll, doubleAll, identities, isIdentity, normalizeAll, type AffineVector } from './affine.ts'
import { baseFieldOfG1, type BaseField } from './base-field.ts'

/** Additions that share an inversion: more would only take memory. */
const BATCH = 4_096
/** Parts of a window's buckets that are summed side by side, so that an inversion serves more additions. */
const LANES_MIN = 128

/** Width of a window, in bits, for so many points; the best of what was measured. */
function windowBits(pointCount: number): number {
  if (pointCount < 32) return 3
  // Signed digits have to fit into 16 bits.
  return Math.min(15, Math.max(4, Math.floor(Math.log2(pointCount)) - 3))
}

/** Points sorted by the bucket that they go to. */
interface Buckets<E> {
  /** First position of each bucket in `points`, and the end of the last. */
  starts: Int32Array<ArrayBuffer>
  points: AffineVector<E>
}

/** Signed digits of all scalars, by window; digit 0 means nowhere. */
function recode(scalars: readonly bigint[], bits: number, windows: number): Int16Array<ArrayBuffer> {
  const digits = new Int16Array(scalars.length * windows)
  const mask = (1 << bits) - 1
  const half = 1 << (bits - 1)
  // Words of 16 bits, lowest first, and two more that stay zero: shifting the integer once for each window costs more.
  const words = new Uint16Array(18)
  for (let i = 0; i < scalars.length; i++) {
    const text = scalars[i]!.toString(16).padStart(64, '0')
    for (let word = 0; word < 16; word++) words[word] = parseInt(text.slice(60 - 4 * word, 64 - 4 * word), 16)
    let carry = 0
    for (let window = 0; window < windows; window++) {
      const start = window * bits
      const at = start >> 4
      const pair = (words[at] ?? 0) | ((words[at + 1] ?? 0) << 16)
      let digit = ((pair >>> (start & 15)) & mask) + carry
      carry = digit > half ? 1 : 0
      if (carry === 1) digit -= mask + 1
      digits[window * scalars.length + i] = digit
    }
  }
  return digits
}

/** Puts the points of all windows into buckets by counting, signs included. */
function fillBuckets<E>(
  field: BaseField<E>,
  points: AffineVector<E>,
  digits: Int16Array,
  sizes: { readonly windows: number; readonly perWindow: number },
): Buckets<E> {
  const count = points.xs.length
  const { windows, perWindow } = sizes
  const starts = new Int32Array(windows * perWindow + 1)
  const bucketOf = (window: number, digit: number): number => window * perWindow + Math.abs(digit) - 1
  const visit = (act: (bucket: number, point: number, digit: number) => void): void => {
    for (let window = 0, at = 0; window < windows; window++) {
      for (let point = 0; point < count; point++, at++) {
        const digit = digits[at]!
        if (digit !== 0) act(bucketOf(window, digit), point, digit)
      }
    }
  }
  visit((bucket) => starts[bucket + 1]!++)
  for (let i = 0; i < starts.length - 1; i++) starts[i + 1]! += starts[i]!
  const next = starts.slice()
  const total = starts[starts.length - 1]!
  const sorted: AffineVector<E> = { xs: new Array<E>(total), ys: new Array<E>(total) }
  visit((bucket, point, digit) => {
    const position = next[bucket]!++
    sorted.xs[position] = points.xs[point]!
    sorted.ys[position] = digit < 0 ? field.negate(points.ys[point]!) : points.ys[point]!
  })
  return { starts, points: sorted }
}

/** Adds neighbours in each bucket until none has more than one point. */
function sumBuckets<E>(field: BaseField<E>, buckets: Buckets<E>): void {
  const count = buckets.starts.length - 1
  for (;;) {
    const { starts, points } = buckets
    const halved = new Int32Array(count + 1)
    let isDone = true
    for (let b = 0; b < count; b++) {
      const size = starts[b + 1]! - starts[b]!
      if (size > 1) isDone = false
      halved[b + 1] = halved[b]! + ((size + 1) >> 1)
    }
    if (isDone) return
    const total = halved[count]!
    const sums: AffineVector<E> = { xs: new Array<E>(total), ys: new Array<E>(total) }
    const addends = identities(field, total)
    for (let b = 0; b < count; b++) {
      for (let from = starts[b]!, to = halved[b]!; from < starts[b + 1]!; from += 2, to++) {
        sums.xs[to] = points.xs[from]!
        sums.ys[to] = points.ys[from]!
        if (from + 1 === starts[b + 1]!) continue
        addends.xs[to] = points.xs[from + 1]!
        addends.ys[to] = points.ys[from + 1]!
      }
    }
    for (let first = 0; first < total; first += BATCH)
      addAll(field, sums, addends, first, Math.min(first + BATCH, total))
    buckets.points = sums
    buckets.starts = halved
  }
}

/**
 * Returns the sums of points by bucket, all windows one after the other.
 *
 * @param digits - by window and point: the number of a bucket, from 1 on
 */
export function sumByBucket<E>(
  field: BaseField<E>,
  points: AffineVector<E>,
  digits: Int16Array,
  sizes: { readonly windows: number; readonly perWindow: number },
): AffineVector<E> {
  const buckets = fillBuckets(field, points, digits, sizes)
  sumBuckets(field, buckets)
  const { starts, points: sums } = buckets
  const result = identities(field, starts.length - 1)
  for (let bucket = 0; bucket < result.xs.length; bucket++) {
    const position = starts[bucket]!
    if (position === starts[bucket + 1]!) continue
    result.xs[bucket] = sums.xs[position]!
    result.ys[bucket] = sums.ys[position]!
  }
  return result
}

/**
 * Returns for each window the sum of k times bucket k.
 *
 * Running sums from the highest bucket down; each window is cut into parts that run side by side. With parts of length L, the
 * sum over a part is that of its own running sums plus L * (number of the part) times the sum of its buckets.
 */
function reduceWindows<E>(
  field: BaseField<E>,
  { starts, points }: Buckets<E>,
  sizes: { readonly windows: number; readonly perWindow: number },
): AffineVector<E> {
  const { windows, perWindow } = sizes
  let parts = 1
  while (windows * parts < LANES_MIN && parts * 4 <= perWindow) parts *= 2
  const length = perWindow / parts
  const running = identities(field, windows * parts)
  const totals = identities(field, windows * parts)
  for (let step = length - 1; step >= 0; step--) {
    const next = identities(field, windows * parts)
    for (let lane = 0; lane < windows * parts; lane++) {
      const bucket = lane * length + step
      const position = starts[bucket]!
      if (position === starts[bucket + 1]!) continue
      next.xs[lane] = points.xs[position]!
      next.ys[lane] = points.ys[position]!
    }
    addAll(field, running, next)
    addAll(field, totals, running)
  }
  return joinParts(field, running, totals, { windows, parts, length })
}

function joinParts<E>(
  field: BaseField<E>,
  running: AffineVector<E>,
  totals: AffineVector<E>,
  { windows, parts, length }: { readonly windows: number; readonly parts: number; readonly length: number },
): AffineVector<E> {
  const partOf = (from: AffineVector<E>, part: number): AffineVector<E> => ({
    xs: Array.from({ length: windows }, (_, window) => from.xs[window * parts + part]!),
    ys: Array.from({ length: windows }, (_, window) => from.ys[window * parts + part]!),
  })
  // weighted = sum of (number of the part) * (sum of its buckets), again by running sums.
  const weighted = identities(field, windows)
  const above = identities(field, windows)
  for (let part = parts - 1; part > 0; part--) {
    addAll(field, above, partOf(running, part))
    addAll(field, weighted, above)
  }
  for (let doubled = 1; doubled < length; doubled *= 2) doubleAll(field, weighted)
  for (let part = 0; part < parts; part++) addAll(field, weighted, partOf(totals, part))
  return weighted
}

/** Horner's rule over the windows, the highest first; one point, so nothing shares the inversions. */
function joinWindows<E>(field: BaseField<E>, windows: AffineVector<E>, bits: number): AffineVector<E> {
  const sum = identities(field, 1)
  for (let window = windows.xs.length - 1; window >= 0; window--) {
    for (let i = 0; i < bits; i++) doubleAll(field, sum)
    addAll(field, sum, { xs: [windows.xs[window]!], ys: [windows.ys[window]!] })
  }
  return sum
}

/**
 * Returns the sum of points, each times its scalar, as a vector of one point with coordinates in [0, p - 1].
 *
 * @param points - on the curve; the identity and repeated points are allowed
 * @param scalars - as many, each in [0, r - 1]; zeros cost nothing, small ones little
 */
export function multiplyAndSum<E>(
  field: BaseField<E>,
  points: AffineVector<E>,
  scalars: readonly bigint[],
): AffineVector<E> {
  if (points.xs.length !== scalars.length) rejectArgument('scalars', `${points.xs.length}`, `${scalars.length}`)
  const used = scalars.flatMap((scalar, i) =>
    scalar === 0n || isIdentity(field, points.xs[i]!, points.ys[i]!) ? [] : [i],
  )
  if (used.length === 0) return identities(field, 1)
  const factors = used.map((i) => scalars[i]!)
  const bits = windowBits(used.length)
  const longest = factors.reduce((all, scalar) => all | scalar, 0n).toString(2).length
  // One window more than the bits need, for the carry.
  const sizes = { windows: Math.floor(longest / bits) + 1, perWindow: 1 << (bits - 1) }
  const digits = recode(factors, bits, sizes.windows)
  const chosen = { xs: used.map((i) => points.xs[i]!), ys: used.map((i) => points.ys[i]!) }
  const buckets = fillBuckets(field, chosen, digits, sizes)
  sumBuckets(field, buckets)
  const sum = joinWindows(field, reduceWindows(field, buckets, sizes), bits)
  normalizeAll(field, sum)
  return sum
}

/**
 * Returns the sum of points of G1, each times its scalar: k P = k0 P + k1 [z^2] P with [z^2] (x, y) = (beta x, -y), so twice as
 * many points and half as many doublings and windows.
 *
 * @param points - in the subgroup: elsewhere that equation does not hold
 * @see Gallant, Lambert, Vanstone, "Faster point multiplication on elliptic curves with efficient endomorphisms", 2001
 */
export function multiplyAndSumG1(points: AffineVector<bigint>, scalars: readonly bigint[]): AffineVector<bigint> {
  if (points.xs.length !== scalars.length) rejectArgument('scalars', `${points.xs.length}`, `${scalars.length}`)
  const { factor, x, y } = baseFieldOfG1.endomorphism
  const both = { xs: [...points.xs, ...points.xs.map(x)], ys: [...points.ys, ...points.ys.map(y)] }
  const parts = [...scalars.map((scalar) => scalar % factor), ...scalars.map((scalar) => scalar / factor)]
  return multiplyAndSum(baseFieldOfG1, both, parts)
}
