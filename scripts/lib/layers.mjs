// The import graph of src and the rules of the house over it. Pure: takes a folder, returns what it read and what it
// found, so that the self-test can run it on a copy with a forbidden import in it.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import ts from 'typescript'
import { layers, packages, restrictions } from './layer-rules.mjs'

/**
 * Reads every module of a source folder and checks its imports.
 *
 * @param {string} source - folder that holds errors.ts and the folders of the layers
 * @param {readonly string[]} entries - modules that package.json exports, relative to `source`
 */
export function checkLayers(source, entries) {
  const files = listSources(source)
  const modules = new Map(files.map((file) => [file, readImports(source, file)]))
  const imports = [...modules].flatMap(([from, list]) => list.map((item) => ({ from, ...item })))
  const violations = [
    ...imports.flatMap((item) => judge(item, modules).map((reason) => `${item.from}:${item.line} ${reason}`)),
    ...findIdle(imports),
    ...findCycles(modules).map((cycle) => `cycle: ${cycle.join(' -> ')}`),
    ...findUnreached(modules, entries).map((file) => `${file}: no subpath of package.json reaches it`),
    ...files
      .filter((file) => levelOf(folderOf(file)) === undefined)
      .map((file) => `${file}: its folder is in no layer`),
  ]
  return { fileCount: files.length, moduleCount: modules.size, importCount: imports.length, violations }
}

function listSources(source) {
  return readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) =>
      relative(source, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .sort()
}

/** Every way in which a module can name another: import, export from, import(), import type in a type, require. */
function readImports(source, file) {
  const text = readFileSync(join(source, file), 'utf8')
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  if (tree.parseDiagnostics.length > 0) throw new Error(`${file} does not parse`)
  const found = []
  const add = (node, specifier, typeOnly) => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
    const target = specifier.startsWith('.') ? join(dirname(file), specifier).split(sep).join('/') : undefined
    found.push({ specifier, target, typeOnly, line })
  }
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier.text, isTypeOnly(node.importClause))
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
      add(node, node.moduleSpecifier.text, isTypeOnly(node))
    else if (ts.isImportTypeNode(node)) add(node, node.argument.literal.text, true)
    else if (ts.isCallExpression(node) && isDynamicImport(node))
      add(node, node.arguments[0]?.text ?? '(computed)', false)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function isDynamicImport(call) {
  return call.expression.kind === ts.SyntaxKind.ImportKeyword || call.expression.getText() === 'require'
}

function isTypeOnly(clause) {
  if (clause === undefined) return false
  if (clause.isTypeOnly) return true
  const list = ts.isImportClause(clause) ? clause.namedBindings : clause.exportClause
  const onlyNamed = ts.isExportDeclaration(clause) || clause.name === undefined
  return onlyNamed && list?.elements?.length > 0 && list.elements.every((element) => element.isTypeOnly)
}

function folderOf(file) {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '')
}

function levelOf(folder) {
  const level = layers.findIndex((layer) => layer.includes(folder))
  return level === -1 ? undefined : level
}

/** The reasons for which one import is refused. */
function judge({ from, specifier, target, typeOnly }, modules) {
  if (target === undefined) return judgePackage(from, specifier)
  if (!modules.has(target)) return [`imports ${specifier}, which is no module of src`]
  const [source, folder] = [folderOf(from), folderOf(target)]
  if (source === folder)
    return target === `${folder}/index.ts` ? ['imports its own folder by index; name the file'] : []
  const reasons = []
  const [here, there] = [levelOf(source), levelOf(folder)]
  if (here === there) reasons.push(`${source} imports its sibling ${folder}`)
  else if (here < there) reasons.push(`${source} imports ${folder}, which lies above it`)
  const restriction = restrictions[`${source} -> ${folder}`]
  if (restriction?.typesOnly && !typeOnly) reasons.push(`${source} may take only types from ${folder}`)
  if (restriction?.codeFrom !== undefined && target === restriction.codeFrom) return reasons
  if (restriction?.codeFrom !== undefined && !typeOnly)
    reasons.push(`${source} may take code from ${folder} only by ${restriction.codeFrom}`)
  if (folder === 'primitives') {
    if (target === 'primitives/index.ts') reasons.push('imports primitives by index; name the file')
  } else if (folder !== 'errors' && target !== `${folder}/index.ts`) {
    reasons.push(`imports ${target}; other folders are imported by their index`)
  }
  return reasons
}

function judgePackage(from, specifier) {
  if (folderOf(from) === 'node' && specifier.startsWith('node:')) return []
  const allowed = packages[specifier]
  if (allowed?.some((place) => from === place || (place.endsWith('/') && from.startsWith(place)))) return []
  if (specifier.startsWith('node:')) return [`imports ${specifier}; only src/node knows Node`]
  return [
    `imports ${specifier}, ${allowed === undefined ? 'which no file may' : `which only ${allowed.join(', ')} may`}`,
  ]
}

/** Permissions of the table that nobody uses: they would let a package in unseen. */
function findIdle(imports) {
  return Object.entries(packages).flatMap(([specifier, places]) =>
    places
      .filter((place) => !imports.some((item) => item.specifier === specifier && item.from.startsWith(place)))
      .map((place) => `scripts/lib/layer-rules.mjs lets ${place} import ${specifier}, which it does not`),
  )
}

/** Strongly connected modules, each told once; type imports count, since a cycle of types is one subject in two files. */
function findCycles(modules) {
  const cycles = []
  const done = new Set()
  const walk = (file, path) => {
    const at = path.indexOf(file)
    if (at !== -1) {
      cycles.push([...path.slice(at), file])
      return
    }
    if (done.has(file)) return
    for (const { target } of modules.get(file) ?? []) if (modules.has(target)) walk(target, [...path, file])
    done.add(file)
  }
  for (const file of modules.keys()) walk(file, [])
  return cycles
}

function findUnreached(modules, entries) {
  const reached = new Set()
  const waiting = [...entries]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue
    reached.add(file)
    for (const { target } of modules.get(file) ?? []) if (target !== undefined) waiting.push(target)
  }
  return [...modules.keys()].filter((file) => !reached.has(file))
}
