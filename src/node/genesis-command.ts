/**
 * `vitalseal genesis`: makes the file from which all members of a ledger start, and shows what is in one.
 *
 * One of the members makes it, from what the others told him; each of them looks at it before he starts his node, since it
 * says who votes and who admits accounts. The chain id is its digest.
 */

import { parseArgs } from 'node:util'

import { createGenesis, type Genesis } from '../chain/index.ts'
import { parseDid, toPublicKey, type Did } from '../primitives/did.ts'
import { parseSigningKey } from '../primitives/signature.ts'
import { messageOf, misuse, type Command, type CommandIo } from './command.ts'
import { createGenesisFile, describeFaults, readGenesisFile } from './genesis-file.ts'
import { isPreset, loadPreset, PRESETS, type PresetName } from './presets.ts'

const MEMBERS_MAX = 256
const REGISTRARS_MAX = 64

const usage = `Usage: vitalseal genesis --out FILE --member DID ... --registrar DID ... [options]
       vitalseal genesis --show FILE

Makes the genesis of a consortium: the file from which all its members start. Prints the chain id.

  --out FILE           the new file
  --member DID         a member, once for each, as vitalseal node --create-key printed it; four members
                       stand one that fails or lies, seven stand two, ten stand three
  --registrar DID      who admits accounts: patients, clinicians, devices; once for each
  --open-registration  instead of registrars: whoever comes registers himself; for development
  --preset NAME        what the ledger can do: consortium (default), or secure-sharing, where institutions
                       ask for data and pay, and the ledger checks proofs
  --quota COUNT        transactions of one account in a minute (default 600)
  --show FILE          print what is in a genesis: compare it with the other members before you start
  --help               print this

Exit code: 0 done, 1 refused, 2 misuse.
`

interface Asked {
  readonly file: string
  readonly members: readonly Did[]
  readonly registrars: readonly Did[]
  readonly preset: PresetName
  readonly quotaPerMinute: number | undefined
}

/** Makes a genesis, or shows one. */
export const genesisCommand: Command = {
  usage,
  async run(args, io) {
    const asked = readArguments(args)
    if (typeof asked === 'string') return misuse(io, asked, 'genesis')
    if (asked === undefined) {
      io.out(usage)
      return 0
    }
    if ('show' in asked) return showGenesis(asked.show, io)
    return makeGenesis(asked, io)
  },
}

/** What was asked; a sentence where it cannot be; undefined where help is wanted. */
function readArguments(args: readonly string[]): Asked | { readonly show: string } | string | undefined {
  const options = {
    out: { type: 'string' },
    member: { type: 'string', multiple: true },
    registrar: { type: 'string', multiple: true },
    'open-registration': { type: 'boolean' },
    preset: { type: 'string' },
    quota: { type: 'string' },
    show: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const
  let values
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    return messageOf(error)
  }
  const { out, member = [], registrar = [], preset, quota, show, help } = values
  if (help === true) return undefined
  if (show !== undefined) return Object.keys(values).length === 1 ? { show } : 'expected --show FILE alone'
  if (out === undefined) return 'expected --out FILE, or --show FILE'
  if (member.length === 0 || member.length > MEMBERS_MAX)
    return `expected --member DID, once for each of at most ${MEMBERS_MAX} members`
  const isOpen = values['open-registration'] === true
  if (registrar.length > REGISTRARS_MAX) return `expected at most ${REGISTRARS_MAX} registrars`
  if (isOpen === registrar.length > 0) return 'expected either --registrar DID or --open-registration'
  const quotaPerMinute = quota === undefined ? undefined : Number(quota)
  if (quotaPerMinute !== undefined && (!/^\d+$/.test(quota ?? '') || quotaPerMinute < 1 || quotaPerMinute > 1_000_000))
    return '--quota expected a number from 1 to 1000000'
  if (!isPreset(preset)) return `--preset expected one of ${PRESETS.join(', ')}`
  return readParties({ member, registrar, file: out, preset: preset ?? 'consortium', quotaPerMinute })
}

function readParties(asked: {
  readonly member: readonly string[]
  readonly registrar: readonly string[]
  readonly file: string
  readonly preset: PresetName
  readonly quotaPerMinute: number | undefined
}): Asked | string {
  const { file, preset, quotaPerMinute } = asked
  for (const name of ['member', 'registrar'] as const) {
    const bad = asked[name].find((text) => !isSigningDid(text))
    if (bad !== undefined) return `--${name} expected a did:key as --create-key prints it, found ${bad.slice(0, 80)}`
    if (new Set(asked[name]).size < asked[name].length) return `--${name} names one party twice`
  }
  return { file, preset, quotaPerMinute, members: asked.member as Did[], registrars: asked.registrar as Did[] }
}

function isSigningDid(text: string): boolean {
  const did = parseDid(text)
  return did.ok && parseSigningKey(toPublicKey(did.value)).ok
}

async function makeGenesis(
  { file, members, registrars, preset, quotaPerMinute }: Asked,
  io: CommandIo,
): Promise<number> {
  const toOptions = await loadPreset(preset)
  const genesis = createGenesis(
    toOptions({
      members: members.map((did) => ({ did })),
      registrars,
      timeMs: Date.now(),
      ...(quotaPerMinute === undefined ? {} : { parameters: { quotaPerMinute } }),
    }),
  )
  const made = await createGenesisFile(file, genesis)
  if (made.ok) io.out(describeGenesis(genesis, file))
  else io.err(`NOT made: ${made.message}\n`)
  return made.ok ? 0 : 1
}

async function showGenesis(file: string, io: CommandIo): Promise<number> {
  const genesis = await readGenesisFile(file)
  if (genesis.ok) io.out(describeGenesis(genesis.value, file))
  else io.err(`${file} is no genesis: ${genesis.message} (${genesis.code})\n`)
  return genesis.ok ? 0 : 1
}

function describeGenesis(genesis: Genesis, file: string): string {
  const { chainId, preset, members, registrars, parameters, timeMs } = genesis
  const lines = [
    `Genesis ${file}`,
    `  chain        ${chainId}`,
    `  preset       ${preset}, from ${new Date(timeMs).toISOString()}`,
    `  quota        ${parameters.quotaPerMinute} transactions of an account in a minute`,
    `  members      ${members.length}; the group ${describeFaults(members.length)}`,
    ...members.map(({ did }, index) => `    ${String(index).padStart(8)} ${did}`),
    `  registrars   ${registrars.length === 0 ? 'none: whoever comes registers himself' : registrars.length}`,
    ...registrars.map((did) => `             ${did}`),
  ]
  return `${lines.join('\n')}\n`
}
