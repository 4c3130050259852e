/**
 * FHIR in and out: reading resources without losing a digit, and making those that the library seals.
 *
 * @packageDocumentation
 */

export {
  isVitalsealError,
  unwrap,
  VitalsealError,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../errors.ts'
export { parseResources } from './collection.ts'
export { createDiagnosis } from './diagnosis.ts'
export { parseResource, type ParseOptions, type Quantity, type Resource, type ResourceErrorCode } from './resource.ts'
export { VITAL_SIGNS } from './vital-signs.ts'
