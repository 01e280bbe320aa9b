import { GoldenLogitsError } from '../../errors.js'
import { type Budgets, overBudget } from '../../io/budgets.js'

/** Where a pickle lies, and the budgets that it must keep. */
export interface PickleSource {
  readonly file: string
  /** Where byte 0 of the bytes lies in the file. */
  readonly base: number
  readonly budgets: Budgets
  /** More of the file follows the bytes, so that running out of them is a matter of the limit `pickleBytes`. */
  readonly partial?: boolean
  /** In a file before torch 1.6, persistent ids may have a sixth item. */
  readonly legacy?: boolean
}

/** Reads forward through a pickle. Every length is held against the bytes left before anything is sliced. */
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

  /** Refuses a length that is beyond the bytes left. */
  wants(length: number | bigint, what: string): void {
    const left = this.bytes.length - this.at
    if (length <= left) return
    if (!this.source.partial) throw this.malformed(`${what} of ${length} bytes, ${left} left`)
    const wanted = BigInt(this.at) + BigInt(length)
    throw overBudget(this.source.budgets, 'pickleBytes', wanted, 'bytes of the pickles', this.where())
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

  /** BINFLOAT alone is big-endian. */
  float64(): number {
    return this.view.getFloat64(this.advance(8), false)
  }

  take(length: number): Uint8Array {
    const start = this.advance(length)
    return this.bytes.subarray(start, start + length)
  }

  /** Up to the next newline, which is consumed; `undefined` where that is more than `maxBytes` away. */
  line(maxBytes: number): Uint8Array | undefined {
    const end = this.bytes.subarray(this.at, this.at + maxBytes + 1).indexOf(10)
    if (end >= 0) return this.take(end + 1).subarray(0, end)
    this.wants(maxBytes + 1, 'a line')
    return undefined
  }

  private advance(length: number): number {
    this.wants(length, 'a value')
    const start = this.at
    this.at += length
    return start
  }
}
