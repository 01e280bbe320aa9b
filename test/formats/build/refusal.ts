import { expect } from 'vitest'
import { type ErrorCode, GoldenLogitsError } from '../../../src/errors.js'
import { openTensors } from '../../../src/formats/open-tensors.js'
import type { Budgets } from '../../../src/io/budgets.js'
import { memorySource } from '../../../src/io/memory-source.js'

/** The name under which bytes from memory are read. */
export const FILE = 'evil.pth'

/** Reads bytes as a file would be: its tensors, and then every element. */
export function readAll(bytes: Uint8Array, budgets?: Partial<Budgets>): { name: string; values: number[] }[] {
  return openTensors(memorySource(bytes, FILE), budgets).tensors.map((tensor) => ({
    name: tensor.name,
    values: [...tensor.toFloat32()],
  }))
}

/** What a body throws, which must be of the one error class. */
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
 * Expects a refusal with a code, and a text behind the file's name in its message: one line, of at most 1,000 characters,
 * without a character that a terminal would act on.
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

/** The same of bytes that are read whole. */
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
