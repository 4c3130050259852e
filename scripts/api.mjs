// The API report of each subpath, made from the built declarations: etc/<subpath>.api.md. A change of a report is a
// change of the public surface and is reviewed as one.
//
// Usage: node scripts/api.mjs            compares
//        node scripts/api.mjs --update   writes
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { subpaths } from './lib/package.mjs'
import { root } from './lib/root.mjs'

const [option] = process.argv.slice(2)
if (option !== undefined && option !== '--update') {
  console.log('usage: npm run api [-- --update]')
  process.exit(option === '--help' ? 0 : 2)
}
const update = option === '--update'
const kept = join(root, 'etc')
const made = join(root, 'out/api')
rmSync(made, { recursive: true, force: true })
mkdirSync(made, { recursive: true })
mkdirSync(kept, { recursive: true })

const problems = []
for (const subpath of subpaths) problems.push(...report(subpath))
const expected = new Set(subpaths.map(reportName))
for (const stale of readdirSync(kept).filter((name) => name.endsWith('.api.md') && !expected.has(name))) {
  if (update) rmSync(join(kept, stale))
  else problems.push(`etc/${stale} belongs to no subpath`)
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(
    `api: ${problems.length} problems; if the change is meant, run \`npm run api -- --update\` and commit etc/`,
  )
  process.exit(1)
}
console.log(`api: ${subpaths.length} reports ${update ? 'written' : 'agree with etc/'}`)

function reportName({ name }) {
  return `${name.replaceAll('/', '-')}.api.md`
}

function report(subpath) {
  const file = reportName(subpath)
  const messages = extract(subpath, file)
  if (messages.length > 0) return messages.map((message) => `${subpath.name}: ${message}`)
  const [fresh, path] = [readFileSync(join(made, file), 'utf8'), join(kept, file)]
  if (update) {
    writeFileSync(path, fresh)
    return []
  }
  if (!existsSync(path)) return [`etc/${file} is missing`]
  const old = readFileSync(path, 'utf8')
  return old === fresh ? [] : [`etc/${file} differs from the built declarations:\n${firstDifferences(old, fresh)}`]
}

/** Writes the report to out/api and returns what the extractor complained about. */
function extract({ types }, file) {
  const messages = []
  const config = ExtractorConfig.prepare({
    configObjectFullPath: join(root, 'api-extractor.json'),
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, types),
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'ES2022',
            lib: ['ES2023'],
            module: 'NodeNext',
            moduleResolution: 'NodeNext',
            strict: true,
            skipLibCheck: true,
            types: types.startsWith('./dist/node/') ? ['node'] : [],
          },
          files: [join(root, types)],
        },
      },
      apiReport: { enabled: true, reportFileName: file, reportFolder: made, reportTempFolder: join(made, 'temp') },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: {
          default: { logLevel: 'warning', addToApiReportFile: true },
          'ae-missing-release-tag': { logLevel: 'none' },
          // The lint asks for comments; here they would bring line numbers into the report.
          'ae-undocumented': { logLevel: 'none' },
          // A type may come from another subpath; the build of the documentation refuses what no subpath exports.
          'ae-forgotten-export': { logLevel: 'none' },
          // Links are resolved, and refused where they lead nowhere, by the build of the documentation.
          'ae-unresolved-link': { logLevel: 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  })
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback(message) {
      message.handled = true
      if (message.logLevel === ExtractorLogLevel.Error) messages.push(message.formatMessageWithLocation(root))
    },
  })
  return messages
}

function firstDifferences(old, fresh) {
  const [before, after] = [new Set(old.split('\n')), new Set(fresh.split('\n'))]
  const gone = [...before].filter((line) => !after.has(line)).map((line) => `  - ${line}`)
  const come = [...after].filter((line) => !before.has(line)).map((line) => `  + ${line}`)
  return [...gone.slice(0, 12), ...come.slice(0, 12)].join('\n') || '  (the order of lines)'
}
