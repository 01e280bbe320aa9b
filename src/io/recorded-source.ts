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

  /** Where the file's own name was found, and what lies around it; nothing where it was not. */
  get own(): OwnName | undefined {
    const runs = this.names && this.runs()
    if (!this.names || !runs) return undefined
    const { name, places } = this.names
    return { name, places, around: places.reduce((rest, place) => without(rest, place, name.length), runs) }
  }

  /**
   * Everything that was read and not disregarded since, with small gaps filled, in the order of the file; nothing where that
   * was too much.
   */
  runs(): readonly Run[] | undefined {
    if (this.length > MOST) return undefined
    const runs = this.joined()
    for (let i = 1; i < runs.length; i++) {
      const from = runs[i - 1]!.offset + runs[i - 1]!.bytes.length
      const to = runs[i]!.offset
      if (to - from <= GAP && !this.disregarded.some((span) => span.from < to && span.to > from)) {
        this.kept.push({ offset: from, bytes: copyOf(this.source, from, to - from) })
      }
    }
    return this.joined()
  }

  private joined(): Run[] {
    const joined: Run[] = []
    for (const run of this.kept.sort((a, b) => a.offset - b.offset)) {
      const before = joined.at(-1)
      const gap = before ? run.offset - (before.offset + before.bytes.length) : 1
      if (gap > 0) joined.push(run)
      else if (run.bytes.length + gap > 0) {
        joined.pop()
        joined.push({ offset: before!.offset, bytes: Buffer.concat([before!.bytes, run.bytes.subarray(-gap)]) })
      }
    }
    return joined
  }
}
