import { runInNewContext } from 'node:vm'
import { Float16Array } from '@petamoriken/float16'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import type { TokenSide } from '../../src/compare/types.js'
import { type LogitsOptions, logitsOf } from '../../src/dumps/logits-of.js'
import type { LogitsArray, LogitsTensor } from '../../src/dumps/tensor-of.js'
import type { Dump } from '../../src/dumps/types.js'
import { GoldenLogitsError } from '../../src/errors.js'
import { lazyDumps, loadDump } from '../../src/index.js'
import type { Dtype } from '../../src/tensor/dtype.js'
import { logits, type Tensor } from '../build/logits.js'
import { torchDump } from '../build/pair.js'

const GOLDEN = [logits(1), logits(2), logits(3)]
/** A little off, and exact in every dtype that is tried. */
const DUMP = GOLDEN.map((row) => row.map((value) => Math.round(4 * value) / 4))

/** The same logits as files of PyTorch. */
const inFiles = (rows: readonly number[][], dtype?: Dtype): string =>
  torchDump(rows.map((values): Tensor => (dtype ? { values, dtype } : { values })))

/** What a comparison says apart from where the rows were. */
function facts(dump: Dump | string, golden: Dump | string) {
  const { tokens, counts, thresholds } = compareDumps(dump, golden)
  const sideOf = ({ files, layer, fileShape, ...side }: TokenSide = { files: [], layer: '' }) => side
  return {
    tokens: tokens.map((token) => ({ ...token, golden: sideOf(token.golden), dump: sideOf(token.dump) })),
    counts,
    thresholds,
  }
}

const float32 = (rows: readonly number[][]) => rows.map((row) => Float32Array.from(row))
const bf16 = (row: readonly number[]) =>
  Uint16Array.from(new Uint32Array(Float32Array.from(row).buffer), (bits) => bits >>> 16)

describe('logits in memory give what the same logits in files give', () => {
  const golden = inFiles(GOLDEN)
  const ARRAYS: [string, Dtype, readonly LogitsArray[], LogitsOptions][] = [
    ['Float32Array', 'float32', float32(DUMP), {}],
    ['Float64Array', 'float64', DUMP.map((row) => Float64Array.from(row)), {}],
    ["the package's Float16Array", 'float16', DUMP.map((row) => Float16Array.from(row)), {}],
    [
      'the bits of float16',
      'float16',
      DUMP.map((row) => new Uint16Array(Float16Array.from(row).buffer)),
      { dtype: 'fp16' },
    ],
    ['the bits of bfloat16', 'bfloat16', DUMP.map(bf16), { dtype: 'bf16' }],
    ['Int8Array', 'int8', DUMP.map((row) => Int8Array.from(row)), { dtype: 'int8' }],
    ['Int32Array', 'int32', DUMP.map((row) => Int32Array.from(row)), { dtype: 'torch.int32' }],
  ]
  test.each(ARRAYS)('%s', (_, dtype, rows, options) => {
    expect(facts(logitsOf(rows, options), golden)).toEqual(facts(inFiles(DUMP, dtype), golden))
    // On the trusted side, and on both.
    expect(facts(golden, logitsOf(rows, options))).toEqual(facts(golden, inFiles(DUMP, dtype)))
    const both = facts(logitsOf(rows, options), logitsOf(float32(GOLDEN)))
    expect(both).toEqual(facts(inFiles(DUMP, dtype), golden))
    expect(both.counts.total).toBe(3)
  })

  test.runIf('Float16Array' in globalThis)("JavaScript's Float16Array", () => {
    const Native = (globalThis as unknown as { Float16Array: typeof Float16Array }).Float16Array
    const rows = DUMP.map((row) => Native.from(row))
    expect(facts(logitsOf(rows), golden)).toEqual(facts(inFiles(DUMP, 'float16'), golden))
  })

  const FLAT = Float32Array.from(DUMP.flat())
  const LONG = Float32Array.from([...DUMP.flat(), ...GOLDEN.flat()])
  const OTHER_ORDER = Float32Array.from([...GOLDEN.flat(), ...DUMP.flat()])
  const TENSORS: [string, Dump][] = [
    ['tensors of onnxruntime', logitsOf(float32(DUMP).map((data) => ({ data, dims: [1, 1, 8], type: 'float32' })))],
    ['one tensor of all steps', logitsOf({ data: FLAT, dims: [1, 3, 8], type: 'float32' }, { positions: 'steps' })],
    ['one array of all steps', logitsOf(FLAT, { dims: [3, 8], positions: 'steps' })],
    ['an array with an offset', logitsOf(LONG.subarray(8, 24), { dims: [2, 8], positions: 'steps', firstStep: 1 })],
    [
      'tensors of several positions',
      logitsOf(
        [FLAT.subarray(0, 16), FLAT.subarray(16)].map((data) => ({ data, dims: [data.length / 8, 8] })),
        {
          positions: 'steps',
        },
      ),
    ],
    ['the first sequence of a batch', logitsOf(LONG, { dims: [2, 3, 8], positions: 'steps', sequence: 0 })],
    ['the second sequence of a batch', logitsOf(OTHER_ORDER, { dims: [2, 3, 8], positions: 'steps', sequence: 1 })],
    ['an array of another realm', logitsOf(DUMP.map((row) => runInNewContext('Float32Array.from(row)', { row })))],
    ['a list of another realm', logitsOf(runInNewContext('[...rows]', { rows: float32(DUMP) }))],
    [
      'shared memory',
      logitsOf(
        DUMP.map((row) => {
          const data = new Float32Array(new SharedArrayBuffer(32))
          data.set(row)
          return data
        }),
      ),
    ],
  ]
  test.each(TENSORS)('%s', (_, dump) => {
    const expected = facts(inFiles(DUMP), golden)
    if (dump.steps.length === 3) expect(facts(dump, golden)).toEqual(expected)
    const tokens = facts(dump, golden).tokens.filter(({ verdict }) => verdict !== 'missing')
    expect(tokens).toEqual(expected.tokens.slice(3 - dump.steps.length))
  })

  test('one row is token 0, or the token that firstStep says', () => {
    const row = Float32Array.from(DUMP[1]!)
    expect([...logitsOf(row).steps].map(({ step }) => step)).toEqual([0])
    const { tokens } = facts(logitsOf(row, { firstStep: 1 }), loadDump(golden))
    expect(tokens[1]).toEqual(facts(inFiles(DUMP), golden).tokens[1])
  })
})

