/**
 * `vitalseal node`: runs one member of a ledger until it is told to end; makes its key; asks a running one how it is.
 *
 * Who runs it decides two things that no program may guess: that a member is new (`--initialise`), and that its directory was
 * lost (`--lost-disk`). A member that lost what it had voted and passes for a new one may contradict itself.
 */

import { parseArgs } from 'node:util'

import { createBlsVerifier } from '../primitives/member-bls.ts'
import { askStatus } from './ask-status.ts'
import { messageOf, misuse, type Command, type CommandIo, type ProcessIo } from './command.ts'
import { createKeyFile } from './key-file.ts'
import { runNode, type RunOptions, type StartHost } from './run-node.ts'
import { describeStatus } from './status-lines.ts'

const usage = `Usage: vitalseal node --config FILE [options]
       vitalseal node --create-key FILE
       vitalseal node --status URL

Runs one member of a ledger. Ctrl-C or SIGTERM end it; so does the power cable: nothing that was
acknowledged is lost.

  --config FILE        what it runs with, JSON: genesis, key, directory, listen, peers
  --initialise         the very first start of this member, with an empty directory
  --lost-disk          the directory of this member was lost: it follows the others without a vote
                       until they have gone on far enough that it cannot contradict what it forgot
  --json               print one JSON object a line
  --until-input-ends   end when standard input ends, as when the program that started it ends
  --create-key FILE    make the secret key of a member in a new file, and print the DID by which
                       the others name it
  --status URL         print how a running node is, for example http://127.0.0.1:7001
  --help               print this

Exit code: 0 ended as asked, 1 failed, 2 misuse or a configuration that cannot be used.
The guide: docs/guide/node.md
`

type Asked =
  | ({ readonly do: 'run' } & RunOptions)
  | { readonly do: 'key'; readonly file: string }
  | { readonly do: 'status'; readonly url: string; readonly isJson: boolean }

/** Returns the command over a function that starts nodes. */
export function createNodeCommand(start: StartHost): Command<ProcessIo> {
  return {
    usage,
    async run(args, io) {
      const asked = readArguments(args)
      if (typeof asked === 'string') return misuse(io, asked, 'node')
      if (asked === undefined) {
        io.out(usage)
        return 0
      }
      if (asked.do === 'key') return createKey(asked.file, io)
      if (asked.do === 'status') return showStatus(asked, io)
      return runNode(asked, start, io)
    },
  }
}

/** What was asked; a sentence where it cannot be; undefined where help is wanted. */
function readArguments(args: readonly string[]): Asked | string | undefined {
  const options = {
    config: { type: 'string' },
    initialise: { type: 'boolean' },
    'lost-disk': { type: 'boolean' },
    json: { type: 'boolean' },
    'until-input-ends': { type: 'boolean' },
    'create-key': { type: 'string' },
    status: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const
  let values
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    return messageOf(error)
  }
  if (values.help === true) return undefined
  const { config, status, 'create-key': file, json: isJson = false } = values
  const others = Object.keys(values).length - 1
  if (file !== undefined) return others === 0 ? { do: 'key', file } : 'expected --create-key FILE alone'
  if (status !== undefined && others > (isJson ? 1 : 0)) return 'expected --status URL alone, or with --json'
  if (status !== undefined) return { do: 'status', url: status, isJson }
  if (config === undefined) return 'expected --config FILE, --create-key FILE or --status URL'
  if (values.initialise === true && values['lost-disk'] === true)
    return 'expected either --initialise or --lost-disk: a member is new, or it was there before'
  const initialise = values['lost-disk'] === true ? 'lost-disk' : values.initialise === true ? true : undefined
  return { do: 'run', config, initialise, isJson, endsWithInput: values['until-input-ends'] === true }
}

async function createKey(file: string, io: CommandIo): Promise<number> {
  const signer = await createKeyFile(file)
  if (signer.ok) io.out(`${signer.value.did}\n`)
  else io.err(`${signer.message}\n`)
  return signer.ok ? 0 : 1
}

async function showStatus(
  { url, isJson }: { readonly url: string; readonly isJson: boolean },
  io: CommandIo,
): Promise<number> {
  const status = await askStatus(url)
  if (typeof status === 'string') io.err(`${status}\n`)
  else io.out(isJson ? `${JSON.stringify(status)}\n` : `${describeStatus(status)}\n`)
  return typeof status === 'string' ? 1 : 0
}

/** Runs a node; what it needs is read when it starts. */
export const nodeCommand: Command<ProcessIo> = createNodeCommand(async (options) => {
  const { startNode } = await import('./start-node.ts')
  // Members may register BLS keys at any time: a node that cannot judge them would fall out of step.
  return startNode({ ...options, blsVerifier: createBlsVerifier() })
})
