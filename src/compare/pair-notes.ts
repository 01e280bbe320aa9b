import type { StepPair } from './step-pairs.js'
import { StepRanges } from './step-ranges.js'

/** More gaps than these are cut short. */
const MOST_GAPS = 5

/** What is to be said of all pairs of an alignment, which are seen in ascending order. */
export class PairNotes {
  private readonly same = new StepRanges()
  private readonly gaps: string[] = []
  private absent = 0
  private next: number | undefined

  /** @param first the step to begin with, where it is known: whatever comes before it lacks nothing */
  constructor(first: number | undefined) {
    this.next = first
  }

  see({ step, golden, dump }: StepPair): void {
    const next = this.next ?? step
    if (step > next && this.gaps.length <= MOST_GAPS)
      this.gaps.push(step === next + 1 ? `${next}` : `${next} to ${step - 1}`)
    this.absent += step - next
    this.next = step + 1
    if (dump?.files.some((file) => golden?.files.includes(file))) this.same.add(step)
  }

  /** Steps that neither side holds before or between steps that are held: nothing can be said of them but that. */
  gapNotes(): string[] {
    if (this.gaps.length === 0) return []
    const more = this.gaps.length > MOST_GAPS ? ` and others, ${this.absent} in all` : ''
    return [
      `neither side holds ${this.absent === 1 ? 'token' : 'tokens'} ${this.gaps.slice(0, MOST_GAPS).join(', ')}${more}`,
    ]
  }

  /** A dump against itself passes whatever it holds: hardly what the caller meant. */
  sameNotes(): string[] {
    return this.same.length === 0 ? [] : [`${this.same}: golden and dump are the same file`]
  }
}