test('the last position counts if the option says so, and that of a prompt in front of other tokens', () => {
  const prompt = Float32Array.from([...logits(9), ...DUMP[0]!])
  const expected = facts(inFiles(DUMP), inFiles(GOLDEN)).tokens
  const last = compareDumps(logitsOf(prompt, { dims: [1, 2, 8], positions: 'last' }), inFiles(GOLDEN.slice(0, 1)))
  expect(last.tokens[0]!.metrics).toEqual(expected[0]!.metrics)
  const first = compareDumps(logitsOf(prompt, { dims: [2, 8], positions: 0 }), inFiles([logits(9)]))
  expect(first.tokens[0]!.metrics!.klDivergence).toBe(0)
  const run = [{ data: prompt, dims: [1, 2, 8] }, ...float32(DUMP.slice(1)).map((data) => ({ data, dims: [1, 1, 8] }))]
  const comparison = compareDumps(logitsOf(run), inFiles(GOLDEN))
  expect(comparison.tokens.map(({ metrics }) => metrics)).toEqual(expected.map(({ metrics }) => metrics))
  expect(comparison.notes).toContain('token 0: dump: only the last of several positions compared')
})

test('all positions of one token are those that loadDump takes from a file with the same option', () => {
  const shape = [1, 3, 8]
  const file = (rows: readonly number[][]) =>
    loadDump(torchDump([{ values: rows.flat(), shape }]), { positions: 'all' })
  const memory = (rows: readonly number[][]) =>
    logitsOf(Float32Array.from(rows.flat()), { dims: shape, positions: 'all' })
  const expected = facts(file(DUMP), file(GOLDEN))
  expect(expected.tokens.map(({ step, position }) => [step, position])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
  ])
  expect(facts(memory(DUMP), file(GOLDEN))).toEqual(expected)
  expect(facts(memory(DUMP), memory(GOLDEN))).toEqual(expected)
})

test('tokens that are all as long as the prompt are undecided, as in files', () => {
  const pairs = [0, 1].map((seed) => ({
    data: Float32Array.from([...logits(seed), ...logits(seed + 1)]),
    dims: [2, 8],
  }))
  const { pass, firstFailure } = compareDumps(logitsOf(pairs), inFiles(GOLDEN.slice(0, 2)))
  expect(pass).toBe(false)
  expect(firstFailure).toMatchObject({
    verdict: 'shape-mismatch',
    reason: expect.stringContaining('the dump holds 2 rows at token 0, shape [2, 8]'),
  })
})

