import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readJson } from '../../src/formats/json.js'
import {
  type AnswerRow,
  answersIn,
  isWholeRow,
  roundingOf,
  rowsOfAnswers,
} from '../../src/formats/log-prob-json/index.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import { memorySource } from '../../src/io/memory-source.js'
import { expectRefusal, FILE } from './build/refusal.js'

const FOLDER = 'test/fixtures/answers'

function read(text: string | object, budgets = DEFAULT_BUDGETS) {
  const bytes = Buffer.from(typeof text === 'string' ? text : JSON.stringify(text))
  const values = readJson(memorySource(bytes, FILE), budgets)
  return values && answersIn(values)
}

function readFixture(name: string) {
  return read(readFileSync(join(FOLDER, name), 'utf8'))![0]!
}

/** The entries of a row, most probable first; or its problem. */
function shown(row: AnswerRow | undefined): unknown {
  if (!row || 'problem' in row) return row?.problem
  const entries = [...row.ids].map((id, i): [number, number] => [id, row.logs[i]!])
  return entries.sort((a, b) => b[1] - a[1])
}

const rows = (list: { rows: readonly AnswerRow[] } | undefined) => list?.rows.map(shown)

describe('llama-server, real answers', () => {
  test('/completion with the most probable ids', () => {
    const { output, prompt } = readFixture('completion-20.json')
    expect(prompt).toBeUndefined()
    expect(output!.tokens).toEqual([281, 359, 76])
    const [first] = output!.rows
    expect(first).toMatchObject({ hasTop: true })
    const entries = shown(first) as [number, number][]
    expect(entries.length).toBe(20)
    expect(entries[0]![0]).toBe(281)
    // Every other id is at most as probable as the last one.
    expect((first as { cap: number }).cap).toBe(entries.at(-1)![1])
  })

  test('/completion with the whole vocabulary agrees with the most probable ids of the same prompt', () => {
    const [all, some] = ['completion-all.json', 'completion-20.json'].map(readFixture)
    for (const [i, row] of all!.output!.rows.entries()) {
      const entries = shown(row) as [number, number][]
      expect(entries.length).toBe(512)
      // The server computes a prompt again: in float32, the last digits differ.
      for (const [k, [id, log]] of (shown(some!.output!.rows[i]) as [number, number][]).entries()) {
        expect(entries[k]![0]).toBe(id)
        expect(Math.abs(entries[k]![1] - log)).toBeLessThan(2e-6)
      }
      const sum = entries.reduce((total, [, log]) => total + Math.exp(log), 0)
      expect(Math.abs(sum - 1)).toBeLessThan(1e-5)
    }
  })

  test('/completion with probabilities after sampling is refused', () => {
    const { output } = readFixture('completion-post.json')
    expect(shown(output!.rows[0])).toContain('probabilities after sampling')
    expect(shown(output!.rows[0])).toContain('"post_sampling_probs": false')
  })

  test('/v1/chat/completions and /v1/completions', () => {
    const chat = readFixture('v1-chat.json').output!
    expect(chat.tokens).toEqual([420, 455, 448])
    expect((shown(chat.rows[0]) as unknown[])[0]).toEqual([420, -1.7434632778167725])
    const completion = readFixture('v1-completions.json').output!
    expect(completion.tokens).toEqual([56, 465])
    expect((shown(completion.rows[1]) as [number, number][]).map(([id]) => id)).toEqual([465, 231, 8, 72, 476])
  })
})

