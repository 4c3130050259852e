// Runs a TypeScript program on every supported Node: bundles it with esbuild into out/run (packages stay external, so
// `vitalseal/...` means the built package) and imports the bundle in this process.
//
// Usage: node [--expose-gc] scripts/run-ts.mjs FILE [ARGUMENTS]
import { buildSync } from 'esbuild'
import { relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './lib/root.mjs'

/** Bundles one program and returns the path of the bundle. */
export function bundleProgram(file) {
  const entry = resolve(file)
  const outfile = resolve(
    root,
    'out/run',
    relative(root, entry)
      .replaceAll(/[\\/]/g, '-')
      .replace(/\.[cm]?ts$/, '.mjs'),
  )
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
    tsconfigRaw: {},
  })
  return outfile
}

/** Bundles one program and imports it here; stack traces name the TypeScript lines. */
export async function importProgram(file) {
  process.setSourceMapsEnabled(true)
  return import(pathToFileURL(bundleProgram(file)).href)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [file, ...rest] = process.argv.slice(2)
  if (file === undefined || file === '--help') {
    console.error('usage: node scripts/run-ts.mjs FILE [ARGUMENTS]')
    process.exit(file === undefined ? 2 : 0)
  }
  process.argv = [process.argv[0], resolve(file), ...rest]
  await importProgram(file)
}
