/**
 * Calendar months in milliseconds UTC, without `Date`, which pure folders may not name.
 *
 * Years begin in March here, so that the leap day is the last of its year: then the first days of months follow a closed
 * form of the proleptic Gregorian calendar.
 */

const DAY_MS = 86_400_000
/** Days from 1 March of year 0 to 1 January 1970. */
const EPOCH_DAYS = 719_468
/** Mean length: 146,097 days in 4,800 months. Only a first guess, corrected by a step. */
const MONTH_DAYS = 146_097 / 4_800

/** The first millisecond of a month counted from March of year 0. */
function startMs(month: number): number {
  const year = Math.floor(month / 12)
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
  // Lengths repeat 31, 30, 31, 30, 31 from March and again from August: 153 days in five months.
  const days = 365 * year + leapDays + Math.floor((153 * (month % 12) + 2) / 5)
  return (days - EPOCH_DAYS) * DAY_MS
}

function monthOf(timeMs: number): number {
  let month = Math.floor((timeMs / DAY_MS + EPOCH_DAYS) / MONTH_DAYS)
  while (startMs(month) > timeMs) month--
  while (startMs(month + 1) <= timeMs) month++
  return month
}

/** Returns the first millisecond of the month that holds `timeMs`. */
export function floorToMonth(timeMs: number): number {
  return startMs(monthOf(timeMs))
}

/** Returns `timeMs` where a month begins there, otherwise the first millisecond of the next month. */
export function ceilToMonth(timeMs: number): number {
  const floor = floorToMonth(timeMs)
  return floor === timeMs ? floor : startMs(monthOf(timeMs) + 1)
}
