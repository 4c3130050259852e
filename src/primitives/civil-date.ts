/**
 * Calendar arithmetic without a clock or a calendar of the platform: UTC, proleptic Gregorian.
 */

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000
const DAYS_OF_400_YEARS = 146_097
/** From 1 March of year 0, where the leap day ends the year, to 1 January 1970. */
const DAYS_BEFORE_1970 = 719_468

/** A day of the calendar. */
export interface CivilDate {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  /** 1 to 31. */
  readonly day: number
}

/** Returns the days from 1 January 1970 to a day of the calendar; undefined when the calendar has no such day. */
export function daysSince1970(date: CivilDate): number | undefined {
  const { year, month, day } = date
  const shifted = month > 2 ? year : year - 1
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const monthFromMarch = (month + 9) % 12
  // The parts of 30.6 round to the lengths of the months from March on.
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  const days = era * DAYS_OF_400_YEARS + dayOfEra - DAYS_BEFORE_1970
  const back = civilDate(days)
  return back.year === year && back.month === month && back.day === day ? days : undefined
}

/** Returns the day of the calendar that many days after 1 January 1970. */
export function civilDate(days: number): CivilDate {
  const fromMarch = days + DAYS_BEFORE_1970
  const era = Math.floor(fromMarch / DAYS_OF_400_YEARS)
  const dayOfEra = fromMarch - era * DAYS_OF_400_YEARS
  // One leap day after each 4 years of 1,460 days, none after each 25th of those, one again at the end of the era.
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = ((monthFromMarch + 2) % 12) + 1
  return {
    year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  }
}
