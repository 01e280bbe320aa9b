import { statSync } from 'node:fs'

/** At least this much of the files of a pair is read and measured in a millisecond. */
const BYTES_PER_MS = 2 ** 21

/** The least time that rows in these files take, in milliseconds: of a prompt less is read, but not of other files. */
export function readingTime(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + sizeOf(file), 0) / BYTES_PER_MS
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    // Opening it will report what is wrong with it.
    return 0
  }
}
