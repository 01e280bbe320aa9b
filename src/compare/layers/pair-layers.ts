import type { Layer } from '../../dumps/layers/index.js'

/** Layers of both sides by their names, in the golden's order of execution. */
export interface LayerPairs {
  readonly pairs: readonly { readonly golden: Layer; readonly dump: Layer }[]
  readonly goldenOnly: readonly Layer[]
  readonly dumpOnly: readonly Layer[]
  /** How names were made equal, if they were not. */
  readonly renamed?: string
}

/** The most leading parts of a name in which two wrappers of one model may differ. */
const MAX_PREFIX = 3

/**
 * Pairs layers by name. If a wrapper puts another prefix before the names of one side (`root.model.layers.0` and
 * `root.layers.0`), the prefixes that pair the most layers are taken off.
 * @param mapping names of the dump by names of the golden, for layers that are called differently
 */
export function pairLayers(
  golden: readonly Layer[],
  dump: readonly Layer[],
  mapping: Readonly<Record<string, string>> = {},
): LayerPairs {
  const names = new Set(dump.map(({ name }) => name))
  const same = golden.filter(({ name }) => names.has(mapping[name] ?? name)).length
  const best = same * 2 >= Math.min(golden.length, dump.length) ? undefined : bestPrefixes(golden, dump)
  const prefixes = best && best.count > same ? best : { golden: '', dump: '' }
  const byName = new Map(dump.map((layer) => [without(layer.name, prefixes.dump), layer]))
  const pairs: { golden: Layer; dump: Layer }[] = []
  const goldenOnly: Layer[] = []
  for (const layer of golden) {
    const own = without(layer.name, prefixes.golden)
    const mapped = Object.hasOwn(mapping, layer.name) ? mapping[layer.name] : undefined
    const partner = mapped === undefined ? own && byName.get(own) : dump.find(({ name }) => name === mapped)
    if (partner) pairs.push({ golden: layer, dump: partner })
    else goldenOnly.push(layer)
  }
  const used = new Set(pairs.map((pair) => pair.dump))
  const dumpOnly = dump.filter((layer) => !used.has(layer))
  const isRenamed = prefixes.golden !== prefixes.dump
  const renamed = `layers are paired by name without '${prefixes.golden}' in the golden and '${prefixes.dump}' in the dump`
  return { pairs, goldenOnly, dumpOnly, ...(isRenamed && { renamed }) }
}

interface Prefixes {
  golden: string
  dump: string
  count: number
}

function bestPrefixes(golden: readonly Layer[], dump: readonly Layer[]): Prefixes | undefined {
  let best: Prefixes | undefined
  const dumpNames = prefixesOf(dump).map((prefix) => ({
    prefix,
    names: new Set(dump.map(({ name }) => without(name, prefix))),
  }))
  for (const prefix of prefixesOf(golden)) {
    for (const other of dumpNames) {
      const count = golden.filter(({ name }) => {
        const short = without(name, prefix)
        return short !== undefined && other.names.has(short)
      }).length
      if (count > (best?.count ?? 0)) best = { golden: prefix, dump: other.prefix, count }
    }
  }
  return best
}

/** The prefixes of up to three parts that names have, the shortest first. */
function prefixesOf(layers: readonly Layer[]): string[] {
  const prefixes = new Set([''])
  for (const { name } of layers) {
    const parts = name.split('.')
    for (let i = 1; i <= Math.min(MAX_PREFIX, parts.length - 1); i++) prefixes.add(`${parts.slice(0, i).join('.')}.`)
    if (prefixes.size > 64) break
  }
  return [...prefixes].sort((a, b) => a.length - b.length)
}

function without(name: string, prefix: string): string | undefined {
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined
}
