import { kldBytes } from '../build/kld.js'
import { type Choices, chance, EDGES, pick, times } from './choices.js'
import { Finding, type Outcome } from './examine.js'
import type { Input } from './inputs.js'

/** Floats that no row of log-probabilities begins with. */
const ODD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 1, 1e-45, 3e38, -3e38, 0]

/** A base file as llama-perplexity writes it, and with faults as a killed run or an attacker might leave it. */
export function generateKld(choices: Choices, faults: number): Input {
  const contextLength = 3 + choices.int(7)
  const chunks = 1 + choices.int(3)
  const vocabSize = 2 + choices.int(20)
  const rowsPerChunk = contextLength - 1 - Math.floor(contextLength / 2)
  const rows = times(chunks * rowsPerChunk, () =>
    times(vocabSize, () => pick(choices, [0, 1, -2, 0.5, 7, -0.375, 30, -40])),
  )
  const tokens = times(contextLength * chunks, () => choices.int(vocabSize))
  const bytes = kldBytes({ contextLength, tokens, rows })
  const view = new DataView(bytes.buffer)
  const start = 20 + 4 * tokens.length
  let wrong = false
  const spoils = (percent: number) => {
    const spoilt = faults > 0 && chance(choices, percent)
    wrong ||= spoilt
    return spoilt
  }
  for (const at of [8, 12, 16]) if (spoils(faults / 4)) view.setInt32(at, Number(pick(choices, EDGES)), true)
  if (spoils(faults / 4)) view.setInt32(20 + 4 * choices.int(tokens.length), Number(pick(choices, EDGES)) - 1, true)
  for (const index of rows.keys()) {
    const at = start + (index * (bytes.length - start)) / rows.length
    if (spoils(faults / 8)) view.setFloat32(at + 4 * choices.int(2), pick(choices, ODD), true)
  }
  const file = spoils(faults / 4) ? cutOrLonger(choices, bytes) : bytes
  return { bytes: file, judge: (outcome) => (wrong ? judgeKld(file, outcome) : holdAgainst(rows, outcome)) }
}

function cutOrLonger(choices: Choices, bytes: Uint8Array): Uint8Array {
  if (chance(choices, 50)) return bytes.subarray(0, choices.int(bytes.length))
  return Buffer.concat([bytes, new Uint8Array(1 + choices.int(64))])
}

/** A good file reads as the softmax of its logits, to a code (at most 2.5e-4) and the digits of a reading. */
function holdAgainst(rows: readonly (readonly number[])[], outcome: Outcome): void {
  if (!('reading' in outcome)) throw new Finding(`a good file was refused: ${outcome.code}: ${outcome.message}`)
  const [, ...lines] = outcome.reading
  if (lines.length !== rows.length) throw new Finding(`${lines.length} rows of ${rows.length}`)
  for (const [index, row] of rows.entries()) {
    const values = lines[index]!.split(' ').map((text) => Number(text) / 1000)
    const top = Math.max(...row)
    const total = top + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - top), 0))
    const isNear = (logit: number, id: number) => Math.abs(values[id]! - (Math.max(logit, top - 16) - total)) < 0.001
    if (values.length !== row.length || !row.every(isNear))
      throw new Finding(`row ${index} reads as ${values}, of ${row}`)
  }
}

/** A file that was read has exactly the bytes and rows that its header calls for, by the layout of llama.cpp. */
export function judgeKld(bytes: Uint8Array, outcome: Outcome): void {
  if (!('reading' in outcome)) return
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [context, width, chunks] = [8, 12, 16].map((at) => BigInt(view.getInt32(at, true))) as [bigint, bigint, bigint]
  const rows = chunks * (context - 1n - context / 2n)
  const size = 20n + 4n * context * chunks + rows * 2n * (2n * ((width + 1n) / 2n) + 4n)
  if (size !== BigInt(bytes.length)) throw new Finding(`a header of ${size} bytes read over ${bytes.length}`)
  const lines = outcome.reading.slice(1)
  if (BigInt(lines.length) !== rows || !lines.every((line) => BigInt(line.split(' ').length) === width)) {
    throw new Finding(`${lines.length} rows were read of ${rows} rows of ${width}`)
  }
}