/** By the schema of vLLM's OpenAI-compatible server. */
describe('vLLM', () => {
  test('prompt_logprobs, with the token itself beyond the most probable ones', () => {
    const prompt_logprobs = [
      null,
      {
        7: { logprob: -3.5, rank: 40, decoded_token: 'g' },
        1: { logprob: -0.5, rank: 1 },
        2: { logprob: -2.5, rank: 2 },
      },
      { 1: { logprob: -0.25, rank: 1 }, 3: { logprob: -3, rank: 2 } },
    ]
    const [answer] = read({ choices: [{ prompt_logprobs, prompt_token_ids: [5, 7, 1] }] })!
    expect(answer!.first).toBe(5)
    expect(answer!.prompt!.tokens).toEqual([7, 1])
    expect(rows(answer!.prompt)).toEqual([
      [
        [1, -0.5],
        [2, -2.5],
        [7, -3.5],
      ],
      [
        [1, -0.25],
        [3, -3],
      ],
    ])
    // Rank 40 says nothing about the ids between.
    expect(answer!.prompt!.rows.map((row) => (row as { cap: number }).cap)).toEqual([-2.5, -3])
  })

  test('completions with token ids in place of texts', () => {
    const logprobs = {
      tokens: ['token_id:9', 'token_id:4'],
      token_logprobs: [-4, -9999],
      top_logprobs: [{ 'token_id:1': -0.5, 'token_id:9': -4 }, { 'token_id:2': -0.1 }],
    }
    const [answer] = read({ choices: [{ logprobs, token_ids: [9, 4] }] })!
    expect(answer!.output!.tokens).toEqual([9, 4])
    expect(rows(answer!.output)).toEqual([
      [
        [1, -0.5],
        [9, -4],
      ],
      [
        [2, -0.1],
        [4, -9999],
      ],
    ])
  })

  test('completions with texts are refused: two ids may have one text', () => {
    const logprobs = { tokens: ['a'], token_logprobs: [-0.5], top_logprobs: [{ a: -0.5, b: -1 }] }
    const [answer] = read({ choices: [{ logprobs }] })!
    expect(shown(answer!.output!.rows[0])).toContain('two vocab ids may have one text')
  })

  test('completions with echo: the prompt, whose first token has no row', () => {
    const logprobs = {
      tokens: ['token_id:5', 'token_id:7'],
      token_logprobs: [null, -0.5],
      top_logprobs: [null, { 'token_id:7': -0.5, 'token_id:2': -1 }],
    }
    const [answer] = read({ choices: [{ logprobs }] })!
    expect(answer).toMatchObject({ first: 5, prompt: { tokens: [7] } })
    expect(answer!.output).toBeUndefined()
    expect(answer!.prompt!.rows.length).toBe(1)
  })

  test('packed_top_logprobs', () => {
    const packed = (ids: number[], logs: number[], shape: number[]) => ({
      choices: [
        {
          token_ids: [3, 8],
          logprobs: {
            packed_top_logprobs: {
              shape,
              token_ids_b64: Buffer.from(Int32Array.from(ids).buffer).toString('base64'),
              logprobs_b64: Buffer.from(Float32Array.from(logs).buffer).toString('base64'),
            },
          },
        },
      ],
    })
    const [answer] = read(packed([3, 1, 8, 2], [-0.5, -1, -0.25, Number.NEGATIVE_INFINITY], [2, 2]))!
    expect(answer!.output!.tokens).toEqual([3, 8])
    expect(rows(answer!.output)).toEqual([
      [
        [3, -0.5],
        [1, -1],
      ],
      [
        [8, -0.25],
        [2, Number.NEGATIVE_INFINITY],
      ],
    ])
    for (const shape of [[2, 3], [2], [-2, -2], [1e9, 1e9], [0.5, 8], [2.5, 1.6], [0, 4]]) {
      const [wrong] = read(packed([3, 1, 8, 2], [-0.5, -1, -0.25, -1], shape))!
      expect(shown(wrong!.output!.rows[0])).toContain('shape of packed_top_logprobs')
    }
  })

  test('chat with token ids in place of texts', () => {
    const content = [{ token: 'token_id:3', logprob: -0.5, top_logprobs: [{ token: 'token_id:3', logprob: -0.5 }] }]
    const [answer] = read({ choices: [{ logprobs: { content } }] })!
    expect(answer!.output!.tokens).toEqual([3])
    expect(rows(answer!.output)).toEqual([[[3, -0.5]]])
  })

  test('a list of positions, saved by itself', () => {
    const [answer] = read([null, { 1: { logprob: -0.5 }, 4: { logprob: -2 } }])!
    expect(rows(answer!.prompt)).toEqual([
      [
        [1, -0.5],
        [4, -2],
      ],
    ])
  })

  test('several choices and several answers are runs, in an array or one on each line', () => {
    const choice = { prompt_logprobs: [null, { 1: { logprob: -0.5 } }] }
    const names = (text: string) => read(text)!.map(({ name }) => name)
    const one = JSON.stringify({ choices: [choice] })
    expect(names(JSON.stringify({ choices: [choice, choice] }))).toEqual(['0.0', '0.1'])
    expect(names(`[${one}, ${one}]`)).toEqual(['0', '1'])
    expect(names(`${one}\n${one}\n`)).toEqual(['0', '1'])
    expect(names(`\ufeff${one}`)).toEqual(['0'])
  })
})

