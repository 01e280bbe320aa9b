import type { GoldenLogitsError } from '../errors.js'

const UINT32 = 0xffffffff

/**
 * The zip64 extra field of a directory entry: 64-bit values for those fields, in order, whose 32 bits are all ones. One
 * that holds more is refused: other readers of zip might believe it.
 */
export class Zip64Extra {
  private readonly view: DataView
  private readonly broken: () => GoldenLogitsError
  private at = 0
  private end = 0

  constructor(view: DataView, start: number, end: number, broken: () => GoldenLogitsError) {
    this.view = view
    this.broken = broken
    for (let at = start; at < end; ) {
      if (at + 4 > end) throw broken()
      const next = at + 4 + view.getUint16(at + 2, true)
      if (next > end) throw broken()
      if (view.getUint16(at, true) === 1) {
        if (this.end > 0) throw broken()
        this.at = at + 4
        this.end = next
      }
      at = next
    }
  }

  resolve(value: number): number {
    if (value !== UINT32) return value
    if (this.at + 8 > this.end) throw this.broken()
    const wide = this.view.getBigUint64(this.at, true)
    this.at += 8
    if (wide > BigInt(Number.MAX_SAFE_INTEGER)) throw this.broken()
    return Number(wide)
  }

  finish(): void {
    if (this.at !== this.end) throw this.broken()
  }
}
