/**
 * What must hold for blocks: agreement, order, validity, once each, lasting, and with certificates that hold.
 */

import { equalBytes, toHex } from '../../primitives/bytes.ts'
import type { Request } from '../batch.ts'
import { verifyCertificate } from '../certificate.ts'
import type { Observer, ObservedGroup } from './observers.ts'

/** S1 agreement: one header for each height, at all correct replicas. */
export function observeAgreement({ report }: ObservedGroup): Observer {
  const headers = new Map<number, string>()
  const compare = (index: number, height: number, header: string): void => {
    const known = headers.get(height)
    if (known === undefined) headers.set(height, header)
    else if (known !== header) report('S1', `replica ${index} has another block ${height} than an earlier one`)
  }
  return {
    executed: (index, { height, header }) => {
      compare(index, height, header)
    },
    restored: (index, { height, headerDigest }) => {
      compare(index, height, toHex(headerDigest))
    },
    delivered: (index, { height, certificate }) => {
      compare(index, height, toHex(certificate.headerDigest))
    },
  }
}

/** S2 order: the executed logs of correct replicas are prefixes of one another, and none has a gap. */
export function observeOrder({ report }: ObservedGroup): Observer {
  const contents = new Map<number, readonly string[]>()
  const heads = new Map<number, number>()
  return {
    started: (index) => heads.delete(index),
    restored: (index, { height }) => heads.set(index, height),
    executed: (index, { height, ids }) => {
      const before = heads.get(index)
      if (before !== undefined && height !== before + 1)
        report('S2', `replica ${index} executed block ${height} after block ${before}`)
      heads.set(index, height)
      const known = contents.get(height)
      if (known === undefined) contents.set(height, ids)
      else if (known.length !== ids.length || ids.some((id, at) => id !== known[at]))
        report('S2', `replica ${index} executed other requests as block ${height} than an earlier one`)
    },
  }
}

/** S3 validity: whatever is executed was asked for by its client, byte for byte. */
export function observeValidity({ report }: ObservedGroup): Observer {
  const submitted = new Map<string, Request>()
  return {
    submitted: (id, request) => submitted.set(id, request),
    executed: (index, { ids, requests }) => {
      for (const [at, id] of ids.entries()) {
        const known = submitted.get(id)
        const request = requests[at] as Request
        const isSame = known !== undefined && equalBytes(known.bytes, request.bytes)
        if (!isSame || !equalBytes(known.client, request.client))
          report('S3', `replica ${index} executed what nobody asked for`)
      }
    },
  }
}

/** S4 once: no request takes effect at two heights, across views, restarts and transfers. */
export function observeOnce({ report }: ObservedGroup): Observer {
  const heights = new Map<string, number>()
  return {
    executed: (index, { height, effective = [] }) => {
      if (new Set(effective).size !== effective.length)
        report('S4', `replica ${index} executed a request twice in block ${height}`)
      for (const id of effective) {
        const known = heights.get(id) ?? height
        if (known !== height) report('S4', `replica ${index} executed a request in blocks ${known} and ${height}`)
        heights.set(id, height)
      }
    },
  }
}

/** S5 lasting: a request in a certified block is in the state of every correct replica that got so far. */
export function observeLasting({ report, acknowledged }: ObservedGroup): Observer {
  return {
    finished: ({ replicas }) => {
      for (const { index, status, executed } of replicas) {
        if (status === undefined || executed === undefined) continue
        for (const [id, height] of acknowledged) {
          if (height <= status.executedHeight && !executed.has(id))
            report('S5', `replica ${index} lost an acknowledged request of block ${height}`)
        }
      }
    },
  }
}

/** S6 certificates: each verifies with the code of a light client, and no height has two. */
export function observeCertificates({ config, verifier, report }: ObservedGroup): Observer {
  const certified = new Map<number, string>()
  return {
    delivered: (index, { height, certificate }) => {
      const { headerDigest } = certificate
      const { chainId, members } = config
      const isValid = verifyCertificate(certificate, { chainId, members, headerDigest, verifier })
      if (!isValid || certificate.height !== height)
        report('S6', `replica ${index} delivered block ${height} without a certificate that holds`)
      const header = toHex(headerDigest)
      const known = certified.get(height) ?? header
      if (known !== header) report('S6', `two certificates for block ${height}`)
      certified.set(height, header)
    },
  }
}