/** By the fields of `/generate`. */
test('SGLang: the most probable ids, the ids that were asked for, and the token itself', () => {
  const [answer] = read({
    text: 'x',
    meta_info: {
      input_token_logprobs: [
        [null, 5, null],
        [-3, 7, null],
      ],
      input_top_logprobs: [null, [[-0.5, 1, null]]],
      input_token_ids_logprobs: [
        null,
        [
          [-6, 40, null],
          [-0.5, 1, null],
        ],
      ],
      output_token_logprobs: [[-0.25, 9, null]],
      output_token_ids_logprobs: [[[-0.25, 9, null]]],
    },
  })!
  expect(answer).toMatchObject({ first: 5, prompt: { tokens: [7] }, output: { tokens: [9] } })
  expect(rows(answer!.prompt)).toEqual([
    [
      [1, -0.5],
      [7, -3],
      [40, -6],
    ],
  ])
  // The rest is 1 − (e^−0.5 + e^−3 + e^−6), and no other id has more.
  const rest = Math.log(1 - (Math.exp(-0.5) + Math.exp(-3) + Math.exp(-6)))
  expect((answer!.prompt!.rows[0] as { cap: number }).cap).toBeCloseTo(rest, 1)
  // A probability of 0.78 leaves too little for another id, so this is the top-1 though no list says so.
  expect(answer!.output!.rows[0]).toMatchObject({ hasTop: true })
})

test('Ollama names tokens by their texts', () => {
  const [answer] = read({ logprobs: [{ token: 'a', logprob: -0.5, top_logprobs: [{ token: 'a', logprob: -0.5 }] }] })!
  expect(shown(answer!.output!.rows[0])).toContain('names tokens by their texts')
})

test('numbers that only Python writes: -Infinity is a probability of 0, NaN is none, and texts keep both', () => {
  const position = '{"1": {"logprob": -0.5, "decoded_token": "NaN \\" -Infinity"}, "2": {"logprob": -Infinity}}'
  const [answer] = read(`[null, ${position}, {"1": {"logprob": NaN}}]`)!
  expect(rows(answer!.prompt)).toEqual([
    [
      [1, -0.5],
      [2, Number.NEGATIVE_INFINITY],
    ],
    "the log-probability of vocab id 1 is 'NaN'",
  ])
})

// A position without ids is known by the one beside it.
const position = (entries: object) => read([null, entries, { 1: { logprob: -1 } }])![0]!.prompt!.rows[0]

test.each<[string, object, string]>([
  ['logits', { 1: { logprob: 17.5 } }, 'vocab id 1 has the value 17.5, and no log-probability is above 0'],
  ['probabilities that sum to more than 1', { 1: { logprob: 0 }, 2: { logprob: -1 } }, 'sum to 1.3679, over 1'],
  ['no ids', {}, 'it lists no vocab id'],
  ['no number', { 1: { logprob: 'x' } }, "the log-probability of vocab id 1 is 'x'"],
  ['an id beyond every vocabulary', { 4294967296: { logprob: -1 } }, '4294967296 is no vocab id'],
])('a position with %s is no row', (_, entries, text) => {
  expect(shown(position(entries))).toContain(text)
})

