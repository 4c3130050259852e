import { describe, expect, it } from 'vitest'

import { parseNodeConfig } from '../../src/node/node-config.ts'

const good = {
  genesis: '../genesis.cbor',
  key: 'key',
  directory: 'data',
  listen: '127.0.0.1:7001',
  peers: ['wss://ledger.b.example', 'ws://10.0.0.3:7001/replicas'],
}
const file = '/etc/ledger/node.json'
const parse = (config: unknown) => parseNodeConfig(JSON.stringify(config), file)
const complaintOf = (config: unknown) => {
  const parsed = parse(config)
  if (parsed.ok) return expect.unreachable(`accepted ${JSON.stringify(config)}`)
  expect(parsed.code).toBe('ERR_ARGUMENT_INVALID')
  expect(parsed.message.startsWith(`${parsed.path}: expected `)).toBe(true)
  return parsed.message
}

describe('parseNodeConfig', () => {
  it('reads a configuration; paths are relative to its file', () => {
    expect(parse(good)).toEqual({
      ok: true,
      value: {
        genesis: '/etc/genesis.cbor',
        key: '/etc/ledger/key',
        directory: '/etc/ledger/data',
        listen: good.listen,
        peers: good.peers,
        trace: undefined,
      },
    })
    expect(parse({ ...good, trace: '/var/log/trace' })).toMatchObject({ value: { trace: '/var/log/trace' } })
  })

  it('accepts every form of address that can be listened at or dialled', () => {
    for (const listen of ['0.0.0.0:1', 'ledger.internal:65535', '[::1]:7001', 'localhost:0'])
      expect(parse({ ...good, listen }).ok).toBe(true)
    for (const peer of ['ws://a', 'WSS://a.example:8443/x/', 'ws://[::1]:7001'])
      expect(parse({ ...good, peers: [peer] }).ok).toBe(true)
    expect(parse({ ...good, peers: [] }).ok).toBe(true)
  })

  it('says what is wrong with a field and what it takes', () => {
    expect(complaintOf({ ...good, listen: '7001' })).toBe(
      'config.listen: expected host:port, for example "127.0.0.1:7001" behind a proxy, found "7001"',
    )
    expect(complaintOf({ ...good, peers: [good.peers[0], 'ledger.c.example:443'] })).toBe(
      'config.peers.1: expected an address such as "wss://ledger.hospital.example" or "ws://10.0.0.2:7001", found "ledger.c.example:443"',
    )
    expect(complaintOf({ ...good, peer: [] })).toContain('also "peer"')
    expect(complaintOf({ ...good, directory: undefined })).toContain('found nothing')
    expect(complaintOf({ ...good, peers: ['ws://a', 'ws://a'] })).toContain(
      'config.peers.1: expected each address once',
    )
    expect(complaintOf([])).toBe('config: expected an object, found a list')
    expect(parseNodeConfig('{"genesis":', file)).toMatchObject({ ok: false, path: 'config' })
  })

  it('refuses values beyond the border', () => {
    for (const listen of ['127.0.0.1:65536', ':7001', 'a b:1', 'ws://a:1', 7001, null, 'a:', '::1:7001'])
      expect(complaintOf({ ...good, listen })).toContain('config.listen')
    const peers = [
      'http://a',
      'ws://',
      'ws:///x',
      'ws://user:pass@a',
      'ws://a?x=1',
      'ws://a#x',
      1,
      null,
      `ws://${'a'.repeat(1_020)}`,
    ]
    for (const peer of peers) expect(complaintOf({ ...good, peers: [peer] })).toContain('config.peers.0')
    expect(complaintOf({ ...good, peers: 'ws://a' })).toContain('config.peers: expected the list')
    expect(complaintOf({ ...good, peers: Array.from({ length: 1_024 }, (_, i) => `ws://a${i}`) })).toContain('1024')
    for (const key of ['', 1, 'a\0b', 'k'.repeat(1_025)]) expect(complaintOf({ ...good, key })).toContain('config.key')
    expect(complaintOf({ ...good, trace: false })).toContain('config.trace')
  })

  it('does not repeat a key that somebody wrote into it', () => {
    const secret = 'AB'.repeat(32)
    for (const key of [secret, `0x${secret}`, ` ${secret}\n`]) {
      const complaint = complaintOf({ ...good, key })
      expect(complaint).toContain('a configuration holds no secrets')
      expect(complaint.toUpperCase()).not.toContain(secret)
    }
  })

  it('takes nothing from a prototype', () => {
    expect(parseNodeConfig('{"__proto__":{"genesis":"a"}}', file)).toMatchObject({ ok: false, path: 'config' })
    expect(complaintOf({ ...good, constructor: 'x' })).toContain('also "constructor"')
  })
})
