/** A group of members that serve clients over sockets in memory, and lie where a test wants it. */

import {
  createGenesis,
  createLedger,
  encodeBlock,
  encodeServerFrame,
  parseServerFrame,
  RULES,
  type Genesis,
  type Ledger,
  type ServerFrame,
  type Socket,
  type SocketEvent,
  type StoredBlock,
} from '../../src/chain/index.ts'
import { serveLedgerClient, type LedgerBackend } from '../../src/node/ledger-server.ts'
import type { Identity } from '../../src/identity/index.ts'
import { createCertificate, encodeCertificate, signExecution } from '../../src/pbft/index.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import {
  createTransaction,
  encodeTransaction,
  parseTransaction,
  signTransaction,
  type Draft,
  type Transaction,
} from '../../src/transactions/index.ts'
import { START_MS } from './chain-fast.ts'
import { party, seededRandom } from './parties.ts'

/** Two ends of a connection in memory; messages and events come later, in order. */
export function createSocketPair(
  options: { readonly opens?: boolean } = {},
): readonly [client: Socket, server: Socket] {
  const { opens = true } = options
  const ends = [0, 1].map(() => new Map<SocketEvent, ((event: object) => void)[]>())
  let isOpen = false
  let isClosed = false
  const later = (call: () => void) => void setImmediate(call)
  const tell = (end: number, kind: SocketEvent, event: object) => {
    for (const listener of ends[end]?.get(kind) ?? []) listener(event)
  }
  const socketOf = (end: number): Socket => ({
    send(data) {
      if (!isOpen && end === 0) throw new Error('sent before it was open')
      const copy = Uint8Array.from(data)
      later(() => {
        if (!isClosed) tell(1 - end, 'message', { data: copy })
      })
    },
    close(code = 1000, reason = '') {
      if (isClosed) return
      later(() => {
        isClosed = true
        tell(0, 'close', { code, reason })
        tell(1, 'close', { code, reason })
      })
    },
    addEventListener(kind, listener) {
      ends[end]?.set(kind, [...(ends[end].get(kind) ?? []), listener])
    },
  })
  if (opens)
    later(() => {
      isOpen = true
      tell(0, 'open', {})
    })
  return [socketOf(0), socketOf(1)]
}

/** How a member treats its clients; what is absent is honest. */
export interface Conduct {
  /** Replaces a frame before it goes out; null keeps it back. */
  frame?: (frame: ServerFrame) => Bytes | ServerFrame | null
  /** Answers a submission; default: it goes into a block. */
  submit?: (transaction: Bytes) => Promise<string | null>
  /** Blocks beyond this height are unknown to it. */
  heightMax?: number
  /** Connections fail. */
  isDown?: boolean
  /** Connections never open. */
  isSilent?: boolean
  signer?: LedgerBackend['signer']
}

/** One member. */
export interface TestMember {
  readonly url: string
  readonly identity: Identity
  conduct: Conduct
  /** Connections that were opened. */
  readonly sockets: Socket[]
  /** Submissions that came. */
  readonly submitted: Bytes[]
  /** Frames of clients by kind. */
  readonly sent: ServerFrame[]
}

/** A group. */
export interface TestGroup {
  readonly genesis: Genesis
  readonly ledger: Ledger
  readonly members: readonly TestMember[]
  readonly blocks: StoredBlock[]
  readonly urls: readonly string[]
  readonly openSocket: (url: string) => Socket
  /** Puts transactions into a block that a quorum certifies, and tells the members. */
  commit(...transactions: readonly Uint8Array[]): StoredBlock
  sign(by: Identity, draft: Draft, nonce?: number): Transaction
  /** Ends all connections to members. */
  cut(...members: readonly TestMember[]): void
}

const hasFrame = (value: Bytes | ServerFrame): value is ServerFrame => !(value instanceof Uint8Array)

/**
 * Returns a group of so many members without blocks.
 *
 * @param spareCount - others who serve the ledger too, and may become members later
 */
