import { crc32 } from 'node:zlib'
import { GoldenLogitsError } from '../../src/errors.js'
import { type GoldenPrompt, goldenPrompts } from '../../src/formats/golden-jsonl.js'
import { detectFormat } from '../../src/formats/index.js'
import { readJson, startsJson } from '../../src/formats/json.js'
import { readKld, startsKld } from '../../src/formats/kld.js'
import { type AnswerRow, answersIn, rowsOfAnswers } from '../../src/formats/log-prob-json/index.js'
import { TensorReader } from '../../src/formats/tensor-reader.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import type { ByteSource } from '../../src/io/byte-source.js'
import { memorySource } from '../../src/io/memory-source.js'
import { KldRows } from '../../src/measure/from-kld.js'
import type { LogProbs } from '../../src/metrics/log-probs.js'
import { itemSize } from '../../src/tensor/dtype.js'
import type { LazyTensor } from '../../src/tensor/tensor.js'
import type { ExpectedTensor } from './pickle-grammar.js'

/** The result of reading a file, easy to compare: for each tensor its description and the CRC-32 of its float32. */
export type Reading = readonly string[]

/** The outcome of one input. */
export type Outcome = { code: 'read'; reading: Reading } | { code: string; message: string }

/** The expected outcome of a generated file, if known. */
export type Expected = readonly ExpectedTensor[] | 'a refusal'

/** A finding: the reader did not keep a promise. */
export class Finding extends Error {}

/** One reader for all inputs, so that remembered layouts of earlier files are tested as well. */
const reader = new TensorReader()

/** Larger tensors are decoded in part: an expanded view may repeat one element 2^28 times. */
const MAX_DECODED = 1 << 14

/**
 * Reads every element of every tensor of a file in memory, and checks the promises of the readers: the same values
 * in parts of any size, or one GoldenLogitsError of one line.
 * @throws Finding
 */
export function examine(bytes: Uint8Array, expected?: Expected): Outcome {
  const source = memorySource(bytes, 'input')
  if (startsKld(source)) return examineKld(source)
  if (startsJson(source)) return examineJson(source)
  try {
    detectFormat(source)
      .parse?.(source, DEFAULT_BUDGETS)
      .ints(() => true)
  } catch (error) {
    refusalOf(error)
  }
  let tensors: LazyTensor[]
  let reading: Reading
  try {
    tensors = reader.open(source).tensors
    reading = readingOf(tensors)
  } catch (error) {
    if (error instanceof Finding) throw error
    const outcome = refusalOf(error)
    if (Array.isArray(expected)) throw new Finding(`a good file was refused: ${outcome.code}: ${outcome.message}`)
    return outcome
  }
  if (expected === 'a refusal') throw new Finding(`an impossible file was read as ${reading}`)
  if (expected) holdAgainst(tensors, expected)
  return { code: 'read', reading }
}

/** The same of a base file of llama.cpp: a line for its header, and one for each row. @throws Finding */
function examineKld(source: ByteSource): Outcome {
  try {
    const kld = readKld(source, DEFAULT_BUDGETS)
    const rows = new KldRows(source, kld)
    const reading = [`${kld.contextLength} ${kld.vocabSize} ${kld.chunks}`]
    for (let index = 0; index < kld.chunks * kld.rowsPerChunk; index++) reading.push(describeKldRow(rows.row(index)))
    return { code: 'read', reading }
  } catch (error) {
    if (error instanceof Finding) throw error
    return refusalOf(error)
  }
}

/** The same of golden logits of MaxText, and of the answers of a server: a line for each row. @throws Finding */
function examineJson(source: ByteSource): Outcome {
  try {
    const values = readJson(source, DEFAULT_BUDGETS)
    const prompts = values && goldenPrompts(values, source.file, undefined)
    if (prompts) return { code: 'read', reading: prompts.map(describePrompt) }
    const answers = values && answersIn(values)
    if (!answers) return { code: 'no-answer', message: '' }
    const rows = rowsOfAnswers(answers)
    const reading = rows.map(describeRow)
    const bad = rows.findIndex((row) => 'problem' in row)
    return bad < 0 ? { code: 'read', reading } : { code: 'bad-tensor', message: reading[bad]! }
  } catch (error) {
    if (error instanceof Finding) throw error
    return refusalOf(error)
  }
}

