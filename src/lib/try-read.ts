import { GoldenLogitsError } from '../errors.js'

/** What a function returns; undefined if it refuses its input. An error that is not ours is a bug, and is thrown. */
export function tryRead<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof GoldenLogitsError) return undefined
    throw error
  }
}
