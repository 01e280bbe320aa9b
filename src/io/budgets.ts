import { GoldenLogitsError, invalidArgument, printable } from '../errors.js'
import { refuseUnknown } from '../lib/check-options.js'

/**
 * How much a file may cost to read. Enough for every real file. A file that exceeds a budget is refused, and the error
 * names it.
 */
export interface Budgets {
  /** Bytes of a file. Default 16 GiB. */
  fileBytes: number
  /** Bytes of a pickle. Default 16 MiB. */
  pickleBytes: number
  /** Opcodes that a pickle may run. Default 1,000,000. */
  pickleOpcodes: number
  /** Values on the stack of the pickle machine. Default 200,000. */
  pickleStack: number
  /** MARKs open at a time. Default 1,000. */
  pickleMarks: number
  /** Values that a pickle may memoize. Default 100,000. */
  pickleMemo: number
  /** Bytes of a string in a pickle. Default 1 MiB. */
  pickleString: number
  /** Bytes of the two lines of a GLOBAL. Default 1 KiB. */
  pickleGlobal: number
  /** How deep containers may nest around a tensor. Default 64. */
  nesting: number
  /** Tensors in a file. Default 1,000. */
  tensors: number
  /** Entries of a zip archive. Default 20,000. */
  zipEntries: number
  /** Bytes of a zip's directory. Default 16 MiB. */
  zipDirectory: number
  /**
   * Bytes of a record that may be read only to check its CRC-32, if a tensor is a part of the record. The CRC of a
   * larger record is checked only if all of it is read anyway, so that the last row of a huge prompt costs its own
   * bytes. Default 64 MiB.
   */
  crcBytes: number
  /** Bytes that a compressed record may inflate to. Default 1 GiB. */
  inflatedBytes: number
  /** Elements of a tensor that are decoded at a time. Default 2²⁸. */
  elements: number
  /** Bytes of a `.bin` header. Default 64 KiB. */
  binHeader: number
  /** Bytes of a line of a `.bin` header. Default 4 KiB. */
  binLine: number
  /** Lines of a `.bin` header. Default 64. */
  binAttributes: number
  /** Bytes of a `.npy` header. Default 64 KiB. */
  npyHeader: number
  /** Bytes of a safetensors header. Default 1 MiB. */
  safetensorsHeader: number
  /** Bytes of an ONNX tensor beside its elements. Default 64 KiB. */
  onnxFields: number
  /** Bytes of a JSON file. Default 256 MiB. */
  jsonBytes: number
  /** Values in a JSON file: numbers, texts, lists and objects. Default 2²⁵. */
  jsonValues: number
  /** Dimensions of a tensor. Default 64. */
  rank: number
}

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

export const DEFAULT_BUDGETS: Readonly<Budgets> = Object.freeze({
  fileBytes: 16 * GIB,
  pickleBytes: 16 * MIB,
  pickleOpcodes: 1_000_000,
  pickleStack: 200_000,
  pickleMarks: 1_000,
  pickleMemo: 100_000,
  pickleString: MIB,
  pickleGlobal: KIB,
  nesting: 64,
  tensors: 1_000,
  zipEntries: 20_000,
  zipDirectory: 16 * MIB,
  crcBytes: 64 * MIB,
  inflatedBytes: GIB,
  elements: 2 ** 28,
  binHeader: 64 * KIB,
  binLine: 4 * KIB,
  binAttributes: 64,
  npyHeader: 64 * KIB,
  safetensorsHeader: MIB,
  onnxFields: 64 * KIB,
  jsonBytes: 256 * MIB,
  jsonValues: 2 ** 25,
  rank: 64,
})

const BUDGET_NAMES = Object.keys(DEFAULT_BUDGETS)

/**
 * The defaults, overridden by the budgets of the caller.
 * @throws GoldenLogitsError `invalid-argument` for an unknown budget, or a value that is not a number of at least 0
 */
export function resolveBudgets(budgets: Partial<Budgets> = DEFAULT_BUDGETS): Readonly<Budgets> {
  if (budgets === DEFAULT_BUDGETS) return DEFAULT_BUDGETS
  if (typeof budgets !== 'object' || budgets === null) {
    throw invalidArgument('budgets must be an object, such as { elements: 1000 }')
  }
  const overrides = Object.entries(budgets).filter(([, value]) => value !== undefined)
  if (overrides.length === 0) return DEFAULT_BUDGETS
  refuseUnknown('budget', Object.fromEntries(overrides), BUDGET_NAMES)
  for (const [name, value] of overrides) {
    if (!(typeof value === 'number' && value >= 0)) throw invalidArgument(`the budget ${name} must be a number from 0`)
  }
  return { ...DEFAULT_BUDGETS, ...Object.fromEntries(overrides) }
}

type Where = { file: string; offset?: number }

/** @throws GoldenLogitsError `limit-exceeded`, naming the budget, if the value is over it */
export function withinBudget(budgets: Budgets, name: keyof Budgets, value: number, what: string, where: Where): void {
  if (value > budgets[name]) throw overBudget(budgets, name, value, what, where)
}

/** The error for a value that is over its budget. */
export function overBudget(
  budgets: Budgets,
  name: keyof Budgets,
  value: number | bigint,
  what: string,
  where: Where,
): GoldenLogitsError {
  const message = `${what}: ${value} is over the budget ${name} of ${budgets[name]}; if you trust the file, raise it with the option budgets`
  return new GoldenLogitsError('limit-exceeded', message, { ...where, budget: name })
}

/**
 * A new buffer. Budgets that the caller raised may allow more than fits into memory: the error for that should be ours,
 * not a RangeError of the engine.
 * @param what describes the content, for the error; may be any text from the file
 * @throws GoldenLogitsError `limit-exceeded`
 */
export function allocate(bytes: number, what: string, { file }: { file: string }): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    const message = `${printable(what, 120)}: ${bytes} bytes do not fit into memory; lower the budgets, or read a part`
    throw new GoldenLogitsError('limit-exceeded', message, { file, cause })
  }
}
