/**
 * FHIR in and out: reading resources without losing a digit, making those that the library seals, and reading whom a study
 * looks for as a requirement.
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
export { parseGroup, type GroupOptions } from './group.ts'
export { parseResource, type ParseOptions, type Quantity, type Resource, type ResourceErrorCode } from './resource.ts'
export { VITAL_SIGNS } from './vital-signs.ts'
