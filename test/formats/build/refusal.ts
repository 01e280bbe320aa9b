import { expect } from 'vitest'
import { type ErrorCode, GoldenLogitsError } from '../../../src/errors.js'
import type { Budgets } from '../../../src/io/budgets.js'
import { memorySource } from '../../../src/io/memory-source.js'
import { openTensors } from './open.js'

/** The file name of bytes in memory. */
export const FILE = 'evil.pth'

/** Reads every element of every tensor of a file in memory. */
export function readAll(bytes: Uint8Array, budgets?: Partial<Budgets>): { name: string; values: number[] }[] {
  return openTensors(memorySource(bytes, FILE), budgets).tensors.map((tensor) => ({
    name: tensor.name,
    values: [...tensor.toFloat32()],
  }))
}

/** The error that a function throws, which must be a GoldenLogitsError. */
export function refusalOf(body: () => unknown): GoldenLogitsError {
  try {
    body()
  } catch (error) {
    expect(error).toBeInstanceOf(GoldenLogitsError)
    return error as GoldenLogitsError
  }
  throw new Error('was not refused')
}

/**
 * Expects an error with a code, a file name and a text in its message. The message must be one line of at most 1,000
 * characters, without control characters that a terminal would act on.
 */
export function expectRefusal(body: () => unknown, code: ErrorCode, text: string, file = FILE): GoldenLogitsError {
  const error = refusalOf(body)
  expect({ code: error.code, file: error.file, message: error.message }).toEqual({
    code,
    file,
    message: expect.stringContaining(text),
  })
  expect(error.name).toBe('GoldenLogitsError')
  expect(error.message.length).toBeLessThanOrEqual(1000)
  expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/)
  return error
}

/** The same for reading all of a file in memory. */
export function expectRefused(
  bytes: Uint8Array,
  code: ErrorCode,
  text: string,
  budgets?: Partial<Budgets>,
): GoldenLogitsError {
  const error = expectRefusal(() => readAll(bytes, budgets), code, text)
  expect(error.message.startsWith(`${FILE}: `)).toBe(true)
  return error
}
