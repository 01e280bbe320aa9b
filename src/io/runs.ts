import type { ByteSource } from './byte-source.js'

/** Bytes that were read, and where. */
export interface Run {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Runs without the bytes there. */
export function without(runs: readonly Run[], offset: number, length: number): Run[] {
  return runs.flatMap((run) => {
    const [before, after] = [offset - run.offset, offset + length - run.offset]
    if (after <= 0 || before >= run.bytes.length) return [run]
    const parts: Run[] = []
    if (before > 0) parts.push({ offset: run.offset, bytes: run.bytes.slice(0, before) })
    if (after < run.bytes.length) parts.push({ offset: offset + length, bytes: run.bytes.slice(after) })
    return parts
  })
}

/** Does a source of the same size hold the same bytes at the same places? */
export function holdsRuns(source: ByteSource, runs: readonly Run[]): boolean {
  for (let i = 0; i < runs.length; i++) {
    const { offset, bytes } = runs[i]!
    if (!holds(source, offset, bytes)) return false
  }
  return true
}

/** Does a source hold these bytes there? */
export function holds(source: ByteSource, offset: number, bytes: Uint8Array): boolean {
  const found = source.peek?.(offset, bytes.length) ?? copyOf(source, offset, bytes.length)
  return Buffer.compare(found, bytes) === 0
}

/** The bytes that a source has there, in memory of their own. */
export function copyOf(source: ByteSource, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  source.read(offset, bytes)
  return bytes
}
