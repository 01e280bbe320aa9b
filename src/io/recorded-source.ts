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

  /** Everything that was read and not disregarded since; nothing where that was too much. */
  runs(): readonly Run[] | undefined {
    return this.length <= MOST ? this.kept : undefined
  }
}

let scratch = new Uint8Array(1024)

/** Does a source of the same size hold the same bytes at the same places? */
export function holdsRuns(source: ByteSource, runs: readonly Run[]): boolean {
  return runs.every(({ offset, bytes }) => {
    if (scratch.length < bytes.length) scratch = new Uint8Array(bytes.length)
    const found = scratch.subarray(0, bytes.length)
    source.read(offset, found)
    return Buffer.compare(found, bytes) === 0
  })
}
