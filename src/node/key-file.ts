/**
 * The file of a member's secret key: 32 bytes as 64 hexadecimal digits, which nobody but its owner may read.
 *
 * Whoever has it votes as this member. It is made on the machine that uses it and never leaves it; a member whose key is lost
 * or known to others is replaced by the other members.
 */

import { open, stat } from 'node:fs/promises'

import { isVitalsealError, succeed, type Failure, type Result } from '../errors.ts'
import { fromHex, toHex } from '../primitives/bytes.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { createSigner, type Signer } from '../primitives/signature.ts'
import { messageOf } from './command.ts'
import { readSmallFile, refuseSetting, type SettingCode } from './small-file.ts'

/** Far above 64 digits and a line end. */
const KEY_FILE_BYTES_MAX = 256

function unusable(file: string, expected: string, found: string): Failure<SettingCode> {
  return refuseSetting(`key file ${file}`, expected, found)
}

function parseSigner(text: string): Signer | undefined {
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) return undefined
  try {
    return createSigner(fromHex(text.trim().toLowerCase()))
  } catch (error) {
    if (isVitalsealError(error, 'ERR_ARGUMENT_INVALID')) return undefined
    throw error
  }
}

/** The bits of a file's mode; undefined where there is no file. */
async function modeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mode
  } catch {
    return undefined
  }
}

/** Reads a key file. Total; no message holds anything of its content. */
export async function readKeyFile(file: string): Promise<Result<Signer, SettingCode>> {
  const mode = await modeOf(file)
  if (mode === undefined)
    return unusable(file, 'a file with the secret key', 'none; vitalseal node --create-key makes one')
  // Windows has no such bits.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const found = `one that others may read (mode ${(mode & 0o777).toString(8)}); do chmod 600, and ask who read it`
    return unusable(file, 'a file that only its owner may read', found)
  }
  const bytes = await readSmallFile(file, { setting: 'key', bytesMax: KEY_FILE_BYTES_MAX })
  if (!bytes.ok) return bytes
  const signer = parseSigner(Buffer.from(bytes.value).toString('latin1'))
  return signer === undefined
    ? unusable(file, '64 hexadecimal digits of a secret key', 'something else')
    : succeed(signer)
}

/**
 * Makes a key and writes it to a new file that only its owner can read; durable when it resolves.
 *
 * An existing file is never written over: it may be the only copy of a key that votes.
 */
export async function createKeyFile(
  file: string,
  random: RandomSource = randomBytes,
): Promise<Result<Signer, SettingCode>> {
  const secret = toHex(drawBytes(random, 32))
  const signer = parseSigner(secret)
  if (signer === undefined) return unusable(file, 'randomness that gives a key', 'bytes that are none; try again')
  try {
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile(`${secret}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    return unusable(file, 'a new file', isThere ? 'one that exists; it is left as it is' : messageOf(error))
  }
  return succeed(signer)
}
