import { describe, expect, it } from 'vitest'

import { encodeCbor, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { KINDS } from '../../src/transactions/kinds.ts'
import { createSigner, createVerifier, type Signature } from '../../src/primitives/signature.ts'
import {
  attachSignature,
  createTransaction,
  encodeTransaction,
  formatTransaction,
  hashGrant,
  hashTransaction,
  parseTransaction,
  signTransaction,
  unwrap,
  validateTransaction,
  type Draft,
  type ParsedTransaction,
  type UnsignedTransaction,
} from '../../src/transactions/index.ts'
import { chainId, otherChainId, party, seededRandom } from '../support/parties.ts'
import {
  digest,
  doctor,
  issuedAtMs,
  label,
  patient,
  phone,
  record,
  registrar,
  samples,
  signerOf,
  transactionId,
} from '../support/transactions.ts'

const all = Object.entries(samples) as [keyof typeof samples, () => UnsignedTransaction][]

function sign(unsigned: UnsignedTransaction) {
  return signTransaction(unsigned, { chainId, signer: signerOf(unsigned) })
}

function elementsOf(bytes: Uint8Array): CborValue[] {
  return [
    ...(unwrap(
      parseCbor(bytes, { bytesMax: 1e6, depthMax: 16, itemsMax: 1e5, stringBytesMax: 1e6, mapKeysMax: 1 }),
    ) as CborValue[]),
  ]
}

describe.each(all)('transaction %s', (_name, make) => {
  const transaction = sign(make())
  const bytes = encodeTransaction(transaction)

  it('comes back from its bytes and validates', () => {
    const parsed = unwrap(parseTransaction(bytes))
    const { id, ...rest } = transaction
    expect(parsed).toEqual(rest)
    expect(encodeTransaction(parsed)).toEqual(bytes)
    const valid = unwrap(validateTransaction(parsed, { chainId }))
    expect(valid.id).toBe(id)
    expect(valid).toEqual(transaction)
  })

  it('is refused with trailing bytes and at every truncation', () => {
    const longer = new Uint8Array([...bytes, 0])
    expect(parseTransaction(longer)).toMatchObject({ ok: false, code: 'ERR_CODEC_TRAILING_BYTES' })
    for (let length = 0; length < bytes.length; length++) {
      expect(parseTransaction(bytes.subarray(0, length)).ok, `${length} bytes`).toBe(false)
    }
  })

  it('is refused with an element too many or too few', () => {
    const elements = elementsOf(bytes)
    const signature = elements.at(-1) as CborValue
    expect(parseTransaction(encodeCbor([...elements.slice(0, -1), 0, signature])).ok).toBe(false)
    expect(parseTransaction(encodeCbor([...elements.slice(0, -2), signature])).ok).toBe(false)
  })

  it('holds for its chain and signer only', () => {
    const parsed = unwrap(parseTransaction(bytes))
    for (const options of [{ chainId: otherChainId }, { chainId, signingKey: party('mallory').did }]) {
      const result = validateTransaction(parsed, options)
      expect(result.ok).toBe(false)
      if (!result.ok) expect(result.code).toBe('ERR_SIGNATURE_INVALID')
    }
  })

  it('changes its id with every bit that is signed, and with none of the hint', () => {
    const unsigned = make()
    const id = hashTransaction(unsigned, { chainId })
    expect(hashTransaction({ ...unsigned, nonce: 1 }, { chainId })).not.toEqual(id)
    expect(hashTransaction({ ...unsigned, issuedAtMs: issuedAtMs + 1 }, { chainId })).not.toEqual(id)
    expect(hashTransaction({ ...unsigned, delegate: 1 }, { chainId })).not.toEqual(id)
    expect(hashTransaction(unsigned, { chainId: otherChainId })).not.toEqual(id)
    const hinted = Uint8Array.from(transaction.signature) as Signature
    hinted[64] = 77
    const valid = unwrap(validateTransaction({ ...transaction, signature: hinted }, { chainId }))
    expect(valid.id).toBe(transaction.id)
  })

  it('has its kind in the second byte, by which readers without a parser tell', () => {
    expect(bytes[1]).toBe(KINDS[transaction.kind].version)
  })

  it('prints as DAG-JSON without losing a field', () => {
    const text = formatTransaction(transaction)
    expect(JSON.parse(text)).toMatchObject({ kind: transaction.kind, sender: transaction.sender, nonce: 0 })
    expect(text).toContain('"bytes"')
  })
})

describe('every bit of a tx_IoT', () => {
  const bytes = encodeTransaction(sign(samples.iot()))

  it('matters: no flip is accepted but those of the hint', () => {
    const verifier = createVerifier()
    for (let i = 0; i < bytes.length - 1; i++) {
      const flipped = Uint8Array.from(bytes)
      flipped[i] = (flipped[i] as number) ^ (1 << (i % 8))
      const parsed = parseTransaction(flipped)
      expect(parsed.ok && validateTransaction(parsed.value, { chainId, verifier }).ok, `byte ${i}`).toBe(false)
    }
  })
})

describe('bytes on the wire (DESIGN.md 4)', () => {
  const last = { nonce: 2 ** 32 - 1 }

  it('tx_IoT is 168 bytes at nonce 0 and epoch 1, and never more than 176', () => {
    expect(encodeTransaction(sign(samples.iot()))).toHaveLength(168)
    const largest = createTransaction({ ...samples.iot(), ...last, epoch: 2 ** 32 - 1 })
    expect(encodeTransaction(sign(largest))).toHaveLength(176)
  })

  it('tx_diag with one cause is at most 224 bytes', () => {
    const largest = createTransaction({ ...samples.diagnosis(), ...last, epoch: 2 ** 32 - 1 })
    expect(encodeTransaction(sign(largest)).length).toBeLessThanOrEqual(224)
  })

  it('pins one example of tx_IoT in hex, its signature apart', () => {
    const bytes = encodeTransaction(sign(samples.iot()))
    const unsigned = toHex(bytes.subarray(0, bytes.length - 67))
    expect(unsigned).toMatchInlineSnapshot(
      `"89035821020ddb656d5a8681475d5bc728916ca45e51b8708fab899f94514ebbee4b847d3600001b0000019a9ec064005821559418ce0de7409e91b175c6936cf90543369c55f4a65c6125be9d4d71d28ffad4507a16481879e2a175ffadc48665f9aaf801"`,
    )
    expect(toHex(hashTransaction(samples.iot(), { chainId }))).toMatchInlineSnapshot(
      `"164376fc1b4ad2c21f5c4bb08edf1a8f2020481c0492c0c6a12235ec12dd50d3"`,
    )
  })
})

/** The bytes of a sample without head, sender, nonce, time and signature. */
function bodyOf(name: keyof typeof samples): string {
  const bytes = encodeTransaction(sign(samples[name]()))
  return toHex(bytes.subarray(1 + 1 + 35 + 1 + 1 + 9, -67))
}

describe('the kinds of sharing on the wire', () => {
  it('is pinned in hex, the proof and the signatures apart', () => {
    const names = [
      'requirementWithdraw',
      'shareDelegate',
      'shareConvert',
      'shareDispute',
      'shareJudge',
      'shareClose',
      'withdrawal',
    ] as const
    expect(Object.fromEntries(names.map((name) => [name, bodyOf(name)]))).toMatchInlineSnapshot(`
      {
        "requirementWithdraw": "015820f53dbd41ba3f28dd46806a4f47c09e5a53f00b6cd2a9c3951076c458e1f4df82",
        "shareClose": "055820dd1b3c312cf7d816130354452e9629ce39355b0c534129dd26a08cd9a4502ede",
        "shareConvert": "015820dd1b3c312cf7d816130354452e9629ce39355b0c534129dd26a08cd9a4502ede582001fa8e566bb3bc46acdde4c720c3d5f01d5fad627f1a07f1fcbe850a8a53d091",
        "shareDelegate": "005820dd1b3c312cf7d816130354452e9629ce39355b0c534129dd26a08cd9a4502ede",
        "shareDispute": "035820dd1b3c312cf7d816130354452e9629ce39355b0c534129dd26a08cd9a4502ede5820ee8250fb76e094b34b471f13a73dbbe51d1ae142e9df59d7c0d31ec20f0a0a8e",
        "shareJudge": "045820dd1b3c312cf7d816130354452e9629ce39355b0c534129dd26a08cd9a4502ede01",
        "withdrawal": "5820aaa9402664f1a41f40ebbc52c9993eb66aeb366602958fdfaa283b71e64db123",
      }
    `)
    const isLong = /(?:03){65}|(?:04){192}|(?:01){65}|(?:09){715}/g
    expect(bodyOf('claim').replaceAll(isLong, ' .. ')).toMatchInlineSnapshot(
      `"5820f53dbd41ba3f28dd46806a4f47c09e5a53f00b6cd2a9c3951076c458e1f4df825821035b8a04c54676290e1765df8c3ee8acb8d0b281fe0ede64bacfa8f5565fed1e2b5820aaa9402664f1a41f40ebbc52c9993eb66aeb366602958fdfaa283b71e64db1231b0000019a9ec064005841 .. 5820231c2cfa53d561ac8462528bed6a4bfbd8079e17bd136a705aefeedc1d506f9a5820205552145b7f24c7ae2004e4f829190c4ed2ef28f2c6a63aa333f3989e85a3e858c0 .. 1b0000019a9ec064015821020ddb656d5a8681475d5bc728916ca45e51b8708fab899f94514ebbee4b847d36582102bf007734250153c3970b01f00a7df12279ca34f2addfe34b3d7b3086e836b9535820d03fea65876f15d8edeefefe22e78ad52edc44f55e0d439961e7bd8654cc461758202df2158d776c94557d6a02ddd378bb88b3f1d08415412e6b3babb620d264e720"`,
    )
    expect(bodyOf('requirementPublish').replaceAll(isLong, ' .. ')).toMatchInlineSnapshot(
      `"0058200c87ed818fb90f3f88faa6b362cf1e99025f3c1248f8fe513cdb38d03d9dce655820f8dcb7a13bf4991a7d7969ea1c8add149e79b13ae91c0e6c13994da38eb3636a5820df0ad6e43880f09c90ebf95f19110178aba6890df0010ebda7485029e2b543b4824201024103815821035b8a04c54676290e1765df8c3ee8acb8d0b281fe0ede64bacfa8f5565fed1e2b1a05265c00f58268646961626574657367676c75636f73655902cb .. 81825821020ddb656d5a8681475d5bc728916ca45e51b8708fab899f94514ebbee4b847d365841 .. 1a000f42401864051b0000019aa3e6c0008319ea6019ea6119ea62"`,
    )
  })

  it('has its kinds and steps in a fixed order', () => {
    const kinds = ['requirementPublish', 'claim', 'shareClose', 'withdrawal'] as const
    expect(kinds.map((name) => encodeTransaction(sign(samples[name]()))[1])).toEqual([14, 15, 16, 17])
    const steps = ['shareDelegate', 'shareConvert', 'shareAcknowledge', 'shareDispute', 'shareJudge', 'shareClose']
    expect(steps.map((name) => bodyOf(name as keyof typeof samples).slice(0, 2))).toEqual([
      ...['00', '01', '02', '03', '04', '05'],
    ])
  })

  it.each<readonly [string, keyof typeof samples, number, CborValue, string]>([
    ['a step of a share that is none', 'shareClose', 5, 6, 'transaction.step'],
    ['a step of a requirement that is none', 'requirementWithdraw', 5, 2, 'transaction.step'],
    ['the step of another form', 'shareClose', 5, 1, 'transaction'],
    ['a verdict beyond the third', 'shareJudge', 7, 3, 'transaction.verdict'],
    ['a proof of 191 bytes', 'claim', 12, new Uint8Array(191), 'transaction.proof'],
    ['a commitment of 31 bytes', 'withdrawal', 5, new Uint8Array(31), 'transaction.commitment'],
    ['a flag that is a number', 'requirementPublish', 12, 1, 'transaction.checksWithdrawal'],
  ])('refuses %s', (_case, name, index, value, path) => {
    const elements = elementsOf(encodeTransaction(sign(samples[name]())))
    const parsed = parseTransaction(encodeCbor(elements.with(index, value)))
    expect(parsed).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED', path })
  })
})

describe('parseTransaction', () => {
  const bytes = encodeTransaction(sign(samples.iot()))
  const elements = elementsOf(bytes)
  const withElement = (index: number, value: CborValue) => encodeCbor(elements.with(index, value))

  it.each([
    ['an unknown kind', 0, 23, 'ERR_CODEC_VERSION', 'transaction.kind'],
    ['a kind beyond 23', 0, 24, 'ERR_CODEC_MALFORMED', 'transaction.kindVersion'],
    ['an account of another form', 1, new Uint8Array(33).fill(4), 'ERR_CODEC_MALFORMED', 'transaction.sender'],
    ['delegate 9', 2, 9, 'ERR_CODEC_MALFORMED', 'transaction.delegate'],
    ['a nonce beyond 2^32 - 1', 3, 2 ** 32, 'ERR_CODEC_MALFORMED', 'transaction.nonce'],
    ['a negative time', 4, -1, 'ERR_CODEC_MALFORMED', 'transaction.issuedAtMs'],
    ['a content id of another codec', 5, new Uint8Array(33).fill(0x70), 'ERR_CODEC_MALFORMED', 'transaction.record'],
    ['a label of 15 bytes', 6, new Uint8Array(15), 'ERR_CODEC_MALFORMED', 'transaction.label'],
    ['epoch 0', 7, 0, 'ERR_CODEC_MALFORMED', 'transaction.epoch'],
    ['a signature of 64 bytes', 8, new Uint8Array(64), 'ERR_CODEC_MALFORMED', 'transaction.signature'],
  ])('refuses %s', (_case, index, value, code, path) => {
    const result = parseTransaction(withElement(index, value))
    expect(result).toMatchObject({ ok: false, code, path })
    if (!result.ok) expect(result.message).toContain(path)
  })

  it('says at which byte the field stands', () => {
    const result = parseTransaction(withElement(7, 0))
    // head, kind, account, delegate, nonce, time, content id, label
    expect(!result.ok && result.message).toContain(`at byte ${1 + 1 + 35 + 1 + 1 + 9 + 35 + 17}`)
  })

  it('takes tx_key up to 256 KiB and every other kind up to 64 KiB', () => {
    const blob = new Uint8Array(300 * 1024)
    for (const [kind, allowed] of [
      [4, 256 * 1024],
      [3, 64 * 1024],
    ] as const) {
      const head = Uint8Array.of(0x89, kind)
      for (const [length, isOver] of [
        [allowed + 1, true],
        [allowed, false],
      ] as const) {
        const result = parseTransaction(new Uint8Array([...head, ...blob.subarray(0, length - 2)]))
        expect(!result.ok && result.code === 'ERR_CODEC_LIMIT').toBe(isOver)
      }
    }
  })
})

describe('createTransaction', () => {
  it.each([
    ['an unknown kind', () => createTransaction({ ...samples.iot(), kind: 'mint' as 'iot' }), 'kind'],
    ['a fraction', () => createTransaction({ ...samples.iot(), nonce: 0.5 }), 'transaction.nonce'],
    [
      'a missing field',
      () => createTransaction({ ...samples.iot(), record: undefined as never }),
      'transaction.record',
    ],
    [
      'unsorted causes',
      () =>
        createTransaction({
          ...samples.diagnosis(),
          causes: [transactionId('b'), transactionId('a')].sort().reverse(),
        }),
      'transaction.causes',
    ],
    [
      'a repeated cause',
      () => createTransaction({ ...samples.diagnosis(), causes: [transactionId('b'), transactionId('b')] }),
      'transaction.causes',
    ],
    ['no cause', () => createTransaction({ ...samples.diagnosis(), causes: [] }), 'transaction.causes'],
    [
      '65 causes',
      () =>
        createTransaction({
          ...samples.diagnosis(),
          causes: Array.from({ length: 65 }, (_, i) => transactionId(`${i}`)).sort(),
        }),
      'transaction.causes',
    ],
    [
      'a grant to the patient',
      () => createTransaction({ ...samples.access(), grantee: patient.did }),
      'transaction.grantee',
    ],
    [
      'a window that ends when it starts',
      () =>
        createTransaction({
          ...samples.accessRole(),
          grants: [{ ...samples.accessRole().grants[0]!, access: { fromMs: 1, untilMs: 1 } }],
        }),
      'transaction.grants.0.accessUntilMs',
    ],
    [
      'an unknown action',
      () =>
        createTransaction({
          ...samples.accessRole(),
          grants: [{ ...samples.accessRole().grants[0]!, actions: ['read' as 'access'] }],
        }),
      'transaction.grants.0.actions',
    ],
    [
      'no action',
      () =>
        createTransaction({ ...samples.accessRole(), grants: [{ ...samples.accessRole().grants[0]!, actions: [] }] }),
      'transaction.grants.0.actions',
    ],
    [
      'the zero label as a type',
      () =>
        createTransaction({
          ...samples.accessRole(),
          grants: [{ ...samples.accessRole().grants[0]!, dataTypes: ['0'.repeat(32) as typeof label] }],
        }),
      'transaction.grants.0.dataTypes',
    ],
    [
      'a transfer to oneself',
      () => createTransaction({ ...samples.transfer(), payee: patient.did }),
      'transaction.payee',
    ],
    ['a transfer of nothing', () => createTransaction({ ...samples.transfer(), amount: 0 }), 'transaction.amount'],
    [
      'a second epoch without predecessor',
      () => createTransaction({ ...samples.key(), epoch: 2 }),
      'transaction.previous',
    ],
    [
      'a first epoch with predecessor',
      () => createTransaction({ ...samples.key(), previous: transactionId('x') }),
      'transaction.previous',
    ],
    [
      'a rotation that its owner cannot open',
      () => createTransaction({ ...samples.key(), ownEnvelopes: [] }),
      'transaction.ownEnvelopes',
    ],
    [
      'a rotation that only a delegate can open',
      () => createTransaction({ ...samples.key(), ownEnvelopes: [{ ...samples.key().ownEnvelopes[0]!, delegate: 1 }] }),
      'transaction.ownEnvelopes',
    ],
    [
      'labels out of order',
      () => createTransaction({ ...samples.key(), labels: [samples.key().labels[0]!, samples.key().labels[0]!] }),
      'transaction.labels',
    ],
    [
      'an extension without predecessor',
      () => createTransaction({ ...samples.key(), mode: 'extend', previous: null }),
      'transaction.previous',
    ],
    [
      'two own envelopes of one delegate',
      () =>
        createTransaction({
          ...samples.key(),
          ownEnvelopes: [samples.key().ownEnvelopes[0]!, samples.key().ownEnvelopes[0]!],
        }),
      'transaction.ownEnvelopes',
    ],
    [
      'a delegate with the key of its account',
      () =>
        createTransaction({
          ...samples.delegateFill(),
          signingKey: patient.did,
        } as UnsignedTransaction<'delegate'>),
      'transaction.signingKey',
    ],
    [
      'half a data window',
      () =>
        createTransaction({
          ...samples.accessRole(),
          grants: [{ ...samples.accessRole().grants[0]!, data: { fromMs: 1 } as never }],
        }),
      'transaction.grants.0.dataUntilMs',
    ],
    [
      'an unknown mode',
      () => createTransaction({ ...samples.dataWrite(), mode: 'append' as 'write' } as UnsignedTransaction<'data'>),
      'transaction.mode',
    ],
    [
      'an unknown obligation',
      () =>
        createTransaction({
          ...samples.accessRole(),
          grants: [{ ...samples.accessRole().grants[0]!, obligations: [{ kind: 'pay' as 'notify-patient' }] }],
        }),
      'transaction.grants.0.obligations.0.kind',
    ],
    [
      'two envelopes of one recipient',
      () =>
        createTransaction({ ...samples.key(), envelopes: [samples.key().envelopes[0]!, samples.key().envelopes[0]!] }),
      'transaction.envelopes',
    ],
    [
      'a handed key of a later epoch',
      () =>
        createTransaction({
          ...samples.key(),
          envelopes: [{ ...samples.key().envelopes[0]!, handed: [{ epoch: 2, label }] }],
        }),
      'transaction.envelopes.0.handed',
    ],
    [
      'a record of another subject',
      () => createTransaction({ ...samples.registerAdd(), subject: phone.did }),
      'transaction.credentials.0.subject',
    ],
    [
      'a first key that is not the subject',
      () => createTransaction({ ...samples.registerAdd(), subject: phone.did, credentials: [] }),
      'transaction.keys.did',
    ],
    [
      'a revocation with keys',
      () => createTransaction({ ...samples.registerRevoke(), keys: doctor.keys }),
      'transaction.keys',
    ],
    [
      'a rotation without the old key',
      () => createTransaction({ ...samples.registerAdd(), operation: 'rotate-key' }),
      'transaction.previousSignature',
    ],
    [
      'a delegate of low order',
      () =>
        createTransaction({
          ...samples.delegateFill(),
          agreement: new Uint8Array(32),
        } as UnsignedTransaction<'delegate'>),
      'transaction.agreement',
    ],
    [
      'issuers out of order',
      () =>
        createTransaction({
          ...samples.requirementPublish(),
          issuers: [patient.did, doctor.did].sort().reverse(),
        } as UnsignedTransaction<'requirement'>),
      'transaction.issuers',
    ],
    [
      'a keyword twice',
      () =>
        createTransaction({
          ...samples.requirementPublish(),
          keywords: ['glucose', 'glucose'],
        } as UnsignedTransaction<'requirement'>),
      'transaction.keywords',
    ],
    [
      'a witness twice',
      () => {
        const { witnesses } = samples.requirementPublish() as Draft<'requirement'> & { readonly step: 'publish' }
        return createTransaction({
          ...samples.requirementPublish(),
          witnesses: [...witnesses, ...witnesses],
        } as UnsignedTransaction<'requirement'>)
      },
      'transaction.witnesses',
    ],
    [
      'a budget beyond 2^53 - 1',
      () =>
        createTransaction({
          ...samples.requirementPublish(),
          price: 2 ** 52,
          sharesMax: 2,
        } as UnsignedTransaction<'requirement'>),
      'transaction.price',
    ],
    [
      'an unknown step of a requirement',
      () => createTransaction({ ...samples.requirementWithdraw(), step: 'change' as 'withdraw' } as never),
      'transaction.step',
    ],
    [
      'an unknown step of a share',
      () => createTransaction({ ...samples.shareClose(), step: 'sell' as 'close' }),
      'transaction.step',
    ],
    [
      'an unknown verdict',
      () => createTransaction({ ...samples.shareJudge(), verdict: 'perhaps' } as never),
      'transaction.verdict',
    ],
    [
      'a claim without a nullifier of the study',
      () => createTransaction({ ...samples.claim(), studyNullifier: null as never }),
      'transaction.studyNullifier',
    ],
  ])('refuses %s', (_case, make, path) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path }))
  })

  it('takes 64 causes', () => {
    const causes = Array.from({ length: 64 }, (_, i) => transactionId(`${i}`)).sort()
    expect(createTransaction({ ...samples.diagnosis(), causes }).causes).toHaveLength(64)
  })

  it('freezes what it returns and copies what it was given', () => {
    const memo = digest('memo')
    const transaction = createTransaction({ ...samples.transfer(), memo })
    expect(Object.isFrozen(transaction)).toBe(true)
    memo.fill(0)
    expect(transaction.memo).toEqual(digest('memo'))
  })
})

