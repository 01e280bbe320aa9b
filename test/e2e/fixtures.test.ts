import { expect, test } from 'vitest'
import { GoldenLogitsError, lazyDumps, loadDump } from '../../src/index.js'
import { tree } from '../fixtures/trees.js'
import { Project } from './project.js'

test('dumps declared for test.extend are loaded once, and only for the tests that name them', async () => {
  const project = new Project('vitest')
  const { stdout, stderr } = await project.vitest(['fixtures'], { CSV: 'report.csv' })
  expect(stdout).toContain('1 failed | 2 passed')
  expect(stderr).toContain(
    "GoldenLogitsError: the dump declared as 'nowhere': nowhere: there is no such file or folder",
  )
  const rows = project.report('report.csv')
  expect(rows).toHaveLength(13)
  expect(rows.filter(({ verdict }) => verdict === 'unreadable')).toMatchObject([
    {
      matcher: 'loadDump',
      reason: expect.stringContaining('nowhere: there is no such file or folder'),
      expectation: 'error',
      pass: 'false',
    },
  ])
})

test('lazyDumps loads a dump when it is asked for, and once', () => {
  let made = 0
  const dumps = lazyDumps({
    made: () => {
      made++
      return loadDump(tree('a_clean_f32_vs_f16', 'my'))
    },
    nowhere: { path: 'nowhere', firstStep: 1 },
  })
  expect(made).toBe(0)
  expect(dumps.made).toBe(dumps.made)
  expect(dumps.made.steps).toHaveLength(12)
  expect(made).toBe(1)
  expect(() => dumps.nowhere).toThrow(GoldenLogitsError)
  expect(() => dumps.nowhere).toThrow("the dump declared as 'nowhere': nowhere: there is no such file or folder")
})
