import type { DumpStep } from '../dumps/types.js'
import { type List, listOf } from '../lib/lazy-list.js'

/** One step on both sides, or on one of them. */
export interface StepPair {
  readonly step: number
  readonly golden?: DumpStep
  readonly dump?: DumpStep
}

/** Pairs in ascending order of their steps, made anew each time they are asked for. */
export interface PairList extends List<StepPair> {
  /** The places of those that both sides hold. */
  readonly whole: List<number>
}

/**
 * Pairs every step of one side or both that is wanted, in one walk.
 *
 * @param golden steps in ascending order, none twice; likewise `dump`
 * @param see is shown each pair, in order: what is to be said of all of them takes no walk of its own
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
    // Not `at(−1)`, which is an array's last.
    return pairOf(inGolden > 0 ? golden.at(inGolden - 1) : undefined, inDump > 0 ? dump.at(inDump - 1) : undefined)
  })
  return { ...pairs, whole: places.whole() }
}

function pairOf(golden: DumpStep | undefined, dump: DumpStep | undefined): StepPair {
  if (golden && dump) return { step: golden.step, golden, dump }
  return golden ? { step: golden.step, golden } : { step: dump!.step, dump: dump! }
}

/** Where in each side the step of each pair is, from 1; 0 where that side lacks it. Kept are numbers, and none as long as all pairs are whole and at the same place on both sides. */
class Places {
  count = 0
  private numbers: { golden: Int32Array; dump: Int32Array } | undefined
  private readonly most: number

  /** @param most so many may come */
  constructor(most: number) {
    this.most = most
  }

  add(inGolden: number, inDump: number): void {
    const index = this.count++
    if (!this.numbers && inGolden === this.count && inDump === this.count) return
    this.numbers ??= this.numbersSoFar(index)
    this.numbers.golden[index] = inGolden
    this.numbers.dump[index] = inDump
  }

  inGolden(index: number): number {
    return this.numbers ? this.numbers.golden[index]! : index + 1
  }

  inDump(index: number): number {
    return this.numbers ? this.numbers.dump[index]! : index + 1
  }

  whole(): List<number> {
    if (!this.numbers) return listOf(this.count, (i) => i)
    const { golden, dump } = this.numbers
    const whole = new Int32Array(this.count)
    let count = 0
    for (let i = 0; i < this.count; i++) if (golden[i] !== 0 && dump[i] !== 0) whole[count++] = i
    return whole.subarray(0, count)
  }

  private numbersSoFar(count: number): { golden: Int32Array; dump: Int32Array } {
    // Memory that is never written to is never taken.
    const golden = new Int32Array(this.most)
    for (let i = 0; i < count; i++) golden[i] = i + 1
    const dump = new Int32Array(this.most)
    dump.set(golden.subarray(0, count))
    return { golden, dump }
  }
}
