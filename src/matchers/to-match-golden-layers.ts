import { compareLayers } from '../compare/layers/compare-layers.js'
import type { LayersComparison, LayersOptions } from '../compare/layers/types.js'
import type { DumpOrPath } from '../dumps/as-dump.js'
import { GoldenLogitsError } from '../errors.js'
import { layerTokens } from '../report/layer-rows.js'
import { layerCounts, layersText } from '../report/message/layers.js'
import { comparing } from './comparing.js'
import { hint } from './hint.js'
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
    compare: () => {
      const layers = compareLayers(dump, golden, options)
      return { ...layers, tokens: layerTokens(layers) }
    },
    differs: ({ finding }) => finding.kind === 'layer',
    refuseNot: refusedNot,
    message: (comparison) =>
      `${hint(this, 'toMatchGoldenLayers', 'golden', shown(options))}\n\n${layersText(comparison)}`,
  })
}

/** The options as the message shows them: a floor is a dump, and mappings are long. */
function shown({ floor, mapping, ...options }: LayersOptions<DumpOrPath>): object {
  const dump = typeof floor === 'string' ? floor : 'floor'
  return { ...options, ...(floor !== undefined && { floor: dump }), ...(mapping && { mapping: '…' }) }
}

/** `.not` claims that a layer diverges, so one must have been named. */
function refusedNot(comparison: LayersComparison): GoldenLogitsError {
  const message = `.not.toMatchGoldenLayers needs a layer that diverges, and no rule names one (${layerCounts(comparison)})`
  return new GoldenLogitsError('nothing-to-compare', message, { file: comparison.dumpPath })
}
