import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decode, type OrtInput, type OrtSession, type OrtTensor, writeDump } from '../../examples/collect/collect.js'
import { compareDumps, loadDump, logitsOf, readTensors } from '../../src/index.js'

const WIDTH = 8

class Tensor implements OrtTensor {
  constructor(
    readonly type: string,
    readonly data: { readonly length: number },
    readonly dims: readonly number[],
  ) {}
}

/** The logit of an id at a position: 4 for one more than the sum of the text so far, by remainder, else its number / 8. */
const logit = (text: number[], id: number) => (id === text.reduce((a, b) => a + b, 1) % WIDTH ? 4 : id / 8)

/** A session that computes these logits, and notes what it was fed. */
function session(
  names: string[],
  options: { type?: string; metadata?: OrtInput[]; output?: string; batch?: number } = {},
) {
  const { type = 'float32', metadata, output = 'logits', batch = 1 } = options
  const fed: Record<string, Tensor>[] = []
  const run = async (feeds: Record<string, Tensor>) => {
    fed.push(feeds)
    const text = Array.from(feeds.input_ids!.data as unknown as BigInt64Array, Number)
    const values = text.flatMap((_, i) => Array.from({ length: WIDTH }, (_, id) => logit(text.slice(0, i + 1), id)))
    const data =
      type === 'float16'
        ? Uint16Array.from(values, (value) => HALVES[value]!)
        : type === 'float32'
          ? Float32Array.from(values)
          : Float64Array.from(values)
    return { [output]: new Tensor(type, data, [batch, text.length / batch, WIDTH]) }
  }
  return {
    fed,
    session: { inputNames: names, ...(metadata && { inputMetadata: metadata }), run } as unknown as OrtSession,
  }
}

// IEEE 754 binary16 of n / 8 and 4.
const HALVES: Readonly<Record<number, number>> = {
  0: 0x0000,
  0.125: 0x3000,
  0.25: 0x3400,
  0.375: 0x3600,
  0.5: 0x3800,
  0.625: 0x3900,
  0.75: 0x3a00,
  0.875: 0x3b00,
  4: 0x4400,
}

const INPUTS = ['input_ids', 'attention_mask']
const PROMPT = [1, 2]
// Each id is one more than the sum of all before it, by the remainder of 8: 4, 0, 0 …
const IDS = [4, 0, 0, 0]

describe('the collector for onnxruntime', () => {
  test.each(['float32', 'float16', 'float64'])(
    'collects the last row of each token as %s, in memory and as a dump',
    async (type) => {
      const { fed, session: one } = session(INPUTS, { type })
      const run = await decode(one, Tensor as never, PROMPT, { steps: 4 })
      expect(run.ids).toEqual(IDS)
      expect(fed.map(({ input_ids }) => Array.from(input_ids!.data as never, Number))).toEqual([
        [1, 2],
        [1, 2, 4],
        [1, 2, 4, 0],
        [1, 2, 4, 0, 0],
      ])
      expect(fed.map(({ attention_mask }) => attention_mask!.data.length)).toEqual([2, 3, 4, 5])
      const folder = join(mkdtempSync(join(tmpdir(), 'onnx-')), 'dump')
      writeDump(folder, run)
      expect(readdirSync(folder).sort()).toEqual(
        [0, 1, 2, 3].flatMap((n) => [`ids_${n}.npy`, `logits_${n}.npy`]).sort(),
      )
      const [tensor] = readTensors(join(folder, 'logits_1.npy'))
      expect(tensor!.dtype).toBe(type)
      expect([...tensor!.toFloat32()]).toEqual(Array.from({ length: WIDTH }, (_, id) => logit([1, 2, 4], id)))
      const comparison = compareDumps(loadDump(folder), logitsOf(run.logits as never), {
        dtype: 'fp32',
        identical: 'allow',
      })
      expect(comparison.counts).toMatchObject({ total: 4, passed: 4 })
      expect(comparison.tokens.map(({ metrics }) => metrics!.maxAbsoluteError)).toEqual([0, 0, 0, 0])
    },
  )

  test('feeds forced ids, position ids and a cache of no positions', async () => {
    const names = [...INPUTS, 'position_ids', 'past_key_values.0.key', 'use_cache_branch']
    const metadata = [{ name: 'past_key_values.0.key', type: 'float32', shape: ['batch_size', 3, 'past_length', 16] }]
    const { fed, session: one } = session(names, { metadata })
    const run = await decode(one, Tensor as never, PROMPT, { steps: 3, forced: [5, 6] })
    expect(Array.from(fed[2]!.input_ids!.data as never, Number)).toEqual([1, 2, 5, 6])
    expect(run.ids).toEqual([4, 1, 7])
    expect(Array.from(fed[2]!.position_ids!.data as never, Number)).toEqual([0, 1, 2, 3])
    expect(fed[0]!['past_key_values.0.key']).toMatchObject({ type: 'float32', dims: [1, 3, 0, 16] })
    expect(fed[0]!.use_cache_branch).toMatchObject({ data: [false], dims: [1] })
  })

  test('ends at eos, unless the text is forced', async () => {
    const { session: one } = session(INPUTS)
    expect((await decode(one, Tensor as never, PROMPT, { steps: 4, eos: 4 })).ids).toEqual([4])
    expect((await decode(one, Tensor as never, PROMPT, { steps: 2, eos: 4, forced: [4] })).ids).toEqual([4, 0])
  })

  test.each([
    ['an unknown input', session([...INPUTS, 'token_type_ids']), {}, 'the model has the input token_type_ids'],
    [
      'a cache of unknown shape',
      session([...INPUTS, 'past_key_values.0.key']),
      {},
      'the shape of the input past_key_values.0.key is unknown',
    ],
    ['another output', session(INPUTS, { output: 'scores' }), {}, 'the model has no output logits; it has scores'],
    [
      'other numbers',
      session(INPUTS, { type: 'int8' }),
      {},
      'logits holds int8, and only float32, float64, float16 are known',
    ],
    ['a batch', session(INPUTS, { batch: 2 }), {}, 'logits has the shape [2, 1, 8]: expected one sequence'],
    ['too few forced ids', session(INPUTS), { forced: [1] }, '4 tokens need 3 forced ids, got 1'],
  ])('refuses %s', async (_, { session: one }, options, message) => {
    await expect(decode(one, Tensor as never, PROMPT, { steps: 4, ...options })).rejects.toThrow(message)
  })

  test('never writes into a folder that holds files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'onnx-'))
    const run = await decode(session(INPUTS).session, Tensor as never, PROMPT, { steps: 1 })
    writeDump(folder, run)
    expect(() => writeDump(folder, run)).toThrow('holds files: a dump is never written to twice')
  })
})
