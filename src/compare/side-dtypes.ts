import { info, type Note } from '../lib/note.js'
import type { SideFacts } from '../measure/outcome.js'
import type { ShownDtype } from './thresholds.js'

/** The dtypes of the rows of one side. float32 rows count as the narrower type that all of them were saved from. */
export class SideDtypes {
  private readonly others = new Set<ShownDtype>()
  /** Of float32 rows: what they were saved from. */
  private readonly sources = new Set<SideFacts['savedFrom']>()

  add({ dtype, savedFrom, kind }: Facts): void {
    if (kind !== undefined) this.others.add('hidden')
    else if (dtype === 'float32') this.sources.add(savedFrom)
    else if (dtype !== undefined) this.others.add(dtype)
  }

  all(): readonly ShownDtype[] {
    return this.sources.size === 0 ? [...this.others] : [...this.others, this.source() ?? 'float32']
  }

  /** The rows were not all saved from one type: the noise of some was measured for another precision than the side's. */
  get isMixed(): boolean {
    return this.sources.size > 1
  }

  /** @param isChosen the option `dtype` is set, so that nothing depends on what the rows show */
  notes(side: string, isChosen: boolean): Note[] {
    const source = this.source()
    if (source === undefined) return []
    const facts = `${side}: all float32 values are ${source} numbers`
    if (isChosen) return [info(facts)]
    const advice = "if they were computed in float32, set the option dtype: 'fp32'"
    return [info(`${facts}, so they count as ${source}; ${advice}`)]
  }

  /** One float32 row with other values shows that the side was not rounded. A bfloat16 number may be a float16 number, too. */
  private source(): SideFacts['savedFrom'] {
    if (this.sources.size === 0 || this.sources.has(undefined)) return undefined
    return this.sources.has('float16') ? 'float16' : 'bfloat16'
  }
}

type Facts = Pick<SideFacts, 'dtype' | 'savedFrom' | 'kind'>

export function addDtypes(
  dtypes: { readonly golden: SideDtypes; readonly dump: SideDtypes },
  { golden, dump }: { readonly golden: Facts; readonly dump: Facts },
): void {
  dtypes.golden.add(golden)
  dtypes.dump.add(dump)
}