test('a tensor is read when it is compared, not before', () => {
  const rows = float32(GOLDEN)
  const dump = logitsOf(rows)
  rows[1]!.set(DUMP[1]!)
  const { tokens } = compareDumps(dump, logitsOf(float32(GOLDEN)))
  expect(tokens.map(({ metrics }) => metrics!.klDivergence > 0)).toEqual([false, true, false])
})

test('a lazy dump may be in memory', () => {
  const dumps = lazyDumps({ golden: inFiles(GOLDEN), dump: () => logitsOf(float32(GOLDEN)) })
  expect(compareDumps(dumps.dump, dumps.golden, { identical: 'allow' })).toMatchObject({
    pass: true,
    dumpPath: 'logits in memory',
    warnings: [],
  })
})

test('NaN and +Inf fail their token and say where; −Inf is data', () => {
  const rows = float32(GOLDEN)
  rows[0]![3] = Number.NaN
  rows[2]![5] = Number.POSITIVE_INFINITY
  const { pass, tokens } = compareDumps(logitsOf(rows), logitsOf(float32(GOLDEN)))
  expect(pass).toBe(false)
  expect(tokens.map(({ verdict, reason }) => `${verdict} ${reason}`)).toEqual([
    'non-finite dump holds 1 NaN, first at vocab id 3',
    'pass ',
    'non-finite dump holds 1 +Inf, first at vocab id 5',
  ])
  const [golden, dump] = [float32(GOLDEN), float32(GOLDEN)]
  for (const row of [...golden, ...dump]) row[7] = Number.NEGATIVE_INFINITY
  expect(compareDumps(logitsOf(dump), logitsOf(golden)).pass).toBe(true)
})

test('a missing token of logits in memory is counted', () => {
  const { counts, pass, tokens } = compareDumps(logitsOf(float32(GOLDEN.slice(0, 2))), logitsOf(float32(GOLDEN)))
  expect({ pass, missing: counts.missing, total: counts.total }).toEqual({ pass: false, missing: 1, total: 3 })
  expect(tokens[2]!.golden).toEqual({ files: [], layer: '', dtype: 'float32', fileShape: [1, 8] })
})

test('a shift of the tokens names the option of logitsOf', () => {
  const { notes } = compareDumps(logitsOf(float32(GOLDEN.slice(1))), logitsOf(float32(GOLDEN), { firstStep: 0 }))
  expect(notes).toContain(
    "the steps do not line up, and the steps of the dump are assumed (its first is taken for token 0); if that is right, set logitsOf's option firstStep: 0; if it is wrong, the right number",
  )
})

test('a buffer that was transferred after logitsOf fails its token', () => {
  const rows = float32(GOLDEN)
  const dump = logitsOf(rows)
  structuredClone(rows[1], { transfer: [rows[1]!.buffer as ArrayBuffer] })
  const { pass, tokens } = compareDumps(dump, inFiles(GOLDEN))
  expect(pass).toBe(false)
  expect(tokens.map(({ verdict }) => verdict)).toEqual(['pass', 'unreadable', 'pass'])
  expect(tokens[1]!.reason).toBe(
    'the logits are no longer in memory: their buffer was transferred, resized or freed; compare before that, or copy each row (row.slice())',
  )
})

test('the same memory on both sides is a warning', () => {
  const rows = float32(GOLDEN)
  const { warnings } = compareDumps(logitsOf(rows), logitsOf(rows))
  expect(warnings).toEqual([
    "tokens 0 to 2: golden and dump are the same memory; if that is right, set identical: 'allow'",
  ])
  const other = float32(GOLDEN)
  other[1]![0]! += 0.001
  expect(compareDumps(logitsOf(rows), logitsOf(other)).warnings).toEqual([])
})