describe('validateTransaction', () => {
  const other = party('mallory')

  it('refuses a body that breaks a rule although it is signed', () => {
    const causes = [transactionId('b'), transactionId('b')]
    const forged = { ...samples.diagnosis(), causes } as UnsignedTransaction<'diagnosis'>
    const signed = signTransaction(forged, { chainId, signer: doctor.signer })
    expect(validateTransaction(signed, { chainId })).toMatchObject({
      ok: false,
      code: 'ERR_TRANSACTIONS_FIELD',
      path: 'transaction.causes',
    })
  })

  it('refuses a registration whose record or credential somebody else signed', () => {
    const keys = { ...doctor.keys, signature: other.signer.sign('vitalseal/identity/key-record/v1', [1]) }
    const unsigned = { ...samples.registerAdd(), keys } as UnsignedTransaction<'register'>
    const signed = signTransaction(unsigned, { chainId, signer: registrar.signer })
    expect(validateTransaction(signed, { chainId })).toMatchObject({ ok: false, code: 'ERR_SIGNATURE_INVALID' })

    const [credential] = samples.registerAdd().credentials
    const forged = { ...samples.registerAdd(), credentials: [{ ...credential!, issuer: other.did }] }
    const second = signTransaction(forged, { chainId, signer: registrar.signer })
    expect(validateTransaction(second, { chainId })).toMatchObject({
      ok: false,
      code: 'ERR_SIGNATURE_INVALID',
      path: 'transaction.credentials.0.credential.signature',
    })
  })

  it('knows a credential of an issuer whose key has changed', () => {
    const signed = sign(samples.registerAdd())
    const signingKeyOf = () => other.did
    expect(validateTransaction(signed, { chainId, signingKeyOf }).ok).toBe(false)
    expect(validateTransaction(signed, { chainId, signingKeyOf: (account) => account }).ok).toBe(true)
  })

  it.each([
    ['iot', ['publish'], true],
    ['iot', ['rotate'], false],
    ['dataRead', ['publish'], true],
    ['diagnosis', ['publish'], true],
    ['acknowledge', ['publish'], true],
    ['complaint', ['rotate', 'grant'], false],
    ['key', ['rotate'], true],
    ['key', ['rotate', 'grant'], true],
    ['key', ['publish'], false],
    ['access', ['rotate', 'grant'], true],
    ['access', ['rotate'], false],
    ['transfer', ['publish', 'rotate', 'grant'], false],
    ['delegateFill', ['publish', 'rotate', 'grant'], false],
    ['registerAdd', ['publish', 'rotate', 'grant'], false],
    ['config', ['publish', 'rotate', 'grant'], false],
    ['rekey', ['rotate', 'grant'], true],
    ['rekey', ['publish', 'rotate'], false],
    ['conversion', ['publish'], true],
    ['requirementPublish', ['publish', 'rotate', 'grant'], false],
    ['claim', ['publish', 'rotate', 'grant'], false],
    ['shareClose', ['publish', 'rotate', 'grant'], false],
    ['withdrawal', ['publish', 'rotate', 'grant'], false],
  ] as const)('takes %s of a delegate with %s: %s', (name, rights, isTaken) => {
    const unsigned = { ...samples[name](), delegate: 2 } as UnsignedTransaction
    const signed = signTransaction(unsigned, { chainId, signer: phone.signer })
    const result = validateTransaction(signed, { chainId, signingKey: phone.did, rights })
    expect(result.ok).toBe(isTaken)
    if (!result.ok) expect(result).toMatchObject({ code: 'ERR_TRANSACTIONS_FIELD', path: 'transaction.delegate' })
  })

  it('refuses a delegate of which nothing is known, even where the account signed', () => {
    const signed = signTransaction({ ...samples.iot(), delegate: 1 }, { chainId, signer: patient.signer })
    expect(validateTransaction(signed, { chainId })).toMatchObject({ ok: false, path: 'transaction.delegate' })
  })

  it('refuses high S, zero and out-of-range r or s', () => {
    const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const signed = sign(samples.iot())
    const s = BigInt(`0x${toHex(signed.signature.subarray(32, 64))}`)
    const toBytes = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
    for (const [offset, value] of [
      [32, n - s],
      [32, 0n],
      [32, n],
      [0, 0n],
      [0, n],
      [0, 2n ** 256n - 1n],
    ] as const) {
      const signature = Uint8Array.from(signed.signature) as Signature
      signature.set(toBytes(value), offset)
      expect(validateTransaction({ ...signed, signature }, { chainId }).ok).toBe(false)
    }
  })
})

