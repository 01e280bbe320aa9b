import { compareLayers } from '../compare/layers/compare-layers.js'
import type { CompareOptions } from '../compare/options.js'
import type { ListedComparison } from '../compare/types.js'
import { asDump, type DumpOrPath } from '../dumps/as-dump.js'
import { layersOf } from '../dumps/layers/index.js'
import { printable } from '../errors.js'
import { counted } from '../lib/number-text.js'
import { tryRead } from '../lib/try-read.js'

/**
 * The first layer that diverges at the first token over its limits, if both dumps hold other layers than the LM head and a rule
 * names one: the last lines of a failing gate.
 * @returns `''` if there is nothing to say
 */
export function layerHint(
  { firstFailure }: ListedComparison,
  sides: { readonly dump: DumpOrPath; readonly golden: DumpOrPath },
  { dtype }: CompareOptions,
): string {
  if (firstFailure?.verdict !== 'over-threshold') return ''
  const { step } = firstFailure
  // The gate has its verdict: layers that cannot be compared must not replace it.
  const hint = tryRead(() => {
    const [dump, golden] = [asDump('dump', sides.dump), asDump('golden', sides.golden)]
    if (layersOf(dump, step).layers.length < 2 || layersOf(golden, step).layers.length < 2) return ''
    const { finding, layers } = compareLayers(dump, golden, { step, ...(dtype !== undefined && { dtype }) })
    if (finding.kind !== 'layer') return ''
    const { golden: layer, score } = layers[finding.index]!
    const positions = counted(score!.positions, 'position')
    const text = `At token ${step} the first layer that diverges is ${printable(layer!.name, 120)} (rule ${finding.rule}, ${positions}).`
    return `\n\n${text} More: toMatchGoldenLayers(golden, { step: ${step} })`
  })
  return hint ?? ''
}
