import { expect, test } from 'vitest'
import { goldenPrompts } from '../../src/formats/golden-jsonl.js'
import type { Json } from '../../src/formats/json.js'
import { expectRefusal, FILE } from './build/refusal.js'

function read(values: Json[], tensor?: string) {
  return goldenPrompts(values, FILE, tensor)?.map(({ logits, tokens }) => {
    return { dtype: logits.dtype, shape: logits.shape, values: [...logits.toFloat32()], tokens }
  })
}

test('rows of numbers that float32 holds are float32; other values of the object do not matter', () => {
  const prompt = {
    prompt: 'I',
    image_path: null,
    pixel_values: [[[0.1]]],
    tokens: [7, 8],
    logits: [
      [0.5, -0, 3],
      [1, 2, 4],
    ],
  }
  expect(read([prompt])).toEqual([{ dtype: 'float32', shape: [2, 3], values: [0.5, -0, 3, 1, 2, 4], tokens: [7, 8] }])
})

test.each([
  ['a number that is no float32', 0.1, 'float64'],
  ['a number above float32', 1e39, 'float64'],
  ['the nearest float32 of 0.1', Math.fround(0.1), 'float32'],
  ['infinity', Infinity, 'float32'],
  ['NaN, as text', 'NaN', 'float32'],
])('%s', (_, number, dtype) => {
  expect(read([{ logits: [[1, number]] }])).toEqual([
    { dtype, shape: [1, 2], values: [1, Math.fround(Number(number))], tokens: undefined },
  ])
})

test('logits under another key: the only one, or the one that the option tensor names', () => {
  const [mt, hf, extra] = [[[1, 2]], [[3, 4]], [[5, 6]]]
  expect(read([{ mt_logits: mt, tokens: [1] }])).toMatchObject([{ values: [1, 2] }])
  expect(read([{ mt_logits: mt, hf_logits: hf }], 'hf_logits')).toMatchObject([{ values: [3, 4] }])
  expect(read([{ logits: mt, scores: extra }], 'scores')).toMatchObject([{ values: [5, 6] }])
  expect(read([{ logits: mt, hf_logits: hf }])).toMatchObject([{ values: [1, 2] }])
})

test('values without logits are none of them', () => {
  expect(read([{ prompt: 'I', tokens: [1] }, { logits: 'none' }, [], 5, null])).toBeUndefined()
  expect(read([])).toBeUndefined()
})

const good = {
  tokens: [1, 2],
  logits: [
    [1, 2],
    [3, 4],
  ],
}

test.each<[name: string, values: Json[], text: string, tensor?: string]>([
  [
    'a line without logits',
    [good, { tokens: [1] }],
    "prompt 1: no logits; each line must hold the keys 'prompt', 'tokens' and 'logits'",
  ],
  ['a line that is no object', [good, [1]], 'prompt 1: no logits; each line'],
  [
    'two lists of logits',
    [{ a_logits: [[1, 2]], b_logits: [] }],
    "prompt 0: it holds a_logits and b_logits; choose one with the option tensor: 'a_logits'",
  ],
  ['another tensor', [good], 'prompt 0: no logits under the key scores (option tensor); it holds logits', 'scores'],
  [
    'another tensor on one line',
    [{ scores: [[1, 2]], logits: [] }, { tokens: [] }],
    'prompt 1: no logits under the key scores (option tensor); it holds none',
    'scores',
  ],
  [
    'no rows',
    [{ logits: [] }],
    'prompt 0: its logits have another form: expected a list of rows, each with a number for each vocab id',
  ],
  ['one row that is not in a list', [{ logits: [1, 2] }], 'prompt 0: its logits have another form'],
  ['one column', [{ logits: [[1], [2]] }], 'prompt 0: its logits have another form'],
  [
    'a third dimension',
    [
      {
        logits: [
          [
            [1, 2],
            [3, 4],
          ],
        ],
      },
    ],
    'row 0 of its logits has no number at vocab id 0',
  ],
  ['a row that is no list', [{ logits: [[1, 2], 3] }], 'prompt 0: row 1 of its logits is no list of numbers'],
  ['a short row', [{ logits: [[1, 2], [3]] }], 'row 1 of its logits has 1 numbers, and the rows before it have 2'],
  [
    'a long row',
    [
      {
        logits: [
          [1, 2],
          [3, 4, 5],
        ],
      },
    ],
    'row 1 of its logits has 3 numbers, and the rows before it have 2',
  ],
  ['a text among the numbers', [{ logits: [[1, '2']] }], 'row 0 of its logits has no number at vocab id 1'],
  ['null among the numbers', [{ logits: [[null, 2]] }], 'row 0 of its logits has no number at vocab id 0'],
  ['tokens that are a text', [{ ...good, tokens: '1 2' }], 'its tokens are no list of token ids'],
  ['a negative token', [{ ...good, tokens: [1, -1] }], 'its tokens are no list of token ids'],
  ['a token with a fraction', [{ ...good, tokens: [1, 1.5] }], 'its tokens are no list of token ids'],
  ['a token beyond every vocabulary', [{ ...good, tokens: [1, 2 ** 31] }], 'its tokens are no list of token ids'],
  [
    'fewer tokens than rows',
    [{ ...good, tokens: [1] }],
    'prompt 0: 1 token and 2 rows of logits: expected a row after each token',
  ],
])('%s is refused', (_, values, text, tensor) => {
  expectRefusal(() => read(values, tensor), 'bad-tensor', text)
})
