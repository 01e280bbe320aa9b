import { isHeadName } from '../../dumps/layouts/names.js'
import { isEmbedding } from './names.js'
import { bestPrefixes, without } from './prefixes.js'

const WEIGHT = '.weight'

/**
 * The names of layers' weights in a checkpoint, without `.weight`: `model.norm` for `root.model.norm`. The prefixes that fit the
 * most layers are taken off. A head without a weight shares that of the embedding.
 */
export function weightNames(layers: readonly string[], weights: readonly string[]): ReadonlyMap<string, string> {
  const bases = new Set(weights.flatMap((name) => (name.endsWith(WEIGHT) ? [name.slice(0, -WEIGHT.length)] : [])))
  const prefixes = bestPrefixes(layers, [...bases])
  const embedding = [...bases].find((name) => isEmbedding({ name }))
  const names = new Map<string, string>()
  for (const name of layers) {
    const short = prefixes && without(name, prefixes.ours)
    const own = short === undefined ? undefined : prefixes!.theirs + short
    const base = own !== undefined && bases.has(own) ? own : isHeadName(name) ? embedding : undefined
    if (base !== undefined) names.set(name, base)
  }
  return names
}
