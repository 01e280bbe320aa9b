import { describe, expect, test } from 'vitest'
import { shiftOf } from '../../src/compare/misalignment.js'
import { compareDumps, loadDump } from '../../src/index.js'
import { failureText } from '../../src/report/message/failure.js'
import { logits } from '../build/logits.js'
import { atbDump, torchDump } from '../build/pair.js'

describe('steps that are shifted against each other', () => {
  const seeds = [1, 2, 3, 4, 5]
  const steps = (...numbers: number[]) => numbers.map((seed) => ({ values: logits(seed, 64) }))
  const shiftBetween = (golden: number[], dump: number[]) =>
    shiftOf(compareDumps(atbDump(steps(...dump)), torchDump(steps(...golden)), { dtype: 'bf16' }).tokens)

  test.each<[string, number[], number | undefined]>([
    ['two steps more in front of the dump', [8, 9, ...seeds], 2],
    ['one step less in front of the dump', seeds.slice(1), -1],
    ['the same steps', seeds, undefined],
    ['other rows', [8, 9, 10, 11, 12], undefined],
    ['too few tokens to decide', [8, 9, 1, 2], undefined],
  ])('%s', (_, dump, by) => {
    expect(shiftBetween(seeds, dump)?.by).toBe(by)
  })

  test('are named in the message, with the option, and no layer is blamed', () => {
    const golden = torchDump(steps(...seeds))
    const dump = atbDump(steps(8, 9, ...seeds))
    const text = failureText(compareDumps(dump, golden, { dtype: 'bf16' }))
    expect(text).toContain(
      'The steps look shifted by 2: dump token n + 2 looks like golden token n for all 3 tokens at hand. If so, load the golden with the option firstStep: 2 and compare steps: { from: 2 }.',
    )
    expect(text).not.toContain('the fault is in the model')
    const moved = compareDumps(dump, loadDump(golden, { firstStep: 2 }), { dtype: 'bf16', steps: { from: 2 } })
    expect(moved).toMatchObject({ pass: true, counts: { total: 5 } })
  })

  test('the advice holds for a golden whose first tensor is a prompt', () => {
    const [first, ...others] = steps(...seeds)
    const prompt = { values: [...logits(30, 64), ...logits(31, 64), ...first!.values], shape: [1, 3, 64] }
    const golden = torchDump([prompt, ...others])
    const dump = atbDump(steps(8, 9, ...seeds))
    const text = failureText(compareDumps(dump, golden, { dtype: 'bf16' }))
    expect(text).toContain('load the golden with the option firstStep: 2 and compare steps: { from: 2 }.')
    const options = { dtype: 'bf16', identical: 'allow', steps: { from: 2 } } as const
    const moved = compareDumps(dump, loadDump(golden, { firstStep: 2 }), options)
    expect(moved).toMatchObject({ pass: true, warnings: [], counts: { passed: 5 } })
  })
})
