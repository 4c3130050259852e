import {
  assert,
  array,
  constantFrom,
  dictionary,
  json,
  jsonValue,
  oneof,
  property,
  string,
  tuple,
  webUrl,
} from 'fast-check'
import { describe, it } from 'vitest'

import { parseNodeConfig } from '../../src/node/node-config.ts'
import { parseNodeLine, parseStatus } from '../../src/node/status-lines.ts'
import { propertyRuns } from '../support/property.ts'

const names = constantFrom('genesis', 'key', 'directory', 'listen', 'peers', 'trace', '__proto__', 'more')
const values = oneof(
  jsonValue(),
  string(),
  constantFrom('127.0.0.1:7001', '[::1]:0', 'ws://a.example', 'ab'.repeat(32)),
  array(oneof(webUrl({ validSchemes: ['ws', 'wss', 'http'] }), jsonValue()), { maxLength: 4 }),
)
/** Near enough to a configuration that every branch is met. */
const nearly = oneof(
  dictionary(names, values),
  tuple(dictionary(names, values), values).map(([rest, peers]) => ({
    ...{ genesis: 'g', key: 'k', directory: 'd', listen: '127.0.0.1:1', peers },
    ...rest,
  })),
)

describe('what people and nodes write', () => {
  it('any JSON and any text is a configuration or is refused, without a throw', () => {
    assert(
      property(
        oneof(
          nearly.map((value) => JSON.stringify(value)),
          json(),
          string(),
        ),
        (text) => {
          const parsed = parseNodeConfig(text, '/etc/node.json')
          if (!parsed.ok) return parsed.message.includes(': expected ') && parsed.code === 'ERR_ARGUMENT_INVALID'
          const { genesis, key, directory, listen, peers } = parsed.value
          return (
            [genesis, key, directory].every((path) => path.startsWith('/')) &&
            listen.includes(':') &&
            peers.every((peer) => URL.canParse(peer))
          )
        },
      ),
      propertyRuns(1_000),
    )
  })

  it('any answer of a node is a status or none, without a throw', () => {
    const fields = constantFrom(
      'did',
      'height',
      'memberEpoch',
      'view',
      'mode',
      'primary',
      'connected',
      'event',
      'status',
    )
    assert(
      property(oneof(dictionary(fields, jsonValue()), jsonValue()), (value) => {
        parseStatus(value)
        parseNodeLine(JSON.stringify(value))
        return true
      }),
      propertyRuns(1_000),
    )
  })
})
