import { GoldenLogitsError } from '../../errors.js'

/** Reads forward through a pickle. Every length is held against the bytes left before anything is sliced. */
export class PickleCursor {
  at: number
  readonly file: string
  /** Where byte 0 of `bytes` lies in the file, for errors. */
  readonly base: number
  private readonly bytes: Uint8Array
  private readonly view: DataView

  constructor(bytes: Uint8Array, start: number, file: string, base: number) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = start
    this.file = file
    this.base = base
  }

  where(at = this.at): { file: string; offset: number } {
    return { file: this.file, offset: this.base + at }
  }

  malformed(message: string, at = this.at): GoldenLogitsError {
    return new GoldenLogitsError('malformed-pickle', `malformed pickle: ${message}`, this.where(at))
  }

  get left(): number {
    return this.bytes.length - this.at
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

  /** Up to the next newline, which is consumed. */
  line(maxBytes: number): Uint8Array {
    const end = this.bytes.subarray(this.at, this.at + maxBytes + 1).indexOf(10)
    if (end < 0) throw this.malformed(`no end of line within ${Math.min(maxBytes, this.left)} bytes`)
    const line = this.take(end)
    this.at++
    return line
  }

  private advance(length: number): number {
    if (length > this.left) throw this.malformed(`${length} bytes wanted, ${this.left} left`)
    const start = this.at
    this.at += length
    return start
  }
}
