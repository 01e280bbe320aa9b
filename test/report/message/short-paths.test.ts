import { join, resolve, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import { shortPaths, wholePath } from '../../../src/report/message/short-paths.js'

const long = (...parts: string[]) => ['', 'data', 'experiments', 'qwen3-8b', ...parts].join('/')
const run = 'msit_dump_20250301_101500/torch_tensors/cuda0_66245/3/root.lm_head/output.pth'

describe.skipIf(sep !== '/')('of two long paths', () => {
  test.each<[what: string, golden: string, dump: string, shown: [string, string]]>([
    [
      'a folder near the root that differs stays',
      `/mnt/gpu-build/archive/of/all/nightly/runs/${run}`,
      `/mnt/npu-build/archive/of/all/nightly/runs/${run}`,
      [
        '…/gpu-build/…/torch_tensors/cuda0_66245/3/root.lm_head/output.pth',
        '…/npu-build/…/torch_tensors/cuda0_66245/3/root.lm_head/output.pth',
      ],
    ],
    [
      'each of several folders that differ stays',
      `/mnt/release-1/archive/of/all/nightly/runs/seed-1/${run}`,
      `/mnt/release-2/archive/of/all/nightly/runs/seed-2/${run}`,
      [
        '…/release-1/…/seed-1/…/torch_tensors/cuda0_66245/3/root.lm_head/output.pth',
        '…/release-2/…/seed-2/…/torch_tensors/cuda0_66245/3/root.lm_head/output.pth',
      ],
    ],
    [
      'paths of two layouts show the folder in which they part',
      long('gpu', run),
      long('npu', 'msit_dump_20250301_113000/tensors/0_1445461/3/33_LmHead/after/outtensor0.bin'),
      [
        '…/gpu/msit_dump_20250301_101500/torch_tensors/cuda0_66245/3/root.lm_head/output.pth',
        '…/npu/msit_dump_20250301_113000/tensors/0_1445461/3/33_LmHead/after/outtensor0.bin',
      ],
    ],
    [
      'a long name that differs at its end is not cut',
      long('x'.repeat(100) + 1, run),
      long('x'.repeat(100) + 2, run),
      [`…/${'x'.repeat(100)}1/…/output.pth`, `…/${'x'.repeat(100)}2/…/output.pth`],
    ],
  ])('%s', (_, golden, dump, shown) => {
    expect(shortPaths([golden, dump])).toEqual(shown)
  })

  test('equal paths, and a path alone, lose their first folders', () => {
    const shown = '…/msit_dump_20250301_101500/torch_tensors/cuda0_66245/3/root.lm_head/output.pth'
    expect(shortPaths([long(run)])).toEqual([shown])
    expect(shortPaths([long(run), long(run)])).toEqual([shown, shown])
  })
})

test('a path is relative to the working directory only inside of it', () => {
  const inside = join('dumps', 'output.pth')
  expect(shortPaths([resolve(inside), resolve('..', 'beside.pth')])).toEqual([inside, resolve('..', 'beside.pth')])
})

test('a path to copy is never shortened', () => {
  const name = join(...Array.from({ length: 40 }, (_, i) => `a-folder-with-a-long-name-${i}`))
  expect(wholePath(resolve(name))).toBe(name)
  expect(wholePath(resolve('..', name))).toBe(resolve('..', name))
})

test('control characters are escaped', () => {
  expect(shortPaths([`/a\n\u001b[31m`])[0]).toBe('/a\\x0a\\x1b[31m')
  expect(wholePath('/a\n')).toBe('/a\\x0a')
})
