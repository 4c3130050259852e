/**
 * Moments in words, without a clock or a calendar of the platform: UTC, Gregorian, from 1970 on.
 */

/** A minute. */
export const MINUTE_MS = 60_000
/** A day. */
export const DAY_MS = 86_400_000

const MONTHS = 'January February March April May June July August September October November December'
/** The Julian day number of 1 January 1970. */
const JULIAN_DAY_1970 = 2_440_588

/**
 * Returns a moment in words: `1 June 2026`, or `1 June 2026 08:30 UTC` where it is not midnight; shorter units are left out.
 *
 * @param timeMs - milliseconds UTC, not negative
 */
export function formatMoment(timeMs: number): string {
  const day = divide(timeMs, DAY_MS)
  const minutes = divide(timeMs % DAY_MS, MINUTE_MS)
  return minutes === 0 ? formatDay(day) : `${formatDay(day)} ${pad(divide(minutes, 60))}:${pad(minutes % 60)} UTC`
}

function divide(dividend: number, divisor: number): number {
  return Math.floor(dividend / divisor)
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}

/** From Julian day to Gregorian date: Richards, Explanatory Supplement to the Astronomical Almanac (2013), 15.11.3. */
function formatDay(daysSince1970: number): string {
  const julianDay = daysSince1970 + JULIAN_DAY_1970
  const f = julianDay + 1_401 + divide(divide(4 * julianDay + 274_277, 146_097) * 3, 4) - 38
  const e = 4 * f + 3
  const h = 5 * divide(e % 1_461, 4) + 2
  const month = (divide(h, 153) + 2) % 12
  const year = divide(e, 1_461) - 4_716 + divide(13 - month, 12)
  return `${divide(h % 153, 5) + 1} ${MONTHS.split(' ')[month]!} ${year}`
}
