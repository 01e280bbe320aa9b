import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { writeTree } from '../build/tree.js'
import { layoutConformance } from '../conformance/layout.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { stepsOf } from './steps.js'

const TENSORS = 'dump_tensor_data'
const head = (call: number, index = 0) => `${TENSORS}/Module.lm_head.Linear.forward.${call}.output.${index}.pt`
const embed = (call: number) => `${TENSORS}/Module.model.embed.Embedding.forward.${call}.output.0.pt`
const process = (folder: string, calls: readonly number[]) => ({
  [`${folder}/dump.json`]: '{}',
  [`${folder}/stack.json`]: '{}',
  ...Object.fromEntries(
    calls.flatMap((call) => [`${folder}/${head(call)}`, `${folder}/${embed(call)}`]).map((n) => [n, '']),
  ),
})
const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

layoutConformance({
  layout: 'msprobe',
  files: Object.assign({}, ...NUMBERS.map((step) => process(`out/step${step}/proc7`, [0]))),
  folder: 'out',
  steps: Object.fromEntries(NUMBERS.map((step) => [step, [`out/step${step}/proc7/${head(0)}`]])),
  whole: ['out', 'o?t'],
  parts: [],
})

layoutConformance({
  layout: 'msprobe',
  files: process('out/step0/proc7', NUMBERS),
  folder: 'out/step0/proc7',
  steps: Object.fromEntries(NUMBERS.map((call) => [call, [`out/step0/proc7/${head(call)}`]])),
  whole: ['out', 'out/step0', 'out/step0/proc7', `out/step0/proc7/${TENSORS}`],
  parts: [],
})

describe('dumps of the real msprobe', () => {
  const FIXTURES = join(import.meta.dirname, '../fixtures/msprobe')

  test.each(['steps', 'one-step'])('%s hold the logits that PyTorch computed', (form) => {
    const comparison = compareDumps(join(FIXTURES, form), join(FIXTURES, 'logits'))
    expect(comparison).toMatchObject({ pass: true, counts: { total: 4, passed: 4 } })
    expect(comparison.tokens.map(({ metrics }) => metrics!.klDivergence)).toEqual([0, 0, 0, 0])
    expect(comparison.tokens.map(({ dump }) => dump!.layer)).toEqual(Array(4).fill('lm_head'))
    expect(comparison.tokens[0]!.dump!.fileShape).toEqual([1, 3, 40])
  })

  test('statistics are refused with what to do', () => {
    const path = join(FIXTURES, 'statistics')
    expect(readFileSync(join(path, 'step0/proc1000/dump.json'), 'utf8')).toContain('"task": "statistics"')
    const text =
      'its dump.json lists statistics and there is no dump_tensor_data: statistics hold no logits; dump again'
    expectRefusal(() => loadDump(path), 'nothing-to-compare', text, path)
  })
})

describe('ranks and processes', () => {
  test('ranks are joined in numeric order', () => {
    const ranks = [0, 1, 2, 10]
    const files = Object.assign({}, ...ranks.map((rank) => process(`out/step0/rank${rank}`, [0, 1])))
    const root = writeTree(files)
    const all = ranks.map((rank) => `out/step0/rank${rank}/${head(1)}`)
    expect(stepsOf(loadDump(join(root, 'out')), root)[1]).toEqual(all)
    expect(stepsOf(loadDump(join(root, 'out'), { ranks: 3 }), root)[1]).toEqual(all.slice(3))
    expect(stepsOf(loadDump(join(root, 'out'), { run: 'rank2' }), root)[1]).toEqual([all[2]])
    const text = 'the option ranks asks for rank 4, but its 4 ranks are numbered from 0 to 3'
    expectRefusal(() => loadDump(join(root, 'out'), { ranks: 4 }), 'invalid-argument', text, join(root, 'out'))
  })

  test('a rank without the call makes its step unreadable', () => {
    const root = writeTree({ ...process('step0/rank0', [0, 1]), ...process('step0/rank1', [0]) })
    const [first, second] = [...loadDump(root).steps]
    expect(first!.problem).toBeUndefined()
    expect(second!.problem).toBe('no output 1 of lm_head in rank1, unlike the others')
  })

  test('several processes are several runs', () => {
    const root = writeTree({ ...process('step0/proc7', [0]), ...process('step0/proc8', [0]) })
    const text = "step0 holds 2 processes: proc7, proc8; choose one with the option run: 'proc7'"
    expectRefusal(() => loadDump(root), 'ambiguous-run', text, root)
    expect(stepsOf(loadDump(root, { run: 'proc8' }), root)).toEqual({ 0: [`step0/proc8/${head(0)}`] })
  })
})

describe('which numbers are tokens', () => {
  test('several steps with several calls leave it open', () => {
    const root = writeTree({ ...process('step0/proc7', [0, 1]), ...process('step1/proc7', [0, 1, 2]) })
    const text =
      "several calls of lm_head each, so that either may be the token; choose one of the steps with the option run: 'step0'"
    expectRefusal(() => loadDump(root), 'ambiguous-run', text, root)
    const dump = loadDump(root, { run: 'step1' })
    expect([...dump.steps].map(({ step }) => step)).toEqual([0, 1, 2])
  })

  test('a step without the head is unreadable', () => {
    const root = writeTree({
      ...process('step0/proc7', [0]),
      'step1/proc7/dump.json': '{}',
      [`step1/proc7/${embed(0)}`]: '',
      ...process('step2/proc7', [0]),
    })
    expect([...loadDump(root).steps].map(({ problem }) => problem?.slice(0, 20))).toEqual([
      undefined,
      'no output of lm_head',
      undefined,
    ])
  })
})

describe('which layer emits the logits', () => {
  test('functions alone do not show it', () => {
    const files = [0, 1].map((call) => [`step0/proc7/${TENSORS}/Functional.linear.${call}.forward.output.0.pt`, ''])
    const more = [[`step0/proc7/${TENSORS}/Torch.matmul.0.forward.output.0.pt`, '']]
    const root = writeTree(Object.fromEntries([...files, ...more, ['step0/proc7/dump.json', '{}']]))
    const text = 'msprobe recorded functions alone, which do not show the head: dump with "level": "L0" or "mix"'
    expectRefusal(() => loadDump(root), 'ambiguous-layer', text, root)
    expect(loadDump(root, { layer: 'Functional.linear' }).steps).toHaveLength(2)
  })

  test('the option names it', () => {
    const root = writeTree(process('step0/proc7', [0]))
    expect(stepsOf(loadDump(root, { layer: 'model.embed' }), root)).toEqual({ 0: [`step0/proc7/${embed(0)}`] })
    const text = "0 of them are named 'nothing' (lm_head, model.embed); name the one that emits the logits"
    expectRefusal(() => loadDump(root, { layer: 'nothing' }), 'ambiguous-layer', text, root)
  })

  test('the first of several outputs counts', () => {
    const root = writeTree({
      'step0/proc7/dump.json': '',
      [`step0/proc7/${head(0, 1)}`]: '',
      [`step0/proc7/${head(0, 10)}`]: '',
      [`step0/proc7/${head(0, 0)}`]: '',
    })
    expect(stepsOf(loadDump(root), root)).toEqual({ 0: [`step0/proc7/${head(0)}`] })
  })
})
