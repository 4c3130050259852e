/**
 * Pictures of the area zk: what a proof costs against the attributes that it touches, against the size of the record, and
 * beside PS's Tables 3 and 4, which were measured on another machine.
 */

import { init } from 'echarts'

/** One proof that was measured, or only counted where it has no times. */
export interface Point {
  readonly attributes: number
  readonly touched: number
  readonly placement: Placement
  readonly constraints: number
  readonly keySeconds?: number
  readonly proveSeconds?: number
  readonly keyMB?: number
}

/** Where the touched attributes stand: side by side, or as many blocks as there are of them. */
export type Placement = 'side by side' | 'far apart'

/** A figure of ours beside the paper's. */
export interface Comparison {
  readonly name: string
  readonly ours: number
  readonly paper: number
}

/** PS, for 1,000 inputs, of which all are touched; libsnark on an i7-4770M. */
export const PAPER = { inputs: 1_000, keySeconds: 16.3, proveSeconds: 52, verifySeconds: 0.614 } as const
const PAPER_NAME = 'PS, all of 1,000 inputs (i7-4770M)'
const COLOURS = { 'side by side': '#2f6fb0', 'far apart': '#c1552b', paper: '#777777' } as const

type Axis = 'touched' | 'attributes'

interface Panel {
  readonly title: string
  readonly value: (point: Point) => number | undefined
  readonly min: number
  readonly max: number
  /** The paper's figure, at 1,000. */
  readonly paper?: number
}

const PANELS: readonly Panel[] = [
  { title: 'constraints', value: ({ constraints }) => constraints, min: 1_000, max: 200_000 },
  {
    title: 'prove, s',
    value: ({ proveSeconds }) => proveSeconds,
    min: 0.5,
    max: 500,
    paper: PAPER.proveSeconds,
  },
  { title: 'keys, s', value: ({ keySeconds }) => keySeconds, min: 0.5, max: 500, paper: PAPER.keySeconds },
]

const COUNTS = { touched: 'attributes touched, of 1,000', attributes: 'attributes in the record, 5 touched' } as const

/** Three charts side by side over one of both counts. */
export function drawCosts(points: readonly Point[], axis: Axis, machine: string): string {
  const [width, height, left, top, gap] = [380, 430, 70, 120, 70]
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: left + PANELS.length * width, height })
  const placements = ['side by side', 'far apart'] as const
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: {
      text: `A proof against ${axis === 'touched' ? 'the attributes that it touches' : 'the size of the record'}`,
      subtext: `two-sided bounds of 32 bits; here: ${machine}; the paper's figures are another machine's`,
      left: 'center',
      top: 6,
      textStyle: { fontSize: 15 },
    },
    legend: { top: 54, data: [...placements, ...(axis === 'touched' ? [PAPER_NAME] : [])] },
    grid: PANELS.map((_, i) => ({ left: left + i * width, top, width: width - gap, height: height - top - 56 })),
    xAxis: PANELS.map((_, i) => ({
      type: 'log',
      gridIndex: i,
      min: axis === 'touched' ? 1 : 5,
      max: axis === 'touched' ? 1_000 : 5_000,
      name: COUNTS[axis],
      nameLocation: 'middle',
      nameGap: 28,
    })),
    yAxis: PANELS.map(({ title, min, max }, i) => ({ type: 'log', gridIndex: i, min, max, name: title })),
    series: PANELS.flatMap((panel, i) => [
      ...placements.map((placement) => ({
        type: 'line' as const,
        name: placement,
        xAxisIndex: i,
        yAxisIndex: i,
        symbolSize: 7,
        itemStyle: { color: COLOURS[placement] },
        lineStyle: { color: COLOURS[placement] },
        data: points
          .filter((point) => point.placement === placement && panel.value(point) !== undefined)
          .map((point) => [point[axis], panel.value(point)]),
      })),
      ...(axis === 'touched' && panel.paper !== undefined
        ? [
            {
              type: 'scatter' as const,
              name: PAPER_NAME,
              xAxisIndex: i,
              yAxisIndex: i,
              symbol: 'diamond',
              symbolSize: 13,
              itemStyle: { color: COLOURS.paper },
              data: [[PAPER.inputs, panel.paper]],
            },
          ]
        : []),
    ]),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

/** Ours and the paper's figures as pairs of bars on one logarithmic scale. */
export function drawComparison(rows: readonly Comparison[], ours: string): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 90 + 60 * rows.length })
  const bar = (name: string, colour: string, value: (row: Comparison) => number) => ({
    type: 'bar' as const,
    name,
    itemStyle: { color: colour },
    label: { show: true, position: 'right' as const, formatter: '{c}' },
    data: rows.map((row) => Number(value(row).toPrecision(4))).toReversed(),
  })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: {
      text: 'A requirement on 1,000 inputs, beside PS (Tables 3 and 4)',
      subtext:
        'the paper proves about all inputs, on another machine; here a proof opens what the requirement asks about',
      left: 'center',
      top: 6,
      textStyle: { fontSize: 15 },
    },
    legend: { top: 50, data: [ours, PAPER_NAME] },
    grid: { left: 190, right: 80, top: 84, bottom: 30 },
    xAxis: { type: 'log', min: 0.001, max: 1_000, startValue: 0.001 },
    yAxis: { type: 'category', data: rows.map(({ name }) => name).toReversed() },
    series: [
      bar(PAPER_NAME, COLOURS.paper, ({ paper }) => paper),
      bar(ours, COLOURS['side by side'], (row) => row.ours),
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
