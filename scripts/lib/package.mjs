// What package.json says, read where several scripts need it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

/** The parsed package.json. */
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The code subpaths: name (`policy`), specifier (`vitalseal/policy`), and the files that the entry names. */
export const subpaths = Object.entries(manifest.exports)
  .filter(([, entry]) => typeof entry === 'object')
  .map(([key, entry]) => {
    const source = entry.default.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')
    const name = key.slice('./'.length)
    return { name, specifier: `${manifest.name}/${name}`, types: entry.types, code: entry.default, source }
  })
