/** The fields of one case of the RFC's vector file that the tests use. */
export interface HpkeCase {
  readonly mode: 0 | 1 | 2 | 3
  readonly aead_id: 1 | 2 | 3
  readonly info: string
  readonly skRm: string
  readonly skEm: string
  readonly pkRm: string
  readonly enc: string
  readonly skSm?: string
  readonly pkSm?: string
  readonly psk?: string
  readonly psk_id?: string
  readonly shared_secret: string
  readonly key: string
  readonly base_nonce: string
  readonly exporter_secret: string
  /** Sequence numbers of `encryptions`. */
  readonly enc_index: readonly number[]
  readonly encryptions: readonly {
    readonly aad: string
    readonly pt: string
    readonly ct: string
    readonly nonce: string
  }[]
  readonly exports: readonly {
    readonly exporter_context: string
    readonly L: number
    readonly exported_value: string
  }[]
}

/** RFC 9180, A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode; sequence numbers 0 and 1. */
export const RFC_9180_A_1_1: HpkeCase = {
  mode: 0,
  aead_id: 1,
  info: '4f6465206f6e2061204772656369616e2055726e',
  skRm: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
  skEm: '52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736',
  pkRm: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
  enc: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
  shared_secret: 'fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc',
  key: '4531685d41d65f03dc48f6b8302c05b0',
  base_nonce: '56d890e5accaaf011cff4b7d',
  exporter_secret: '45ff1c2e220db587171952c0592d5f5ebe103f1561a2614e38f2ffd47e99e3f8',
  enc_index: [0, 1],
  encryptions: [
    {
      aad: '436f756e742d30',
      pt: '4265617574792069732074727574682c20747275746820626561757479',
      ct: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
      nonce: '56d890e5accaaf011cff4b7d',
    },
    {
      aad: '436f756e742d31',
      pt: '4265617574792069732074727574682c20747275746820626561757479',
      ct: 'af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84',
      nonce: '56d890e5accaaf011cff4b7c',
    },
  ],
  exports: [
    {
      exporter_context: '',
      L: 32,
      exported_value: '3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee',
    },
    {
      exporter_context: '00',
      L: 32,
      exported_value: '2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5',
    },
    {
      exporter_context: '54657374436f6e74657874',
      L: 32,
      exported_value: 'e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931',
    },
  ],
}
