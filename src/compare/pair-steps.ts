import type { DumpStep } from '../dumps/types.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { type Note, warning } from '../lib/note.js'
import type { PairList, StepPair } from '../measure/step-pair.js'
import { isSameMemory } from '../tensor/memory-tensor.js'
import { noteUnless } from './equal-notes.js'
import type { CompareSettings } from './options.js'
import { StepRanges } from './step-ranges.js'

/**
 * Pairs every requested step of one side or both, in one walk.
 *
 * @param golden steps in ascending order, none twice; likewise `dump`
 * @param see is called with each pair, in order
 */
export function pairSteps(
  golden: List<DumpStep>,
  dump: List<DumpStep>,
  wants: (step: number) => boolean,
  see: (pair: StepPair) => void,
): PairList {
  const places = new Places(golden.length + dump.length)
  let [left, right] = [golden.at(0), dump.at(0)]
  for (let [g, d] = [0, 0]; left || right; ) {
    const step = Math.min(left?.step ?? Number.POSITIVE_INFINITY, right?.step ?? Number.POSITIVE_INFINITY)
    const pair = pairOf(left?.step === step ? left : undefined, right?.step === step ? right : undefined)
    if (pair.golden) left = golden.at(++g)
    if (pair.dump) right = dump.at(++d)
    if (!wants(step)) continue
    places.add(pair.golden ? g : 0, pair.dump ? d : 0)
    see(pair)
  }
  const pairs = listOf(places.count, (i) => {
    const [inGolden, inDump] = [places.inGolden(i), places.inDump(i)]
    // Not `at(−1)`, which is an array's last item.
    return pairOf(inGolden > 0 ? golden.at(inGolden - 1) : undefined, inDump > 0 ? dump.at(inDump - 1) : undefined)
  })
  return { ...pairs, whole: places.whole() }
}

function pairOf(golden: DumpStep | undefined, dump: DumpStep | undefined): StepPair {
  if (golden && dump) return { step: golden.step, golden, dump }
  return golden ? { step: golden.step, golden } : { step: dump!.step, dump: dump! }
}

/**
 * The position of each pair's step in both sides, from 1; 0 if that side lacks it. Columns of numbers, and none as long as
 * every pair is whole and at the same position on both sides.
 */
class Places {
  count = 0
  private columns: { golden: Int32Array; dump: Int32Array } | undefined
  private readonly most: number

  /** @param most pairs to expect at most */
  constructor(most: number) {
    this.most = most
  }

  add(inGolden: number, inDump: number): void {
    const index = this.count++
    if (!this.columns && inGolden === this.count && inDump === this.count) return
    this.columns ??= this.columnsUpTo(index)
    this.columns.golden[index] = inGolden
    this.columns.dump[index] = inDump
  }

  inGolden(index: number): number {
    return this.columns ? this.columns.golden[index]! : index + 1
  }

  inDump(index: number): number {
    return this.columns ? this.columns.dump[index]! : index + 1
  }

  whole(): List<number> {
    if (!this.columns) return listOf(this.count, (i) => i)
    const { golden, dump } = this.columns
    const whole = new Int32Array(this.count)
    let count = 0
    for (let i = 0; i < this.count; i++) if (golden[i] !== 0 && dump[i] !== 0) whole[count++] = i
    return whole.subarray(0, count)
  }

  private columnsUpTo(count: number): { golden: Int32Array; dump: Int32Array } {
    // The system takes no memory for pages that are never written.
    const golden = new Int32Array(this.most)
    for (let i = 0; i < count; i++) golden[i] = i + 1
    const dump = new Int32Array(this.most)
    dump.set(golden.subarray(0, count))
    return { golden, dump }
  }
}

/** More gaps than these are cut short. */
const MOST_GAPS = 5

/** Notes about all pairs of an alignment, gathered in ascending order. */
export class PairNotes {
  private readonly same = new StepRanges()
  private readonly sameMemory = new StepRanges()
  private readonly gaps: string[] = []
  private absent = 0
  private next: number | undefined

  /** @param first the step to begin with, if it is known: steps before it are no gap */
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
    if (isSameMemory(golden?.tensor, dump?.tensor)) this.sameMemory.add(step)
  }

  /** Steps that neither side has, before or between steps that there are. */
  gapNotes(): Note[] {
    if (this.gaps.length === 0) return []
    const more = this.gaps.length > MOST_GAPS ? ` and others, ${this.absent} in all` : ''
    const steps = `${this.absent === 1 ? 'token' : 'tokens'} ${this.gaps.slice(0, MOST_GAPS).join(', ')}${more}`
    return [warning(`neither side has ${steps}`, 'list the tokens to compare in the option steps')]
  }

  /** A dump compared with itself passes always: hardly what the caller meant. */
  sameNotes(settings: Pick<CompareSettings, 'identical'>): Note[] {
    return [...sameNote(this.same, 'file', settings), ...sameNote(this.sameMemory, 'memory', settings)]
  }
}

function sameNote(steps: StepRanges, what: 'file' | 'memory', settings: Pick<CompareSettings, 'identical'>): Note[] {
  if (steps.length === 0) return []
  return [noteUnless('identical', settings, `${steps}: golden and dump are the same ${what}`)]
}
