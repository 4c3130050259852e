/** Runs the programs of a guide as printed: imports become parameters, declarations go on to the next block. */

import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'

/** The TypeScript blocks of a page; without types they are JavaScript. */
export function readBlocks(page: string): readonly string[] {
  const text = readFileSync(new URL(`../../docs/guide/${page}`, import.meta.url), 'utf8')
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string)
}

/** Names that a block imports, from which folder. */
function importsOf(code: string): readonly { readonly name: string; readonly from: string }[] {
  return [...code.matchAll(/import \{([^}]*)\} from 'vitalseal\/(\w+)'/g)].flatMap(([, names = '', from = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({ name, from })),
  )
}

/** Names that a block declares. */
function declaredIn(code: string): readonly string[] {
  return [...code.matchAll(/^const (?:\{ ([^}]*) \}|\[([^\]]*)\]|(\w+))/gm)].flatMap(([, properties, elements, name]) =>
    (properties ?? elements ?? name ?? '').split(', '),
  )
}

/** Runs one block with what is known, and adds what it declares. */
export async function runBlock(code: string, known: Record<string, unknown>): Promise<void> {
  for (const { name, from } of importsOf(code)) {
    const module = (await import(`../../src/${from}/index.ts`)) as Record<string, unknown>
    if (module[name] === undefined) throw new Error(`vitalseal/${from} has no ${name}`)
    known[name] = module[name]
  }
  const body = code.replaceAll(/import \{[^}]*\} from '[^']*'/g, '')
  const parameters = Object.keys(known).filter((name) => !declaredIn(body).includes(name))
  const source = `async ({ ${parameters.join(', ')} }) => {\n${body}\nreturn { ${declaredIn(body).join(', ')} } }`
  const run = runInThisContext(`(${source})`) as (names: object) => Promise<object>
  Object.assign(known, await run(known))
}
