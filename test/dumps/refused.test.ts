import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import type { LoadDumpOptions } from '../../src/dumps/types.js'
import { GoldenLogitsError } from '../../src/errors.js'
import { writeTree } from '../build/tree.js'
import { expectRefusal, refusalOf } from '../formats/build/refusal.js'

const EXPECTED = 'expected msit_dump_*/torch_tensors/{device}_{PID}/{TID}/{layer}/output.pth or msit_dump_*'

describe('a path without a dump', () => {
  test('an empty folder', () => {
    const root = writeTree({ empty: null })
    const path = join(root, 'empty')
    expectRefusal(() => loadDump(path), 'nothing-to-compare', `no dump here (it is empty); ${EXPECTED}`, path)
  })

  test('a folder with other files', () => {
    const root = writeTree({ 'a.txt': '', 'b.txt': '', 'c/d': '', 'd.txt': '', 'model.safetensors': '' })
    const text =
      'no dump here (found a.txt: not part of a dump, b.txt: not part of a dump, c: not part of a dump and 2 more)'
    expectRefusal(() => loadDump(root), 'nothing-to-compare', text, root)
  })

  test('a folder whose subfolder contains a dump', () => {
    const root = writeTree({ 'gpu/msit_dump_x/torch_tensors/cuda0_1/0/lm_head/output.pth': '', 'other/x': '' })
    expectRefusal(() => loadDump(root), 'nothing-to-compare', '; there is a dump in gpu: name that one', root)
  })

  test('device folders without steps', () => {
    const root = writeTree({ 'tensors/0_1': null })
    const text = 'no dump here (found 0_1: a device folder without any step)'
    expectRefusal(() => loadDump(root), 'nothing-to-compare', text, root)
  })

  test('a path that does not exist', () => {
    const path = join(writeTree({}), 'nope')
    expectRefusal(() => loadDump(path), 'file-not-found', 'there is no such file or folder', path)
    const braces = `${path} {copy} (1)`
    expectRefusal(() => loadDump(braces), 'file-not-found', 'there is no such file or folder', braces)
  })

  test('a pattern that matches nothing', () => {
    const path = join(writeTree({}), 'msit_dump_*')
    expectRefusal(() => loadDump(path), 'nothing-to-compare', 'the pattern matches no file or folder', path)
  })

  test('several files whose steps are unknown', () => {
    const root = writeTree({ 'a.pth': '', 'b.pth': '' })
    const path = join(root, '*.pth')
    const text =
      '2 files (a.pth, b.pth…) in no known layout, so their steps are unknown; if each file is one step, rename a.pth to logits_{task}_{case}_{step}.pth, such as logits_a_0_0.pth; to compare one file, name it'
    expectRefusal(() => loadDump(path), 'ambiguous-run', text, path)
  })
})

test('control characters of a path are escaped', () => {
  const name = `x\n\u001b[31m\u202e${'y'.repeat(200)}`
  const root = writeTree({ [name]: null })
  const error = refusalOf(() => loadDump(join(root, name)))
  expect(error.message).toContain('x\\x0a\\x1b[31m\\u202eyyy')
  expect(error.message).not.toMatch(/[\n\u001b\u202e]/)
})

describe('invalid arguments of loadDump', () => {
  test.each<[unknown, unknown, string]>([
    ['', {}, "loadDump needs the path of a dump or a glob pattern, got ''"],
    [undefined, {}, 'loadDump needs the path of a dump or a glob pattern, got undefined'],
    [null, {}, 'loadDump needs the path of a dump or a glob pattern, got null'],
    [new URL('file:///x'), {}, 'loadDump needs the path of a dump or a glob pattern, got '],
    ['x', null, "loadDump's options must be an object such as { firstStep: 1 }, got null"],
    ['x', 'latest', "loadDump's options must be an object such as { firstStep: 1 }, got 'latest'"],
    [
      'x',
      { step: 1 },
      "there is no option 'step'; there are run, layer, firstStep, tensor, positions, sequence, prefill, ranks, budgets",
    ],
    ['x', { run: 1445461 }, "run must be a non-empty string, such as '0_1445461', got 1445461"],
    ['x', { layer: '' }, "layer must be a non-empty string, such as '67_LmHead', got ''"],
    ['x', { firstStep: -1 }, 'firstStep must be a whole number from 0, got -1'],
    ['x', { firstStep: '1' }, "firstStep must be a whole number from 0, got '1'"],
    ['x', { prefill: 'first' }, "prefill must be 'last' or the number of an execution, got 'first'"],
    ['x', { prefill: -1 }, "prefill must be 'last' or the number of an execution, got -1"],
    ['x', { budgets: { element: 1 } }, "there is no budget 'element'; there are fileBytes"],
    ['x', { budgets: { elements: -1 } }, 'the budget elements must be a number from 0'],
  ])('%j, %j', (path, options, message) => {
    const error = refusalOf(() => loadDump(path as string, options as LoadDumpOptions))
    expect(error).toBeInstanceOf(GoldenLogitsError)
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain(message)
  })

  test('a path with a NUL', () => {
    expectRefusal(() => loadDump('a\0b'), 'invalid-argument', 'a path cannot contain a NUL character', 'a\0b')
  })
})
