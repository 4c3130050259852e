import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { createGenesis, encodeGenesis } from '../../src/chain/index.ts'
import { VitalsealError } from '../../src/errors.ts'
import { toStatusUrl } from '../../src/node/ask-status.ts'
import type { NodeEvent } from '../../src/node/node-events.ts'
import { createNodeCommand } from '../../src/node/node-command.ts'
import type { StartHost } from '../../src/node/run-node.ts'
import type { NodeSummary } from '../../src/node/status-lines.ts'
import { consortium } from '../../src/presets/index.ts'
import { createSigner } from '../../src/primitives/signature.ts'
import { playProcess, runCommand, until } from '../support/command-io.ts'
import { party } from '../support/parties.ts'

const folder = mkdtempSync(join(tmpdir(), 'vitalseal-node-'))
const file = (name: string) => join(folder, name)
const secret = '22'.repeat(32)
const { did } = createSigner(Buffer.from(secret, 'hex'))
const other = party('b').did
const genesis = createGenesis(consortium({ members: [{ did }, { did: other }], timeMs: 1 }))
const config = {
  genesis: 'genesis.cbor',
  key: 'key',
  directory: 'data',
  listen: '127.0.0.1:0',
  peers: ['ws://b.example'],
}
const writeConfig = (name: string, fields: object) =>
  writeFileSync(file(name), JSON.stringify({ ...config, ...fields }))

