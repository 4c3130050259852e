// What must not be in a committed file: paths of a machine, hosts of registries, focused or skipped tests, unfinished
// work, links that lead nowhere, large files. Looks at what git tracks or would track.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './lib/root.mjs'

const BYTES_MAX = 1_000_000
// Each pattern is written so that it does not match itself.
const rules = [
  { name: 'path of a machine', files: /./, pattern: /(^|[^\w.])\/(w[o]rk|r[o]ot|t[m]p|h[o]me\/\w+)\/\w/ },
  { name: 'host of a registry', files: /./, pattern: /registry\.npmj[s]\.org|registry\.yarnpk[g]\.com/ },
  { name: 'focused or skipped test', files: /^test\//, pattern: /\b(it|test|describe)\.(only|sk[i]p|to[d]o|fails)\b/ },
  {
    name: 'unfinished work',
    files: /^(src|scripts|benchmarks|examples)\//,
    pattern: /\b(TO[D]O|FIX[M]E|XX[X]|not impl[e]mented|place[h]older)\b/i,
  },
]

const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
const files = list
  .toString()
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)) && statSync(join(root, file)).isFile())
const problems = files.flatMap((file) => {
  const found = statSync(join(root, file)).size > BYTES_MAX ? [`${file}: larger than ${BYTES_MAX} bytes`] : []
  const text = readFileSync(join(root, file), 'utf8')
  const lines = text.split('\n')
  for (const { name, files: where, pattern } of rules) {
    const line = where.test(file) ? lines.findIndex((line) => pattern.test(line)) : -1
    if (line !== -1) found.push(`${file}:${line + 1}: ${name}: ${lines[line].trim().slice(0, 100)}`)
  }
  return [...found, ...(file.endsWith('.md') ? findDeadLinks(file, text) : [])]
})
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(`tracked: ${problems.length} problems`)
  process.exit(1)
}
console.log(`tracked: ${files.length} files`)

/** Links to files and folders of the repository that are not there; addresses of the network are not asked. */
function findDeadLinks(file, text) {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target.replace(/#.*$/, ''))
  return targets
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(file), target)))
    .map((target) => `${file}: links to ${target}, which is not there`)
}
