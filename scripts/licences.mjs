// Every package of the lock file, development included, has a licence of the list; none is fetched from a fixed host;
// and package.json depends at run time on nothing but what the design names.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifest } from './lib/package.mjs'
import { root } from './lib/root.mjs'

const ALLOWED = new Set([
  ...['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'CC0-1.0', 'Unlicense'],
  ...['Python-2.0', 'CC-BY-3.0', 'CC-BY-4.0'],
])
// Weak copyleft of single files: may serve development, may not be part of what users install.
const ALLOWED_FOR_DEVELOPMENT = new Set([...ALLOWED, 'MPL-2.0'])
// GPL or AGPL, or with a licence that says otherwise than their content; checked by name because some say less.
const REFUSED_NAMES = /^(snarkjs|circomlib|circomlibjs|ffjavascript|umbral-pre|elliptic|@nucypher\/|@ironcorelabs\/)/
const RUNTIME = ['@noble/ciphers', '@noble/curves', '@noble/hashes', 'multiformats']
const OPTIONAL_PEERS = ['classic-level', 'ws']

const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8')
const packages = Object.entries(JSON.parse(lockText).packages).filter(([path]) => path !== '')
const problems = [...packages.flatMap(judge), ...judgeManifest()]
if (/"resolved": *"http/.test(lockText)) problems.push('package-lock.json names a host ("resolved"): write it without')
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(`licences: ${problems.length} problems`)
  process.exit(1)
}
console.log(`licences: ${packages.length} packages, all of the list; no fixed host in the lock file`)

function judge([path, entry]) {
  const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const licence = entry.license ?? readLicence(path)
  const allowed = entry.dev === true || entry.devOptional === true ? ALLOWED_FOR_DEVELOPMENT : ALLOWED
  const found = []
  if (REFUSED_NAMES.test(name)) found.push(`${name} may not be here (licence or security)`)
  if (!isAllowed(licence, allowed))
    found.push(
      `${name}: licence ${licence ?? 'unknown'} is not of the list${entry.dev === true ? '' : ' for run time'}`,
    )
  return found
}

function readLicence(path) {
  const file = join(root, path, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).license : undefined
}

/** Of `A OR B` one must be allowed, of `A AND B` all. */
function isAllowed(expression, allowed) {
  if (typeof expression !== 'string') return false
  const bare = expression.replaceAll(/[()]/g, '').trim()
  if (bare.includes(' OR ')) return bare.split(' OR ').some((part) => isAllowed(part, allowed))
  return bare.split(' AND ').every((part) => allowed.has(part.trim()))
}

function judgeManifest() {
  const found = []
  const differs = (left, right) => JSON.stringify([...left].sort()) !== JSON.stringify([...right].sort())
  if (differs(Object.keys(manifest.dependencies), RUNTIME))
    found.push(`package.json: dependencies must be ${RUNTIME.join(', ')}; another one needs a written decision`)
  for (const peer of Object.keys(manifest.peerDependencies ?? {}))
    if (!OPTIONAL_PEERS.includes(peer) || manifest.peerDependenciesMeta?.[peer]?.optional !== true)
      found.push(`package.json: ${peer} is no optional peer of the design`)
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
    if (!/^(npm:@?[^@]+@)?\d+\.\d+\.\d+$/.test(version))
      found.push(`package.json: ${name} ${version} is not an exact version`)
  return found
}