describe('attachSignature', () => {
  const unsigned = samples.iot()
  const signer = createSigner(digest('hsm'), seededRandom('hsm'))
  const mine = createTransaction({ ...unsigned, sender: signer.did })
  const signed = signTransaction(mine, { chainId, signer })

  it('takes 64 bytes from an HSM', () => {
    const attached = attachSignature(mine, { chainId, signature: signed.signature.subarray(0, 64) })
    expect(attached.id).toBe(signed.id)
    expect(attached.signature[64]).toBe(0xff)
    expect(validateTransaction(attached, { chainId }).ok).toBe(true)
  })

  it.each([
    ['of another transaction', unsigned],
    ['of another chain', mine],
  ])('refuses a signature %s', (name, target) => {
    const chain = name.endsWith('chain') ? otherChainId : chainId
    expect(() => attachSignature(target, { chainId: chain, signature: signed.signature })).toThrow(
      expect.objectContaining({ code: 'ERR_SIGNATURE_INVALID' }),
    )
  })
})

describe('hashGrant', () => {
  const [terms] = samples.access().grants
  const grant = { ...terms!, grantor: patient.did, grantee: doctor.did }

  it('names owner, parties and terms', () => {
    expect(hashGrant(grant)).toBe(hashGrant({ ...grant, patient: patient.did }))
    expect(hashGrant({ ...grant, grantee: phone.did })).not.toBe(hashGrant(grant))
    expect(hashGrant({ ...grant, effect: 'deny' })).not.toBe(hashGrant(grant))
    expect(toDigest(hashGrant(grant))).toHaveLength(32)
  })
})

describe('the papers’ fields (HC equations 1 to 3)', () => {
  it('are recognisable', () => {
    const iot = sign(samples.iot()) as ParsedTransaction<'iot'> & { id: string }
    // ID_Ui, ts_1, HEIoT, S_i, htxI_i
    expect([iot.sender, iot.issuedAtMs, iot.record, iot.signature.length, iot.id.length]).toEqual([
      patient.did,
      issuedAtMs,
      record,
      65,
      64,
    ])
  })
})
