import { describe, expect, it } from 'vitest'

import { deriveQuorum } from '../../src/pbft/quorum.ts'
import { agreement, createGroup, submit } from '../pbft/group.ts'

/**
 * HC, "Docchain", and PS 4.2.10 steps 3 and 4, read literally: "more than 2f PREPARE messages", "more than 2f + 1 commit
 * messages including itself". Returns whether a group commits with so many silent replicas.
 */
function literalRuleCommits(replicaCount: number, silentCount: number): boolean {
  const { faultMax: f } = deriveQuorum(replicaCount)
  const speaking = replicaCount - silentCount
  const prepares = speaking - 1
  return prepares > 2 * f && speaking > 2 * f + 1
}

describe('the quorums of the papers', () => {
  it('as printed stop at n = 3f + 1 with f silent replicas; with 4 nodes, one', () => {
    expect([4, 7, 10].map((n) => literalRuleCommits(n, deriveQuorum(n).faultMax))).toEqual([false, false, false])
    expect([5, 6].map((n) => literalRuleCommits(n, deriveQuorum(n).faultMax))).toEqual([true, true])
    expect([4, 7, 10].map((n) => literalRuleCommits(n, 0))).toEqual([true, true, true])
  })

  it('here go on: Q counts the PRE-PREPARE as the prepare of the leader', () => {
    for (const count of [4, 5, 6, 7, 10]) {
      const group = createGroup(count)
      for (const node of group.nodes.slice(count - deriveQuorum(count).faultMax)) node.isDown = true
      submit(group, 0, 'a diagnosis')
      expect(agreement(group)).toMatchObject({ height: 1 })
    }
  })
})

describe('HC Docchain, PS 4.2.10 steps 1 to 5', () => {
  it('the leader P = V mod |R| numbers and multicasts, the others prepare, all commit, each replies', () => {
    const group = createGroup(4)
    const sent: string[] = []
    group.fate = ({ from }, message) => {
      const step = `${message.kind} ${from}`
      if (!sent.includes(step)) sent.push(step)
      return 1
    }
    submit(group, 0, 'a diagnosis')
    expect(group.nodes[0]?.replica.status().primary).toBe(group.config.members[0 % 4]?.did)
    expect(sent.filter((step) => step.startsWith('pre-prepare'))).toEqual(['pre-prepare 0'])
    expect(sent.filter((step) => step.startsWith('prepare')).sort()).toEqual(['prepare 1', 'prepare 2', 'prepare 3'])
    expect(sent.filter((step) => step.startsWith('commit'))).toHaveLength(4)
    expect(sent.filter((step) => step.startsWith('exec-vote'))).toHaveLength(4)
  })
})
