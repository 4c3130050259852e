import { describe, expect, it } from 'vitest'

import {
  createGenesis,
  defaultParameters,
  encodeBlock,
  encodeGenesis,
  encodeHeader,
  encodeReceipt,
  hashHeader,
  hashMembers,
  hashReceipts,
  headerCid,
  parseBlock,
  parseGenesis,
  parseHeader,
  parseReceipt,
  REFUSAL_CODES,
  type Block,
  type Header,
  type Receipt,
} from '../../src/chain/index.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { encodeCbor, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import { createDid } from '../../src/primitives/did.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createId } from '../../src/primitives/ids.ts'
import { unwrap, type Result } from '../../src/errors.ts'
import { codeOf } from '../support/failure.ts'
import { createFastWorld, digest, START_MS } from '../support/chain-fast.ts'
import { party, seededRandom } from '../support/parties.ts'

const node = party('node')
const genesis = createGenesis(
  {
    preset: 'consortium',
    kinds: ['register', 'iot'],
    members: [{ did: node.did }],
    timeMs: START_MS,
    registrars: [party('clerk').did],
    balances: [{ account: node.did, amount: 1_000_000 }],
  },
  seededRandom('wire'),
)
const header: Header = {
  chainId: genesis.chainId,
  memberEpoch: 0,
  height: 7,
  timeMs: START_MS,
  parent: digest('parent'),
  transactionsRoot: digest('transactions'),
  count: 1,
  receiptsRoot: digest('receipts'),
  stateRoot: digest('state'),
  historyRoot: digest('history'),
  membersHash: hashMembers(genesis.members),
  nextMembersHash: hashMembers(genesis.members),
}
const receipt: Receipt = { id: createId('transaction', digest('id')), code: 'ERR_POLICY_DENIED', untilMs: null }
const block: Block = {
  header: { ...header, receiptsRoot: hashReceipts([receipt]) },
  transactions: [digest('a transaction')],
  receipts: [receipt],
}

interface Case {
  readonly bytes: Uint8Array
  readonly parse: (bytes: Uint8Array) => Result<unknown>
  readonly encode: (value: never) => Uint8Array
  readonly hash: string
}

/** SHA-256 of the encodings, so that a change of the wire does not pass unseen; the header is written out below. */
const cases: readonly (readonly [string, Case])[] = [
  [
    'genesis',
    {
      bytes: encodeGenesis(genesis),
      parse: parseGenesis,
      encode: encodeGenesis,
      hash: 'ffcd445c154e2a6e561a405b41ced32e7f74a741b6ff14b9d287f80a6e673ced',
    },
  ],
  [
    'header',
    {
      bytes: encodeHeader(header),
      parse: parseHeader,
      encode: encodeHeader,
      hash: 'cd89b96112c8b94b4885ecb38df0b154072d7955940ff673a05ee2274f038443',
    },
  ],
  [
    'receipt',
    {
      bytes: encodeReceipt(receipt),
      parse: parseReceipt,
      encode: encodeReceipt,
      hash: '56f332d8eed18cdd79ff58df490b54ca9c9c0ddbe9480b7fb6658e53ef59174c',
    },
  ],
  [
    'block',
    {
      bytes: encodeBlock(block),
      parse: parseBlock,
      encode: encodeBlock,
      hash: '14291ce91fe1d2c20b822b0439bacc229f13aeeaf510427fbc6a76583b80f9be',
    },
  ],
]

describe.each(cases)('%s', (_, { bytes, parse, encode, hash }) => {
  it('comes back as it went, in bytes that do not change', () => {
    expect(encode(unwrap(parse(bytes)) as never)).toEqual(bytes)
    expect(toHex(sha256(bytes))).toBe(hash)
  })

  it('is refused when cut anywhere, or with a byte behind it', () => {
    for (let length = 0; length < bytes.length; length++) expect(parse(bytes.slice(0, length)).ok).toBe(false)
    expect(parse(Uint8Array.from([...bytes, 0]))).toMatchObject({ code: 'ERR_CODEC_TRAILING_BYTES' })
  })

  it('is refused with an element less or more', () => {
    const elements = unwrap(parseCbor(bytes)) as readonly CborValue[]
    expect(parse(encodeCbor(elements.slice(0, -1))).ok).toBe(false)
    expect(parse(encodeCbor([...elements, null])).ok).toBe(false)
  })

  it('is refused in a form that is not canonical', () => {
    // The head of the outer array with its count in a byte of its own.
    const long = Uint8Array.from([0x98, (bytes[0] as number) & 0x1f, ...bytes.slice(1)])
    expect(parse(long)).toMatchObject({ code: 'ERR_CODEC_NOT_CANONICAL' })
  })
})

describe('header', () => {
  it('is these bytes', () => {
    expect(toHex(encodeHeader(header))).toBe(HEADER_HEX.join(''))
  })

  it('is named by SHA-256 of its bytes', () => {
    expect(hashHeader(header)).toEqual(sha256(encodeHeader(header)))
    expect(headerCid(header).multihash.digest).toEqual(hashHeader(header))
  })

  it('of another version is refused by that code', () => {
    const [, ...rest] = unwrap(parseCbor(encodeHeader(header))) as readonly CborValue[]
    expect(parseHeader(encodeCbor([2, ...rest]))).toMatchObject({ code: 'ERR_CODEC_VERSION' })
  })
})

