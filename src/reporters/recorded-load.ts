import { type DumpSource, lazyDumps as declareDumps } from '../dumps/lazy-dumps.js'
import { loadDump as openDump } from '../dumps/load.js'
import type { Dump } from '../dumps/types.js'
import { atCaller } from '../errors.js'
import { currentContext } from '../runner/test.js'
import { currentRunDir, Recording } from './recorder.js'

/**
 * Opens a dump: finds its layout, its run, its ranks and the step of each file. Cheap: it lists folders and reads no tensor.
 * An error in a test gets a row in the report, because the comparison that should follow never begins.
 *
 * @param pathOrGlob any level of a dump (the folder of runs, a run, `torch_tensors`/`tensors`, a device folder, one step,
 * one file), or a glob pattern that matches such paths. Relative paths start at the working directory. An existing folder
 * in front of a pattern is taken literally, even if its name contains pattern characters.
 * @throws GoldenLogitsError `file-not-found`, `nothing-to-compare` (no dump there, or a pattern without a match),
 * `unsupported-format` (a file that is no tensor), `ambiguous-run`, `ambiguous-layer`, `invalid-argument`
 */
export const loadDump: typeof openDump = (...args) => {
  try {
    return openDump(...args)
  } catch (error) {
    const context = currentContext()
    if (currentRunDir(context) !== undefined) new Recording(context, 'loadDump').fail(error)
    // The stack begins where the caller called.
    if (error instanceof Error) Error.captureStackTrace?.(error, loadDump)
    throw error
  }
}

/**
 * Declares the dumps of a suite by name. Each is loaded once, when its property is first read.
 * @throws GoldenLogitsError what `loadDump` throws, when the property is read; the message begins with the declared name
 */
export function lazyDumps<const Name extends string>(
  sources: Record<Name, DumpSource>,
): { readonly [N in Name]: Dump } {
  return atCaller(lazyDumps, () => declareDumps(sources, loadDump))
}