const ROW = Float32Array.from(logits(1))
const gpuTensor = {
  dims: [1, 8],
  get data(): Float32Array {
    throw new Error('The data is not on CPU. Use `getData()` to download GPU data to CPU, or use `texture` property')
  },
}
const MISUSE: [string, unknown, LogitsOptions | undefined, string][] = [
  ['an empty list', [], undefined, 'the list of logits is empty'],
  ['no value', undefined, undefined, 'the value is undefined, not a typed array or a tensor'],
  ['a path', 'dumps/gpu', undefined, "the value is 'dumps/gpu', not a typed array or a tensor"],
  [
    'numbers',
    [1, 2, 3],
    undefined,
    'the value is a list of numbers or lists; make each row a typed array, as by Float32Array.from(row)',
  ],
  [
    'lists',
    [[1, 2]],
    undefined,
    'logits[0] is a list of numbers or lists; make each row a typed array, as by Float32Array.from(row)',
  ],
  ['a promise', Promise.resolve(ROW), undefined, 'the value is a promise; await it'],
  ['a promise among rows', [ROW, Promise.resolve(ROW)], undefined, 'logits[1] is a promise; await it'],
  ['an output', { logits: { data: ROW } }, undefined, "the value is a model's output; pass its logits (output.logits)"],
  ['a dump', logitsOf(ROW), undefined, 'the value is a dump already; use it as it is'],
  [
    'a buffer',
    ROW.buffer,
    undefined,
    'the value is an object without data, not a typed array or a tensor { data, dims }',
  ],
  [
    'a view without type',
    new DataView(ROW.buffer),
    undefined,
    'the value is an object without data, not a typed array or a tensor { data, dims }',
  ],
  [
    'a method data',
    { data: () => ROW, dims: [8] },
    undefined,
    'the data of the value is a function; call it, and await what it returns',
  ],
  [
    'strings',
    { data: ['a', 'b'], dims: [2] },
    undefined,
    'the data of the value is a list of numbers or lists; make each row a typed array, as by Float32Array.from(row)',
  ],
  [
    'a tensor on a GPU',
    gpuTensor,
    undefined,
    'the data of the value cannot be read (The data is not on CPU. Use `getData()` to download GPU data to CPU, or use `texture` property); if it is on a device, await its getData() first',
  ],
  [
    'ids',
    BigInt64Array.of(1n, 2n),
    undefined,
    'the value holds a BigInt64Array: token ids, not logits; pass the float tensor that the model returns',
  ],
  [
    'ids in a tensor',
    { data: BigInt64Array.of(1n, 2n), dims: [1, 2], type: 'int64' },
    undefined,
    'the value holds a BigInt64Array: token ids, not logits; pass the float tensor that the model returns',
  ],
  [
    'ids of 32 bits',
    Int32Array.of(1, 2),
    undefined,
    "the value holds an Int32Array: token ids, not logits; if they are the integer logits of a quantised head, set dtype: 'int32'",
  ],
  [
    'ids of 32 bits in a tensor',
    { data: Int32Array.of(1, 2), dims: [1, 2], type: 'int32' },
    undefined,
    "the value holds an Int32Array: token ids, not logits; if they are the integer logits of a quantised head, set dtype: 'int32'",
  ],
  [
    'a mask',
    Uint8Array.of(1, 0),
    undefined,
    'the value holds a Uint8Array: ids, a mask or raw bytes, not logits; pass the float tensor that the model returns',
  ],
  [
    'bits of no type',
    Uint16Array.of(1, 2),
    undefined,
    "the value holds a Uint16Array: the bits of which type? set dtype: 'bfloat16' or 'float16'",
  ],
  [
    'another dtype',
    ROW,
    { dtype: 'bf16' },
    "the value holds a Float32Array, whose dtype is 'float32', not 'bf16'; the precision to judge by is an option of the comparison",
  ],
  [
    'an unknown dtype',
    { data: Uint16Array.of(1, 2), type: 'uint16' },
    undefined,
    "the value holds a Uint16Array, whose dtype is 'float16' or 'bfloat16', not 'uint16'; the precision to judge by is an option of the comparison",
  ],
  [
    'two dtypes',
    { data: Uint16Array.of(1, 2), type: 'float16' },
    { dtype: 'bf16' },
    'the value says that it holds float16, but the option dtype says bfloat16',
  ],
  [
    'dims that do not fit',
    { data: ROW, dims: [1, 2, 8] },
    undefined,
    'the dims [1, 2, 8] of the value are 16 elements, but its Float32Array holds 8',
  ],
  [
    'dims that do not fit by option',
    ROW,
    { dims: [7] },
    'the dims [7] of the value are 7 elements, but its Float32Array holds 8',
  ],
  [
    'a shape that does not fit',
    { data: ROW, shape: [9] },
    undefined,
    'the dims [9] of the value are 9 elements, but its Float32Array holds 8',
  ],
  ['dims twice', { data: ROW, dims: [8] }, { dims: [8] }, 'the value already has dims; leave out the option dims'],
  [
    'dims of no size',
    { data: ROW, dims: [] },
    undefined,
    'the dims of the value must be a list of whole numbers from 1, such as [1, 32000], got []',
  ],
  [
    'dims of fractions',
    { data: ROW, dims: [0.5, 16] },
    undefined,
    'the dims of the value must be a list of whole numbers from 1, such as [1, 32000], got [0.5, 16]',
  ],
  [
    'dims of bigints',
    { data: ROW, dims: [1n, 8n] },
    undefined,
    'the dims of the value must be a list of whole numbers from 1, such as [1, 32000], got [1, 8]',
  ],
  [
    'dims that are a number',
    ROW,
    { dims: 8 as unknown as number[] },
    'the dims of the value must be a list of whole numbers from 1, such as [1, 32000], got 8',
  ],
  ['an empty array', new Float32Array(0), undefined, 'the value is empty; was its buffer transferred or freed?'],
  [
    'one column',
    ROW,
    { dims: [8, 1] },
    'the tensor [8, 1] has one column: a row is a vocabulary, expected [positions, vocabulary]',
  ],
  [
    'flattened tokens',
    new Float32Array(2 ** 22 + 8),
    undefined,
    `the tensor [1, 4194312] has rows of 4194312 columns, more than any vocabulary (4194304); set dims: [positions, vocabulary]`,
  ],
  [
    'several positions',
    ROW,
    { dims: [1, 2, 4] },
    "the tensor [1, 2, 4] holds 2 positions: say what they are, with positions: 'steps' (each is a token), 'all' (of one token, such as a prompt), 'last' or a number",
  ],
  [
    'a position too high',
    ROW,
    { dims: [2, 4], positions: 2 },
    'the option positions is 2, but the tensor [2, 4] holds 2',
  ],
  [
    'a batch',
    ROW,
    { dims: [2, 1, 4] },
    'the tensor [2, 1, 4] is a batch of several sequences; choose one with the option sequence: 0',
  ],
  [
    'a sequence too high',
    ROW,
    { dims: [2, 1, 4], sequence: 2 },
    'the option sequence is 2, but the tensor [2, 1, 4] holds 2 sequences',
  ],
  [
    'a sequence of a row',
    ROW,
    { dims: [8], sequence: 0 },
    'the option sequence is 0, but the tensor [8] holds 1 sequence',
  ],
  ['other widths', [ROW, new Float32Array(4)], undefined, 'logits[0] has 8 columns, but logits[1] has 4'],
  [
    'one buffer for all tokens',
    [ROW, new Float32Array(8), ROW],
    undefined,
    'logits[0] and logits[2] share their memory, so both hold what was written last; copy each row when the engine returns it (row.slice())',
  ],
  [
    'views that overlap',
    [new Float32Array(ROW.buffer, 0, 5), new Float32Array(ROW.buffer, 12, 5)],
    undefined,
    'logits[0] and logits[1] share their memory, so both hold what was written last; copy each row when the engine returns it (row.slice())',
  ],
]