test('rounding a little above 0 is no reason to refuse', () => {
  expect(shown(position({ 1: { logprob: 1e-4 } }))).toEqual([[1, 1e-4]])
})

test('an answer that was cut is one clear error, and other texts are no answers', () => {
  const text = readFileSync(join(FOLDER, 'completion-20.json'), 'utf8')
  expectRefusal(() => read(text.slice(0, 4000)), 'unsupported-format', 'save the whole answer of the server')
  expectRefusal(() => read('[null, {"1": {"logprob": -Infinity'), 'unsupported-format', 'is no JSON')
  expect(read('{"task": "tensor", ')).toBeUndefined()
  expect(read({ task: 'tensor' })).toBeUndefined()
  expect(read('{"choices": [{"text": "no log-probabilities"}]}')).toBeUndefined()
})

describe('answers with parts missing or of another type: what is there is read, what is not has a reason', () => {
  const choice = (logprobs: unknown, more = {}) => read({ choices: [{ logprobs, ...more }] })?.[0]
  const sglang = (meta_info: object) => read({ meta_info })?.[0]

  test('vLLM completions with the lists of most probable ids alone', () => {
    expect(rows(choice({ top_logprobs: [{ 'token_id:1': -0.5 }, 7] })!.output)).toEqual([
      [[1, -0.5]],
      'it lists no vocab id',
    ])
    expect(choice({ tokens: [null], top_logprobs: [{ 'token_id:1': -0.5 }] })!.output!.tokens).toBeUndefined()
  })

  test('packed lists that are no text, or have no shape', () => {
    for (const packed of [{ shape: [1, 1], token_ids_b64: 7, logprobs_b64: '' }, {}, { shape: 'x' }]) {
      expect(rows(choice({ packed_top_logprobs: packed })!.output)![0]).toContain('shape of packed_top_logprobs')
    }
  })

  test('a chat without the most probable ids: the token itself', () => {
    const output = choice({ content: [{ id: 3, logprob: -2 }] })!.output!
    expect(rows(output)).toEqual([[[3, -2]]])
    expect(output.rows[0]).toMatchObject({ hasTop: false })
  })

  test('an old llama-server, which lists texts', () => {
    const [answer] = read({ completion_probabilities: [{ content: 'a', probs: [{ tok_str: 'a', prob: 0.5 }] }] })!
    expect(rows(answer!.output)![0]).toContain('probabilities after sampling')
  })

  test('SGLang without the tokens themselves, or without lists', () => {
    expect(sglang({ output_top_logprobs: [[[-0.5, 1, null], 7]] })!.output!.rows.map(shown)).toEqual([
      'missing is no vocab id',
    ])
    expect(rows(sglang({ output_top_logprobs: [[[-0.5, 1, null]]] })!.output)).toEqual([[[1, -0.5]]])
    expect(sglang({ input_token_logprobs: [[null, 5, null]], output_top_logprobs: [] })).toBeUndefined()
    expect(sglang({ input_top_logprobs: [], output_token_ids_logprobs: [] })).toBeUndefined()
  })

  test('lists of positions: no null in the middle, and none in front for the tokens that were generated', () => {
    const one = { 1: { logprob: -0.5 } }
    expect(read([one, null])).toBeUndefined()
    expect(rows(read([one])![0]!.output)).toEqual([[[1, -0.5]]])
    expect(rows(read([null, { 1: -0.5, 2: -1 }])![0]!.prompt)).toEqual([
      [
        [1, -0.5],
        [2, -1],
      ],
    ])
  })

  test('a position that is no object, a name that is no id, and long values', () => {
    const prompt = (...positions: unknown[]) => {
      return rows(read({ choices: [{ prompt_logprobs: [null, ...positions] }] })![0]!.prompt)
    }
    expect(prompt('x', { a: { logprob: -1 } })).toEqual(["it is 'x'", "'a' is no vocab id"])
    expect(prompt({ 1: { logprob: 'x'.repeat(100) } })![0]).toBe(
      `the log-probability of vocab id 1 is '${'x'.repeat(20)}…${'x'.repeat(19)}'`,
    )
    expect(prompt(undefined)).toEqual(['it is null'])
  })

  test('an id that is listed twice with two values', () => {
    const entry = (logprob: number) => ({ id: 3, logprob })
    const output = choice({ content: [{ ...entry(-2), top_logprobs: [entry(-3)] }] })!.output!
    expect(rows(output)).toEqual(['vocab id 3 is listed twice, with -3 and -2'])
  })

  test('answers without log-probabilities between others keep their numbers', () => {
    const one = { choices: [{ prompt_logprobs: [null, { 1: { logprob: -0.5 } }] }] }
    const [failed, good, ...others] = read([{ error: 'x' }, one])!
    expect([failed!.name, good!.name, others]).toEqual(['0', '1', []])
    expect(rows(failed!.output)).toEqual(['it holds no log-probabilities: did the server answer with an error?'])
    expect(rows(good!.prompt)).toEqual([[[1, -0.5]]])
  })

  test('choices without log-probabilities between others keep theirs', () => {
    const one = { prompt_logprobs: [null, { 1: { logprob: -0.5 } }] }
    const answers = read({ choices: [one, { text: 'x' }, one] })!
    expect(answers.map(({ name }) => name)).toEqual(['0.0', '0.1', '0.2'])
    expect(rows(answers[1]!.output)![0]).toContain('it holds no log-probabilities')
    expect([answers[0]!, answers[2]!].map(({ prompt }) => rows(prompt))).toEqual([[[[1, -0.5]]], [[[1, -0.5]]]])
  })
})

