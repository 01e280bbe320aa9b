import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isLlamaDebugFile, llamaDebugTokens, llamaDebugWidth } from '../../src/formats/llama-debug.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import { withFile } from '../../src/io/file-source.js'
import { writeTree } from '../build/tree.js'
import { FIXTURES } from '../conformance/format.js'
import { expectRefusal } from './build/refusal.js'

const budgets = DEFAULT_BUDGETS
const widthOf = (file: string) => withFile(file, (source) => llamaDebugWidth(source, budgets))
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)

/** A file of logits, and the text beside it. */
function written(values: readonly number[], text: string | undefined, name = 'llamacpp-x.bin'): string {
  const beside = text === undefined ? {} : { [name.replace('.bin', '.txt')]: text }
  return join(writeTree({ [name]: floats(...values), ...beside }), name)
}

test.each(['llamacpp-tiny', 'pytorch-tiny'])('the logits and the prompt of %s', (name) => {
  const file = join(FIXTURES, 'llama-debug', `${name}.bin`)
  expect(isLlamaDebugFile(file)).toBe(true)
  expect(widthOf(file)).toBe(61)
  expect(llamaDebugTokens(file, budgets)).toEqual([1, 300, 301, 17, 4])
})

test('only files with its names', () => {
  expect(['llamacpp-a.bin', 'pytorch-a.b.bin'].every(isLlamaDebugFile)).toBe(true)
  expect(['outtensor0.bin', 'llamacpp-.bin', 'llamacpp-a.txt', 'my-llamacpp-a.bin'].some(isLlamaDebugFile)).toBe(false)
})

test('values that are not finite, and lines that Windows ends', () => {
  expect(widthOf(written([Number.NEGATIVE_INFINITY, 1.5], '0: -inf\r\n1: 1.5\r\n'))).toBe(2)
  expect(widthOf(written([Number.POSITIVE_INFINITY, Number.NaN], '0: inf\n1: -nan\n'))).toBe(2)
  expect(widthOf(written([-3e38], '0: -3e+38\n'))).toBe(1)
})

describe('what is refused', () => {
  const two = '0: 1\n1: 2.5\n'

  test.each<[string, readonly number[], string | undefined, string]>([
    ['no text beside the logits', [1, 2.5], undefined, 'there is no llamacpp-x.txt beside it'],
    ['the token ids', [1, 2.5], two, 'holds the token ids of the prompt; name the file of logits, llamacpp-x.bin'],
    ['embeddings', [1, 2.5], two, 'holds embeddings and no logits'],
  ])('%s', (what, values, text, message) => {
    const name = { 'the token ids': 'llamacpp-x-tokens.bin', embeddings: 'llamacpp-x-embeddings.bin' }[what]
    const file = written(values, text, name ?? 'llamacpp-x.bin')
    expectRefusal(() => widthOf(file), 'unsupported-format', message, file)
  })

  test.each<[string, readonly number[], string, string]>([
    ['more logits than lines', [1, 2.5, 3], two, "has '1: 2.5' where '2: 3' is expected"],
    ['fewer logits than lines', [1], two, "has '1: 2.5' where '0: 1' is expected"],
    ['another first logit', [1.1, 2.5], two, "has '0: 1' where '0: 1.1' is expected"],
    ['another last logit', [1, 2.4999], two, "has '1: 2.5' where '1: 2.4999' is expected"],
    ['NaN for a number', [1, Number.NaN], two, "has '1: 2.5' where '1: NaN' is expected"],
    ['a number for infinity', [1, 2.5], '0: inf\n1: 2.5\n', "has '0: inf' where '0: 1' is expected"],
    ['a text that ends within a line', [1, 2.5], '0: 1\n1: 2.5', "has '1: 2.5 (cut short)'"],
    ['a text of one line break', [1, 2.5], '\n', "has '' where"],
    ['an empty text', [1, 2.5], '', "has '' where '0: 1' is expected"],
    ['an escape sequence of a terminal', [1, 2.5], '\u001b[2J', "has '\\x1b[2J' where"],
    ['an empty file', [], two, 'has 0 bytes, expected 4 for each logit'],
  ])('%s', (_, values, text, message) => {
    const file = written(values, text)
    expectRefusal(() => widthOf(file), 'bad-storage', message, file)
  })

  test('a part of a number, also of a token id', () => {
    const root = writeTree({ 'pytorch-a.bin': new Uint8Array(7), 'pytorch-a-tokens.bin': new Uint8Array(6) })
    const file = join(root, 'pytorch-a.bin')
    expectRefusal(() => widthOf(file), 'bad-storage', 'has 7 bytes, expected 4 for each logit', file)
    const tokens = join(root, 'pytorch-a-tokens.bin')
    expectRefusal(() => llamaDebugTokens(file, budgets), 'bad-storage', 'has 6 bytes, expected 4 for each', tokens)
  })

  test('more logits than the budget', () => {
    const file = written([1, 2.5], two)
    const read = () => withFile(file, (source) => llamaDebugWidth(source, { ...budgets, elements: 1 }))
    expectRefusal(read, 'limit-exceeded', 'logits of a file of llama-debug: 2 is over the budget elements of 1', file)
  })

  test('no file of token ids is no error', () => {
    expect(llamaDebugTokens(written([1], '0: 1\n'), budgets)).toBeUndefined()
  })
})
