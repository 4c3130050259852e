/**
 * The one table of domain-separation tags: `vitalseal/<folder>/<purpose>/v<n>`.
 *
 * A tag is never reused and never changed: an object of one kind then cannot be taken for another, whatever its bytes
 * (the papers hash bare concatenations, where tx_IoT, tx_key and tx_diag can collide by moving a border between fields).
 * Forms fixed by a standard are not here: RFC 6962, RFC 9180, RFC 9380, RFC 5869.
 */
export const TAGS = {
  /** Id and signed digest of a transaction: chain id, unsigned tuple. */
  transaction: 'vitalseal/transactions/transaction/v1',
  /** Id of one grant. */
  grant: 'vitalseal/transactions/grant/v1',
  /** Approval of the next members by a present one: chain id, member epoch, next members. */
  memberChange: 'vitalseal/transactions/member-change/v1',
  /** Public label of a data type. */
  publicLabel: 'vitalseal/primitives/public-label/v1',
  /** Private label of a data type, under the owner's label key (HMAC). */
  privateLabel: 'vitalseal/primitives/private-label/v1',
  /** Header root of the authenticated map. */
  mapRoot: 'vitalseal/primitives/map-root/v1',
  /** Path of a key tuple in the authenticated map. */
  mapPath: 'vitalseal/primitives/map-path/v1',
  /** Value hash in the authenticated map. */
  mapValue: 'vitalseal/primitives/map-value/v1',
  /** BLS signature of a certificate (min-sig). */
  blsCertificate: 'vitalseal/primitives/bls-certificate/v1',
  /** BLS proof of possession of a member key (min-sig). */
  blsPossession: 'vitalseal/primitives/bls-possession/v1',
  /** KeyGen's key_info: secret key of a certificate signer. */
  blsSecret: 'vitalseal/primitives/bls-secret/v1',
  /** KeyGen's key_info: secret of proxy re-encryption. */
  preSecret: 'vitalseal/primitives/pre-secret/v1',
  /** Proof of possession of a PRE key. */
  prePossession: 'vitalseal/identity/pre-possession/v1',
  /** Proof of possession of an agreement key, shown to a registrar (HMAC). */
  agreementPossession: 'vitalseal/identity/agreement-possession/v1',
  /** Key record, signed by the signing key in it. */
  keyRecord: 'vitalseal/identity/key-record/v1',
  /** Replacement of a signing key, signed by the old one. */
  keyRotation: 'vitalseal/identity/key-rotation/v1',
  /** E-Cert or T-Cert, signed by its issuer. */
  credential: 'vitalseal/identity/credential/v1',
  /** HKDF info: keys of a party from the seed. */
  seedDerivation: 'vitalseal/identity/seed-derivation/v1',
  /** HKDF info: commitment, key and nonce of a sealed record. */
  record: 'vitalseal/storage/record/v1',
  /** HKDF info: sT from the epoch root. */
  epochTypes: 'vitalseal/keys/epoch-types/v1',
  /** HKDF info: sD from the epoch root. */
  epochDiagnosis: 'vitalseal/keys/epoch-diagnosis/v1',
  /** HKDF info: type key from sT. */
  typeKey: 'vitalseal/keys/type-key/v1',
  /** HKDF info: diagnosis key of one doctor from sD. */
  diagnosisKey: 'vitalseal/keys/diagnosis-key/v1',
  /** Commitment to a type key. */
  typeCommitment: 'vitalseal/keys/type-commitment/v1',
  /** Commitment to a diagnosis key. */
  diagnosisCommitment: 'vitalseal/keys/diagnosis-commitment/v1',
  /** HPKE info of an envelope. */
  envelope: 'vitalseal/keys/envelope/v1',
  /** Digest in that info: the commitments of the tx_key, and those beside the envelope. */
  envelopeCommitments: 'vitalseal/keys/envelope-commitments/v1',
} as const

