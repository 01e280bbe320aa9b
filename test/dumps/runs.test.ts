import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import { notesOf } from '../build/notes.js'
import { writeTree } from '../build/tree.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { ignoredOf, stepsOf } from './steps.js'

/** Device folders with one step each. */
function devices(...folders: string[]): string {
  const file = (folder: string) =>
    folder.includes('torch_tensors') ? '0/lm_head/output.pth' : '0/9_LmHead/after/outtensor0.bin'
  return writeTree(Object.fromEntries(folders.map((folder) => [`${folder}/${file(folder)}`, ''])))
}

/** The device folders that step 0 was read from. */
function ranksOf(root: string, path = '.', options = {}): string[] {
  return loadDump(join(root, path), options)
    .steps.at(0)!
    .files.map((file) => file.slice(root.length + 1).split('/0/')[0]!)
}

describe('ranks', () => {
  test('twelve ranks of one process, in numeric order', () => {
    const root = devices(...Array.from({ length: 12 }, (_, i) => `tensors/${i}_7`))
    const inOrder = Array.from({ length: 12 }, (_, i) => `tensors/${i}_7`)
    expect(ranksOf(root)).toEqual(inOrder)
    expect(ranksOf(root, 'tensors/*_7')).toEqual(inOrder)
  })

  test('one process per rank, in device order', () => {
    const root = devices('tensors/0_99', 'tensors/1_100', 'tensors/2_5', 'tensors/10_1')
    expect(ranksOf(root)).toEqual(['tensors/0_99', 'tensors/1_100', 'tensors/2_5', 'tensors/10_1'])
  })

  test('in the torch layout', () => {
    const root = devices('torch_tensors/cuda2_7', 'torch_tensors/cuda10_8', 'torch_tensors/cuda0_9')
    expect(ranksOf(root)).toEqual(['torch_tensors/cuda0_9', 'torch_tensors/cuda2_7', 'torch_tensors/cuda10_8'])
  })

  test('a step that one rank lacks stays, with a problem', () => {
    const root = writeTree({
      'tensors/0_7/0/9_LmHead/after/outtensor0.bin': '',
      'tensors/0_7/1/9_LmHead/after/outtensor0.bin': '',
      'tensors/1_7/0/9_LmHead/after/outtensor0.bin': '',
    })
    expect(stepsOf(loadDump(root), root)).toEqual({
      0: ['tensors/0_7/0/9_LmHead/after/outtensor0.bin', 'tensors/1_7/0/9_LmHead/after/outtensor0.bin'],
      1: { problem: 'rank 1_7 has no step 1, the others have' },
    })
  })

  test('a rank without a head (a pipeline stage) is listed as ignored', () => {
    const root = writeTree({
      'tensors/0_7/0/3_Attention/after/outtensor0.bin': '',
      'tensors/1_7/0/9_LmHead/after/outtensor0.bin': '',
    })
    const dump = loadDump(root)
    expect(stepsOf(dump, root)).toEqual({ 0: ['tensors/1_7/0/9_LmHead/after/outtensor0.bin'] })
    expect(ignoredOf(dump, root)).toEqual(['tensors/0_7: a rank without logits'])
  })

  test('so are the ranks of a torch dump that hold other layers', () => {
    const head = (tid: number, rank: number) => `torch_tensors/cuda${rank}_7/${tid}/root.lm_head/output.pth`
    const root = writeTree({
      'torch_tensors/cuda0_7/0/root.model.layers.0/output.pth': '',
      'torch_tensors/cuda0_7/1/root.model.layers.0/output.pth': '',
      'torch_tensors/cuda1_7/0/root.model.layers.1/output.pth': '',
      'torch_tensors/cuda1_7/0/root.model.layers.2/output.pth': '',
      [head(0, 2)]: '',
      [head(1, 2)]: '',
    })
    const dump = loadDump(root)
    expect(stepsOf(dump, root)).toEqual({ 0: [head(0, 2)], 1: [head(1, 2)] })
    expect(ignoredOf(dump, root)).toEqual([
      'torch_tensors/cuda0_7: a rank without logits',
      'torch_tensors/cuda1_7: a rank without logits',
    ])
    const layer = { layer: 'root.model.layers.0' }
    expect(stepsOf(loadDump(root, layer), root)[0]).toEqual(['torch_tensors/cuda0_7/0/root.model.layers.0/output.pth'])
  })

  const torchLayer = (rank: number, tid: number, layer: string) =>
    `torch_tensors/cuda${rank}_7/${tid}/${layer}/output.pth`
  const atbLayer = (rank: number, tid: number, layer: string) =>
    `tensors/${rank}_7/${tid}/${layer}/after/outtensor0.bin`

  test.each([
    ['ranks', [torchLayer(0, 0, 'model.layers.0'), torchLayer(1, 0, 'model.layers.9')], 'model.layers.9'],
    ['steps', [torchLayer(0, 0, 'lm_head'), torchLayer(0, 1, 'mlp')], 'lm_head'],
    [
      'steps of a rank with a head',
      [torchLayer(0, 0, 'lm_head'), torchLayer(0, 1, 'x'), torchLayer(1, 0, 'lm_head')],
      'lm_head',
    ],
  ])('torch layers that differ between %s are refused, until the option layer decides', (_, files, layer) => {
    const root = writeTree(Object.fromEntries(files.map((file) => [file, ''])))
    expectRefusal(() => loadDump(root), 'ambiguous-layer', 'its ranks and steps hold different layers (', root)
    expect(loadDump(root, { layer }).steps.at(0)!.files[0]).toContain(layer)
    const named = loadDump(join(root, 'torch_tensors/*/*/*/output.pth'))
    expect(notesOf(named)).toEqual([])
  })

  test('torch layers of the same name, or all named like a head, are one', () => {
    const same = writeTree({ [torchLayer(0, 0, 'out')]: '', [torchLayer(1, 0, 'out')]: '' })
    expect(notesOf(loadDump(same))).toEqual([expect.stringMatching(/^warning: the dump has no other layer than out,/)])
    const heads = writeTree({ [torchLayer(0, 0, 'lm_head')]: '', [torchLayer(1, 0, 'root.lm_head')]: '' })
    expect(loadDump(heads).steps.at(0)!.files).toHaveLength(2)
    expect(notesOf(loadDump(heads))).toEqual([])
  })

  test('a stage that numbers its layers as the one with the head does is left out', () => {
    const files = [atbLayer(0, 0, '5_Attention'), atbLayer(0, 0, '9_Add'), atbLayer(1, 0, '5_Norm')]
    const root = writeTree(Object.fromEntries([...files, atbLayer(1, 0, '9_LmHead')].map((file) => [file, ''])))
    const dump = loadDump(root)
    expect(stepsOf(dump, root)).toEqual({ 0: [atbLayer(1, 0, '9_LmHead')] })
    expect(ignoredOf(dump, root)).toEqual(['tensors/0_7: a rank without logits'])
    expect(stepsOf(loadDump(root, { layer: 'Add' }), root)).toEqual({ 0: [atbLayer(0, 0, '9_Add')] })
    expectRefusal(
      () => loadDump(root, { layer: '9' }),
      'ambiguous-layer',
      'its ranks and executions hold different layers with the id 9 (9_Add, 9_LmHead); name the head with the option layer',
      root,
    )
  })

  test.each([
    ['the same id', ['5_Foo', '5_Bar'], 'its ranks and executions hold different layers with the id 5 (5_Foo, 5_Bar)'],
    ['the same operation', ['5_Linear', '9_Linear'], 'holds 2 layers, 0 of them named like an LM head'],
  ])('ATB stages without a head whose layers have %s are refused', (_, [first, second], text) => {
    const files = [0, 1].flatMap((tid) => [atbLayer(0, tid, first!), atbLayer(1, tid, second!)])
    const root = writeTree(Object.fromEntries(files.map((file) => [file, ''])))
    expectRefusal(() => loadDump(root), 'ambiguous-layer', text, root)
    expect(stepsOf(loadDump(root, { layer: second! }), root)).toEqual({
      0: [atbLayer(1, 0, second!)],
      1: [atbLayer(1, 1, second!)],
    })
  })
})

