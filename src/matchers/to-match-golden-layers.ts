import { compareLayers } from '../compare/layers/compare-layers.js'
import type { LayersOptions } from '../compare/layers/types.js'
import type { DumpOrPath } from '../dumps/as-dump.js'
import { layerTokens } from '../report/layer-rows.js'
import { layerCounts, layersText } from '../report/message/layers.js'
import { comparing } from './comparing.js'
import type { MatcherContext, MatcherResult } from './types.js'

/**
 * Requires that no layer of the dump diverges from the golden at one token, and names the first one that does. Synchronous.
 * @throws GoldenLogitsError for misuse: wrong arguments, no dump, no layers of this token, `.not` where no layer diverges
 * although the comparison does not pass
 */
export function toMatchGoldenLayers(
  this: MatcherContext,
  dump: DumpOrPath,
  golden: DumpOrPath,
  options: LayersOptions<DumpOrPath>,
): MatcherResult {
  return comparing(this, 'toMatchGoldenLayers', toMatchGoldenLayers, {
    expected: 'golden',
    shown: () => shown(options),
    compare: () => {
      const layers = compareLayers(dump, golden, options)
      return { ...layers, tokens: layerTokens(layers) }
    },
    differs: ({ finding }) => finding.kind === 'layer',
    lacks: (layers) => `needs a layer that diverges, and no rule names one (${layerCounts(layers)})`,
    message: layersText,
  })
}

/** The options as the message shows them: a floor is a dump, and mappings are long. */
function shown({ floor, mapping, ...options }: LayersOptions<DumpOrPath>): object {
  const dump = typeof floor === 'string' ? floor : 'floor'
  return { ...options, ...(floor !== undefined && { floor: dump }), ...(mapping && { mapping: '…' }) }
}
