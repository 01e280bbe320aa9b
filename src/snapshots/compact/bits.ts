const VIEW = new DataView(new ArrayBuffer(8))

/** Writes numbers bit by bit, the highest bit first. */
export class BitWriter {
  private readonly bytes: number[] = []
  private used = 0

  /** @param width 0 to 32 */
  fixed(value: number, width: number): void {
    for (let i = width - 1; i >= 0; i--) this.bit((value >>> i) & 1)
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
    for (let ones = Math.floor(value / 2 ** shift); ones > 0; ones--) this.bit(1)
    this.bit(0)
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
    return Uint8Array.from(this.bytes)
  }

  private bit(bit: number): void {
    if (this.used === 0) this.bytes.push(0)
    if (bit === 1) this.bytes[this.bytes.length - 1]! |= 0x80 >> this.used
    this.used = (this.used + 1) % 8
  }
}

/** How many bits `rice` writes. */
export function riceLength(value: number, shift: number): number {
  return Math.floor(value / 2 ** shift) + 1 + shift
}

/** How many bits `golomb` writes. */
export function golombLength(value: number, shift: number): number {
  return 2 * Math.floor(Math.log2(Math.floor(value / 2 ** shift) + 1)) + 1 + shift
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
    for (let i = 0; i < width; i++) value = 2 * value + this.bit()
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
    while (this.bit() === 1) ones++
    return ones * 2 ** shift + this.fixed(shift)
  }

  golomb(shift: number): number {
    let width = 0
    while (this.bit() === 0) if (++width > 32) throw new RangeError('a number of more than 32 bits')
    return (2 ** width + this.fixed(width) - 1) * 2 ** shift + this.fixed(shift)
  }

  /** True if only the padding of the last byte is left. */
  isAtEnd(): boolean {
    if (this.bytes.length * 8 - this.at >= 8) return false
    while (this.at < this.bytes.length * 8) if (this.bit() === 1) return false
    return true
  }

  private bit(): number {
    const byte = this.bytes[this.at >> 3]
    if (byte === undefined) throw new RangeError('the bits end early')
    return (byte >> (7 - (this.at++ & 7))) & 1
  }
}
