import { GoldenLogitsError, shown } from '../errors.js'

/** Budgets of the readers. Generous for every real file; what exceeds one is refused with the limit's name. */
export interface Limits {
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

export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
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

const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]

/**
 * The defaults with the caller's own limits in their place.
 * @throws GoldenLogitsError `invalid-argument` for a name that is no limit, or a value that is no number from 0
 */
export function resolveLimits(own: Partial<Limits> = DEFAULT_LIMITS): Readonly<Limits> {
  if (own === DEFAULT_LIMITS) return DEFAULT_LIMITS
  if (typeof own !== 'object' || own === null) {
    throw new GoldenLogitsError('invalid-argument', `limits must be an object, such as { elements: 1000 }`)
  }
  const given = Object.entries(own).filter(([, value]) => value !== undefined)
  if (given.length === 0) return DEFAULT_LIMITS
  for (const [name, value] of given) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      const known = LIMIT_NAMES.join(', ')
      throw new GoldenLogitsError('invalid-argument', `there is no limit '${shown(name, 40)}'; there are ${known}`)
    }
    if (!(typeof value === 'number' && value >= 0)) {
      throw new GoldenLogitsError('invalid-argument', `the limit ${name} must be a number from 0`)
    }
  }
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(given) }
}

/** Are all budgets the same? */
export function areEqual(one: Readonly<Limits>, other: Readonly<Limits>): boolean {
  return one === other || LIMIT_NAMES.every((name) => one[name] === other[name])
}

type Where = { file: string; offset?: number }

/** Refuses a value over its limit, by name. */
export function withinLimit(limits: Limits, name: keyof Limits, value: number, what: string, where: Where): void {
  if (value > limits[name]) throw overLimit(limits, name, value, what, where)
}

/** The refusal of a value that is over its limit. */
export function overLimit(
  limits: Limits,
  name: keyof Limits,
  value: number | bigint,
  what: string,
  where: Where,
): GoldenLogitsError {
  const message = `${what}: ${value} is over the limit ${name} of ${limits[name]}; if the file is to be trusted, raise it by the option limits`
  return new GoldenLogitsError('limit-exceeded', message, { ...where, limit: name })
}
