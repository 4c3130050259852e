/**
 * Moments in words, without a clock or a calendar of the platform: UTC, Gregorian, from 1970 on.
 */

const MONTHS = 'January February March April May June July August September October November December'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const DAYS_OF_400_YEARS = 146_097
/** From 1 March of year 0, where the leap day ends the year, to 1 January 1970. */
const DAYS_BEFORE_1970 = 719_468

/**
 * Returns a moment in words: `1 June 2026`, or `1 June 2026 08:30 UTC` where it is not midnight; shorter units are left out.
 *
 * @param timeMs - milliseconds UTC, not negative
 */
export function formatMoment(timeMs: number): string {
  const day = Math.floor(timeMs / DAY_MS)
  const minutes = Math.floor((timeMs - day * DAY_MS) / MINUTE_MS)
  const time = `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)} UTC`
  return minutes === 0 ? formatDay(day) : `${formatDay(day)} ${time}`
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}

function formatDay(daysSince1970: number): string {
  const days = daysSince1970 + DAYS_BEFORE_1970
  const era = Math.floor(days / DAYS_OF_400_YEARS)
  const dayOfEra = days - era * DAYS_OF_400_YEARS
  // One leap day after each 4 years of 1,460 days, none after each 25th of those, one again at the end of the era.
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  // Five months from March on, and again from August, have 153 days; the parts of 30.6 round to their lengths.
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = (monthFromMarch + 2) % 12
  const year = era * 400 + yearOfEra + (month < 2 ? 1 : 0)
  return `${dayOfMonth} ${MONTHS.split(' ')[month]!} ${year}`
}
