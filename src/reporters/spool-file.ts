import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { makeFolder } from '../lib/make-folder.js'
import { markIncomplete } from './run-dirs.js'
import { type SpoolLine, spoolText } from './spool.js'

/** Lines are written in pieces of at most this many bytes, except for a longer line, however many tokens there are. */
const PIECE = 1 << 16

/**
 * Appends lines to this worker's own file: all of them or none. Once the call has returned, the lines outlive the worker,
 * however it ends. Threads share a process id. Both halves of the package (ESM and CommonJS) may run in one thread, but not at
 * the same time.
 * @throws an error of the file system, if the disk is full or the folder is read-only
 */
export function appendToSpool(runDir: string, lines: Iterable<SpoolLine>): void {
  const descriptor = openSpool(runDir)
  const { size } = fstatSync(descriptor)
  try {
    writeLines(descriptor, lines, endsWithinLine(descriptor, size))
  } catch (error) {
    try {
      ftruncateSync(descriptor, size)
    } catch {
      // The next line starts afresh, see `endsWithinLine`.
    }
    throw error
  } finally {
    closeSync(descriptor)
  }
}

function openSpool(runDir: string): number {
  const file = join(runDir, `${process.pid}-${threadId}.jsonl`)
  try {
    return openSync(file, 'a+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // A test has deleted the folder, and the earlier rows with it.
    makeFolder(runDir)
    return openSync(file, 'a+')
  }
}

/** True if a part of a line stayed: what is appended next must not continue it. */
function endsWithinLine(descriptor: number, size: number): boolean {
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(descriptor, last, 0, 1, size - 1)
  return last[0] !== 10
}

function writeLines(descriptor: number, lines: Iterable<SpoolLine>, isTorn: boolean): void {
  // A buffer, not a string: a string that grows line by line survives V8's young collections and enlarges the heap.
  const piece = Buffer.allocUnsafe(PIECE)
  let length = isTorn ? piece.write('\n') : 0
  for (const line of lines) {
    const text = spoolText(line)
    const maxBytes = 3 * text.length
    if (length + maxBytes > PIECE) {
      writeAll(descriptor, piece.subarray(0, length))
      length = 0
    }
    if (maxBytes > PIECE) writeAll(descriptor, Buffer.from(text))
    else length += piece.write(text, length)
  }
  writeAll(descriptor, piece.subarray(0, length))
}

/** A full disk accepts a part of the bytes, and reports no error before the next call. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; ) from += writeSync(descriptor, bytes, from)
}

/** `lost-{worker}-{comparisons}-{rows}`: a name needs no space on a full disk. */
const LOST = /^lost-[0-9a-f]+-(\d+)-(\d+)$/

/** Counts the rows of one worker of which not even the loss can be written into its file. */
export class LostRows {
  private file: string | undefined
  private comparisons = 0
  private rows = 0

  /** @param worker distinguishes workers, in hexadecimal digits */
  add(runDir: string, worker: string, rows: number): void {
    this.comparisons++
    this.rows += rows
    const file = join(runDir, `lost-${worker}-${this.comparisons}-${this.rows}`)
    try {
      if (this.file === undefined) closeSync(openSync(file, 'wx'))
      else renameSync(this.file, file)
      this.file = file
    } catch {
      markIncomplete(runDir)
    }
  }
}

/** The comparisons and rows of all workers that `LostRows` has counted. */
export function lostRowsIn(runDir: string): { comparisons: number; rows: number } {
  const lost = { comparisons: 0, rows: 0 }
  for (const name of readdirSync(runDir)) {
    const [, comparisons, rows] = LOST.exec(name) ?? []
    lost.comparisons += Number(comparisons ?? 0)
    lost.rows += Number(rows ?? 0)
  }
  return lost
}
