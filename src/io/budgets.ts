import { GoldenLogitsError, invalidArgument, printable } from '../errors.js'
import { refuseUnknown } from '../lib/check-options.js'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

const DEFAULTS = {
  /** Bytes of a file. Default 16 GiB. */
  fileBytes: 16 * GIB,
  /** Bytes of a pickle. Default 16 MiB. */
  pickleBytes: 16 * MIB,
  /** Opcodes that a pickle may run. Default 1,000,000. */
  pickleOpcodes: 1_000_000,
  /** Values on the stack of the pickle machine. Default 200,000. */
  pickleStack: 200_000,
  /** MARKs open at a time. Default 1,000. */
  pickleMarks: 1_000,
  /** Values that a pickle may memoize. Default 100,000. */
  pickleMemo: 100_000,
  /** Bytes of a string in a pickle. Default 1 MiB. */
  pickleString: MIB,
  /** Bytes of the two lines of a GLOBAL. Default 1 KiB. */
  pickleGlobal: KIB,
  /** How deep containers may nest around a tensor. Default 64. */
  nesting: 64,
  /** Tensors in a file. Default 1,000. */
  tensors: 1_000,
  /** Entries of a zip archive. Default 20,000. */
  zipEntries: 20_000,
  /** Bytes of a zip's directory. Default 16 MiB. */
  zipDirectory: 16 * MIB,
  /**
   * Bytes of a record that may be read only to check its CRC-32, if a tensor is a part of the record. The CRC of a
   * larger record is checked only if all of it is read anyway, so that the last row of a huge prompt costs its own
   * bytes. Default 64 MiB.
   */
  crcBytes: 64 * MIB,
  /** Bytes that a compressed record may inflate to. Default 1 GiB. */
  inflatedBytes: GIB,
  /** Elements of a tensor that are decoded at a time. Default 2²⁸. */
  elements: 2 ** 28,
  /** Bytes of a `.bin` header. Default 64 KiB. */
  binHeader: 64 * KIB,
  /** Bytes of a line of a `.bin` header. Default 4 KiB. */
  binLine: 4 * KIB,
  /** Lines of a `.bin` header. Default 64. */
  binAttributes: 64,
  /** Bytes of a `.npy` header. Default 64 KiB. */
  npyHeader: 64 * KIB,
  /** Bytes of a safetensors header. Default 1 MiB. */
  safetensorsHeader: MIB,
  /** Bytes of an ONNX tensor beside its elements. Default 64 KiB. */
  onnxFields: 64 * KIB,
  /** Bytes of a JSON file. Default 256 MiB. */
  jsonBytes: 256 * MIB,
  /** Values in a JSON file: numbers, texts, lists and objects. Default 2²⁵. */
  jsonValues: 2 ** 25,
  /** Dimensions of a tensor. Default 64. */
  rank: 64,
}

/** How much a file may cost to read: enough for every real file. The error for one that exceeds a budget names it. */
export type Budgets = typeof DEFAULTS

export const DEFAULT_BUDGETS: Readonly<Budgets> = Object.freeze(DEFAULTS)

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
  refuseUnknown('budget', Object.fromEntries(overrides), Object.keys(DEFAULT_BUDGETS))
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