describe('misuse is one clear error', () => {
  test.each(MISUSE)('%s', (_, value, options, message) => {
    const call = () => logitsOf(value as LogitsTensor, options)
    expect(call).toThrow(GoldenLogitsError)
    expect(call).toThrow(expect.objectContaining({ code: 'invalid-argument', message: `logitsOf: ${message}` }))
  })

  test.each<[string, object, string]>([
    [
      'an unknown option',
      { dim: [8] },
      "there is no option 'dim'; there are dims, dtype, positions, sequence, firstStep",
    ],
    ['a number as dtype', { dtype: 16 }, 'logitsOf: dtype must be a string, got 16'],
    [
      'a word for positions',
      { positions: 'first' },
      "positions must be 'last', 'all', 'steps' or the number of a position from 0, got 'first'",
    ],
    ['a negative step', { firstStep: -1 }, 'firstStep must be a whole number from 0, got -1'],
  ])('%s', (_, options, message) => {
    expect(() => logitsOf(ROW, options as LogitsOptions)).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message }),
    )
  })

  test('arrays given without logitsOf', () => {
    for (const value of [ROW, [ROW], { data: ROW, dims: [8] }]) {
      expect(() => compareDumps(value as unknown as Dump, 'nowhere')).toThrow(
        /^the dump must be a path or what loadDump or logitsOf returned, got .* \(for logits in memory, pass logitsOf\(…\) of them\)$/,
      )
    }
  })
})
