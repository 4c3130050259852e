// Bundles what users import, minifies and compresses it, and compares with the budgets. Words that must not occur in a
// bundle explain a regression better than a count of bytes does: no curve in the policy, no pairing in the core.
//
// Usage: node scripts/sizes.mjs [--explain]   --explain prints the minified kB of every module of every budget
import { buildSync } from 'esbuild'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { subpaths } from './lib/package.mjs'
import { root } from './lib/root.mjs'

const CURVES = [/@noble\/curves/, /@noble\/ciphers/, /bls12-381/]
const PAIRING = [/bls12-381/, /abstract\/bls/, /abstract\/tower/]
const NODE = [/["']node:/]

const ERRORS = ['VitalsealError', 'isVitalsealError', 'unwrap']
const BLS_NAMES = ['createPreKeyMaker', 'createPreKeyVerifier']
const ZK_FORMATS = [
  'fromSnarkjs',
  'toSnarkjs',
  'encodeR1cs',
  'parseR1cs',
  'encodeWtns',
  'parseWtns',
  'parseZkey',
  'parsePtau',
]
const ZK_TOOLS = [...ZK_FORMATS, 'serveProver', 'createRemoteProver']
const PSEUDONYMITY = ['explainPseudonymity', 'PSEUDONYMITY_NOTICE', 'PSEUDONYMITY_LINKS']

/**
 * Budgets in kB (1,000 bytes) of minified and gzip-compressed code, all dependencies included that `external` does not
 * name. `forbidden` is matched with the paths of the modules that put code into the bundle, `words` with the code itself.
 */
const bundles = [
  { name: 'errors', code: all('errors'), budget: 2, forbidden: [/node_modules/, /primitives/] },
  {
    name: 'policy',
    code: all('policy'),
    budget: 8,
    forbidden: [...CURVES, /node_modules\/cborg/, /dag-cbor/, /primitives\/codec/, /signature/, /@noble\/hashes/],
    words: [/secp256k1/i, /bls12/i, /cbor/i],
  },
  {
    name: 'policy: decide',
    code: some('policy', 'createGrant', 'createPolicyIndex', 'evaluateAccess'),
    budget: 7,
    forbidden: CURVES,
  },
  { name: 'transactions', code: all('transactions'), budget: 38, forbidden: PAIRING },
  {
    name: 'core without BLS',
    // What an application needs to seal, record, grant, rotate, open and check. Left out: PRE keys, which are BLS keys, with
    // what is sealed to them, and what stands beside the core and has its own callers: archives, the compliance suite, texts of Multikeys, chains of
    // credentials, approvals of members, and sentences for people. With all of these it is `core and its tools` below.
    code: [
      await allBut('identity', ...BLS_NAMES, 'encodeMultikey', 'parseMultikey', 'validateCredentials', ...PSEUDONYMITY),
      await allBut(
        'storage',
        ...ERRORS,
        'encodeCar',
        'parseCar',
        'streamCar',
        'openCar',
        'carLimits',
        'checkBlockstore',
      ),
      await allBut('policy', ...ERRORS, 'explainDecision', 'explainGrant', 'lintGrant', 'EXPIRY_MS_MAX'),
      await allBut('transactions', ...ERRORS, 'formatTransaction', 'approveMembers', 'hashMemberChange'),
      await allBut('keys', ...ERRORS, 'sealTypeKey', 'receiveTypeKey'),
      some('primitives', 'createSigner', 'createVerifier', 'createLabeler', 'parseDid', 'parseRecordId', 'randomBytes'),
    ].join('\n'),
    needs: ['identity', 'policy', 'storage', 'transactions', 'keys'],
    budget: 60,
    forbidden: PAIRING,
  },
  {
    name: 'core and its tools',
    code: [
      await allBut('identity', ...BLS_NAMES),
      ...['errors', 'policy', 'storage', 'transactions', 'keys'].map(all),
    ].join('\n'),
    needs: ['identity', 'policy', 'storage', 'transactions', 'keys'],
    budget: 68,
    forbidden: PAIRING,
  },
  {
    name: 'sign and verify',
    code: some('primitives', 'createSigner', 'createVerifier', 'taggedHash', 'parseDid'),
    budget: 32,
    forbidden: [...PAIRING, /ed25519/, /@noble\/ciphers/],
  },
  {
    name: 'parse a name',
    code: some('primitives', 'parseDid'),
    budget: 4,
    forbidden: [...CURVES, /dag-cbor/, /cborg/],
  },
  {
    // The rules of sharing check proofs: only whoever asks for them carries that.
    name: 'presets: consortium',
    code: [some('presets', 'consortium', 'secureSharing', 'withSharing'), some('chain', 'createLocalLedger')].join(
      '\n',
    ),
    budget: 60,
    forbidden: [...PAIRING, /dist\/zk\//, /sharing\/rules\/claim/],
  },
  // Our own code: noble's pairing curve alone has 26.7 kB, which nothing here can lessen (decision 011).
  { name: 'pre', code: all('pre'), budget: 35, external: ['@noble/*', 'multiformats/*'] },
  // Files of other programs and the protocol of a worker stand beside it; who does not import them does not carry them.
  { name: 'zk', code: await allBut('zk', ...ZK_TOOLS), budget: 40, external: ['@noble/*', 'multiformats/*'] },
  { name: 'zk and its tools', code: all('zk'), needs: ['zk'], budget: 44, external: ['@noble/*', 'multiformats/*'] },
]

const known = new Set(subpaths.map(({ name }) => name))
const explain = process.argv.includes('--explain')
const problems = []
for (const bundle of bundles) {
  const needs = bundle.needs ?? [bundle.name.split(':')[0]].filter((name) => !name.includes(' '))
  const absent = needs.filter((name) => !known.has(name))
  if (absent.length > 0) {
    // Budgets of DESIGN are written down before their folder exists; a folder of src without a subpath is a mistake.
    const forgotten = absent.filter((name) => existsSync(join(root, 'src', name)))
    if (forgotten.length > 0) problems.push(`${bundle.name}: package.json exports no ./${forgotten.join(', ./')}`)
    continue
  }
  problems.push(...measure(bundle))
}
// What runs outside of node/ must run in browsers: each other subpath bundles for one, without Node.
for (const { name } of subpaths.filter((subpath) => subpath.name !== 'node'))
  problems.push(...measure({ name: `./${name}`, code: all(name), words: NODE }))

for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(`sizes: ${problems.length} problems`)
  process.exit(1)
}
console.log(`sizes: all budgets and forbidden words hold`)

function all(name) {
  return `export * as ${name.replaceAll(/\W/g, '_')} from 'vitalseal/${name}'`
}

async function allBut(name, ...without) {
  if (!subpaths.some((subpath) => subpath.name === name)) return ''
  const names = Object.keys(await import(`vitalseal/${name}`)).filter((exported) => !without.includes(exported))
  return some(name, ...names)
}

function some(name, ...exports) {
  return `export { ${exports.join(', ')} } from 'vitalseal/${name}'`
}

function measure({ name, code, budget, external = [], forbidden = [], words = [] }) {
  const { outputFiles, metafile } = buildSync({
    stdin: { contents: code, resolveDir: root, loader: 'js' },
    bundle: true,
    external,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
    legalComments: 'none',
    tsconfigRaw: {},
  })
  const [file] = outputFiles
  const compressed = gzipSync(file.contents, { level: 9 }).length / 1000
  const parts = Object.entries(Object.values(metafile.outputs)[0].inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .sort(([, left], [, right]) => right.bytesInOutput - left.bytesInOutput)
  const problems = []
  for (const pattern of forbidden) {
    const found = parts.filter(([path]) => pattern.test(path)).map(([path]) => path)
    if (found.length > 0) problems.push(`${name}: ${pattern} must not be in it, found ${found.join(', ')}`)
  }
  for (const pattern of words) {
    const match = pattern.exec(file.text)
    if (match !== null)
      problems.push(`${name}: the word ${pattern} must not be in it: ${around(file.text, match.index)}`)
  }
  const figure = `${compressed.toFixed(1)} kB`.padStart(9)
  console.log(`${name.padEnd(18)} ${figure}${budget === undefined ? '' : ` of ${budget}`}  ${parts.length} modules`)
  if (explain && budget !== undefined) console.log(`    ${largest(parts, parts.length)}`)
  if (budget !== undefined && compressed > budget)
    problems.push(`${name}: ${figure.trim()} min+gzip, budget ${budget} kB; the largest parts: ${largest(parts)}`)
  return problems
}

function largest(parts, count = 8) {
  return parts
    .slice(0, count)
    .map(([path, { bytesInOutput }]) => `${path.replace(/^.*node_modules\//, '')} ${(bytesInOutput / 1000).toFixed(1)}`)
    .join(', ')
}

function around(text, index) {
  return `... ${text.slice(Math.max(0, index - 40), index + 40).replaceAll('\n', ' ')} ...`
}
