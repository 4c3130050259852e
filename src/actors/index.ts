/**
 * Actors: the short way. Each is one party of the papers over the modules below, and everything it does can be done with
 * these alone. Ports only: identity, ledger, blocks, clock.
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
export type { Actor, ActorEvent, ActorOptions, Opened, Sealed } from './actor.ts'
export { createOwnerCapsules, type OwnerCapsules } from './capsules.ts'
export { createClinician, type Clinician } from './clinician.ts'
export {
  createDevice,
  createDeviceLink,
  createGateway,
  type CounterStore,
  type Device,
  type DeviceLink,
  type Gateway,
} from './gateway.ts'
export { createInstitution, type Institution, type Received } from './institution.ts'
export { createIssuer, type AttestOrder, type Issuer } from './issuer.ts'
export { createLocalConsortium, type LocalConsortium } from './local-consortium.ts'
export {
  createParticipant,
  type Claimed,
  type ClaimOrder,
  type Participant,
  type ParticipantOptions,
} from './participant.ts'
export {
  createPatient,
  type GrantOptions,
  type Keyed,
  type Patient,
  type PatientOptions,
  type ReKeyDelivery,
} from './patient.ts'
export { createProxy, type Proxy, type ReKeyStore } from './proxy.ts'
export type { ReceivedShare } from './receive-share.ts'
export { createRegistrar, type Application, type Registrar } from './registrar.ts'
export { createStorageNode, createStorageRequest, type StorageNode, type StorageRequest } from './storage-node.ts'