beforeAll(() => {
  writeFileSync(file('genesis.cbor'), encodeGenesis(genesis))
  writeFileSync(file('key'), secret)
  chmodSync(file('key'), 0o600)
  writeConfig('node.json', {})
  writeConfig('traced.json', { trace: 'trace.ndjson' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A node that a test plays. */
function playNode() {
  let status: NodeSummary = { did, height: 7, memberEpoch: 0, view: 0, mode: 'normal', primary: did, connected: [] }
  let started: Parameters<StartHost>[0] | undefined
  let stops = 0
  const start: StartHost = (options) => {
    started = options
    const stop = () => Promise.resolve(void stops++)
    return Promise.resolve({ address: '127.0.0.1:7009', status: () => status, stop })
  }
  return {
    command: createNodeCommand(start),
    started: () => started,
    stops: () => stops,
    become: (change: Partial<NodeSummary>) => void (status = { ...status, ...change }),
    tell: (event: NodeEvent) => started?.onEvent(event),
  }
}

describe('vitalseal node --config', () => {
  it('runs a node with its settings until it is asked to stop', async () => {
    const [node, played] = [playNode(), playProcess()]
    const code = node.command.run(['--config', file('node.json'), '--initialise'], played.io)
    await until(() => played.out().includes('height 7'))
    expect(node.started()).toMatchObject({
      directory: file('data'),
      listen: config.listen,
      peers: config.peers,
      initialise: true,
    })
    expect(node.started()?.signer.did).toBe(did)
    expect(node.started()?.genesis.chainId).toBe(genesis.chainId)
    node.become({ height: 8, view: 1, primary: other, connected: [other] })
    await until(() => played.out().includes('height 8'))
    played.stop()
    expect([await code, node.stops(), played.err()]).toEqual([0, 1, ''])
    expect(played.out().split('\n')).toEqual([
      did,
      `  chain    ${genesis.chainId}`,
      '  members  2 in the genesis; the group stands no fault: when one member fails, the ledger stops; four members stand one',
      '  listens  127.0.0.1:7009, GET /status says how it is',
      'height 7, view 0 (normal), it leads, connected to 0 members',
      `height 8, view 1 (normal), …${other.slice(-6)} leads, connected to 1 member`,
      'stopped at height 8',
      '',
    ])
  })

  it('is new only when told so, and has lost its disk only when told so', async () => {
    const flags = [
      [[], undefined],
      [['--initialise'], true],
      [['--lost-disk'], 'lost-disk'],
    ] as const
    for (const [flag, initialise] of flags) {
      const [node, played] = [playNode(), playProcess()]
      const code = node.command.run(['--config', file('node.json'), ...flag], played.io)
      await until(() => node.started() !== undefined)
      played.stop()
      expect([await code, node.started()?.initialise]).toEqual([0, initialise])
    }
  })

  it('writes one line anew on a terminal', async () => {
    const [node, played] = [playNode(), playProcess({ isTerminal: true })]
    const code = node.command.run(['--config', file('node.json')], played.io)
    await until(() => played.err() !== '')
    node.become({ height: 9 })
    await until(() => played.err().includes('height 9'))
    played.stop()
    expect(await code).toBe(0)
    expect(played.err()).toMatch(/^\rheight 7[^\n]+\u001b\[K\rheight 9[^\n]+\u001b\[K\r\u001b\[K$/)
  })

  it('says one object a line for programs, and ends with its input only when told so', async () => {
    const [node, played] = [playNode(), playProcess()]
    const args = ['--config', file('node.json'), '--json', '--until-input-ends']
    const code = node.command.run(args, played.io)
    played.type('a line means nothing')
    await until(() => played.out().includes('status'))
    played.type(undefined)
    expect(await code).toBe(0)
    const lines = played
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(lines).toMatchObject([
      { event: 'listening', address: '127.0.0.1:7009', chainId: genesis.chainId, did },
      { event: 'status', status: { height: 7 } },
      { event: 'stopped' },
    ])
    const [second, without] = [playNode(), playProcess()]
    const running = second.command.run(['--config', file('node.json')], without.io)
    await until(() => without.out().includes('height 7'))
    without.type(undefined)
    expect(second.stops()).toBe(0)
    without.stop()
    expect(await running).toBe(0)
  })

  it('stops with a sentence when the node halts', async () => {
    const [node, played] = [playNode(), playProcess()]
    const code = node.command.run(['--config', file('node.json')], played.io)
    await until(() => node.started() !== undefined)
    for (let i = 0; i < 101; i++) node.tell({ kind: 'evidence', accused: other, evidence: Uint8Array.of(i), atMs: 5 })
    node.tell({ kind: 'halt', reason: 'the disk refused to keep a vote', atMs: 6 })
    expect([await code, node.stops()]).toEqual([1, 1])
    const complaints = played.err().trim().split('\n')
    expect([complaints[0], complaints.length, complaints[100]]).toEqual([
      `vitalseal node: ${other} contradicted itself; the evidence is in ${file('data-evidence.ndjson')}`,
      101,
      'vitalseal node: the disk refused to keep a vote',
    ])
    const kept = readFileSync(file('data-evidence.ndjson'), 'utf8').trim().split('\n')
    expect([kept.length, JSON.parse(kept[16] ?? '')]).toEqual([100, { atMs: 5, accused: other, evidence: '10' }])
  })

  it('says who contradicted himself also where the evidence cannot be kept, and which peer cannot be reached', async () => {
    const [node, played] = [playNode(), playProcess()]
    // A directory stands where the evidence should go.
    mkdirSync(file('barred-evidence.ndjson'), { recursive: true })
    writeFileSync(file('barred.json'), readFileSync(file('node.json'), 'utf8').replace('"data"', '"barred"'))
    const code = node.command.run(['--config', file('barred.json')], played.io)
    await until(() => node.started() !== undefined)
    node.tell({ kind: 'evidence', accused: other, evidence: Uint8Array.of(1), atMs: 5 })
    node.tell({ kind: 'peer', address: 'ws://a:1', problem: 'nobody is there', atMs: 6 })
    played.stop()
    await code
    const [evidence, peer] = played.err().split('\n')
    expect(evidence).toMatch(/contradicted itself; the evidence could not be kept: EISDIR/)
    expect(peer).toBe('vitalseal node: ws://a:1 is not connected: nobody is there')
  })

  it('shows how far it has come, and gives up a long start when asked to stop', async () => {
    const played = playProcess({ isTerminal: true })
    const command = createNodeCommand(({ signal, onProgress }) => {
      void onProgress?.({ step: 'replay', done: 3, total: 9 })
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new VitalsealError('ERR_ABORTED', 'ended', { details: {} })))
      })
    })
    const code = command.run(['--config', file('node.json')], played.io)
    await until(() => played.err() === '\rreplay 3 of 9\u001b[K')
    played.stop()
    expect([await code, played.out()]).toEqual([0, ''])
  })

  it('notes kinds and numbers of messages, and nothing of their content', async () => {
    const [node, played] = [playNode(), playProcess()]
    const code = node.command.run(['--config', file('traced.json')], played.io)
    await until(() => node.started() !== undefined)
    const content = { bytes: 'secret' } as object
    node.tell({
      kind: 'message',
      direction: 'sent',
      messageKind: 'prepare',
      from: did,
      to: [other],
      view: 1,
      sequence: 2,
      atMs: 1,
      ...content,
    })
    played.stop()
    expect(await code).toBe(0)
    const [line, rest] = readFileSync(file('trace.ndjson'), 'utf8').split('\n')
    expect([rest, JSON.parse(line ?? '')]).toEqual([
      '',
      {
        atMs: 1.999,
        direction: 'sent',
        kind: 'prepare',
        from: did,
        to: [other],
        view: 1,
        sequence: 2,
      },
    ])
  })

  it('says why it could not start', async () => {
    const failures = [
      [
        Object.assign(new Error('listen EADDRINUSE: 127.0.0.1:7001'), { code: 'EADDRINUSE' }),
        'another program listens there',
      ],
      [
        new VitalsealError('ERR_CRYPTO_UNSUPPORTED', 'no', { details: { algorithm: 'x' }, cause: { code: 'ENOSPC' } }),
        'the disk is full',
      ],
    ] as const
    for (const [error, sentence] of failures) {
      const { code, out, err } = await runCommand(
        createNodeCommand(() => Promise.reject(error)),
        '--config',
        file('node.json'),
      )
      expect([code, out]).toEqual([1, ''])
      expect(err).toContain(sentence)
    }
    const fault = createNodeCommand(() => Promise.reject(new TypeError('x is not a function')))
    await expect(runCommand(fault, '--config', file('node.json'))).rejects.toThrow('x is not a function')
  })

  it('refuses settings that cannot be used, before it starts anything', async () => {
    writeFileSync(file('no.json'), '{')
    writeConfig('no-listen.json', { listen: 1 })
    writeConfig('no-genesis.json', { genesis: 'node.json' })
    writeConfig('absent-genesis.json', { genesis: 'absent' })
    writeConfig('no-key.json', { key: 'node.json' })
    for (const name of ['absent', 'no', 'no-listen', 'no-genesis', 'absent-genesis', 'no-key']) {
      const node = playNode()
      const { code, out, err } = await runCommand(node.command, '--config', file(`${name}.json`))
      expect([name, code, out, node.started()]).toEqual([name, 2, '', undefined])
      expect(err).toMatch(/^vitalseal node: (config|genesis|key)[^\n]+\n$/)
    }
  })
})

describe('vitalseal node --create-key', () => {
  it('prints the DID of the key that it made', async () => {
    const { command } = playNode()
    const { code, out, err } = await runCommand(command, '--create-key', file('made'))
    expect([code, err, out]).toEqual([0, '', expect.stringMatching(/^did:key:zQ3s\w+\n$/)])
    const made = createSigner(Buffer.from(readFileSync(file('made'), 'utf8').trim(), 'hex'))
    expect(out).toBe(`${made.did}\n`)
    expect((await runCommand(command, '--create-key', file('made'))).code).toBe(1)
  })
})

describe('vitalseal node --status', () => {
  let server: Server | undefined
  afterEach(() => server?.close())

  /** Listens and answers everything with this text. */
  async function serve(text: string, code = 200): Promise<string> {
    const listening = createServer((_, answer) => answer.writeHead(code).end(text))
    server = listening
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done))
    return `127.0.0.1:${(listening.address() as AddressInfo).port}`
  }

  it('prints how a node is', async () => {
    const { command } = playNode()
    const status = {
      did,
      height: 9,
      memberEpoch: 1,
      view: 2,
      mode: 'view-change',
      primary: other,
      connected: [other],
      more: 1,
    }
    const address = await serve(JSON.stringify(status))
    const { code, out, err } = await runCommand(command, '--status', `ws://${address}`)
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(
      `height 9, view 2 of member epoch 1 (view-change), …${other.slice(-6)} leads, connected to 1 member\n`,
    )
    const { out: json } = await runCommand(command, '--json', '--status', address)
    expect(JSON.parse(json)).toMatchObject({ height: 9, did })
  })

  it('says what is wrong with an answer or an address', async () => {
    const { command } = playNode()
    for (const text of ['', '{}', 'null', '[1]', '{"did":1}', '<html>', `"${'x'.repeat(2 ** 20)}"`]) {
      const { code, out, err } = await runCommand(command, '--status', await serve(text))
      expect([code, out]).toEqual([1, ''])
      expect(err).toContain('answers something else than the status of a node')
      server?.close()
    }
    expect((await runCommand(command, '--status', await serve('{}', 404))).err).toContain('answers 404')
    expect((await runCommand(command, '--status', 'ftp://x')).err).toContain('expected the address of a node')
    expect((await runCommand(command, '--status', '127.0.0.1:1')).err).toContain('is the node running?')
  })

  it('finds the address of the status', () => {
    expect(toStatusUrl('10.0.0.1:7001')).toBe('http://10.0.0.1:7001/status')
    expect(toStatusUrl('wss://a.example/ledger/')).toBe('https://a.example/ledger/status')
    expect(toStatusUrl('https://a.example/status')).toBe('https://a.example/status')
    expect(toStatusUrl('')).toBe(undefined)
  })
})

describe('vitalseal node', () => {
  it('takes no questions that it cannot answer', async () => {
    const { command, started } = playNode()
    const misused = [
      [],
      ['--initialise'],
      ['--config'],
      ['--config', file('node.json'), '--initialise', '--lost-disk'],
      ['--config', file('node.json'), '--status', 'http://127.0.0.1:1'],
      ['--config', file('node.json'), '--create-key', file('another')],
      ['--status', 'http://127.0.0.1:1', '--lost-disk'],
      ['--create-key', file('another'), '--json'],
      ['positional'],
      ['--unknown'],
    ]
    for (const args of misused) {
      const { code, out, err } = await runCommand(command, ...args)
      expect([args, code, out]).toEqual([args, 2, ''])
      expect(err).toMatch(/^vitalseal node: [^]+\nSee vitalseal node --help\n$/)
    }
    expect(started()).toBe(undefined)
    expect(await runCommand(command, '--help')).toEqual({ code: 0, out: command.usage, err: '' })
  })
})
