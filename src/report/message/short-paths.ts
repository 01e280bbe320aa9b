import { printable } from '../../errors.js'
import { nodePath } from '../../lib/platform.js'

const MAX_PATH = 84

/**
 * Paths as a message shows them beside each other: relative to the working directory if they are inside. A long path loses
 * folders, but none in which it differs from the others: these show the reader which side is which. Such a path may be
 * longer than 84 characters. For a path that the reader copies, use `wholePath`.
 */
export function shortPaths(paths: readonly string[]): string[] {
  // In a browser there are none.
  if (paths.length === 0) return []
  const { sep } = nodePath()
  const texts = paths.map(fromHere)
  const split = texts.map((text) => text.split(sep))
  return texts.map((text, i) => {
    if (text.length <= MAX_PATH) return printable(text, Number.POSITIVE_INFINITY)
    return shorten(split[i]!, differences(split, i), sep)
  })
}

/** A path to copy: never shortened; relative to the working directory if it is inside. */
export function wholePath(path: string): string {
  return printable(fromHere(path), Number.POSITIVE_INFINITY)
}

function fromHere(path: string): string {
  const { relative, isAbsolute } = nodePath()
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}

/** The parts in which a path differs from another one: all of them if the paths are equally long, else the first. */
function differences(all: readonly (readonly string[])[], index: number): Set<number> {
  const parts = all[index]!
  const kept = new Set<number>()
  for (const other of all) {
    const first = parts.findIndex((part, i) => part !== other[i])
    if (first < 0) continue
    kept.add(first)
    if (parts.length !== other.length) continue
    for (const [i, part] of parts.entries()) if (part !== other[i]) kept.add(i)
  }
  return kept
}

/** Keeps these parts and the last one, and as many before the last one as fit. `…` stands for the parts between. */
function shorten(parts: readonly string[], kept: Set<number>, sep: string): string {
  kept.add(parts.length - 1)
  for (let i = parts.length - 2; i >= 0; i--) {
    if (kept.has(i)) continue
    if (joined(parts, new Set([...kept, i]), sep).length > MAX_PATH) break
    kept.add(i)
  }
  return joined(parts, kept, sep)
}

function joined(parts: readonly string[], kept: ReadonlySet<number>, sep: string): string {
  const texts: string[] = []
  for (const [i, part] of parts.entries()) {
    if (kept.has(i)) texts.push(printable(part, Number.POSITIVE_INFINITY))
    else if (texts.at(-1) !== '…') texts.push('…')
  }
  return texts.join(sep)
}
