import type { ByteSource } from './byte-source.js'

/** Bytes that were read, and where. */
export interface Run {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** What describes a file is small; of more no account is kept. */
const MOST = 64 * 1024

/** A source that remembers every byte that was read of it: another one with the same bytes there reads the same. */
export class RecordedSource implements ByteSource {
  readonly file: string
  readonly size: number
  private readonly source: ByteSource
  private kept: Run[] = []
  private length = 0

  constructor(source: ByteSource) {
    this.source = source
    this.file = source.file
    this.size = source.size
  }

  read(offset: number, into: Uint8Array): void {
    this.source.read(offset, into)
    this.length += into.length
    if (this.length <= MOST) this.kept.push({ offset, bytes: into.slice() })
  }

  disregard(offset: number, length: number): void {
    this.kept = this.kept.flatMap((run) => {
      const [before, after] = [offset - run.offset, offset + length - run.offset]
      if (after <= 0 || before >= run.bytes.length) return [run]
      const parts: Run[] = []
      if (before > 0) parts.push({ offset: run.offset, bytes: run.bytes.slice(0, before) })
      if (after < run.bytes.length) parts.push({ offset: offset + length, bytes: run.bytes.slice(after) })
      return parts
    })
  }

  /** Everything that was read and not disregarded since, in the order of the file; nothing where that was too much. */
  runs(): readonly Run[] | undefined {
    if (this.length > MOST) return undefined
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

/** Does a source of the same size hold the same bytes at the same places? */
export function holdsRuns(source: ByteSource, runs: readonly Run[]): boolean {
  for (let i = 0; i < runs.length; i++) {
    const { offset, bytes } = runs[i]!
    const found = source.peek?.(offset, bytes.length) ?? copyOf(source, offset, bytes.length)
    if (Buffer.compare(found, bytes) !== 0) return false
  }
  return true
}

function copyOf(source: ByteSource, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  source.read(offset, bytes)
  return bytes
}
