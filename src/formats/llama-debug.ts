import { GoldenLogitsError, printable } from '../errors.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'
import { withFile } from '../io/file-source.js'
import { kindOf } from '../io/folder.js'

/** `llamacpp-{model}.bin` of `llama-debug --save-logits`, and `pytorch-{model}.bin` of llama.cpp's model conversion scripts. */
const NAME = /^(?:llamacpp|pytorch)-.+\.bin$/

/** No line of the text is longer: a number of up to ten digits, and a float32 with its sign and exponent or 6 decimals. */
const LINE = 80

/** The name of a file without its folder. */
const nameOf = (file: string) => file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)

/** Whether a file is one of those that llama-debug writes, by its name: its content has no mark. */
export function isLlamaDebugFile(file: string): boolean {
  return NAME.test(nameOf(file))
}

/**
 * The number of logits in a file of llama-debug: float32, little-endian, of the last position of the prompt. The file says
 * nothing of itself. The text beside it (`{name}.txt`, a line `{id}: {logit}` for each) must end with the same logit.
 * @returns the vocabulary size
 * @throws GoldenLogitsError `unsupported-format` for its other files, or if there is no such text; `bad-storage` if the text
 * does not fit
 */
export function llamaDebugWidth(source: ByteSource, budgets: Budgets): number {
  const { file, size } = source
  const name = nameOf(file)
  if (name.endsWith('-tokens.bin')) {
    throw refused(
      file,
      `holds the token ids of the prompt; name the file of logits, ${name.replace(/-tokens\.bin$/, '.bin')}`,
    )
  }
  if (name.endsWith('-embeddings.bin')) throw refused(file, 'holds embeddings and no logits')
  if (size === 0 || size % 4 !== 0) {
    throw bad(file, `has ${size} bytes, expected 4 for each logit: the file was cut short`)
  }
  const width = size / 4
  withinBudget(budgets, 'elements', width, 'logits of a file of llama-debug', { file })
  const text = file.replace(/\.bin$/, '.txt')
  if (kindOf(text) !== 'file') {
    const beside = printable(nameOf(text), 100)
    const message = `holds numbers without a shape, and there is no ${beside} beside it, which would show that they are logits of one token; copy that file, too, or save the logits by numpy.save`
    throw refused(file, message)
  }
  checkLine(source, 0, withFile(text, firstLine, budgets))
  checkLine(source, width - 1, withFile(text, lastLine, budgets))
  return width
}

/**
 * The token ids of the prompt, int32 in `{name}-tokens.bin`; undefined if there is no such file.
 * @throws GoldenLogitsError `bad-storage`
 */
export function llamaDebugTokens(file: string, budgets: Budgets): readonly number[] | undefined {
  const path = file.replace(/\.bin$/, '-tokens.bin')
  if (kindOf(path) !== 'file') return undefined
  return withFile(
    path,
    (source) => {
      if (source.size % 4 !== 0) throw bad(path, `has ${source.size} bytes, expected 4 for each token id`)
      withinBudget(budgets, 'elements', source.size / 4, 'token ids of a prompt', { file: path })
      return [...new Int32Array(readBytes(source, 0, source.size).buffer)]
    },
    budgets,
  )
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

function firstLine(source: ByteSource): string {
  return latin1(readBytes(source, 0, Math.min(LINE, source.size))).split('\n')[0]!
}

/** Of a text that does not end with a line break, an incomplete line. */
function lastLine(source: ByteSource): string {
  const length = Math.min(2 * LINE, source.size)
  const lines = latin1(readBytes(source, source.size - length, length)).split('\n')
  return lines.at(-1) === '' ? lines.slice(-2)[0]! : `${lines.at(-1)!} (cut short)`
}

/** Checks that a line of the text is that of a vocab id, and has its logit in six digits. */
function checkLine(source: ByteSource, id: number, line: string): void {
  const value = new DataView(readBytes(source, 4 * id, 4).buffer).getFloat32(0, true)
  const [, number, text] = /^(\d{1,10}): (-?(?:[\d.]+(?:e[+-]\d+)?|inf|nan))\r?$/.exec(line) ?? []
  if (number === `${id}` && isNear(text!, value)) return
  const expected = `${id}: ${Number(value.toPrecision(6))}`
  const message = `does not fit the text beside it, which has '${printable(line, 40)}' where '${expected}' is expected: they are of two runs, or one was cut short; save both again`
  throw bad(source.file, message)
}

/** C++ writes six significant digits, the scripts for PyTorch six decimals. */
function isNear(text: string, value: number): boolean {
  if (!Number.isFinite(value)) return text.replace('inf', 'Infinity').replace(/-?nan/, 'NaN') === `${value}`
  return Math.abs(Number(text) - value) <= 6e-6 * Math.abs(value) + 6e-7
}

function refused(file: string, message: string): GoldenLogitsError {
  return new GoldenLogitsError('unsupported-format', message, { file })
}

function bad(file: string, message: string): GoldenLogitsError {
  return new GoldenLogitsError('bad-storage', message, { file })
}