export function createTestGroup(memberCount = 4, spareCount = 0): TestGroup {
  const identities = Array.from({ length: memberCount + spareCount }, (_, index) => party(`member ${index}`))
  const genesis = createGenesis(
    {
      preset: 'test',
      kinds: Object.keys(RULES),
      members: identities.slice(0, memberCount).map(({ did }) => ({ did })),
      timeMs: START_MS,
    },
    seededRandom(`group of ${memberCount}`),
  )
  const { chainId } = genesis
  const ledger = createLedger({ genesis })
  const blocks: StoredBlock[] = []
  const listeners = new Set<() => void>()
  const nonces = new Map<string, number>()

  const members = identities.map((identity, index): TestMember => ({
    url: `member ${index}`,
    identity,
    conduct: {},
    sockets: [],
    submitted: [],
    sent: [],
  }))

  function commit(...transactions: readonly Uint8Array[]): StoredBlock {
    const present = ledger.members.members
    const { block, headerDigest } = ledger.applyBatch({ transactions, timeMs: START_MS + blocks.length })
    const { height, memberEpoch } = block.header
    const executed = { chainId, memberEpoch, height, headerDigest }
    const signers = present.map(({ did }) => identities.find((identity) => identity.did === did) as Identity)
    const votes = new Map(signers.map(({ signer }, index) => [index, signExecution(executed, { signer })]))
    const certificate = encodeCertificate(createCertificate(executed, votes, present.length))
    const stored = { height, block: encodeBlock(block), certificate }
    blocks.push(stored)
    for (const listener of listeners) listener()
    return stored
  }

  function submitHere(transaction: Bytes): Promise<string | null> {
    const parsed = parseTransaction(transaction)
    if (!parsed.ok) return Promise.resolve(parsed.code)
    const admitted = ledger.admit(transaction)
    if (!admitted.ok) return Promise.resolve(admitted.code)
    const { transaction: known, nonceNext } = admitted.value
    if (known.nonce < nonceNext) return Promise.resolve('ERR_CHAIN_NONCE')
    if (known.nonce === nonceNext) commit(transaction)
    return Promise.resolve(null)
  }

  function backendOf(member: TestMember): LedgerBackend {
    const height = () => Math.min(blocks.length, member.conduct.heightMax ?? Infinity)
    return {
      chainId,
      signer: member.conduct.signer ?? member.identity.signer,
      height,
      readBlock: (wanted) => Promise.resolve(wanted <= height() ? blocks[wanted - 1] : undefined),
      onBlock(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      submit(transaction) {
        member.submitted.push(transaction)
        return (member.conduct.submit ?? submitHere)(transaction)
      },
    }
  }

  /** What a member sends passes through its conduct. */
  function serve(member: TestMember, socket: Socket): void {
    const bent: Socket = {
      ...socket,
      send(data) {
        const parsed = parseServerFrame(data)
        if (!parsed.ok) throw new Error(parsed.message)
        member.sent.push(parsed.value)
        const bend = member.conduct.frame
        const frame = bend === undefined ? data : bend(parsed.value)
        if (frame === null) return
        socket.send(hasFrame(frame) ? encodeServerFrame(frame) : frame)
      },
    }
    serveLedgerClient(bent, backendOf(member))
  }

  return {
    genesis,
    ledger,
    members,
    blocks,
    urls: members.map(({ url }) => url),
    commit,
    openSocket(url) {
      const member = members.find((one) => one.url === url)
      if (member === undefined) throw new Error(`no member at ${url}`)
      const [client, server] = createSocketPair({ opens: !(member.conduct.isDown ?? member.conduct.isSilent ?? false) })
      if (member.conduct.isDown === true) client.close(1006, 'down')
      member.sockets.push(server)
      serve(member, server)
      return client
    },
    sign(by, draft, nonce = nonces.get(by.did) ?? 0) {
      nonces.set(by.did, nonce + 1)
      const unsigned = createTransaction({ ...draft, sender: by.did, nonce, issuedAtMs: START_MS })
      return signTransaction(unsigned, { chainId, signer: by.signer })
    },
    cut(...cutOff) {
      for (const member of cutOff) for (const socket of member.sockets.splice(0)) socket.close(1001)
    },
  }
}

export { encodeTransaction }
