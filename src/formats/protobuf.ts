import { GoldenLogitsError } from '../errors.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'

/** How the value of a field is stored: the low three bits of its tag. Groups (3 and 4) are refused. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** What the first bytes of a field say. */
export interface Tag {
  /** From 1. */
  readonly field: number
  readonly wire: number
  /** Offset of the tag in the file. */
  readonly start: number
}

/** A varint has seven bits a byte and 64 bits in all. */
export const VARINT_BYTES = 10

/** A number of more bits is no size and no tag. */
const SAFE_BYTES = 7

/** A header fits into the first window. Elements in separate fields are passed in larger ones. */
const FIRST_WINDOW = 512
const LAST_WINDOW = 64 * 1024

/** Goes through the fields of one message of protocol buffers that fills a file. */
export class FieldCursor {
  /** Offset of the next byte. */
  at = 0
  private readonly source: ByteSource
  private window = new Uint8Array(0)
  private start = 0

  constructor(source: ByteSource) {
    this.source = source
  }

  get isAtEnd(): boolean {
    return this.at >= this.source.size
  }

  /** @throws GoldenLogitsError `bad-header` */
  tag(): Tag {
    const start = this.at
    const tag = this.number('the number of a field')
    const field = Math.floor(tag / 8)
    if (field === 0) throw this.broken('a field has the number 0', start)
    return { field, wire: tag % 8, start }
  }

  /**
   * A varint from 0 to 2^49 − 1.
   * @throws GoldenLogitsError `bad-header` for a larger or negative one
   */
  number(what: string): number {
    const from = this.at
    let value = 0
    for (let i = 0; i < SAFE_BYTES; i++) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    throw this.broken(`${what} is negative or over 2^49`, from)
  }

  /** Passes a varint of any value. */
  skipVarint(): void {
    const from = this.at
    for (let i = 0; i < VARINT_BYTES; i++) if (this.byte() < 0x80) return
    throw this.broken(`a number has more than ${VARINT_BYTES} bytes`, from)
  }

  /** The length of a field of bytes that are in the file. */
  length(): number {
    const from = this.at
    const length = this.number('the length of a field')
    const rest = this.source.size - this.at
    if (length <= rest) return length
    throw this.broken(`a field of ${length} bytes has ${rest} bytes left: the file was cut short`, from)
  }

  /** Passes bytes whose values do not matter, such as a description. */
  skip(length: number): void {
    if (length > this.source.size - this.at) throw this.broken('it ends within a number', this.at)
    this.at += length
  }

  /** Passes bytes that do not affect how the file is parsed. */
  skipElements(length: number): void {
    const ahead = Math.min(length, this.start + this.window.length - this.at)
    if (ahead > 0) this.source.disregard?.(this.at, ahead)
    this.at += length
    // The next window is small again: what follows the elements is a short end of the header.
    if (length > ahead) this.window = new Uint8Array(0)
  }

  private byte(): number {
    if (this.at >= this.start + this.window.length) this.refill()
    return this.window[this.at++ - this.start]!
  }

  private refill(): void {
    if (this.isAtEnd) throw this.broken('it ends within a field: the file was cut short', this.at)
    const size = Math.min(LAST_WINDOW, Math.max(FIRST_WINDOW, 2 * this.window.length))
    this.start = this.at
    this.window = readBytes(this.source, this.at, Math.min(size, this.source.size - this.at))
  }

  private broken(problem: string, offset: number): GoldenLogitsError {
    return brokenTensor(this.source, 'bad-header', problem, offset)
  }
}

/** The error for a file whose bytes are no message of an ONNX tensor. */
export function brokenTensor(
  { file }: ByteSource,
  code: 'bad-header' | 'bad-storage',
  problem: string,
  offset?: number,
): GoldenLogitsError {
  return new GoldenLogitsError(code, `broken ONNX tensor: ${problem}`, { file, offset })
}
