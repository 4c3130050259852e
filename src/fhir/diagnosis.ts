/**
 * Making a DiagnosticReport: what a doctor seals and names in tx_diag.
 */

import { unwrap } from '../errors.ts'
import { civilDate, DAY_MS } from '../primitives/civil-date.ts'
import type { DataType, Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { parseResource, type Resource } from './resource.ts'

/** Returns a FHIR instant, UTC. */
export function formatInstant(timeMs: number): string {
  const days = Math.floor(timeMs / DAY_MS)
  const { year, month, day } = civilDate(days)
  const rest = timeMs - days * DAY_MS
  const pad = (value: number, length = 2) => String(Math.floor(value)).padStart(length, '0')
  const time = `${pad(rest / 3_600_000)}:${pad((rest / 60_000) % 60)}:${pad((rest / 1_000) % 60)}.${pad(rest % 1_000, 3)}`
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}T${time}Z`
}

/**
 * Returns a DiagnosticReport as a resource that can be sealed.
 *
 * @param fields - `codes`: conclusion codes, the first of which gives the type; `causes`: the readings behind it, by
 *   transaction id
 * @throws When there is no code, or one has another form: `ERR_FHIR_INVALID`. {@link VitalsealError}
 */
export function createDiagnosis(fields: {
  readonly patient: Did
  readonly conclusion: string
  readonly codes: readonly DataType[]
  readonly causes: readonly TransactionId[]
  readonly issuedAtMs: number
}): Resource {
  const { patient, conclusion, codes, causes, issuedAtMs } = fields
  const coding = codes.map((dataType) => {
    const bar = dataType.indexOf('|')
    return { system: dataType.slice(0, bar), code: dataType.slice(bar + 1) }
  })
  const report = {
    resourceType: 'DiagnosticReport',
    status: 'final',
    code: { coding },
    subject: { identifier: { system: 'urn:ietf:rfc:3986', value: patient } },
    effectiveDateTime: formatInstant(issuedAtMs),
    issued: formatInstant(issuedAtMs),
    result: causes.map((value) => ({ identifier: { system: 'urn:vitalseal:transaction', value } })),
    conclusion,
    conclusionCode: [{ coding }],
  }
  return unwrap(parseResource(JSON.stringify(report)))
}
