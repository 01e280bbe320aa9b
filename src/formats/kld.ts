import { type ErrorCode, GoldenLogitsError } from '../errors.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'

/** The first bytes of a base file of `llama-perplexity --kl-divergence-base`. */
export const KLD_MAGIC = '_logits_'

/** Magic, then the int32 numbers context length, vocabulary size and chunks. */
const HEADER = 20

/** uint16 numbers in front of the codes of a row: two float32. */
const ROW_HEAD = 4

/**
 * A base file of llama.cpp. The text is cut into chunks. Of each chunk the rows of its second half are in the file, without the
 * last: row r is the distribution after token ⌊contextLength / 2⌋ + r. All numbers are little-endian.
 */
export interface KldFile {
  /** Tokens of a chunk. */
  readonly contextLength: number
  readonly vocabSize: number
  readonly chunks: number
  readonly rowsPerChunk: number
  /** The tokens of all chunks, as the tokenizer gave them: llama.cpp may have fed BOS in place of the first one of a chunk. */
  readonly tokens: Int32Array
  /** Offset of the first row. */
  readonly start: number
  readonly rowBytes: number
}

/** A row: ln p of vocab id i is `scale * codes[i] + lowest`. */
export interface KldRow {
  /** At most 2.45e-4 if written by llama.cpp, whose rows end 16 nats below their top. */
  readonly scale: number
  /** ln p of code 0, which stands for every lower probability, too. */
  readonly lowest: number
  readonly codes: Uint16Array
}

/** Whether a file begins as a base file does. */
export function startsKld(source: ByteSource): boolean {
  if (source.size < KLD_MAGIC.length) return false
  return Buffer.from(readBytes(source, 0, KLD_MAGIC.length)).toString('latin1') === KLD_MAGIC
}

/**
 * Reads the header and the tokens, and checks that the file has exactly the bytes that the header calls for.
 * @throws GoldenLogitsError `unsupported-format`, `bad-header`, `bad-storage`, `limit-exceeded`
 */
export function readKld(source: ByteSource, budgets: Budgets): KldFile {
  const { file, size } = source
  if (!startsKld(source)) {
    throw bad('unsupported-format', `is no base file of llama.cpp: expected ${KLD_MAGIC} first`, file)
  }
  if (size < HEADER) throw bad('bad-header', `ends at byte ${size}, within its header of ${HEADER} bytes`, file)
  const head = new DataView(readBytes(source, 0, HEADER).buffer)
  const [contextLength, vocabSize, chunks] = [head.getInt32(8, true), head.getInt32(12, true), head.getInt32(16, true)]
  const facts = `context length ${contextLength}, vocabulary size ${vocabSize}, ${chunks} chunks`
  const rowsPerChunk = contextLength - 1 - Math.floor(contextLength / 2)
  if (rowsPerChunk < 1 || vocabSize < 2 || chunks < 1) {
    throw bad('bad-header', `its header says ${facts}: expected at least 3, 2 and 1`, file)
  }
  withinBudget(budgets, 'elements', contextLength * chunks, 'tokens of a .kld file', { file })
  withinBudget(budgets, 'elements', vocabSize, 'vocabulary size of a .kld file', { file })
  const rowBytes = 2 * (2 * Math.ceil(vocabSize / 2) + ROW_HEAD)
  const start = HEADER + 4 * contextLength * chunks
  const expected = BigInt(start) + BigInt(chunks) * BigInt(rowsPerChunk) * BigInt(rowBytes)
  if (BigInt(size) !== expected) {
    const advice =
      BigInt(size) < expected ? 'the run that wrote it did not end; write it again' : 'it is longer than that'
    throw bad('bad-storage', `has ${size} bytes, but its header (${facts}) calls for ${expected}: ${advice}`, file)
  }
  const tokens = new Int32Array(readBytes(source, HEADER, 4 * contextLength * chunks).buffer)
  const wrong = tokens.findIndex((token) => token < 0 || token >= vocabSize)
  if (wrong >= 0) {
    const problem = `token ${wrong} of its text is ${tokens[wrong]}, expected an id from 0 to ${vocabSize - 1}`
    throw bad('bad-header', problem, file)
  }
  return { contextLength, vocabSize, chunks, rowsPerChunk, tokens, start, rowBytes }
}

/**
 * Reads one row.
 * @param index from 0, chunk after chunk
 * @param into as many bytes as a row has, at an offset that is a multiple of 4; the codes are a view of them
 * @throws GoldenLogitsError `bad-tensor` for a scale or a lowest value that no row of log-probabilities has
 */
export function readKldRow(source: ByteSource, kld: KldFile, index: number, into: Uint8Array): KldRow {
  const offset = kld.start + index * kld.rowBytes
  source.read(offset, into)
  const head = new DataView(into.buffer, into.byteOffset, 2 * ROW_HEAD)
  const [scale, lowest] = [head.getFloat32(0, true), head.getFloat32(4, true)]
  const highest = lowest + 65535 * scale
  // A probability of 1 may be stored as a little more.
  if (!(scale >= 0) || !Number.isFinite(highest) || highest > 0.001) {
    const message = `row ${index} holds log-probabilities from ${lowest} to ${highest}: expected finite numbers up to 0`
    throw new GoldenLogitsError('bad-tensor', message, { file: source.file, offset })
  }
  return { scale, lowest, codes: new Uint16Array(into.buffer, into.byteOffset + 2 * ROW_HEAD, kld.vocabSize) }
}

function bad(code: ErrorCode, message: string, file: string): GoldenLogitsError {
  return new GoldenLogitsError(code, message, { file })
}
