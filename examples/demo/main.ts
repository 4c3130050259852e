/**
 * The story on real FHIR R4 data and a consortium of four processes: register, seal, grant, read, refuse, diagnose, rotate,
 * re-encrypt, revoke, prove, sell, audit. In the middle the leader is killed while transactions flow, and started again.
 *
 *   npm run demo                      the official examples (Patient/f001, Patient/example)
 *   npm run demo -- FILE              a FHIR Bundle or NDJSON file of your own
 *
 * Leaves out/demo/: the nodes' directories, the client's ledger and IPFS blocks, audit.car, report.html. Exit code 0 only if every check held.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { exportAuditBundle, parseAuditBundle, validateAuditBundle } from 'vitalseal/audit'
import { createGenesis } from 'vitalseal/chain'
import { consortium } from 'vitalseal/presets'
import { unwrap } from 'vitalseal/primitives'

import { createNotebook } from './checks.ts'
import { bringBack, compareDisks, countMessages, drawOutage, killLeader, type Outage } from './outage.ts'
import { createReport } from './report.ts'
import { createResearch } from './research.ts'
import { showTime } from './sequence.ts'
import { readExamples, readPatientAge, readUserFile, type Cast } from './resources.ts'
import { tellSale } from './sale.ts'
import { createDoctors, tellStory, type Told } from './story.ts'
import { createWorld, DIRECTORY, preKeyVerifier, rules } from './world.ts'

const [argument] = process.argv.slice(2)
if (argument === '--help' || argument === '-h') {
  console.log(
    'usage: npm run demo [-- FILE]\n\nFILE: a FHIR Bundle or NDJSON file; without it the official FHIR R4 examples',
  )
  process.exit(0)
}

/** The data of this run; a file that cannot be used ends it with a sentence. */
function readCasts(): readonly Cast[] {
  try {
    return argument === undefined ? readExamples() : readUserFile(argument)
  } catch (error) {
    console.error(`demo: ${(error as Error).message}`)
    process.exit(2)
  }
}

/** Without a quorum a ledger waits, as it should; a demo ends. The processes end with it. */
const GIVE_UP_MS = 300_000
setTimeout(() => {
  console.error(`demo: not done after ${GIVE_UP_MS / 1000} s; is a node missing, or the machine very busy?`)
  process.exit(1)
}, GIVE_UP_MS).unref()

const casts = readCasts()
const notebook = createNotebook()
const world = await notebook.step('four processes, a registrar, two doctors', 7, createWorld)
const { ledger, cluster, store } = world
const { genesis } = cluster
const { chainId } = genesis
const doctors = await createDoctors(world)
const research = await createResearch(world)
const told: Told[] = []
let outage: Outage | undefined
let outageCount = 0
for (const cast of casts) {
  // One patient takes part in research.
  const others = { ...doctors, research: told.length === 0 ? research : undefined }
  told.push(await tellStory(cast, world, others, notebook))
  const [reading] = cast.readings
  if (outage !== undefined || reading === undefined) continue
  const before = await countCommitted()
  outage = await killLeader(world, reading.resource, notebook)
  outageCount = (await countCommitted()) - before
}
if (outage !== undefined) await bringBack(world, outage, notebook)
const sold = argument === undefined ? await sellFirst() : undefined

/** Sells the first reading of Patient/f001; a file of the user's own may hold nothing to sell. */
async function sellFirst() {
  const [reading] = casts[0]?.readings ?? []
  const glucose = reading?.resource.quantity?.text
  if (reading === undefined || glucose === undefined) return undefined
  const record = { reading, glucose: glucose as `${number}`, age: readPatientAge('f001') }
  return tellSale(world, research, record, notebook)
}

async function countCommitted(): Promise<number> {
  return [...(await ledger.view()).transactions({ outcome: 'any' })].length
}

const view = await ledger.view()
world.storage.close()
ledger.close()
await notebook.step('the four processes stop in order', 4, () => cluster.stop())
await compareDisks(world, view, notebook)

const file = `${DIRECTORY}/audit.car`
const command = `npx vitalseal verify ${file} --chain ${chainId}`
const cli = fileURLToPath(import.meta.resolve('vitalseal/node').replace(/index\.js$/, 'cli.js'))
/** Verifies in a process of its own, as an auditor would. */
const verify = (path: string, chain: string) =>
  spawnSync(process.execPath, [cli, 'verify', path, '--chain', chain], { encoding: 'utf8' })

await notebook.step('audit bundle: written, verified by another process', await store.height(), async () => {
  const bundle = await exportAuditBundle({ genesis, store, preKeyVerifier, rules })
  writeFileSync(file, bundle)
  const good = verify(file, chainId)
  notebook.check('the bundle verifies', good.status === 0)
  if (good.status !== 0) console.error(good.stderr)
  const foreign = createGenesis(consortium({ members: genesis.members, timeMs: genesis.timeMs }))
  notebook.check('and is refused under a foreign chain id', verify(file, foreign.chainId).status === 1)
})

await notebook.step('audit bundle: refused with any byte changed', 64, async () => {
  const bundle = Uint8Array.from(readFileSync(file))
  // Every byte would take hours; these are spread over the whole file, and the tests change every byte of a small one.
  let accepted = 0
  for (let i = 0; i < 64; i++) {
    const changed = Uint8Array.from(bundle)
    const at = Math.floor((i * (bundle.length - 1)) / 63)
    changed[at] = (changed[at] as number) ^ (1 << (i % 8))
    const parsed = parseAuditBundle(changed)
    if (parsed.ok && (await validateAuditBundle(parsed.value, { chainId, preKeyVerifier, rules })).ok) accepted++
  }
  notebook.check('none of 64 changed bundles is accepted', accepted === 0)
  unwrap(parseAuditBundle(bundle))
})

const committed = [...view.transactions({ outcome: 'any' })]
const refused = committed.filter(({ receipt }) => receipt.code !== null).length
const panels = outage === undefined ? [] : drawOutage(world, outage)
notebook.check('the traces of the nodes show the view change', panels.length === 2)
const facts = [
  `${committed.length} transactions in ${view.height} blocks, ${refused} of them refused; ${outageCount} came from monitors while the leader was killed.`,
  `${countMessages(world)} messages between the nodes.`,
  ...(outage === undefined ? [] : [`${showTime(outage.recoveredMs)} from the kill to the next acknowledgement.`]),
]
const held = notebook.finish()
writeFileSync(
  `${DIRECTORY}/report.html`,
  createReport({
    told,
    committed,
    heightLast: view.height,
    chainId,
    command,
    checks: notebook.checks,
    timings: notebook.timings,
    facts,
    panels,
    outage,
    sold,
  }),
)
console.log(`\n${facts.join(' ')}\nreport: ${DIRECTORY}/report.html\nverify: ${command}`)
process.exitCode = held ? 0 : 1
