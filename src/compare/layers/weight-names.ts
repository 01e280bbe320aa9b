import { isHeadName } from '../../dumps/layouts/names.js'
import { isEmbedding } from './ladder.js'

const WEIGHT = '.weight'
/** The most leading parts in which the names of modules and of weights may differ. */
const MAX_PREFIX = 3
const MAX_PREFIXES = 64

/**
 * The names of layers' weights in a checkpoint, without `.weight`: `model.norm` for `root.model.norm`. The prefixes that fit the
 * most layers are taken off. A head without a weight shares that of the embedding.
 */
export function weightNames(layers: readonly string[], weights: readonly string[]): ReadonlyMap<string, string> {
  const bases = new Set(weights.flatMap((name) => (name.endsWith(WEIGHT) ? [name.slice(0, -WEIGHT.length)] : [])))
  const baseOf = bestRenaming(layers, bases)
  const embedding = [...bases].find((name) => isEmbedding({ name }))
  const found = new Map<string, string>()
  for (const name of layers) {
    const base = baseOf(name) ?? (isHeadName(name) ? embedding : undefined)
    if (base !== undefined) found.set(name, base)
  }
  return found
}

function bestRenaming(layers: readonly string[], bases: ReadonlySet<string>): (name: string) => string | undefined {
  let best = { count: 0, baseOf: (_: string): string | undefined => undefined }
  for (const off of prefixesOf(layers)) {
    for (const on of prefixesOf([...bases])) {
      const baseOf = (name: string) => {
        const base = name.startsWith(off) ? on + name.slice(off.length) : undefined
        return base !== undefined && bases.has(base) ? base : undefined
      }
      const count = layers.filter((name) => baseOf(name) !== undefined).length
      if (count > best.count) best = { count, baseOf }
    }
  }
  return best.baseOf
}

/** The prefixes of up to three parts that names have. */
function prefixesOf(names: readonly string[]): Set<string> {
  const prefixes = new Set([''])
  for (const name of names) {
    const parts = name.split('.')
    for (let i = 1; i <= Math.min(MAX_PREFIX, parts.length - 1); i++) prefixes.add(`${parts.slice(0, i).join('.')}.`)
    if (prefixes.size > MAX_PREFIXES) break
  }
  return prefixes
}
