import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import type { Dump } from '../../src/dumps/types.js'
import { type Files, writeTree } from '../build/tree.js'
import { ignoredOf, stepsOf } from '../dumps/steps.js'

/** A dump of one layout. Its files contain no tensors, since opening a dump reads none. */
export interface LayoutCase {
  layout: Dump['layout']
  files: Files
  /** The steps, with their files. */
  steps: Readonly<Record<number, readonly string[]>>
  /** Folders and patterns that match the complete dump. */
  whole: readonly string[]
  /** Folders, patterns and files that match a part of it. Each step keeps its number. */
  parts: readonly (readonly [path: string, steps: readonly number[], named: Dump['named']])[]
  /** The folder of the steps. */
  folder: string
}

/** The tests that every layout must pass. */
export function layoutConformance({ layout, files, steps, whole, parts, folder }: LayoutCase): void {
  describe(`the ${layout} layout`, () => {
    const root = writeTree(files)

    test.each(whole)('%s is the complete dump', (path) => {
      const dump = loadDump(`${root}/${path}`)
      expect(dump).toMatchObject({ layout, named: 'folder', path: `${root}/${path}`, notes: [] })
      expect(stepsOf(dump, root)).toEqual(steps)
      const numbers = [...dump.steps].map(({ step }) => step)
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    })

    test.each(parts)('%s is a part of it', (path, numbers, named) => {
      const dump = loadDump(join(root, path))
      expect(stepsOf(dump, root)).toEqual(Object.fromEntries(numbers.map((step) => [step, steps[step]])))
      expect(dump.named).toBe(named)
    })

    test('a trailing slash or a relative path makes no difference', () => {
      for (const path of [
        `${join(root, folder)}/`,
        relative(process.cwd(), join(root, folder)),
        `${root}/./${folder}`,
      ]) {
        expect(stepsOf(loadDump(path), root)).toEqual(steps)
      }
    })

    test('other entries beside the steps are listed as ignored, and change no step', () => {
      const other = writeTree(files)
      const dump = loadDump(join(other, folder))
      writeFileSync(join(other, folder, 'stranger.txt'), '')
      mkdirSync(join(other, folder, 'strange folder'))
      const beside = loadDump(join(other, folder))
      const plain = { ...dump, steps: [...dump.steps] }
      expect({ ...beside, ignored: dump.ignored, steps: [...beside.steps] }).toEqual(plain)
      const strangers = ignoredOf(beside, join(other, folder)).filter((line) => line.startsWith('strange'))
      expect(strangers).toEqual([
        expect.stringMatching(/^strange folder: not /),
        expect.stringMatching(/^stranger\.txt: not /),
      ])
    })

    test('firstStep shifts every step', () => {
      const numbers = Object.keys(steps).map(Number)
      const moved = [...loadDump(join(root, folder), { firstStep: 100 }).steps].map(({ step }) => step)
      expect(moved).toEqual(numbers.map((step) => step - numbers[0]! + 100))
    })
  })
}