function describePrompt({ logits, tokens }: GoldenPrompt): string {
  const [rows, width] = logits.shape
  if (tokens && (tokens.length !== rows || !tokens.every((id) => Number.isInteger(id) && id >= 0))) {
    throw new Finding(`${rows} rows, and the tokens ${tokens}`)
  }
  if (!(width! > 1) || logits.bytes.length !== logits.length * itemSize(logits.dtype)) {
    throw new Finding(`logits [${logits.shape}] of ${logits.bytes.length} bytes`)
  }
  return `${readingOf([logits])} ${tokens}`
}

function describeRow(row: AnswerRow): string {
  if ('problem' in row) {
    const { message } = refusalOf(new GoldenLogitsError('bad-tensor', row.problem, { file: 'input' }))
    if (row.problem.length > 300 || !message.includes(row.problem)) throw new Finding(`a long problem: ${row.problem}`)
    return row.problem
  }
  const { ids, logs, cap } = row
  const sum = logs.reduce((total, log) => total + Math.exp(log), 0)
  if (ids.length === 0 || logs.length !== ids.length) throw new Finding(`${ids.length} ids, ${logs.length} values`)
  if (ids.some((id, i) => id < 0 || (i > 0 && id <= ids[i - 1]!))) throw new Finding(`ids out of order: ${ids}`)
  if (!(sum <= 1.006) || !(cap <= 0.001)) throw new Finding(`probabilities of ${sum}, and others up to ${cap}`)
  return [...ids].map((id, i) => `${id}:${logs[i]}`).join(' ')
}

function describeKldRow({ logs, probs, error, floor }: LogProbs): string {
  const sum = probs.reduce((total, p) => total + p, 0)
  if (!logs.every((log) => Number.isFinite(log) && log < 0.01)) throw new Finding('a log-probability above 0')
  if (!(sum > 0.98) || !(error >= 0) || !(floor <= 0)) throw new Finding(`a row with ${sum}, ${error}, ${floor}`)
  return logs.map((log) => Math.round(log * 1000) || 0).join(' ')
}

/** The code and message of an error. @throws Finding if it does not keep the promises of errors */
export function refusalOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof GoldenLogitsError)) {
    const found = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new Finding(`an untyped error: ${found}`)
  }
  const { code, message, file, budget } = error
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/.test(message) || message.length > 1000) {
    throw new Finding(`a message that is not one short line: ${JSON.stringify(message)}`)
  }
  if (file === undefined && code !== 'invalid-argument') throw new Finding(`${code} without a file: ${message}`)
  if (budget !== undefined && !(budget in DEFAULT_BUDGETS && message.includes(budget))) {
    throw new Finding(`a budget that is not named: ${message}`)
  }
  return { code, message }
}

export function readingOf(tensors: readonly LazyTensor[]): Reading {
  return tensors.map((tensor) => `${tensor.name} ${tensor.dtype} [${tensor.shape}] ${digestOf(tensor)}`)
}

function digestOf(tensor: LazyTensor): number {
  const { length } = tensor
  if (length > MAX_DECODED) return crc32(rawOf(tensor, length - 16, 16), crc32(rawOf(tensor, 0, 16)))
  const values = tensor.toFloat32()
  if (values.length !== length) throw new Finding(`${values.length} values of ${length}`)
  const raw = rawOf(tensor, 0, length)
  if (length > 0) {
    const [first, count] = [length >> 1, Math.min(3, length - (length >> 1))]
    const item = raw.length / length
    if (Buffer.compare(rawOf(tensor, first, count), raw.subarray(first * item, (first + count) * item)) !== 0) {
      throw new Finding('a part reads otherwise than the whole')
    }
  }
  return crc32(new Uint8Array(values.buffer))
}

function rawOf(tensor: LazyTensor, start: number, count: number): Uint8Array {
  const raw = new Uint8Array(count * itemSize(tensor.dtype))
  tensor.readRaw(start, count, raw)
  return raw
}

function holdAgainst(tensors: readonly LazyTensor[], expected: readonly ExpectedTensor[]): void {
  const found = tensors.map(({ name, dtype, shape, ...tensor }) => ({
    name,
    dtype,
    shape: [...shape],
    values: [...tensor.toFloat32()],
  }))
  const [is, should] = [found, expected].map((all) =>
    JSON.stringify(all, (_, value) => (Object.is(value, -0) ? 0 : value)),
  )
  if (is !== should) throw new Finding(`read ${is!.slice(0, 2000)}, expected ${should!.slice(0, 2000)}`)
}
