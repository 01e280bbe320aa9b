import { type DumpSource, lazyDumps as declareDumps } from '../dumps/lazy-dumps.js'
import { loadDump as openDump } from '../dumps/load.js'
import { logitsOf as memoryLogits } from '../dumps/logits-of.js'
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
export const loadDump: typeof openDump = (...args) => recorded('loadDump', loadDump, () => openDump(...args))

/**
 * Logits in memory as a dump, which goes wherever a dump goes. Nothing is copied or read before the comparison: the arrays
 * must not be changed or freed until then. An error in a test gets a row in the report.
 *
 * @param logits one row or one tensor, or a list of them: one for each token. Shapes are `[vocabulary]`,
 * `[positions, vocabulary]` or `[sequences, positions, vocabulary]`
 * @throws GoldenLogitsError `invalid-argument` for anything that is no logits, for dims that do not fit, for a tensor with
 * several positions or sequences where no option says which count, and for tokens that share their memory
 */
export const logitsOf: typeof memoryLogits = (...args) => recorded('logitsOf', logitsOf, () => memoryLogits(...args))

/** @param entry what the caller called: the stack of an error begins there */
function recorded<T>(name: string, entry: (...args: never[]) => unknown, body: () => T): T {
  try {
    return body()
  } catch (error) {
    const context = currentContext()
    if (currentRunDir(context) !== undefined) new Recording(context, name).fail(error)
    if (error instanceof Error) Error.captureStackTrace?.(error, entry)
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
