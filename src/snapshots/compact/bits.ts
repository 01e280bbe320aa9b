const VIEW = new DataView(new ArrayBuffer(8))

/** Writes numbers bit by bit, the highest bit first. */
export class BitWriter {
  private bytes = new Uint8Array(1024)
  /** Number of bits written. */
  private at = 0

  /** The low `width` bits of a number. @param width 0 to 32 */
  fixed(value: number, width: number): void {
    if (this.at + width > 8 * this.bytes.length) this.grow()
    for (let left = width; left > 0; ) {
      const room = 8 - (this.at & 7)
      const count = Math.min(room, left)
      left -= count
      this.bytes[this.at >> 3]! |= ((value >>> left) & ((1 << count) - 1)) << (room - count)
      this.at += count
    }
  }

  float32(value: number): void {
    VIEW.setFloat32(0, value)
    this.fixed(VIEW.getUint32(0), 32)
  }

  float64(value: number): void {
    VIEW.setFloat64(0, value)
    this.fixed(VIEW.getUint32(0), 32)
    this.fixed(VIEW.getUint32(4), 32)
  }

  octets(values: Uint8Array): void {
    for (const value of values) this.fixed(value, 8)
  }

  /** Rice code: `value >> shift` ones, a zero, then the low `shift` bits. Short for values around 2^shift. */
  rice(value: number, shift: number): void {
    for (let ones = Math.floor(value / 2 ** shift); ones > 0; ones--) this.fixed(1, 1)
    this.fixed(0, 1)
    this.fixed(value % 2 ** shift, shift)
  }

  /** Exponential Golomb code of order `shift`: short for small values, logarithmic for large ones. */
  golomb(value: number, shift: number): void {
    const high = Math.floor(value / 2 ** shift) + 1
    const width = Math.floor(Math.log2(high))
    this.fixed(0, width)
    this.fixed(high, width + 1)
    this.fixed(value % 2 ** shift, shift)
  }

  /** The written bits, padded with zeros to a multiple of 8. */
  finish(): Uint8Array {
    return this.bytes.slice(0, Math.ceil(this.at / 8))
  }

  private grow(): void {
    const bytes = new Uint8Array(2 * this.bytes.length)
    bytes.set(this.bytes)
    this.bytes = bytes
  }
}

/** How many bits `rice` writes. @param value below 2³² */
export function riceLength(value: number, shift: number): number {
  return (value >>> shift) + 1 + shift
}

/** How many bits `golomb` writes. @param value below 2³² − 1 */
export function golombLength(value: number, shift: number): number {
  return 2 * (31 - Math.clz32((value >>> shift) + 1)) + 1 + shift
}

/** Reads what `BitWriter` wrote. Throws a RangeError at the end of the bits. */
export class BitReader {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  fixed(width: number): number {
    let value = 0
    for (let left = width; left > 0; ) {
      const byte = this.bytes[this.at >> 3]
      if (byte === undefined) throw new RangeError('the bits end early')
      const room = 8 - (this.at & 7)
      const count = Math.min(room, left)
      value = value * (1 << count) + ((byte >> (room - count)) & ((1 << count) - 1))
      this.at += count
      left -= count
    }
    return value
  }

  float32(): number {
    VIEW.setUint32(0, this.fixed(32))
    return VIEW.getFloat32(0)
  }

  float64(): number {
    VIEW.setUint32(0, this.fixed(32))
    VIEW.setUint32(4, this.fixed(32))
    return VIEW.getFloat64(0)
  }

  octets(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.fixed(8))
  }

  rice(shift: number): number {
    let ones = 0
    while (this.fixed(1) === 1) ones++
    return ones * 2 ** shift + this.fixed(shift)
  }

  golomb(shift: number): number {
    let width = 0
    while (this.fixed(1) === 0) if (++width > 32) throw new RangeError('a number of more than 32 bits')
    return (2 ** width + this.fixed(width) - 1) * 2 ** shift + this.fixed(shift)
  }

  /** True if only the padding of the last byte is left. */
  isAtEnd(): boolean {
    const left = this.bytes.length * 8 - this.at
    return left < 8 && this.fixed(left) === 0
  }
}
