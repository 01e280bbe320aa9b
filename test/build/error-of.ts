import { GoldenLogitsError } from '../../src/index.js'

/** The error of the package that `body` throws; one with the message `no error` if it throws none. */
export function errorOf(body: () => unknown): { code?: string; message: string } {
  try {
    body()
  } catch (error) {
    if (error instanceof GoldenLogitsError) return error
    throw error
  }
  return { message: 'no error' }
}
