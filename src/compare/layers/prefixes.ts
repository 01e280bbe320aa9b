/** The most leading parts of a name in which two wrappers of one model may differ. */
const MAX_PREFIX = 3
const MAX_PREFIXES = 64

/** What to take off the names of two sides. */
interface Prefixes {
  readonly ours: string
  readonly theirs: string
  /** How many of our names are then names of theirs. */
  readonly count: number
}

/** The prefixes without which the most of our names are names of theirs; undefined if none is. */
export function bestPrefixes(ours: readonly string[], theirs: readonly string[]): Prefixes | undefined {
  let best: Prefixes | undefined
  const others = prefixesOf(theirs).map((prefix) => ({
    prefix,
    names: new Set(theirs.map((name) => without(name, prefix))),
  }))
  for (const prefix of prefixesOf(ours)) {
    for (const other of others) {
      const count = ours.filter((name) => {
        const short = without(name, prefix)
        return short !== undefined && other.names.has(short)
      }).length
      if (count > (best?.count ?? 0)) best = { ours: prefix, theirs: other.prefix, count }
    }
  }
  return best
}

/** The prefixes of up to three parts that names have, the shortest first. */
function prefixesOf(names: readonly string[]): string[] {
  const prefixes = new Set([''])
  for (const name of names) {
    const parts = name.split('.')
    for (let i = 1; i <= Math.min(MAX_PREFIX, parts.length - 1); i++) prefixes.add(`${parts.slice(0, i).join('.')}.`)
    if (prefixes.size > MAX_PREFIXES) break
  }
  return [...prefixes].sort((a, b) => a.length - b.length)
}

/** The rest of a name; undefined if it does not begin with the prefix. */
export function without(name: string, prefix: string): string | undefined {
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined
}
