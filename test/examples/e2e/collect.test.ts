import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareLayers } from '../../../src/compare/layers/compare-layers.js'
import { compareDumps, loadDump, readTensors } from '../../../src/index.js'
import { matchers } from '../../../src/matchers.js'

const PYTHON = process.env.PYTHON ?? 'python3'
const OUT = mkdtempSync(join(tmpdir(), 'collect-'))
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0
if (!hasTorch) console.warn(`skipped: ${PYTHON} has no PyTorch, so the collector of examples/collect is not tested`)

interface Facts {
  torch: string
  ids: number[]
  'same ids': boolean
  layers: string
  sums: Record<string, [number, number]>
  order: string[]
  transformers: string | null
  decode: number[]
  generated: number[]
  forced: number[]
  [message: string]: unknown
}

function collect(): Facts {
  const run = spawnSync(PYTHON, [join(import.meta.dirname, '../collect.py'), OUT], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore' },
  })
  if (run.status !== 0) throw new Error(run.stderr)
  return JSON.parse(run.stdout.trim().split('\n').at(-1)!)
}

const facts = hasTorch ? collect() : ({} as Facts)
if (hasTorch && facts.transformers === null) {
  console.warn(`skipped: ${PYTHON} has no transformers, so collecting from its generate is not tested`)
}

const FORCED = { decoding: 'forced', dtype: 'fp32' } as const

const load = (name: string) => loadDump(join(OUT, name))

describe.skipIf(!hasTorch)('the collector of examples/collect', () => {
  test('writes one token for each forward pass, of the LM head', () => {
    const { steps, notes, layout } = load('first')
    expect(layout).toBe('torch')
    expect([...steps].map(({ step, layer }) => [step, layer])).toEqual(
      [0, 1, 2, 3, 4, 5].map((step) => [step, 'root.lm_head']),
    )
    expect(notes).toEqual([])
  })

  test('two runs with one seed are equal bit by bit, and another seed is not', () => {
    expect(facts['same ids']).toBe(true)
    const context = { isNot: false, equals: Object.is } as never
    expect(matchers.toReproduceLogits.call(context, load('first'), load('second')).pass).toBe(true)
    expect(matchers.toReproduceLogits.call(context, load('first'), load('bf16-free')).pass).toBe(false)
  })

  test('forced ids make every token of a bfloat16 run comparable', () => {
    const comparison = compareDumps(load('bf16'), load('first'), { decoding: 'forced', dtype: 'bf16' })
    expect(comparison.counts).toMatchObject({ total: 6, compared: 6, failed: 0, missing: 0, extra: 0 })
    // The same text: the logits of a model with other weights are not that close.
    const similarity = (token: { metrics?: { cosineSimilarity?: number } }) => token.metrics!.cosineSimilarity!
    expect(Math.min(...comparison.tokens.map(similarity))).toBeGreaterThan(0.999)
  })

  test('the ranks of a run are joined, and give the logits of one process', () => {
    const [joined, alone] = [load('ranks'), load('first')]
    expect(compareDumps(joined, alone, FORCED).counts).toMatchObject({ total: 6, passed: 6 })
    // Half of the vocabulary of another model must not pass.
    expect(compareDumps(joined, load('bf16-free'), FORCED).pass).toBe(false)
  })

  test.each(['vllm', 'sglang'])('collects logits and layers inside of an engine: %s', (engine) => {
    const golden = compareDumps(load(`${engine}-logits`), load('first'), { ...FORCED, steps: { from: 0, to: 3 } })
    expect(golden.counts).toMatchObject({ total: 4, passed: 4, missing: 0, extra: 0 })
    // The text of token 1 has all its positions.
    const layers = compareLayers(load(`${engine}-layers`), load('layers'), {
      step: 1,
      dtype: 'fp32',
      unpaired: 'allow',
    })
    expect(layers.finding.kind).toBe('identical')
    expect(layers.counts.compared).toBeGreaterThan(40)
  })

  test('writes every module with its input, of the tokens that are named, in the folder of the rank', () => {
    expect(facts.layers).toMatch(/^layers\/msit_dump_20260301_101500\/torch_tensors\/cpu3_\d+$/)
    const folder = join(OUT, facts.layers)
    expect([...load('layers').steps].map(({ step }) => step)).toEqual([1, 2])
    for (const [name, sums] of Object.entries(facts.sums)) {
      for (const [i, file] of ['input_0.pth', 'output.pth'].entries()) {
        const [tensor] = readTensors(join(folder, '1', name, file))
        const sum = tensor!.toFloat32().reduce((total, value) => total + value, 0)
        expect(sum).toBeCloseTo(sums[i]!, 4)
      }
    }
  })

  test('the module tree states the order in which the modules ended', () => {
    const order: string[] = []
    const visit = (node: { name: string; order?: number[]; children: [] }) => {
      for (const place of node.order ?? []) order[place] = node.name
      node.children.forEach(visit)
    }
    visit(JSON.parse(readFileSync(join(OUT, facts.layers, 'model_tree.json'), 'utf8')))
    expect(order).toEqual(facts.order)
  })

  test.each([
    ['not called', /^no forward pass of the model was seen: it was not called, or a captured graph was replayed/],
    ['no hook', /^the model ran, and none of its 1 modules called a hook\. Hooks run only in eager mode/],
    ['compiled', /^root is compiled by torch\.compile\. Hooks run only in eager mode/],
    ['script', /^the model is a TorchScript module/],
    ['layers typo', /^layers must be "last", "all" or a list of module names, got "every"$/],
    ['module typo', /^the model has no module root\.head/],
    ['no token', /^the model ran 2 times, and none of these tokens was to be collected: \[7\]$/],
    ['again', /vllm-logits holds logits: a dump is never written to twice; choose another folder$/],
    ['no request', /^no forward pass of the model was seen/],
    ['few forced', /^4 tokens need 3 forced ids, got 1$/],
  ])('refuses: %s', (name, message) => {
    expect(facts[name]).toMatch(message)
  })

  test.skipIf(facts.transformers === null)('collects from generate of transformers, also with forced ids', () => {
    expect(facts.decode).toEqual(facts.generated)
    expect(facts.forced).toEqual(facts.generated)
    const options = { decoding: 'forced', dtype: 'bf16' } as const
    expect(facts.text).toEqual(facts.generated)
    expect(load('generate').steps.length).toBe(4)
    expect(compareDumps(load('decode'), load('generate'), { ...options, dtype: 'fp32' }).pass).toBe(true)
    // With the cache, the last position; without it, every position of the text.
    const shapes = ['generate', 'text'].map((name) => {
      const [run] = [...load(name).steps].filter(({ step }) => step === 3)
      return readTensors(run!.files[0]!)[0]!.shape
    })
    expect(shapes).toEqual([
      [1, 1, 128],
      [1, 6, 128],
    ])
    expect(compareDumps(load('forced'), load('generate'), options).counts).toMatchObject({ total: 4, compared: 4 })
  })
})
