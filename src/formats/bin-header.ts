import { GoldenLogitsError, printable } from '../errors.js'
import { allocate } from '../io/allocate.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'

export interface BinHeader {
  readonly attributes: ReadonlyMap<string, string>
  /** Where the data begin. */
  readonly end: number
}

/** Enough for any header that ATB writes. */
const FIRST_WINDOW = 512

/**
 * The ASCII lines `name=value` in front of a `.bin` file's data, up to and with `$End=1`, in whatever order.
 * @throws GoldenLogitsError `bad-header`, `limit-exceeded`
 */
export function readBinHeader(source: ByteSource, budgets: Budgets): BinHeader {
  const most = Math.min(source.size, budgets.binHeader)
  for (let window = Math.min(FIRST_WINDOW, most); ; window = most) {
    const bytes = allocate(window, 'the header', source)
    source.read(0, bytes)
    const header = parse(source, bytes, budgets)
    if (header) {
      source.disregard?.(header.end, window - header.end)
      return header
    }
    if (window < most) continue
    withinBudget(budgets, 'binHeader', source.size > most ? most + 1 : most, 'bytes of the header', source)
    throw badHeader(source, 'it ends without the line $End=1, so the file was cut short', window)
  }
}

/** The header, or nothing where `bytes` do not reach its end. */
function parse(source: ByteSource, bytes: Uint8Array, budgets: Budgets): BinHeader | undefined {
  const attributes = new Map<string, string>()
  for (let at = 0; ; ) {
    const end = bytes.indexOf(10, at)
    const length = (end < 0 ? bytes.length : end) - at
    withinBudget(budgets, 'binLine', length, 'bytes of a header line', { file: source.file, offset: at })
    if (end < 0) return undefined
    const line = Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1')
    const match = /^([\x21-\x3c\x3e-\x7e]+)=([\x20-\x7e]*)$/.exec(line)
    if (!match) throw badHeader(source, `a line '${printable(line, 40)}', expected name=value`, at)
    const [, name, value] = match as unknown as [string, string, string]
    if (attributes.has(name)) throw badHeader(source, `the line ${printable(name, 40)} comes twice`, at)
    attributes.set(name, value)
    withinBudget(budgets, 'binAttributes', attributes.size, 'lines of the header', { file: source.file, offset: at })
    at = end + 1
    if (name !== '$End') continue
    if (value !== '1') throw badHeader(source, `$End=${printable(value, 40)}, expected $End=1`, at)
    return { attributes, end: at }
  }
}

function badHeader(source: ByteSource, message: string, offset: number): GoldenLogitsError {
  return new GoldenLogitsError('bad-header', `broken .bin header: ${message}`, { file: source.file, offset })
}
