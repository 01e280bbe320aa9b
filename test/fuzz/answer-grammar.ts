import { type Choices, chance, pick, times } from './choices.js'
import type { Input } from './inputs.js'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const base64 = (array: Int32Array | Float32Array) => Buffer.from(array.buffer).toString('base64')
const POSITIONS: Json = [
  null,
  { 7: { logprob: -3.5, rank: 9 }, 1: { logprob: -0.5, rank: 1 } },
  { 2: { logprob: -0.25 } },
]
const CONTENT: Json = [{ id: 3, token: 'a', logprob: -0.5, top_logprobs: [{ id: 3, token: 'a', logprob: -0.5 }] }]

/** An answer of each dialect. */
const ANSWERS: readonly Json[] = [
  { choices: [{ prompt_logprobs: POSITIONS, prompt_token_ids: [5, 7, 2] }] },
  { choices: [{ logprobs: { content: CONTENT } }, { logprobs: { content: [] } }] },
  {
    choices: [
      {
        token_ids: [1],
        logprobs: {
          tokens: ['token_id:1'],
          token_logprobs: [-0.5],
          top_logprobs: [{ 'token_id:1': -0.5, 'token_id:2': -1.5 }],
        },
      },
    ],
  },
  {
    choices: [
      {
        logprobs: {
          packed_top_logprobs: {
            shape: [2, 2],
            token_ids_b64: base64(Int32Array.of(3, 1, 8, 2)),
            logprobs_b64: base64(Float32Array.of(-0.5, -1, -0.25, -2)),
          },
        },
      },
    ],
  },
  {
    meta_info: {
      input_token_logprobs: [
        [null, 5, null],
        [-3, 7, null],
      ],
      input_top_logprobs: [null, [[-0.5, 1, null]]],
      output_token_logprobs: [[-0.25, 9, null]],
      output_token_ids_logprobs: [[[-0.25, 9, null]]],
    },
  },
  { completion_probabilities: CONTENT },
  { logprobs: CONTENT },
  POSITIONS,
]

const ODD: readonly Json[] = [
  ...[
    null,
    true,
    0,
    -0,
    1,
    -1,
    0.5,
    -9999,
    1e308,
    2 ** 31,
    2 ** 53,
    '',
    'x',
    '\u001b[2J',
    'token_id:1',
    'token_id:99999999999',
  ],
  ...[[], [[]], [null], {}, { logprob: 'NaN' }, { '': 1 }, { 1: -1 }, JSON.parse('{"__proto__": 1}') as Json],
]

/** An answer of a server with some of its values replaced, removed or doubled. */
export function generateAnswer(choices: Choices, faults: number): Input {
  let answer = structuredClone(pick(choices, ANSWERS)) as Json
  const count = faults === 0 ? 0 : choices.int(5)
  for (let i = 0; i < count; i++) answer = changed(answer, choices)
  const answers = chance(choices, 15) ? times(1 + choices.int(3), () => answer) : [answer]
  const texts = answers.map((one) => JSON.stringify(one))
  const text = texts.length === 1 ? texts[0]! : pick(choices, [texts.join('\n'), `[${texts.join(',')}]`])
  const written = faults > 0 && chance(choices, 10) ? text.replace('-0.5', pick(choices, ['NaN', '-Infinity'])) : text
  const cut = faults > 0 && chance(choices, 10) ? written.slice(0, choices.int(written.length)) : written
  return { bytes: Buffer.from(pick(choices, ['', ' ', '\n', '\ufeff']) + cut) }
}

/** One value somewhere in a tree is another. */
export function changed(value: Json, choices: Choices): Json {
  const isTree = typeof value === 'object' && value !== null
  const keys = isTree ? Object.keys(value) : []
  if (keys.length === 0 || chance(choices, 15)) return pick(choices, ODD)
  const key = pick(choices, keys)
  if (Array.isArray(value)) {
    const at = Number(key)
    const others = [...value.slice(0, at), ...value.slice(at + 1)]
    return pick(choices, [
      () => others,
      () => [...value, value[at]!],
      () => value.with(at, changed(value[at]!, choices)),
    ])()
  }
  const object = value as { [key: string]: Json }
  if (chance(choices, 15)) return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
  return { ...object, [key]: changed(object[key]!, choices) }
}
