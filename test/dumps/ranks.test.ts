import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { IgnoredPaths } from '../../src/dumps/ignored-paths.js'
import { joinRanks, type RankStep, RankSteps } from '../../src/dumps/ranks.js'

const LARGEST = 999_999_999_999_999

/** A rank that holds the `{TID}` folders, each as the step of its number and `shift`. */
function rankOf(device: string, tids: readonly number[], shift = 0): RankSteps {
  const steps = new RankSteps(device)
  for (const tid of tids)
    steps.add(tid + shift, tid, { layer: 'head', file: join(device, `${tid}`, 'head', 'out.bin') })
  return steps
}

describe('steps are returned as they were added', () => {
  const device = join('/dumps', '7', '0_7')
  const file = (tid: number, name: string) => join(device, `${tid}`, name)
  test.each<[string, number, number, RankStep]>([
    ['a file', 0, 0, { layer: 'head', file: file(0, 'head/output.pth') }],
    ['one of another step', 3, 1, { layer: 'head', file: file(1, 'head/output.pth') }],
    ['a problem with its path', 4, 4, { layer: '', problem: `no layer folder in ${file(4, '')} ($& and $1)` }],
    ['a problem without one', 5, 5, { layer: 'head', problem: 'no LM head' }],
    ['the largest number', LARGEST, LARGEST, { layer: 'x', file: file(LARGEST, 'x/output.pth') }],
  ])('%s', (_, step, tid, part) => {
    const steps = new RankSteps(device)
    steps.add(step, tid, part)
    expect(steps.find(step, 0)).toEqual(part)
    expect(steps.find(step + 1, 0)).toBeUndefined()
  })

  test('a device folder whose name is escaped in messages', () => {
    const steps = new RankSteps('/a\nb')
    const part = { layer: '', problem: 'no layer folder in /a\\x0ab/3' }
    steps.add(3, 3, part)
    steps.add(4, 4, { layer: '', problem: 'no layer folder in /a\\x0ab/4' })
    expect(steps.find(3, 0)).toEqual(part)
  })
})

describe('ranks are joined', () => {
  test('missing steps in either rank, and step numbers of any size', () => {
    const ignored = new IgnoredPaths()
    const ranks = [rankOf('/d/0_7', [1, 2, 5, LARGEST - 1]), rankOf('/d/1_7', [0, 2, 5, 6]), rankOf('/d/2_7', [])]
    const steps = joinRanks(ranks, ignored)
    const fileOf = (rank: number, tid: number) => join(`/d/${rank}_7`, `${tid}`, 'head', 'out.bin')
    const lacks = (rank: number, step: number) => `rank ${rank}_7 has no step ${step}, the others have`
    expect([...steps]).toEqual([
      { step: 0, files: [fileOf(1, 0)], layer: 'head', problem: lacks(0, 0) },
      { step: 1, files: [fileOf(0, 1)], layer: 'head', problem: lacks(1, 1) },
      { step: 2, files: [fileOf(0, 2), fileOf(1, 2)], layer: 'head' },
      { step: 5, files: [fileOf(0, 5), fileOf(1, 5)], layer: 'head' },
      { step: 6, files: [fileOf(1, 6)], layer: 'head', problem: lacks(0, 6) },
      { step: LARGEST - 1, files: [fileOf(0, LARGEST - 1)], layer: 'head', problem: lacks(1, LARGEST - 1) },
    ])
    expect([...ignored]).toEqual([{ path: '/d/2_7', reason: 'a rank without logits' }])
  })

  test('a single rank keeps its steps, shifted or not', () => {
    const steps = joinRanks([rankOf('/d/0_7', [3, 4, 9], 2)], new IgnoredPaths())
    expect(steps.at(2)).toEqual({ step: 11, files: [join('/d/0_7/9/head/out.bin')], layer: 'head' })
    expect(steps.at(3)).toBeUndefined()
    expect(Array.from(steps, ({ step }) => step)).toEqual([5, 6, 11])
  })

  test('ranks without any step', () => {
    const ignored = new IgnoredPaths()
    expect(joinRanks([rankOf('/d/0_7', []), rankOf('/d/1_7', [])], ignored).length).toBe(0)
    expect(ignored.length).toBe(0)
  })
})