/** Tags of ledgers: pbft, chain, actors, node; apart, so that bundles without one do not carry them. */
export const LEDGER_TAGS = {
  /** Chain id: digest of the genesis. */
  genesis: 'vitalseal/chain/genesis/v1',
  /** Members of a group in their order. */
  members: 'vitalseal/chain/members/v1',
  /** Proof of a member's key to the other end of a connection: chain id, role, both nonces, both parties. */
  nodeHandshake: 'vitalseal/chain/node-handshake/v1',
  /** HPKE info of one frame between a device and its gateway. */
  deviceLink: 'vitalseal/actors/device-link/v1',
  /** HPKE info of a re-key on its way to a proxy. */
  reKeyDelivery: 'vitalseal/actors/re-key-delivery/v1',
  /** Request for the blocks of a record, signed by whoever asks. */
  storageRequest: 'vitalseal/actors/storage-request/v1',
  /** Study of a claim: chain id, institution, its name of the study. */
  sharingStudy: 'vitalseal/sharing/study/v1',
  /** What a claim agrees to: listing, payee, price, exclusive time, proxy, re-key, sealed share. */
  sharingTerms: 'vitalseal/sharing/terms/v1',
  /** Signature of who took part in the ceremony of a verifying key: chain id, digest of the key. */
  sharingWitness: 'vitalseal/sharing/witness/v1',
  /** Serial of a record: its exact bytes. */
  sharingSerial: 'vitalseal/sharing/serial/v1',
  /** An institution's name of a study. */
  sharingStudyName: 'vitalseal/sharing/study-name/v1',
  /** HPKE info of a re-key on its way to the proxy of a claim. */
  sharingDelivery: 'vitalseal/sharing/delivery/v1',
  /** HPKE info of an opening on its way from the issuer to its subject. */
  sharingOpening: 'vitalseal/sharing/opening/v1',
  /** Digest of an ordered batch: the batch bytes. */
  pbftBatch: 'vitalseal/pbft/batch/v1',
  /** PRE-PREPARE: chain id, member epoch, signer, view, sequence, batch digest. */
  pbftPrePrepare: 'vitalseal/pbft/pre-prepare/v1',
  /** PREPARE: chain id, member epoch, signer, view, sequence, batch digest. */
  pbftPrepare: 'vitalseal/pbft/prepare/v1',
  /** COMMIT: chain id, member epoch, signer, view, sequence, batch digest. */
  pbftCommit: 'vitalseal/pbft/commit/v1',
  /** EXEC-VOTE: chain id, member epoch, height, header digest; without signer and view, so that it aggregates. */
  pbftExecVote: 'vitalseal/pbft/exec-vote/v1',
  /** VIEW-CHANGE: chain id, member epoch, signer, body. */
  pbftViewChange: 'vitalseal/pbft/view-change/v1',
  /** NEW-VIEW: chain id, member epoch, signer, body. */
  pbftNewView: 'vitalseal/pbft/new-view/v1',
  /** STATUS: chain id, member epoch, signer, body. */
  pbftStatus: 'vitalseal/pbft/status/v1',
  /** FETCH: chain id, member epoch, signer, body. */
  pbftFetch: 'vitalseal/pbft/fetch/v1',
  /** Digest of a replica's state, for comparing runs. */
  pbftState: 'vitalseal/pbft/state/v1',
  /** Digest of a record of the log on disk: member epoch, index, digest of the record before, keepFrom, bytes. */
  nodeRecord: 'vitalseal/node/record/v1',
  /** Digest of any other entry on disk: its key, its fields. */
  nodeEntry: 'vitalseal/node/entry/v1',
} as const

