import type { ByteSource } from './byte-source.js'

/** Bytes that were read, and where. */
export interface Run {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Where a file has its own name. */
export interface OwnName {
  readonly name: string
  readonly places: readonly number[]
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
  private own: OwnName | undefined

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

  named(name: string, places: readonly number[]): void {
    if (ownName(this.file) !== name) return
    this.own = { name, places }
    for (const place of places) this.disregard(place, name.length)
  }

  /** Where the file's own name was found; nothing where it was not. */
  get ownName(): OwnName | undefined {
    return this.own
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
    if (!holds(source, offset, bytes)) return false
  }
  return true
}

/** Does a source have its own name, of the same length, at the same places? */
export function holdsOwnName(source: ByteSource, { name, places }: OwnName): boolean {
  const own = ownName(source.file)
  if (own?.length !== name.length) return false
  const bytes = Buffer.from(own, 'latin1')
  for (let i = 0; i < places.length; i++) if (!holds(source, places[i]!, bytes)) return false
  return true
}

function holds(source: ByteSource, offset: number, bytes: Uint8Array): boolean {
  const found = source.peek?.(offset, bytes.length) ?? copyOf(source, offset, bytes.length)
  return Buffer.compare(found, bytes) === 0
}

function copyOf(source: ByteSource, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  source.read(offset, bytes)
  return bytes
}

/** The name of a file without its folder and extension, if every reader of archives takes it for the name of a folder. */
export function ownName(file: string): string | undefined {
  const whole = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)
  const dot = whole.lastIndexOf('.')
  const name = dot < 0 ? whole : whole.slice(0, dot)
  return /^\w[\w.-]*$/.test(name) ? name : undefined
}