test('a row is whole if it lists every id from 0 on, and leaves no probability for another', () => {
  const row = (...probabilities: number[]) => {
    return position(Object.fromEntries(probabilities.map((p, id) => [id, { logprob: Math.log(p) }])))!
  }
  expect(isWholeRow(row(0.5, 0.25, 0.25))).toBe(true)
  expect(isWholeRow(row(0.5, 0.25, 0.24))).toBe(false)
  expect(isWholeRow(row(1))).toBe(false)
  expect(isWholeRow(position({ 1: { logprob: Math.log(0.5) }, 2: { logprob: Math.log(0.5) } })!)).toBe(false)
  expect(isWholeRow({ problem: 'it lists no vocab id' })).toBe(false)
})

test('rows of all answers: the rows of a prompt before the rows of its output', () => {
  const row = (id: number) => ({ [id]: { logprob: -0.5 } })
  const content = [{ id: 3, logprob: -0.5 }]
  const answers = read([
    { choices: [{ prompt_logprobs: [null, row(1), row(2)], logprobs: { content } }] },
    { completion_probabilities: [{ id: 4, logprob: -0.5 }] },
    { choices: [{ prompt_logprobs: [null, row(5)] }] },
  ])!
  expect(rowsOfAnswers(answers).map((row) => [...(row as { ids: Int32Array }).ids])).toEqual([[1], [2], [3], [4], [5]])
})

test.each([
  ['two digits', [-0.25, -1.5], 0.005],
  ['no digits', [-3, -2], 0.5],
  ['six digits', [-1.234567, -0.5], 2e-6],
  ['all digits of float32', [-1.2345678806304932], 2e-6],
  ['an exponent', [-1e-7], 2e-6],
])('values with %s are rounded by at most half of the last one', (_, logs, rounding) => {
  const rows = logs.map((log, id) => position({ [id]: { logprob: log } })!)
  expect(roundingOf([{ problem: 'it lists no vocab id' }, ...rows])).toBe(rounding)
})

test('lists that nest deeply in place of a value are a problem of their row', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const answer = (log: string) => `{"choices": [{"prompt_logprobs": [null, {"1": ${log}}, {"1": -0.5}]}]}`
  const [bad, good] = rows(read(answer(deep))![0]!.prompt)!
  expect(bad).toBe('the log-probability of vocab id 1 is a list')
  expect([good, rows(read(answer('-0.5'))![0]!.prompt)![0]]).toEqual([[[1, -0.5]], [[1, -0.5]]])
})
