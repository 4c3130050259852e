// Runs named steps, two at a time where they do not depend on each other, and prints one line for each: what a step
// printed last when it went well, all of it when it failed.
import { spawn } from 'node:child_process'
import { root } from './root.mjs'

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {readonly string[]} command - program and arguments; `node` means this one
 * @property {boolean} [stream] - show the output as it comes instead of keeping it
 */

/**
 * Runs groups of steps in order; within a group two at a time. Later groups do not start after a failure.
 *
 * @param {readonly (readonly Step[])[]} groups
 * @returns {Promise<boolean>} whether all went well
 */
export async function runGroups(groups) {
  for (const group of groups) {
    const waiting = [...group]
    const results = []
    const worker = async () => {
      for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) results.push(await runStep(step))
    }
    await Promise.all([worker(), worker()])
    if (results.includes(false)) return false
  }
  return true
}

/** Runs one step and reports it; resolves to whether it went well. */
export async function runStep({ name, command, stream = false }) {
  const start = performance.now()
  const { status, output } = await run(command, stream)
  const seconds = `${((performance.now() - start) / 1000).toFixed(1)} s`
  const ok = status === 0
  const summary = stream || !ok ? '' : (output.trimEnd().split('\n').at(-1) ?? '')
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(10)} ${seconds.padStart(7)}  ${summary}`.trimEnd())
  if (!ok && !stream) console.log(output.trimEnd().replaceAll(/^/gm, '       '))
  return ok
}

function run([program, ...args], stream) {
  const command = program === 'node' ? process.execPath : program
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: stream ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    })
    let output = ''
    const keep = (chunk) => (output += chunk)
    child.stdout?.setEncoding('utf8').on('data', keep)
    child.stderr?.setEncoding('utf8').on('data', keep)
    child.on('error', (error) => resolve({ status: 127, output: `${output}${error.message}` }))
    child.on('close', (status) => resolve({ status: status ?? 1, output }))
  })
}
