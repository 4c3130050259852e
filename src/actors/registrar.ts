/**
 * The registrar: admits accounts, certifies roles, revokes (PS registration, CL's hospital, HC's consortium).
 */

import type { AppliedReceipt } from '../chain/index.ts'
import {
  createCredential,
  generateChallenge,
  issueCredential,
  roundToMonths,
  verifyAgreementProof,
  type Credential,
  type KeyRecord,
} from '../identity/index.ts'
import { rejectArgument } from '../errors.ts'
import type { Verified } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Role } from '../primitives/roles.ts'
import type { TimeWindow } from '../policy/index.ts'
import { actorOf, createActorCore, registerIfNew, type Actor, type ActorOptions } from './actor.ts'

/** What an account shows before it is admitted. */
export interface Application {
  readonly keys: Verified<KeyRecord>
  /** From `createAgreementProof`, for the challenge that the registrar gave. */
  readonly proof: Uint8Array
  readonly challenge: Uint8Array
}

/** Who admits accounts. */
export interface Registrar extends Actor {
  /** Returns fresh bytes that an applicant must answer. */
  challenge(): Uint8Array
  /** Certifies a role: an E-Cert, or a T-Cert for a pseudonym, whose dates are rounded to months. */
  certify(options: {
    readonly subject: Did
    readonly role: Role
    readonly valid: TimeWindow
    readonly organisation?: string
    readonly pseudonym?: boolean
    readonly quotaPerMinute?: number
  }): Credential
  /**
   * Puts an account on the ledger, with its credentials.
   *
   * @throws When possession of the agreement key is not shown: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
   */
  admit(application: Application, credentials?: readonly Credential[]): Promise<AppliedReceipt>
  /** Takes an account off the ledger: it sends nothing more, and nothing is granted to it any more. */
  revoke(subject: Did): Promise<AppliedReceipt>
}

/** Returns the registrar's actor. */
export async function createRegistrar(options: ActorOptions): Promise<Registrar> {
  const core = createActorCore(options)
  const { identity, ledger } = options
  await registerIfNew(core)
  const challenges = new Set<string>()
  return {
    ...actorOf(core),
    challenge() {
      const challenge = generateChallenge(core.random)
      challenges.add(challenge.join())
      return challenge
    },
    certify({ subject, role, valid, organisation, pseudonym = false, quotaPerMinute = null }) {
      const window = { notBeforeMs: valid.fromMs, notAfterMs: valid.untilMs }
      const credential = createCredential({
        kind: pseudonym ? 'T-Cert' : 'E-Cert',
        issuer: core.did,
        subject,
        role,
        organisation: pseudonym ? null : (organisation ?? null),
        quotaPerMinute,
        ...(pseudonym ? roundToMonths(window) : window),
      })
      return issueCredential(credential, { chainId: ledger.chainId, signer: identity.signer })
    },
    async admit({ keys, proof, challenge }, credentials = []) {
      // Each challenge counts once: a proof that was seen is worth nothing.
      const isFresh = challenges.delete(challenge.join())
      const holds = verifyAgreementProof(
        { record: keys, chainId: ledger.chainId, challenge },
        { registrar: identity.agreement, proof },
      )
      if (!isFresh || !holds)
        rejectArgument('application.proof', 'an answer to a challenge of this registrar', 'another')
      return core.submit({
        kind: 'register',
        operation: 'add',
        subject: keys.did,
        keys,
        credentials,
        previousSignature: null,
      })
    },
    revoke: (subject) =>
      core.submit({
        kind: 'register',
        operation: 'revoke',
        subject,
        keys: null,
        credentials: [],
        previousSignature: null,
      }),
  }
}
