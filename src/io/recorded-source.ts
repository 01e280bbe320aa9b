import type { ByteSource } from './byte-source.js'
import { type OwnName, ownName } from './own-name.js'
import { copyOf, type Run, without } from './runs.js'

/** What describes a file is small; of more no account is kept. */
const MOST = 64 * 1024

/** What lies between two runs, and was not read, belongs to both if it is no longer: the fewer runs, the faster they are held. */
const GAP = 128

/** A source that remembers every byte that was read of it: another one with the same bytes there reads the same. */
export class RecordedSource implements ByteSource {
  readonly file: string
  readonly size: number
  private readonly source: ByteSource
  private kept: Run[] = []
  private length = 0
  private names: Pick<OwnName, 'name' | 'places'> | undefined
  private readonly disregarded: { readonly from: number; readonly to: number }[] = []

  constructor(source: ByteSource) {
    this.source = source
    this.file = source.file
    this.size = source.size
  }

  read(offset: number, into: Uint8Array): void {
    this.source.read(offset, into)
    this.length += into.length
    if (this.length <= MOST) this.kept.push({ offset, bytes: new Uint8Array(into) })
  }

  disregard(offset: number, length: number): void {
    if (this.length > MOST) return
    this.disregarded.push({ from: offset, to: offset + length })
    this.kept = without(this.kept, offset, length)
  }

  named(name: string, places: readonly number[]): void {
    if (ownName(this.file) === name) this.names = { name, places }
  }

  /**
   * Everything that was read and not disregarded since, with small gaps filled, in the order of the file; nothing where that
   * was too much.
   */
  runs(): readonly Run[] | undefined {
    if (this.length > MOST) return undefined
    const joined: Run[] = []
    for (const run of this.kept.sort((a, b) => a.offset - b.offset)) {
      const before = joined.at(-1)
      const end = before ? before.offset + before.bytes.length : 0
      const gap = run.offset - end
      if (!before || (gap > 0 && !this.isFilled(end, run.offset))) joined.push(run)
      else if (run.bytes.length + gap > 0) {
        const more = gap > 0 ? [copyOf(this.source, end, gap), run.bytes] : [run.bytes.subarray(-gap)]
        joined[joined.length - 1] = { offset: before.offset, bytes: Buffer.concat([before.bytes, ...more]) }
      }
    }
    return joined
  }

  /** Where in its runs the file's own name was found, and what lies around it; nothing where it was not. */
  own(runs: readonly Run[]): OwnName | undefined {
    if (!this.names) return undefined
    const { name, places } = this.names
    return { name, places, around: places.reduce((rest, place) => without(rest, place, name.length), runs) }
  }

  private isFilled(from: number, to: number): boolean {
    return to - from <= GAP && !this.disregarded.some((span) => span.from < to && span.to > from)
  }
}
