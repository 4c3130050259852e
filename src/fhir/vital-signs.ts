/**
 * Codes of common readings, and the units in which FHIR's vital-signs profile states them. LOINC codes: see NOTICE.
 */

import type { DataType } from '../primitives/did.ts'

/** Types of common readings, as `system|code`. */
export const VITAL_SIGNS = {
  heartRate: 'http://loinc.org|8867-4',
  bloodPressure: 'http://loinc.org|85354-9',
  bodyTemperature: 'http://loinc.org|8310-5',
  respiratoryRate: 'http://loinc.org|9279-1',
  oxygenSaturation: 'http://loinc.org|2708-6',
  glucose: 'http://loinc.org|15074-8',
  bodyHeight: 'http://loinc.org|8302-2',
  bodyWeight: 'http://loinc.org|29463-7',
  bodyMassIndex: 'http://loinc.org|39156-5',
  ecg: 'urn:oid:2.16.840.1.113883.6.24|131328',
} as const satisfies { readonly [name: string]: DataType }

/** UCUM units that a reading of a type may have; a type that is not here may have any. */
export const UNITS: { readonly [dataType: string]: readonly string[] } = {
  [VITAL_SIGNS.heartRate]: ['/min'],
  [VITAL_SIGNS.bodyTemperature]: ['Cel', '[degF]'],
  [VITAL_SIGNS.respiratoryRate]: ['/min'],
  [VITAL_SIGNS.oxygenSaturation]: ['%'],
  [VITAL_SIGNS.glucose]: ['mmol/L'],
  [VITAL_SIGNS.bodyHeight]: ['cm', '[in_i]', 'm'],
  [VITAL_SIGNS.bodyWeight]: ['kg', 'g', '[lb_av]'],
  [VITAL_SIGNS.bodyMassIndex]: ['kg/m2'],
}
