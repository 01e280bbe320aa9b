import { dirname, isAbsolute, join, parse, relative, resolve, sep } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { kindOf } from '../io/folder.js'
import { compareNames } from '../io/name-order.js'
import { startedFrom } from '../lib/file-path.js'
import { glob } from '../lib/optional-packages.js'

const WINDOWS = process.platform === 'win32'

/**
 * The existing paths that the argument of `loadDump` names, as absolute paths. An existing path, and an existing folder in
 * front of a pattern, is taken literally, even if it contains pattern characters.
 * @throws GoldenLogitsError `file-not-found`, `nothing-to-compare`
 */
export function expand(pathOrGlob: string): string[] {
  const literal = resolve(pathOrGlob)
  if (kindOf(literal) !== undefined) return [literal]
  const { folder, pattern } = splitPattern(literal)
  const { globSync, hasMagic } = glob()
  const matches = globSync(pattern, { cwd: folder, absolute: true, windowsPathsNoEscape: WINDOWS })
  if (matches.length > 0) return matches.sort(compareNames)
  if (hasMagic(pattern, { magicalBraces: true, windowsPathsNoEscape: WINDOWS })) {
    const message = `the pattern matches no file or folder${startedFrom(pathOrGlob)}; the folder ${printable(folder, 300)} exists, and nothing in it matches ${printable(pattern, 100)}`
    throw new GoldenLogitsError('nothing-to-compare', message, { file: pathOrGlob })
  }
  const message = `there is no such file or folder${startedFrom(pathOrGlob)}`
  throw new GoldenLogitsError('file-not-found', message, { file: pathOrGlob })
}

/** Splits a path into its deepest existing folder and the rest. */
function splitPattern(path: string): { folder: string; pattern: string } {
  const { root } = parse(path)
  const parts = path.slice(root.length).split(sep)
  let folder = root
  while (parts.length > 1 && kindOf(join(folder, parts[0]!)) === 'folder') folder = join(folder, parts.shift()!)
  return { folder, pattern: parts.join('/') }
}

/** A pattern for paths of the same depth, as messages name them: `*` in place of what differs. */
export function patternOf(paths: readonly string[]): string {
  const [first, ...others] = paths.map((path) => path.split(sep))
  if (others.some(({ length }) => length !== first!.length)) return `${paths[0]} and ${others.length} more`
  return first!.map((part, i) => (others.every((parts) => parts[i] === part) ? part : '*')).join(sep)
}

/** The deepest folder that contains all of these folders; a root, such as `C:\\`, is one. */
export function commonFolder(folders: readonly string[]): string {
  let common = dirname(folders[0]!)
  while (folders.some((folder) => relative(common, folder).startsWith('..') || isAbsolute(relative(common, folder)))) {
    const above = dirname(common)
    if (above === common) break
    common = above
  }
  return common
}
