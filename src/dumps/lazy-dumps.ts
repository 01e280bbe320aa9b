import { atCaller, describeValue, GoldenLogitsError, invalidArgument } from '../errors.js'
import { type FilePath, isUrl } from '../lib/file-path.js'
import type { loadDump } from './load.js'
import type { Dump, LoadDumpOptions } from './types.js'

/** A dump of a suite: a path, URL or pattern for `loadDump`, the same with options, or a function that returns the dump. */
export type DumpSource = FilePath | ({ path: FilePath } & LoadDumpOptions) | (() => Dump)

/**
 * Declares the dumps of a suite by name. Each is loaded once, when its property is first read.
 * @param open loads a dump
 * @throws GoldenLogitsError what `open` throws, when the property is read; the message begins with the declared name
 */
export function lazyDumps<const Name extends string>(
  sources: Record<Name, DumpSource>,
  open: typeof loadDump,
): { readonly [N in Name]: Dump } {
  if (typeof sources !== 'object' || sources === null) {
    throw invalidArgument(`lazyDumps needs an object such as { golden: 'dumps/gpu' }, got ${describeValue(sources)}`)
  }
  const loaded = new Map<string, Dump>()
  const dumps = {} as { readonly [N in Name]: Dump }
  for (const name of Object.keys(sources) as Name[]) {
    const get = () =>
      atCaller(get, () => {
        const dump = loaded.get(name) ?? load(name, sources[name], open)
        loaded.set(name, dump)
        return dump
      })
    Object.defineProperty(dumps, name, { enumerable: true, get })
  }
  return dumps
}

function load(name: string, source: DumpSource, open: typeof loadDump): Dump {
  try {
    if (typeof source === 'function') return source()
    if (typeof source === 'string' || isUrl(source)) return open(source)
    if (typeof source !== 'object' || source === null) {
      throw invalidArgument(`must be a path, { path, … } or a function, got ${describeValue(source)}`)
    }
    const { path, ...options } = source
    return open(path, options)
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    const { code, offset, budget } = error
    throw new GoldenLogitsError(code, `the dump declared as '${name}': ${error.message}`, { offset, budget })
  }
}
