import { describe, expect, it } from 'vitest'

import { findMemberEpoch } from '../../src/pbft/index.ts'
import { settleConfig } from '../../src/pbft/config.ts'
import { sealMessage, type Draft, type MessageKind } from '../../src/pbft/message.ts'
import { peekMessage } from '../../src/node/peek-message.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createId } from '../../src/primitives/ids.ts'
import { createSigner } from '../../src/primitives/signature.ts'

const digest = sha256(toUtf8('digest'))
const signer = createSigner(new Uint8Array(32).fill(1))
const settingsOf = (memberEpoch: number) =>
  settleConfig({ chainId: createId('chain', digest), members: [{ did: signer.did }], memberEpoch })

const drafts: readonly [Draft<MessageKind>, object][] = [
  [
    { kind: 'prepare', body: { view: 300, sequence: 70_000, digest } },
    { view: 300, sequence: 70_000 },
  ],
  [
    { kind: 'commit', body: { view: 0, sequence: 2 ** 40, digest } },
    { view: 0, sequence: 2 ** 40 },
  ],
  [{ kind: 'exec-vote', body: { sequence: 23, headerDigest: digest } }, { sequence: 23 }],
  [{ kind: 'view-change', body: { view: 24, stable: 5, checkpoint: null, prepared: [] } }, { view: 24 }],
  [{ kind: 'new-view', body: { view: 255, order: [], viewChanges: [] } }, { view: 255 }],
  [{ kind: 'fetch', body: { what: 'blocks', height: 9, index: 0, digest: null } }, {}],
  [{ kind: 'request', body: { id: digest, client: digest, bytes: digest } }, {}],
]

describe('the outside of a message', () => {
  it.each(drafts)('is read: %o', (draft, about) => {
    for (const memberEpoch of [0, 23, 24, 70_000]) {
      const { bytes } = sealMessage(settingsOf(memberEpoch), signer, draft)
      expect(peekMessage(bytes)).toEqual({ messageKind: draft.kind, memberEpoch, ...about })
      expect(findMemberEpoch(bytes)).toBe(memberEpoch)
    }
  })

  it('is undefined, never an exception, for whatever else', () => {
    const { bytes } = sealMessage(settingsOf(0), signer, { kind: 'prepare', body: { view: 1, sequence: 2, digest } })
    for (const text of ['', '80', '86', '8600', '861f0000', '86ff', '8618200000', 'a1'])
      expect(peekMessage(Buffer.from(text, 'hex'))).toBeUndefined()
    for (let length = 0; length < 4; length++) expect(peekMessage(bytes.subarray(0, length))).toBeUndefined()
    for (let length = 4; length < bytes.length; length++) expect(peekMessage(bytes.subarray(0, length))).toBeDefined()
  })
})
