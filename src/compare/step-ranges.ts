import { printable } from '../errors.js'

/** More parts than these are cut short, to one less. */
const MOST_PARTS = 6

/** A token as messages name it: `token 3`, or `token 3, position 2` if its step has several positions; of several runs
 * with the run's name: `token 3 of run sample_7`. */
export function tokenName({ step, position, run }: TokenPlace): string {
  const name = position === undefined ? `token ${step}` : `token ${step}, position ${position}`
  return run === undefined ? name : `${name} of run ${printable(run, 60)}`
}

export interface TokenPlace {
  readonly step: number
  readonly position?: number
  readonly run?: string
}

export function isSamePlace({ step, position, run }: TokenPlace, other: TokenPlace | undefined): boolean {
  return step === other?.step && position === other.position && run === other.run
}

/** Numbers, added one by one in ascending order, as ranges: it keeps no list of them, for there may be a million. */
class NumberRanges {
  count = 0
  last = -1
  private first = 0
  private readonly parts: string[] = []

  add(number: number): void {
    if (this.count === 0 || number !== this.last + 1) {
      if (this.count > 0 && this.parts.length <= MOST_PARTS) this.parts.push(...rangeParts(this.first, this.last))
      this.first = number
    }
    this.last = number
    this.count++
  }

  /** `3`, `3 and 5`, `0 to 4, 7 and 9 to 11`; at most six parts. */
  toString(): string {
    const parts = [...this.parts, ...rangeParts(this.first, this.last)]
    if (parts.length > MOST_PARTS) return `${parts.slice(0, MOST_PARTS - 1).join(', ')} … (${this.count} in all)`
    const last = parts.at(-1)
    return parts.length < 2 ? `${last}` : `${parts.slice(0, -1).join(', ')} and ${last}`
  }
}

/** Two numbers in a row are listed one by one. */
function rangeParts(first: number, last: number): string[] {
  if (last - first >= 2) return [`${first} to ${last}`]
  return last > first ? [`${first}`, `${last}`] : [`${first}`]
}

/** A text about tokens, added one by one in ascending order. */
export class StepRanges {
  private readonly steps = new NumberRanges()
  /** Positions of the first step. */
  private readonly positions = new NumberRanges()

  add(step: number, position?: number): void {
    // Positions of one step follow each other.
    if (this.steps.count === 0 || step !== this.steps.last) this.steps.add(step)
    if (position !== undefined && this.steps.count === 1) this.positions.add(position)
  }

  /** The number of steps. */
  get length(): number {
    return this.steps.count
  }

  /** `token 3`, `tokens 0 to 4, 7 and 9 to 11`; of a single step also the positions: `token 3, positions 0 to 2`. */
  toString(): string {
    const { steps, positions } = this
    if (steps.count !== 1) return `tokens ${steps}`
    if (positions.count === 0) return `token ${steps}`
    return `token ${steps}, ${positions.count === 1 ? 'position' : 'positions'} ${positions}`
  }
}

/** The same of a list. Takes ascending steps. */
export function stepRanges(steps: Iterable<number>): string {
  const ranges = new StepRanges()
  for (const step of steps) ranges.add(step)
  return ranges.toString()
}

/** The tokens that each of several things is about: a note, a verdict … */
export class RangesByKey<Key> {
  private readonly ranges = new Map<Key, StepRanges>()

  add(key: Key, { step, position }: TokenPlace): void {
    const ranges = this.ranges.get(key) ?? new StepRanges()
    ranges.add(step, position)
    this.ranges.set(key, ranges)
  }

  /** In the order in which the keys were first added. */
  [Symbol.iterator](): IterableIterator<[Key, StepRanges]> {
    return this.ranges.entries()
  }
}
