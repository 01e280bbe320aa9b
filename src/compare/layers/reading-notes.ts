import type { StepLayers } from '../../dumps/layers/index.js'
import { info, type Note } from '../../lib/note.js'
import { counted } from '../../lib/number-text.js'
import type { ComparedLayer } from './types.js'

/** What was done to the ranks of each side, and to fused modules, with the number of layers. */
export function readingNotes(
  entries: readonly ComparedLayer[],
  layers: { readonly golden: StepLayers; readonly dump: StepLayers },
): Note[] {
  return (['golden', 'dump'] as const).flatMap((side) => {
    const counts = new Map<string, number>()
    for (const { measured } of entries) {
      const text = measured?.reading[side] ?? ''
      if (text !== '') counts.set(text, (counts.get(text) ?? 0) + 1)
    }
    if (counts.size === 0) return []
    const ranks = layers[side].layers.find((layer) => layer.ranks)?.ranks?.length ?? 1
    const holder = ranks > 1 ? `the ${side} has ${ranks} ranks` : `the ${side}`
    const done = [...counts].sort((a, b) => b[1] - a[1]).map(([text, count]) => `${text} (${counted(count, 'layer')})`)
    return [info(`${holder}: the outputs are ${done.join('; ')}`)]
  })
}
