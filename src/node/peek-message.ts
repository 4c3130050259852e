/**
 * What a message between replicas is about, read from its first bytes: for those who watch, and to notice that the group has
 * gone on to another member epoch. Nothing is believed or verified here, and nothing of the content is read.
 */

import { MESSAGE_KINDS, type MessageKind } from '../pbft/index.ts'

/** The outside of a message. */
export interface PeekedMessage {
  readonly messageKind: MessageKind
  readonly memberEpoch: number
  readonly view?: number
  readonly sequence?: number
}

/** Where a body has view and sequence number, by position of its elements. */
const PLACES: Readonly<Record<MessageKind, { readonly view?: number; readonly sequence?: number }>> = {
  request: {},
  'pre-prepare': { view: 0, sequence: 1 },
  prepare: { view: 0, sequence: 1 },
  commit: { view: 0, sequence: 1 },
  'exec-vote': { sequence: 0 },
  'view-change': { view: 0 },
  'new-view': { view: 0 },
  status: { view: 0 },
  fetch: {},
  fetched: { sequence: 0 },
}

const UNSIGNED = 0
const ARRAY = 4

/** Reads the head of a CBOR item; NaN where it is of another type or does not end. */
function createHeadReader(bytes: Uint8Array): (type: number) => number {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let offset = 0
  return (type) => {
    const first = offset < bytes.length ? data.getUint8(offset) : -1
    const detail = first & 31
    offset += 1
    if (first < 0 || first >> 5 !== type || detail > 27) return Number.NaN
    if (detail < 24) return detail
    const width = 2 ** (detail - 24)
    if (offset + width > bytes.length) return Number.NaN
    let value = 0
    for (let at = 0; at < width; at++) value = value * 256 + data.getUint8(offset + at)
    offset += width
    return value
  }
}

/** Reads the outside of a message. Total; undefined where the bytes do not begin as one. */
export function peekMessage(bytes: Uint8Array): PeekedMessage | undefined {
  const readHead = createHeadReader(bytes)
  const length = readHead(ARRAY)
  const messageKind = MESSAGE_KINDS[readHead(UNSIGNED)]
  const memberEpoch = readHead(UNSIGNED)
  const signer = readHead(UNSIGNED)
  if (length !== 6 || messageKind === undefined || Number.isNaN(memberEpoch + signer)) return undefined
  const places = PLACES[messageKind]
  readHead(ARRAY)
  const numbers = Object.keys(places).length === 0 ? [] : [readHead(UNSIGNED), readHead(UNSIGNED)]
  const at = (place: number | undefined): number | undefined => (place === undefined ? undefined : numbers[place])
  const [view, sequence] = [at(places.view), at(places.sequence)]
  return {
    messageKind,
    memberEpoch,
    ...(view === undefined || Number.isNaN(view) ? {} : { view }),
    ...(sequence === undefined || Number.isNaN(sequence) ? {} : { sequence }),
  }
}
