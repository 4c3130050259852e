// Builds the reference and the guide into out/docs with typedoc; a warning is an error.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Application } from 'typedoc'
import { subpaths } from './lib/package.mjs'
import { root } from './lib/root.mjs'

process.chdir(root)
const out = join(root, 'out/docs')
rmSync(out, { recursive: true, force: true })
const app = await Application.bootstrapWithPlugins({
  options: join(root, 'typedoc.json'),
  entryPoints: subpaths.map(({ source }) => source),
  logLevel: 'Warn',
  ...(existsSync(join(root, 'README.md')) ? {} : { readme: 'none' }),
})
const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
await app.generateOutputs(project)
if (app.logger.hasErrors() || app.logger.hasWarnings()) {
  console.error(`docs: ${app.logger.errorCount} errors, ${app.logger.warningCount} warnings; warnings are errors here`)
  process.exit(1)
}
console.log(`docs: ${project.children?.length ?? 0} modules in out/docs`)
