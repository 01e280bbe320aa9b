import { GoldenLogitsError } from '../../errors.js'
import { type Budgets, overBudget } from '../../io/budgets.js'

/** The file that a pickle comes from, and its budgets. */
export interface PickleSource {
  readonly file: string
  /** Offset of the bytes in the file. */
  readonly base: number
  readonly budgets: Budgets
  /** Whether the bytes end before the file does: then running out of bytes exceeds the budget `pickleBytes`. */
  readonly partial?: boolean
  /** Whether the file is older than torch 1.6: then persistent ids may have a sixth item. */
  readonly legacy?: boolean
}

/** Reads a pickle from front to back. Every length is checked against the remaining bytes before it is used. */
export class PickleCursor {
  at: number
  private readonly source: PickleSource
  private readonly bytes: Uint8Array
  private readonly view: DataView

  constructor(bytes: Uint8Array, start: number, source: PickleSource) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = start
    this.source = source
  }

  where(at = this.at): { file: string; offset: number } {
    return { file: this.source.file, offset: this.source.base + at }
  }

  malformed(message: string, at = this.at): GoldenLogitsError {
    return new GoldenLogitsError('malformed-pickle', `malformed pickle: ${message}`, this.where(at))
  }

  /** Refuses a length that exceeds the remaining bytes. */
  ensure(length: number | bigint, what: string): void {
    const left = this.bytes.length - this.at
    if (length <= left) return
    if (!this.source.partial) throw this.malformed(`${what} of ${length} bytes, ${left} left`)
    const end = BigInt(this.at) + BigInt(length)
    throw overBudget(this.source.budgets, 'pickleBytes', end, 'bytes of the pickles', this.where())
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1))
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true)
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true)
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true)
  }

  uint64(): bigint {
    return this.view.getBigUint64(this.advance(8), true)
  }

  /** BINFLOAT is big-endian, unlike all other numbers. */
  float64(): number {
    return this.view.getFloat64(this.advance(8), false)
  }

  take(length: number): Uint8Array {
    const start = this.advance(length)
    return this.bytes.subarray(start, start + length)
  }

  /** The bytes up to the next newline, which is consumed; undefined if the line is longer than `maxBytes`. */
  line(maxBytes: number): Uint8Array | undefined {
    const end = this.bytes.subarray(this.at, this.at + maxBytes + 1).indexOf(10)
    if (end >= 0) return this.take(end + 1).subarray(0, end)
    this.ensure(maxBytes + 1, 'a line')
    return undefined
  }

  private advance(length: number): number {
    this.ensure(length, 'a value')
    const start = this.at
    this.at += length
    return start
  }
}