describe('block', () => {
  it('has the receipts and the number of transactions of its header', () => {
    expect(parseBlock(encodeBlock({ ...block, transactions: [] }))).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
    const wrong = { ...block, receipts: [{ ...receipt, code: null }] }
    expect(parseBlock(encodeBlock(wrong))).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
  })

  it('may be as large as a ledger makes it', () => {
    const many = Array.from({ length: 65_536 }, () => receipt)
    const full: Block = {
      header: { ...header, count: many.length, receiptsRoot: hashReceipts(many) },
      transactions: many.map(() => new Uint8Array(256)),
      receipts: many,
    }
    expect(parseBlock(encodeBlock(full)).ok).toBe(true)
  })
})

describe('receipt', () => {
  it('has a code of refusal or none', () => {
    for (const code of REFUSAL_CODES) expect(unwrap(parseReceipt(encodeReceipt({ ...receipt, code }))).code).toBe(code)
    const [id] = unwrap(parseCbor(encodeReceipt(receipt))) as readonly CborValue[]
    expect(parseReceipt(encodeCbor([id as CborValue, 'ERR_ABORTED', null]))).toMatchObject({
      code: 'ERR_CODEC_MALFORMED',
    })
  })
})

describe('genesis', () => {
  const fields = { preset: 'test', kinds: ['iot'], members: [{ did: node.did }], timeMs: START_MS }

  it('makes another chain of every other field', () => {
    const chains = [
      genesis,
      createGenesis(fields, seededRandom('wire')),
      createGenesis(fields, seededRandom('another salt')),
      createGenesis({ ...fields, timeMs: START_MS + 1 }, seededRandom('wire')),
      createGenesis({ ...fields, parameters: { quotaPerMinute: 599 } }, seededRandom('wire')),
      createGenesis({ ...fields, registrars: [node.did] }, seededRandom('wire')),
      createGenesis({ ...fields, balances: [{ account: node.did, amount: 1 }] }, seededRandom('wire')),
    ]
    expect(new Set(chains.map(({ chainId }) => chainId)).size).toBe(chains.length)
    expect(genesis.parameters).toEqual(defaultParameters)
    expect(unwrap(parseGenesis(encodeGenesis(genesis))).chainId).toBe(genesis.chainId)
  })

  it.each([
    ['a member with two votes', { members: [{ did: node.did }, { did: node.did }] }],
    ['no member', { members: [] }],
    ['no kind', { kinds: [] }],
    ['a kind twice', { kinds: ['iot', 'iot'] }],
    ['a registrar twice', { registrars: [node.did, node.did] }],
    ['two balances of one account', { balances: [1, 2].map((amount) => ({ account: node.did, amount })) }],
    ['a time that is none', { timeMs: -1 }],
    ['a quota of nothing', { parameters: { quotaPerMinute: 0 } }],
    ['a balance below zero', { balances: [{ account: node.did, amount: -1 }] }],
  ])('has not %s', (_, wrong) => {
    expect(codeOf(() => createGenesis({ ...fields, ...wrong }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('takes as many members and balances as it may', () => {
    const people = Array.from({ length: 4_096 }, (_, index) => {
      const key = new Uint8Array(33).fill(2)
      key.set([index >> 8, index & 255], 1)
      return key
    })
    const dids = people.map(createDid)
    const large = createGenesis({
      ...fields,
      members: dids.slice(0, 256).map((did) => ({ did })),
      balances: dids.map((account) => ({ account, amount: Number.MAX_SAFE_INTEGER })),
    })
    expect(parseGenesis(encodeGenesis(large)).ok).toBe(true)
    const members = dids.slice(0, 257).map((did) => ({ did }))
    expect(codeOf(() => createGenesis({ ...fields, members }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('is in the state: balances, registrars and members', () => {
    const roots = [{}, { registrars: [node.did] }, { balances: [{ account: node.did, amount: 1 }] }].map((more) =>
      toHex(createFastWorld({ people: [], ...more }).ledger.state.root()),
    )
    expect(new Set(roots).size).toBe(3)
  })
})

const HEADER_HEX = [
  '8d015820ed71a0426ebba133908b3f1a37e3fcda2b8b6ddd61407e3e40936f57db5c237100071b0000019a9ec100405820e4',
  '7125968b3b71049fbc4802d1e40a71ea1359decfabacf70b34588037d4ff0c582081dc075c3d55230215300137991a25f90b',
  'e4c243a55580fe2af7538774147bd60158203619a1d05b1fe41a17aeede95dca3b2075c283281e17af896b2116f207ee3495',
  '58204ba69735ca53765ed6a709edb56c6ea236b7193a3b29a6b390c346f0f4340e4e5820259aa8ef98a8b91de574cd904138',
  'ef643240c23080cf24da4793a6f10a43fa9d582080f2eacd1c3f1cfb3b19aa399b50c125af7fd4ea5da70ca4a11e82d15c94',
  '584e582080f2eacd1c3f1cfb3b19aa399b50c125af7fd4ea5da70ca4a11e82d15c94584e',
]
