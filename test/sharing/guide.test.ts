import { expect, test } from 'vitest'

import type { Participant } from '../../src/actors/index.ts'
import { encodeZkObject, type ProofKeys } from '../../src/zk/index.ts'
import { readBlocks, runBlock } from '../support/guide-blocks.ts'
import { createShareStory, record, START_MS } from '../support/share-story.ts'

test('the pages for an institution and for a patient run as printed, together', async () => {
  const story = await createShareStory({ budget: 100_000_000 })
  const { institute: institution, hospital, proxy, shared } = story
  const known: Record<string, unknown> = {
    ...shared,
    institution,
    hospital,
    proxy,
    record,
    nowMs: START_MS,
    seed: new Uint8Array(32).fill(77),
  }
  const [publish = '', receive = '', answer = '', ...moreOfInstitution] = readBlocks('sharing-institution.md')
  const [join = '', find = '', attest = '', claim = '', convert = '', watch = '', ...moreOfPatient] =
    readBlocks('sharing-patient.md')
  expect([...moreOfInstitution, ...moreOfPatient]).toEqual([])
  await runBlock(publish, known)
  const { provingKey, audit } = known['keys'] as ProofKeys
  known['site'] = { provingKey: encodeZkObject(provingKey), audit: encodeZkObject(audit) }
  for (const block of [join, find, attest, claim, convert, watch]) await runBlock(block, known)
  expect(known).toMatchObject({ findings: [], warnings: [], state: { kind: 'converted', isOverdue: false } })
  expect(known['sentence']).toMatch(/^Proves that glucose is at least 6\.1 mmol\/L and age is at least 40, as attested/)
  known['claimId'] = (known['claim'] as Awaited<ReturnType<Participant['claim']>>).id
  await runBlock(receive, known)
  await runBlock(answer, known)
  expect(known).toMatchObject({ glucose: '6.3', paid: { kind: 'settled', because: 'acknowledged', amount: 5_000_000 } })
  expect(known['resource']).toEqual(record)
}, 60_000)
