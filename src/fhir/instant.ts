/**
 * Times of FHIR: `dateTime` and `instant` as moments. Strict: what has no time zone needs one from the caller, never from
 * the machine; a date stands for an interval, and its start is taken.
 */

import { DAY_MS, daysSince1970 } from '../primitives/civil-date.ts'

const DATE_TIME = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2}))?)?)?$/
const OFFSET = /^(?:Z|([+-])(\d{2}):(\d{2}))$/

/** Returns the minutes of `Z` or `+hh:mm`; undefined for anything else. */
export function offsetMinutes(text: string): number | undefined {
  const match = OFFSET.exec(text)
  if (match === null) return undefined
  const [, sign, hours = '0', minutes = '0'] = match
  const total = Number(hours) * 60 + Number(minutes)
  if (Number(hours) > 14 || Number(minutes) > 59) return undefined
  return sign === '-' ? -total : total
}

/**
 * Returns the first millisecond of a FHIR dateTime, UTC.
 *
 * @param timeZone - `Z` or `+hh:mm`, for dates without a time
 * @returns undefined when the text is no dateTime; `'needs-zone'` when it has no time zone and none was given
 */
export function parseInstant(text: string, timeZone?: string): number | 'needs-zone' | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '0', zone] = match
  const days = daysSince1970({ year: Number(year), month: Number(month), day: Number(day) })
  // A leap second is the last second of its minute here.
  if (days === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const offset = zone ?? timeZone
  if (offset === undefined) return 'needs-zone'
  const minutes = offsetMinutes(offset)
  if (minutes === undefined) return undefined
  const ofDay = (Number(hour) * 60 + Number(minute) - minutes) * 60_000 + Math.min(Number(second), 59) * 1_000
  return days * DAY_MS + ofDay + Math.floor(Number(`0.${fraction}`) * 1_000)
}
