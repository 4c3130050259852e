// Prints the totals of the last test run, as one line for those who read only the end: N passed, N failed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './lib/root.mjs'

const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(
  readFileSync(join(root, 'out/tests.json'), 'utf8'),
)
const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''
console.log(`${numPassedTests} passed, ${numFailedTests} failed${skipped}`)
process.exit(numFailedTests === 0 && numPassedTests > 0 ? 0 : 1)
