/**
 * The configuration of a ledger node: a JSON file that people write, so everything that is wrong with it is said together
 * with what to do.
 *
 * It holds no secret: the key is in a file of its own.
 */

import { dirname, resolve } from 'node:path'

import { succeed, type Result } from '../errors.ts'
import { messageOf } from './command.ts'
import { readSmallFile, refuseSetting, type SettingCode } from './small-file.ts'

/** What a node is run with; all paths are absolute. */
export interface NodeConfig {
  /** File of the genesis. */
  readonly genesis: string
  /** File of the member's secret key. */
  readonly key: string
  /** Directory of the node's database; no other process may use it. */
  readonly directory: string
  /** Where it listens, `host:port`. */
  readonly listen: string
  /** The other members, `ws://` or `wss://`. */
  readonly peers: readonly string[]
  /** File to which the messages between members are noted, kinds and numbers only; undefined: none. */
  readonly trace: string | undefined
}

/** Members of a group, without this one. */
const PEERS_MAX = 1_023
const TEXT_MAX = 1_024
const CONFIG_BYTES_MAX = 1024 * 1024
const FIELDS = ['genesis', 'key', 'directory', 'listen', 'peers', 'trace'] as const

type Field = (typeof FIELDS)[number]

/** A value as a short text, for a sentence. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string')
    return value.length > 80 ? `a text of ${value.length} characters` : JSON.stringify(value)
  if (Array.isArray(value)) return 'a list'
  return value === null || typeof value !== 'object' ? JSON.stringify(value) : 'an object'
}

/** Reads a configuration from its file. Total. */
export async function readNodeConfig(file: string): Promise<Result<NodeConfig, SettingCode>> {
  const bytes = await readSmallFile(file, { setting: 'config', bytesMax: CONFIG_BYTES_MAX })
  return bytes.ok ? parseNodeConfig(Buffer.from(bytes.value).toString('utf8'), file) : bytes
}

/**
 * Reads the text of a configuration. Total.
 *
 * @param text - JSON
 * @param file - its path: other paths in it are relative to its directory
 */
export function parseNodeConfig(text: string, file: string): Result<NodeConfig, SettingCode> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refuseSetting('config', 'JSON', `a text that is not: ${messageOf(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuseSetting('config', 'an object', show(value))
  return readFields(value as Readonly<Record<string, unknown>>, dirname(resolve(file)))
}

function readFields(fields: Readonly<Record<string, unknown>>, base: string): Result<NodeConfig, SettingCode> {
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name as Field))
  if (unknown !== undefined) return refuseSetting('config', `the fields ${FIELDS.join(', ')}`, `also ${show(unknown)}`)
  // An own `__proto__` was refused as unknown; what is inherited is no field.
  const field = (name: Field) => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  const paths: Partial<Record<Field, string>> = {}
  for (const name of ['genesis', 'key', 'directory', 'trace'] as const) {
    if (name === 'trace' && field(name) === undefined) continue
    const path = parsePath(name, field(name), base)
    if (!path.ok) return path
    paths[name] = path.value
  }
  const listen = parseListen(field('listen'))
  if (!listen.ok) return listen
  const peers = parsePeers(field('peers'))
  if (!peers.ok) return peers
  const { genesis = '', key = '', directory = '', trace } = paths
  return succeed({ genesis, key, directory, listen: listen.value, peers: peers.value, trace })
}

const WHAT_PATHS_NAME = {
  genesis: 'the path of the genesis file',
  key: 'the path of the file that holds the secret key',
  directory: 'the path of the directory of the database',
  trace: 'the path of a file',
} as const

function parsePath(name: keyof typeof WHAT_PATHS_NAME, value: unknown, base: string): Result<string, SettingCode> {
  const [path, expected] = [`config.${name}`, WHAT_PATHS_NAME[name]]
  // Whoever writes the key itself here must not find it in a log.
  if (typeof value === 'string' && /^(0x)?[0-9a-f]{64}$/i.test(value.trim()))
    return refuseSetting(path, expected, 'what looks like a key itself; a configuration holds no secrets')
  if (typeof value !== 'string' || value === '' || value.length > TEXT_MAX || value.includes('\0'))
    return refuseSetting(path, expected, show(value))
  return succeed(resolve(base, value))
}

function parseListen(value: unknown): Result<string, SettingCode> {
  const [, host, digits] = typeof value === 'string' ? (/^(\[[0-9a-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(value) ?? []) : []
  if (host !== undefined && Number(digits) <= 65_535) return succeed(value as string)
  return refuseSetting('config.listen', 'host:port, for example "127.0.0.1:7001" behind a proxy', show(value))
}

function parsePeers(value: unknown): Result<readonly string[], SettingCode> {
  const path = 'config.peers'
  if (!Array.isArray(value)) return refuseSetting(path, 'the list of the other members’ addresses', show(value))
  if (value.length > PEERS_MAX) return refuseSetting(path, `at most ${PEERS_MAX} addresses`, `${value.length}`)
  const bad = value.findIndex((peer) => !isPeer(peer))
  if (bad >= 0) {
    const expected = 'an address such as "wss://ledger.hospital.example" or "ws://10.0.0.2:7001"'
    return refuseSetting(`${path}.${bad}`, expected, show(value[bad]))
  }
  const addresses = value as readonly string[]
  const twice = addresses.findIndex((peer, i) => addresses.indexOf(peer) !== i)
  if (twice >= 0) return refuseSetting(`${path}.${twice}`, 'each address once', `${show(addresses[twice])} again`)
  return succeed([...addresses])
}

function isPeer(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > TEXT_MAX || !/^wss?:\/\/[^/]/i.test(value) || !URL.canParse(value))
    return false
  const { username, password, search, hash } = new URL(value)
  return username + password + search + hash === ''
}
