import type { Certificate } from '../../src/pbft/certificate.ts'
import type { Signature } from '../../src/primitives/signature.ts'

/** The signatures of a certificate in list form, by member index. */
export function signaturesOf({ proof }: Certificate): readonly (Signature | null)[] {
  if (proof.kind !== 'list') throw new Error('the certificate is an aggregate')
  return proof.signatures
}
