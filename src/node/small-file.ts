/** Reading files that people point a command at: bounded, and with a sentence where it fails. */

import { readFile, stat } from 'node:fs/promises'

import { fail, succeed, type Failure, type Result } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { messageOf } from './command.ts'

/** What goes wrong with a file or a setting that somebody wrote. */
export type SettingCode = 'ERR_ARGUMENT_INVALID'

/**
 * Returns the failure of a setting.
 *
 * @param path - which one, for example `config.listen`
 * @param expected - what it should have been
 * @param found - what it was, without anything secret
 */
export function refuseSetting(path: string, expected: string, found: string): Failure<SettingCode> {
  const message = `${path}: expected ${expected}, found ${found}`
  return fail('ERR_ARGUMENT_INVALID', message, { path, details: { argument: path, expected, found } })
}

/** Reads a file of at most so many bytes. Total. */
export async function readSmallFile(
  file: string,
  { setting, bytesMax }: { readonly setting: string; readonly bytesMax: number },
): Promise<Result<Bytes, SettingCode>> {
  try {
    const { size } = await stat(file)
    if (size > bytesMax) return refuseSetting(setting, `a file of at most ${bytesMax} bytes`, `${size} in ${file}`)
    return succeed(new Uint8Array(await readFile(file)))
  } catch (error) {
    return refuseSetting(setting, 'a file that can be read', `${file}: ${messageOf(error)}`)
  }
}