/** Tags of proxy re-encryption; apart for the same reason. */
export const PRE_TAGS = {
  /** Hash to G2 of a condition of proxy re-encryption, with the delegator's key: Q_w. */
  preCondition: 'vitalseal/pre/condition/v1',
  /** Opaque form of a condition, under the owner's label key (HMAC). */
  preOpaqueCondition: 'vitalseal/pre/opaque-condition/v1',
  /** The message of a capsule, from randomness and everything that it is for. */
  preMessage: 'vitalseal/pre/message/v1',
  /** The scalar r of a capsule, from its message. */
  preEncapsulation: 'vitalseal/pre/encapsulation/v1',
  /** HKDF info: what hides the message of a capsule, from an element of GT. */
  preMask: 'vitalseal/pre/mask/v1',
  /** Capsule id: digest of the body without its proof. */
  preCapsule: 'vitalseal/pre/capsule/v1',
  /** Nonce of a capsule's proof, from its message. */
  preNonce: 'vitalseal/pre/proof-nonce/v1',
  /** Challenge of a capsule's proof. */
  preChallenge: 'vitalseal/pre/proof-challenge/v1',
  /** HKDF info: the key of a capsule, from its message. */
  preCapsuleKey: 'vitalseal/pre/capsule-key/v1',
  /** The ephemeral scalar e of a re-key, from randomness and everything that it is for. */
  preEphemeral: 'vitalseal/pre/ephemeral/v1',
  /** Nonce of the proof that its maker knows it. */
  preEphemeralNonce: 'vitalseal/pre/ephemeral-nonce/v1',
  /** Challenge of such a proof. */
  preEphemeralChallenge: 'vitalseal/pre/ephemeral-challenge/v1',
  /** The blinding scalar y of a re-key, shared with the delegatee. */
  preBlinding: 'vitalseal/pre/blinding/v1',
  /** Re-key id: what its owner signs. */
  preReKey: 'vitalseal/pre/re-key/v1',
  /** Commitments of a re-key in fragments, signed by its owner. */
  preFragments: 'vitalseal/pre/fragments/v1',
  /** Coefficients of the polynomial that splits a re-key. */
  preCoefficient: 'vitalseal/pre/coefficient/v1',
  /** Nonce of a proof that a fragment was converted rightly. */
  preFragmentNonce: 'vitalseal/pre/fragment-nonce/v1',
  /** Challenge of such a proof. */
  preFragmentChallenge: 'vitalseal/pre/fragment-challenge/v1',
  /** Nonce of a proof that a delegatee shows the secret of one re-key. */
  preShownNonce: 'vitalseal/pre/shown-nonce/v1',
  /** Challenge of such a proof. */
  preShownChallenge: 'vitalseal/pre/shown-challenge/v1',
  /** AEAD info: a record under the key of a capsule. */
  preRecord: 'vitalseal/pre/record/v1',
  /** Salt of such a record, from randomness, the key and the record. */
  preRecordSalt: 'vitalseal/pre/record-salt/v1',
  /** HPKE info: the key of a condition, wrapped for one recipient. */
  preRewrap: 'vitalseal/pre/rewrap/v1',
  /** A random scalar of the identity-based scheme, from randomness, its use and everything that it is for. */
  ibRandom: 'vitalseal/pre/ib-random/v1',
  /** Digest of the parameters of a key centre. */
  ibParameters: 'vitalseal/pre/ib-parameters/v1',
  /** Factors with which parameters of a key centre are checked for consistency. */
  ibConsistency: 'vitalseal/pre/ib-consistency/v1',
  /** Scalar of an identity. */
  ibIdentity: 'vitalseal/pre/ib-identity/v1',
  /** Scalar of a type: the second level of an identity. */
  ibType: 'vitalseal/pre/ib-type/v1',
  /** Scalar of the second level that carries the secrets of re-keys. */
  ibReKeyLevel: 'vitalseal/pre/ib-re-key-level/v1',
  /** Scalar of a signed message, as a second level. */
  ibMessage: 'vitalseal/pre/ib-message/v1',
  /** The message of an identity-based ciphertext, from randomness and everything that it is for. */
  ibSealedMessage: 'vitalseal/pre/ib-sealed-message/v1',
  /** The scalar r of an identity-based ciphertext, from its message. */
  ibEncryption: 'vitalseal/pre/ib-encryption/v1',
  /** HKDF info: what hides the message of such a ciphertext. */
  ibMask: 'vitalseal/pre/ib-mask/v1',
  /** Digest of its body, without the proof. */
  ibCiphertext: 'vitalseal/pre/ib-ciphertext/v1',
  /** Nonce of its proof, from the message. */
  ibNonce: 'vitalseal/pre/ib-proof-nonce/v1',
  /** Challenge of its proof. */
  ibChallenge: 'vitalseal/pre/ib-proof-challenge/v1',
  /** HKDF info: the key of its data, from the message. */
  ibDataKey: 'vitalseal/pre/ib-data-key/v1',
  /** AEAD info of its data. */
  ibData: 'vitalseal/pre/ib-data/v1',
  /** The blinding scalar y of an identity-based re-key. */
  ibBlinding: 'vitalseal/pre/ib-blinding/v1',
  /** Identity-based re-key, signed by AuthSign. */
  ibReKey: 'vitalseal/pre/ib-re-key/v1',
} as const

