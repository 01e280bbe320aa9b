import { GoldenLogitsError, printable } from '../errors.js'
import { counted } from '../lib/number-text.js'
import { type MemoryTensor, memoryTensor } from '../tensor/memory-tensor.js'
import { at, isObject, type Json, listAt } from './json.js'

/** A prompt with golden logits. */
export interface GoldenPrompt {
  /** Positions × vocabulary. */
  readonly logits: MemoryTensor
  /** The token at each position, if the file holds them. */
  readonly tokens: readonly number[] | undefined
}

/** `logits`, or `mt_logits` and `hf_logits`, which MaxText writes if it compares itself with Hugging Face. */
const LOGITS = /^(?:\w{1,32}_)?logits$/

/** No vocabulary comes near it. */
const MOST_IDS = 2 ** 31

/**
 * The prompts in a file of golden logits of MaxText: objects with `prompt`, `tokens`, and a row of `logits` after each token.
 * https://github.com/AI-Hypercomputer/maxtext, `tests/utils/forward_pass_logit_checker.py`.
 * @param tensor the key of the logits, if it is another one
 * @returns undefined if no value holds logits
 * @throws GoldenLogitsError `bad-tensor` for a prompt without logits, or with logits or tokens of another form
 */
export function goldenPrompts(
  values: readonly Json[],
  file: string,
  tensor: string | undefined,
): readonly GoldenPrompt[] | undefined {
  if (values.every((value) => keysOfLogits(value).length === 0)) return undefined
  return values.map((value, index) => {
    const bad = (problem: string) => new GoldenLogitsError('bad-tensor', `prompt ${index}: ${problem}`, { file })
    const logits = logitsIn(listAt(value, keyOfLogits(value, tensor, bad)), bad)
    return { logits, tokens: tokensIn(at(value, 'tokens'), logits.shape[0]!, bad) }
  })
}

type Bad = (problem: string) => GoldenLogitsError

function keysOfLogits(value: Json): string[] {
  return isObject(value) ? Object.keys(value).filter((key) => LOGITS.test(key) && Array.isArray(value[key])) : []
}

function keyOfLogits(value: Json, tensor: string | undefined, bad: Bad): string {
  const keys = keysOfLogits(value)
  if (tensor !== undefined) {
    if (listAt(value, tensor)) return tensor
    throw bad(`no logits under the key ${printable(tensor, 60)} (option tensor); it holds ${keys.join(', ') || 'none'}`)
  }
  if (keys.length > 1 && !keys.includes('logits')) {
    throw bad(`it holds ${keys.join(' and ')}; choose one with the option tensor: '${keys[0]}'`)
  }
  const key = keys.length === 1 ? keys[0] : 'logits'
  if (!listAt(value, key!)) throw bad("no logits; each line must hold the keys 'prompt', 'tokens' and 'logits'")
  return key!
}

/** Python writes float32 exactly. If a number is no float32, all are float64. */
function logitsIn(rows: readonly Json[] | undefined, bad: Bad): MemoryTensor {
  const first = rows?.[0]
  const width = Array.isArray(first) ? first.length : 0
  if (!rows || width < 2)
    throw bad('its logits have another form: expected a list of rows, each with a number for each vocab id')
  const doubles = new Float64Array(rows.length * width)
  let isFloat32 = true
  for (const [row, numbers] of rows.entries()) {
    if (!Array.isArray(numbers)) throw bad(`row ${row} of its logits is no list of numbers`)
    if (numbers.length !== width) {
      throw bad(`row ${row} of its logits has ${numbers.length} numbers, and the rows before it have ${width}`)
    }
    for (let id = 0; id < width; id++) {
      const number = numbers[id] === 'NaN' ? Number.NaN : numbers[id]
      if (typeof number !== 'number') throw bad(`row ${row} of its logits has no number at vocab id ${id}`)
      doubles[row * width + id] = number
      isFloat32 &&= Object.is(Math.fround(number), number)
    }
  }
  const values = isFloat32 ? Float32Array.from(doubles) : doubles
  return memoryTensor(new Uint8Array(values.buffer), isFloat32 ? 'float32' : 'float64', [rows.length, width])
}

function tokensIn(tokens: Json | undefined, rows: number, bad: Bad): readonly number[] | undefined {
  if (tokens === undefined) return undefined
  if (!Array.isArray(tokens) || !tokens.every(isId)) throw bad('its tokens are no list of token ids')
  if (tokens.length !== rows) {
    throw bad(
      `${counted(tokens.length, 'token')} and ${counted(rows, 'row')} of logits: expected a row after each token`,
    )
  }
  return tokens
}

function isId(token: Json): token is number {
  return typeof token === 'number' && Number.isInteger(token) && token >= 0 && token < MOST_IDS
}
