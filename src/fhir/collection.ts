/**
 * Several resources in one text: a Bundle, or NDJSON. Each keeps its exact bytes, cut out of the source.
 */

import { fromUtf8 } from '../primitives/bytes.ts'
import { fail, type Result } from '../errors.ts'
import { tokensOf } from './json.ts'
import { checkLength, parseResource, type ParseOptions, type Resource, type ResourceErrorCode } from './resource.ts'

/**
 * Reads the resources of a Bundle or of NDJSON, one after the other. Total; one that cannot be used is a failure in its
 * place, and the others follow.
 *
 * @param source - a FHIR Bundle, or one resource in each line
 */
export function* parseResources(
  source: Uint8Array | string,
  options: ParseOptions = {},
): Generator<Result<Resource, ResourceErrorCode>, void, undefined> {
  const tooLong = checkLength(source)
  if (tooLong !== undefined) {
    yield tooLong
    return
  }
  const text = typeof source === 'string' ? source : fromUtf8(source)
  if (!isBundle(text)) {
    for (const line of text.split(/\r?\n/)) if (line.trim() !== '') yield parseResource(line, options)
    return
  }
  const parts = cutResources(text)
  if (parts === undefined) {
    const rule = 'a Bundle in JSON'
    yield fail('ERR_FHIR_INVALID', `Bundle: expected ${rule}`, { path: 'Bundle', details: { element: 'Bundle', rule } })
    return
  }
  for (const part of parts) yield parseResource(part, options)
}

function isBundle(text: string): boolean {
  try {
    return (JSON.parse(text) as { readonly resourceType?: unknown } | null)?.resourceType === 'Bundle'
  } catch {
    // Several lines are no JSON text; a damaged Bundle shows as damaged lines.
    return false
  }
}

/** The source text of `resource` in each entry; undefined when the text ends early. */
function cutResources(text: string): readonly string[] | undefined {
  const parts: string[] = []
  // Names of the members on the way; list elements have none.
  const path: string[] = []
  let name = ''
  let start = -1
  let last = ''
  for (const { token, index } of tokensOf(text)) {
    if (token.startsWith('"')) last = token
    else if (token === ':') name = last
    else if (token === '{' || token === '[') {
      path.push(name)
      if (token === '{' && start === -1 && path.join() === ',"entry",,"resource"') start = index
      name = ''
    } else if (token === '}' || token === ']') {
      if (start !== -1 && path.length === 4) {
        parts.push(text.slice(start, index + 1))
        start = -1
      }
      path.pop()
      name = ''
    } else name = ''
  }
  return path.length === 0 && start === -1 ? parts : undefined
}
