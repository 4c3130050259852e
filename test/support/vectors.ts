import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

interface ManifestEntry {
  readonly file: string
  readonly cases: number
}

/** The folder of the official vectors, or undefined where the run has none. */
export function vectorsDir(): string | undefined {
  const folder = process.env['VECTORS_DIR']
  return folder === '' ? undefined : folder
}

/** The bytes of one vector file. */
export function readVectors(file: string): Buffer {
  return readFileSync(join(vectorsDir() as string, file))
}

/** How many cases the file holds, by its manifest. */
export function manifestCases(file: string): number {
  const manifest = JSON.parse(readVectors('MANIFEST.json').toString()) as readonly ManifestEntry[]
  const entry = manifest.find((candidate) => candidate.file === file)
  if (entry === undefined) throw new Error(`${file} is not in the manifest`)
  return entry.cases
}

/**
 * A suite over one vector file. `run` calls `count` once for each case that it ran; the number is compared with the
 * manifest. Without VECTORS_DIR the suite says that its cases were not run, and how many those are.
 */
export function describeVectors(file: string, cases: number, run: (contents: Buffer, count: () => void) => void): void {
  describe(file, () => {
    if (vectorsDir() === undefined) {
      it(`reports ${cases} cases as not run`, () => {
        console.warn(`not run: ${cases} cases of ${file} (set VECTORS_DIR)`)
        expect(cases).toBeGreaterThan(0)
      })
      return
    }
    let ran = 0
    run(readVectors(file), () => void ran++)
    afterAll(() => {
      expect(cases, 'cases named in the test').toBe(manifestCases(file))
      expect(ran, 'cases run').toBe(cases)
    })
  })
}
