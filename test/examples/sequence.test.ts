import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { describePanel, drawPanel, showTime } from '../../examples/demo/sequence.ts'
import { choosePanels, readArrows, type Arrow, type Panel } from '../../examples/demo/trace.ts'
import { runTraced, type TracedRun } from './traced-group.ts'

const folder = mkdtempSync(join(tmpdir(), 'vitalseal-trace-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let run: TracedRun
let arrows: readonly Arrow[]
let panels: readonly Panel[]

beforeAll(() => {
  run = runTraced({ requests: 6, killAt: 3 })
  const files = run.traces.map((lines, node) => {
    const file = join(folder, `trace-${node}.ndjson`)
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return file
  })
  arrows = readArrows(files, run.members)
  const { submitted, killed } = run
  panels = choosePanels({ arrows, submitted, nodes: 4, killed }) ?? []
})

const kindsOf = (panel: Panel | undefined) => [...new Set(panel?.arrows.map(({ kind }) => kind))].sort()

describe('the picture of the view change', () => {
  it('pairs what was sent with what was received', () => {
    const proposals = arrows.filter(
      ({ kind, view, sequence }) => kind === 'pre-prepare' && view === 0 && sequence === 1,
    )
    expect(proposals.map(({ from, to, view }) => [from, to, view])).toEqual([
      [0, 1, 0],
      [0, 2, 0],
      [0, 3, 0],
    ])
    for (const { sentMs, receivedMs } of proposals) expect(receivedMs).toBeGreaterThan(sentMs)
    // What was under way when the run ended arrives nowhere either.
    const endMs = run.submitted.at(-1)?.sentMs ?? 0
    const lost = arrows.filter(({ sentMs, receivedMs }) => receivedMs === undefined && sentMs < endMs)
    expect(new Set(lost.map(({ to }) => to))).toEqual(new Set([0]))
  })

  it('shows one block before the leader is killed and one after', () => {
    expect(panels.map(({ title }) => title)).toEqual([
      'Block 3: node 0 leads',
      'Node 0 is killed; block 5 is ordered under node 1',
    ])
    const [before, after] = panels
    const vote = ['certified block', 'commit', 'exec-vote', 'pre-prepare', 'prepare', 'request']
    expect(kindsOf(before)).toEqual(vote)
    expect(kindsOf(after)).toEqual([...vote, 'new-view', 'view-change'].sort())
    expect([before?.killed, after?.killed]).toEqual([undefined, run.killed])
    expect(before?.arrows.every(({ receivedMs }) => receivedMs !== undefined)).toBe(true)
  })

  it('draws every message, with times that go down', () => {
    for (const panel of panels) {
      const svg = drawPanel(panel, 4)
      expect(svg.split('<polygon')).toHaveLength(panel.arrows.length + 1)
      const ends = [...svg.matchAll(/<line x1="[\d.]+" y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)"/g)]
      expect(ends.length).toBeGreaterThanOrEqual(panel.arrows.length)
      expect(svg.includes('SIGKILL')).toBe(panel.killed !== undefined)
      expect(svg).not.toMatch(/NaN|undefined|Infinity/)
    }
  })

  it('says the same in words', () => {
    const [before, after] = panels.map(describePanel)
    expect(before?.[1]).toMatch(
      /^[\d.]+ ms to [\d.]+ ms: PRE-PREPARE in view 0, from node 0 to node 1, node 2, node 3; 3 messages$/,
    )
    expect(before?.at(-1)).toMatch(/CERTIFIED BLOCK, from node \d to client; 1 message$/)
    expect(after).toContain('0.0 ms: node 0 is ended by SIGKILL')
    expect(after?.find((line) => line.includes('NEW-VIEW'))).toContain('in view 1, from node 1 to')
    expect(showTime(1234)).toBe('1.23 s')
  })

  it('is left out where the trace shows no view change', () => {
    const { submitted, killed } = run
    expect(choosePanels({ arrows: [], submitted, nodes: 4, killed })).toBe(undefined)
    expect(choosePanels({ arrows, submitted: [], nodes: 4, killed })).toBe(undefined)
    const file = join(folder, 'cut.ndjson')
    writeFileSync(file, '{"atMs":1,"direction":"sent","kind":"prepare","from":"a","to":["b"]}\n{"atMs":2,"dir')
    expect(readArrows([file, join(folder, 'absent')], ['a', 'b'])).toHaveLength(1)
  })
})
