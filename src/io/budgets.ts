import { GoldenLogitsError, printable } from '../errors.js'

/** Budgets of the readers. Generous for every real file; what exceeds one is refused with the budget's name. */
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
  /** Bytes of a text in a pickle. Default 1 MiB. */
  pickleString: number
  /** Bytes of a GLOBAL's two lines. Default 1 KiB. */
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
   * Bytes of a record that are read to hold its CRC-32, where a tensor is only a part of it. A larger record is held only
   * where it is read whole, so that the last row of a huge prompt costs its own bytes. Default 64 MiB.
   */
  crcBytes: number
  /** Bytes that a compressed record may inflate to. Default 1 GiB. */
  inflatedBytes: number
  /** Elements that are decoded of one tensor at a time. Default 2²⁸. */
  elements: number
  /** Bytes of a `.bin` header. Default 64 KiB. */
  binHeader: number
  /** Bytes of a line of it. Default 4 KiB. */
  binLine: number
  /** Lines of it. Default 64. */
  binAttributes: number
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
  rank: 64,
})

const BUDGET_NAMES = Object.keys(DEFAULT_BUDGETS) as (keyof Budgets)[]

/**
 * The defaults with the caller's own budgets in their place.
 * @throws GoldenLogitsError `invalid-argument` for an unknown budget, or a value that is no number from 0
 */
export function resolveBudgets(own: Partial<Budgets> = DEFAULT_BUDGETS): Readonly<Budgets> {
  if (own === DEFAULT_BUDGETS) return DEFAULT_BUDGETS
  if (typeof own !== 'object' || own === null) {
    throw new GoldenLogitsError('invalid-argument', `budgets must be an object, such as { elements: 1000 }`)
  }
  const given = Object.entries(own).filter(([, value]) => value !== undefined)
  if (given.length === 0) return DEFAULT_BUDGETS
  for (const [name, value] of given) {
    if (!Object.hasOwn(DEFAULT_BUDGETS, name)) {
      const known = BUDGET_NAMES.join(', ')
      throw new GoldenLogitsError('invalid-argument', `there is no budget '${printable(name, 40)}'; there are ${known}`)
    }
    if (!(typeof value === 'number' && value >= 0)) {
      throw new GoldenLogitsError('invalid-argument', `the budget ${name} must be a number from 0`)
    }
  }
  return { ...DEFAULT_BUDGETS, ...Object.fromEntries(given) }
}

/** Are all budgets the same? */
export function areEqual(one: Readonly<Budgets>, other: Readonly<Budgets>): boolean {
  return one === other || BUDGET_NAMES.every((name) => one[name] === other[name])
}

type Where = { file: string; offset?: number }

/** Refuses a value over its budget, by name. */
export function withinBudget(budgets: Budgets, name: keyof Budgets, value: number, what: string, where: Where): void {
  if (value > budgets[name]) throw overBudget(budgets, name, value, what, where)
}

/** The refusal of a value that is over its budget. */
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
