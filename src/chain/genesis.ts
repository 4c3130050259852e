/**
 * The genesis: everything that all replicas of a ledger share, and whose digest is the chain id.
 *
 * `[v, preset, parameters, kinds, members, registrars, balances, timeMs, salt]`. Whoever verifies a ledger needs the chain
 * id from somewhere else than from the ledger.
 */

import type { Result } from '../errors.ts'
import { copyBytes, type Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash } from '../primitives/hash.ts'
import { createId, type ChainId } from '../primitives/ids.ts'
import { codecLimits, type CodecLimits } from '../primitives/limits.ts'
import { memberListShape, type Member } from '../primitives/member.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import {
  account,
  bytesOf,
  encodeShape,
  identifier,
  listOf,
  mapped,
  Mismatch,
  parseShape,
  timeMs,
  tuple,
  uint,
  versioned,
  writeShape,
  type Shape,
} from '../primitives/shape.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'

/** One replica of the group. */
export type GenesisMember = Member

/** What a ledger is run with. */
export interface Parameters {
  /** Transactions of one account in a minute of block time, unless a credential says otherwise. */
  readonly quotaPerMinute: number
  /** Bytes of all transactions of a block. */
  readonly blockBytesMax: number
  /** Transactions of a block. */
  readonly blockTransactionsMax: number
}

/** What a ledger starts from. */
export interface GenesisFields {
  readonly preset: string
  readonly parameters: Parameters
  /** Names of the kinds of transactions that the ledger knows. */
  readonly kinds: readonly string[]
  readonly members: readonly GenesisMember[]
  /** Accounts that register others; none: everyone registers himself (development). */
  readonly registrars: readonly Did[]
  readonly balances: readonly { readonly account: Did; readonly amount: number }[]
  readonly timeMs: number
  /** 32 bytes, so that two ledgers of the same members have two chain ids. */
  readonly salt: Bytes
}

/** A genesis and its digest. */
export interface Genesis extends GenesisFields {
  readonly chainId: ChainId
}

/** Parameters where a genesis names no others. */
export const defaultParameters: Parameters = {
  quotaPerMinute: 600,
  blockBytesMax: 1024 * 1024,
  blockTransactionsMax: 16_384,
}

const BALANCES_MAX = 4_096
/** A genesis names up to 256 members, 64 registrars and 4,096 balances. */
const genesisLimits: CodecLimits = { ...codecLimits, bytesMax: 512 * 1024 }

/** A list in which no element has the name of another. */
function distinct<T>(list: Shape<readonly T[]>, nameOf: (element: T) => string): Shape<readonly T[]> {
  return mapped(list, {
    parse: (elements) =>
      new Set(elements.map(nameOf)).size === elements.length ? elements : new Mismatch('elements that are distinct'),
    format: (elements) => elements,
  })
}

const fieldsShape: Shape<GenesisFields> = versioned(1, {
  preset: identifier,
  parameters: tuple({
    quotaPerMinute: uint(1_000_000, 1),
    blockBytesMax: uint(16 * 1024 * 1024, 1024),
    blockTransactionsMax: uint(65_536, 1),
  }),
  kinds: distinct(listOf(identifier, { name: 'kinds', countMin: 1, countMax: 64 }), (kind) => kind),
  members: memberListShape,
  registrars: distinct(listOf(account, { name: 'registrars', countMax: 64 }), (did) => did),
  balances: distinct(
    listOf(tuple({ account, amount: uint(Number.MAX_SAFE_INTEGER) }), { name: 'balances', countMax: BALANCES_MAX }),
    (balance) => balance.account,
  ),
  timeMs,
  salt: bytesOf(32),
})

function complete(fields: GenesisFields): Genesis {
  const written = writeShape(fields, fieldsShape, { object: 'genesis' })
  return Object.freeze({ ...fields, chainId: createId('chain', taggedHash(LEDGER_TAGS.genesis, written)) })
}

/**
 * Returns a genesis with its chain id.
 *
 * @param options - `parameters`: those that differ from {@link defaultParameters}; `salt`: random when absent
 * @throws When a field does not fit: `ERR_ARGUMENT_INVALID` with the path. {@link VitalsealError}
 */
export function createGenesis(
  options: Pick<GenesisFields, 'preset' | 'kinds' | 'members' | 'timeMs'> & {
    readonly parameters?: Partial<Parameters>
    readonly registrars?: readonly Did[]
    readonly balances?: GenesisFields['balances']
    readonly salt?: Uint8Array
  },
  random: RandomSource = randomBytes,
): Genesis {
  const { preset, kinds, members, timeMs: startMs, parameters, registrars = [], balances = [], salt } = options
  return complete({
    preset,
    parameters: { ...defaultParameters, ...parameters },
    kinds: [...kinds],
    members: members.map(copyMember),
    registrars: [...registrars],
    balances: [...balances],
    timeMs: startMs,
    salt: salt === undefined ? drawBytes(random, 32) : copyBytes(salt),
  })
}

function copyMember({ did, bls }: Member): Member {
  if (bls === undefined) return { did }
  return { did, bls: { publicKey: copyBytes(bls.publicKey), proof: copyBytes(bls.proof) } }
}

/** Returns the canonical bytes of a genesis. */
export function encodeGenesis(genesis: GenesisFields): Bytes {
  return encodeShape(genesis, fieldsShape, { object: 'genesis', limits: genesisLimits })
}

/** Reads a genesis. Total. The chain id is computed, never read. */
export function parseGenesis(bytes: Uint8Array): Result<Genesis, CodecErrorCode> {
  const parsed = parseShape(bytes, fieldsShape, { object: 'genesis', limits: genesisLimits })
  return parsed.ok ? { ok: true, value: complete(parsed.value) } : parsed
}