const OLD = 'msit_dump_20250101_000000/tensors/0_7'
const NEW = 'msit_dump_20250102_000000/tensors/0_8'

describe('several runs under one path', () => {
  test('are refused and listed', () => {
    const root = devices(OLD, NEW)
    expectRefusal(
      () => loadDump(root),
      'ambiguous-run',
      `holds 2 runs: ${OLD}, ${NEW}; choose one with the path or the option run: 'msit_dump_20250101_000000' (or 'latest')`,
      root,
    )
    const pattern = join(root, 'msit_dump_*/tensors/0_*')
    expectRefusal(() => loadDump(pattern), 'ambiguous-run', `holds 2 runs: ${OLD}, ${NEW}`, root)
  })

  test.each([
    ['msit_dump_20250101_000000', OLD],
    ['0_8', NEW],
    ['8', NEW],
    ['latest', NEW],
  ])('run: %s takes one, says so, and lists the other', (run, folder) => {
    const root = devices(OLD, NEW)
    expect(ranksOf(root, '.', { run })).toEqual([folder])
    const dump = loadDump(root, { run })
    expect(notesOf(dump)).toEqual([`run ${folder} is compared (option run); 1 other run is ignored`])
    expect(ignoredOf(dump, root)).toEqual([`${folder === OLD ? NEW : OLD}: another run`])
  })

  test('the innermost timestamp decides which run is the newest', () => {
    const root = devices(`msit_dump_20260101_000000 (copy)/${OLD}`, `msit_dump_20240101_000000/${NEW}`)
    const dumps = join(root, 'msit_dump_*/msit_dump_*')
    expect(loadDump(dumps, { run: 'latest' }).steps.at(0)!.files[0]).toContain(NEW)
  })

  test('two runs in one folder differ by process id', () => {
    const root = devices('tensors/0_7', 'tensors/1_7', 'tensors/0_8', 'tensors/1_8')
    expectRefusal(
      () => loadDump(root),
      'ambiguous-run',
      'holds 2 runs: tensors/0_7 and 1 more rank, tensors/0_8 and 1 more rank',
      root,
    )
    expect(ranksOf(root, '.', { run: '8' })).toEqual(['tensors/0_8', 'tensors/1_8'])
    expect(ranksOf(root, '.', { run: '1_7' })).toEqual(['tensors/1_7'])
  })

  test('two layouts or two device kinds in one folder', () => {
    const both = devices('d/torch_tensors/cuda0_7', 'd/tensors/0_7')
    expectRefusal(
      () => loadDump(join(both, 'd')),
      'ambiguous-run',
      'holds 2 runs: tensors/0_7, torch_tensors/cuda0_7',
      join(both, 'd'),
    )
    const kinds = devices('torch_tensors/cuda0_7', 'torch_tensors/cpu_8')
    expectRefusal(() => loadDump(kinds), 'ambiguous-run', 'holds 2 runs', kinds)
    expect(ranksOf(kinds, '.', { run: 'cpu_8' })).toEqual(['torch_tensors/cpu_8'])
  })

  test('a name that matches no run or several', () => {
    const root = devices(OLD, NEW)
    expectRefusal(
      () => loadDump(root, { run: 'nope' }),
      'invalid-argument',
      `the option run: 'nope' matches 0 of the 2 runs here: ${OLD}, ${NEW}; give the name of exactly one`,
      root,
    )
    expectRefusal(
      () => loadDump(root, { run: 'tensors' }),
      'ambiguous-run',
      "run: 'tensors' matches 2 of the 2 runs",
      root,
    )
    const untimed = devices('a/tensors/0_7', 'b/tensors/0_8')
    const path = join(untimed, '*')
    expectRefusal(
      () => loadDump(path, { run: 'latest' }),
      'ambiguous-run',
      "run: 'latest' matches 2 of the 2 runs",
      untimed,
    )
  })

  test('a message lists at most five runs', () => {
    const root = devices(...Array.from({ length: 9 }, (_, i) => `msit_dump_2025010${i + 1}_000000/tensors/0_7`))
    const error = expectRefusal(() => loadDump(root), 'ambiguous-run', 'holds 9 runs: msit_dump_20250101_000000', root)
    expect(error.message).toContain('and 4 more')
  })
})