/** Tags of zero knowledge; apart for the same reason. */
export const ZK_TAGS = {
  /** Poseidon's capacity: leaf block of a record. Tags of Poseidon have at most 31 characters. */
  zkLeaf: 'vitalseal/zk/leaf/v1',
  /** Poseidon's capacity: inner node of the tree of a record. */
  zkNode: 'vitalseal/zk/node/v1',
  /** Poseidon's capacity: commitment to a record. */
  zkCommitment: 'vitalseal/zk/commitment/v1',
  /** Poseidon's capacity: commitment to a person secret. */
  zkPerson: 'vitalseal/zk/person/v1',
  /** Poseidon's capacity: nullifier of a person and a study. */
  zkStudy: 'vitalseal/zk/study/v1',
  /** Poseidon's capacity: nullifier of a person and a record. */
  zkRecord: 'vitalseal/zk/record/v1',
  /** Poseidon's capacity: context of a proof, from study and terms. */
  zkContext: 'vitalseal/zk/context/v1',
  /** Id of a record schema: its encoding. */
  zkSchema: 'vitalseal/zk/schema/v1',
  /** A code of a list attribute. */
  zkCode: 'vitalseal/zk/code/v1',
  /** The subject of a commitment: the account's signing key. */
  zkSubject: 'vitalseal/zk/subject/v1',
  /** HKDF info: salts of a commitment. */
  zkSalt: 'vitalseal/zk/salt/v1',
  /** Signature of the issuer: chain id, issuer, commitment, subject, schema, issuedAtMs. */
  zkAttestation: 'vitalseal/zk/attestation/v1',
  /** Digest of a requirement: its encoding. */
  zkRequirement: 'vitalseal/zk/requirement/v1',
  /** Study of a proof, as a field element. */
  zkStudyId: 'vitalseal/zk/study-id/v1',
  /** Terms of a proof: verifier, chain, nonce, end and what the caller binds. */
  zkTerms: 'vitalseal/zk/terms/v1',
  /** Id of a circuit: its constraints. */
  zkCircuit: 'vitalseal/zk/circuit/v1',
  /** Digest of a verifying key: its encoding. */
  zkVerifyingKey: 'vitalseal/zk/verifying-key/v1',
  /** Challenge and transcript of a ceremony. */
  zkCeremony: 'vitalseal/zk/ceremony/v1',
} as const

/** One of the tags of {@link TAGS}, {@link LEDGER_TAGS}, {@link PRE_TAGS} or {@link ZK_TAGS}. */
export type Tag =
  | (typeof TAGS)[keyof typeof TAGS]
  | (typeof LEDGER_TAGS)[keyof typeof LEDGER_TAGS]
  | (typeof PRE_TAGS)[keyof typeof PRE_TAGS]
  | (typeof ZK_TAGS)[keyof typeof ZK_TAGS]
