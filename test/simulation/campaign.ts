// Runs many seeds of the simulator. Usage: npm run sim -- --seeds N [--nodes n]
// [--seed FIRST]. Prints a failing seed with its violation; the last line is `simulated N seeds, V violations`.
import { parseArgs } from 'node:util'

import {
  explainRun,
  generateScenario,
  shrinkScenario,
  simulate,
  type Strategy,
} from '../../src/pbft/simulator/index.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string' },
    byzantine: { type: 'string' },
    explain: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log('--seeds N  how many (1000)\n--seed S   the first (1)\n--nodes n  replicas (mixed)')
  console.log('--byzantine S  one faulty replica of this strategy in every seed')
  console.log('--explain  print the transcript of failing seeds\n--shrink   make failing scenarios small first')
} else {
  runCampaign(Number(values.seed), Number(values.seeds))
}

function runCampaign(first: number, count: number): void {
  const started = process.hrtime.bigint()
  const totals = { violations: 0, events: 0, simulatedMs: 0, byzantine: 0, crashes: 0, viewChanges: 0, repeated: 0 }
  for (let seed = first; seed < first + count; seed++) {
    const options = values.nodes === undefined ? {} : { replicaCount: Number(values.nodes) }
    const generated = generateScenario(seed, options)
    const scenario =
      values.byzantine === undefined ? generated : { ...generated, byzantine: [values.byzantine as Strategy] }
    const run = simulate(scenario)
    totals.events += run.eventCount
    totals.simulatedMs += run.simulatedMs
    if ((scenario.byzantine?.length ?? 0) > 0) totals.byzantine += 1
    if ((scenario.faults?.crashes ?? 0) > 0) totals.crashes += 1
    if (run.viewMax > 0) totals.viewChanges += 1
    if (seed % 100 === 0) {
      totals.repeated += 1
      if (simulate(scenario).traceHash !== run.traceHash) {
        totals.violations += 1
        console.log(`seed ${seed}: two runs differ`)
      }
    }
    if (run.violations.length > 0) {
      totals.violations += 1
      const { property, message } = run.violations[0] ?? { property: '', message: '' }
      console.log(`seed ${seed} ${JSON.stringify(scenario)}\n  ${property}: ${message}`)
      if (values.explain) console.log(explainRun(values.shrink ? simulate(shrinkScenario(scenario)) : run))
    }
    if (process.stderr.isTTY && seed % 20 === 0) process.stderr.write(`\r${seed - first + 1} of ${count}`)
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  const rate = (count / seconds).toFixed(1)
  console.log(
    `${rate} seeds/s, ${(totals.events / seconds / 1000).toFixed(0)} k events/s, ${Math.round(totals.simulatedMs / 1000 / seconds)} times real time`,
  )
  console.log(
    `with Byzantine replicas ${totals.byzantine}, with crashes ${totals.crashes}, with view changes ${totals.viewChanges}, run twice ${totals.repeated}`,
  )
  console.log(`simulated ${count} seeds, ${totals.violations} violations`)
  if (totals.violations > 0) process.exitCode = 1
}
