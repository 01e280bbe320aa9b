import { writeSync } from 'node:fs'
import { type CompareSettings, checkOptions } from '../compare/options.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { RUN_DIR_VARIABLE } from '../reporters/spool.js'
import { GoldenCounter } from '../snapshots/counter.js'
import { decide } from '../snapshots/decide.js'
import { locateGolden } from '../snapshots/locate.js'
import { candidatePath } from '../snapshots/names.js'
import { noteTouched } from '../snapshots/obsolete.js'
import { checkGoldenOptions, type GoldenOptions, type GoldenSettings } from '../snapshots/options.js'
import { countSnapshot, updateMode } from '../snapshots/runner.js'
import { type Written, writeGolden } from '../snapshots/write-golden.js'
import { hint, optionsText } from './hint.js'
import { type Found, findGolden } from './snapshot-found.js'
import { type Candidate, missingText, refusedText, rewrittenLine, unmatchedText } from './snapshot-message.js'
import { type CurrentTest, dumpOf, refuseMisuse, type SnapshotContext, testOf } from './snapshot-test.js'
import type { DumpOrPath } from './to-match-golden-logits.js'
import type { MatcherResult } from './types.js'

const counter = new GoldenCounter()
/** Goldens that the tests of this worker have written. */
const made = new Map<string, 'added' | 'updated'>()

/**
 * The gate against a golden kept in the repository, by the runner's own rules: the first run writes it, later runs hold
 * the dump to it, `-u` puts the dump in its place where it is out of tolerance, CI writes nothing. Synchronous.
 * @throws GoldenLogitsError for misuse, and for a golden that cannot be used (broken, of a later format, of another model)
 */
export function toMatchLogitsSnapshot(
  this: SnapshotContext,
  dump: DumpOrPath,
  options: GoldenOptions = {},
): MatcherResult {
  refuseMisuse(this)
  const settings = checkGoldenOptions(options)
  const compare = checkOptions(settings.compare)
  const mode = updateMode(this.snapshotState)
  const test = testOf(this, settings.name !== undefined)
  const tested = dumpOf(dump, compare)
  const n = settings.name === undefined ? ordinalOf(test) : undefined
  const { existing, target } = locateGolden(test.file, settings.name ?? test.name, n, settings.variants)
  const runDir = process.env[RUN_DIR_VARIABLE]
  if (runDir) noteTouched(runDir, test.file, existing ?? target)

  const found = findGolden(this, existing, target, tested, compare, settings, mode)
  const action = decide(found.state, mode)
  const write = (path: string) => writeFound(path, found, test.name, tested, settings, compare)
  const pass = (kind: 'added' | 'matched' | 'updated'): MatcherResult => {
    if (kind !== 'matched') made.set(target, kind)
    countSnapshot(this.snapshotState!, kind, test)
    return { pass: true, message: () => '' }
  }
  const fail = (text: () => string): MatcherResult => {
    countSnapshot(this.snapshotState!, 'unmatched', test)
    const call = hint(this, 'toMatchLogitsSnapshot', Object.keys(options).length === 0 ? '' : optionsText(options), {})
    return { pass: false, message: () => `${call}\n\n${text()}` }
  }
  switch (action) {
    case 'pass':
      // The runner has taken back what the attempt before counted: the golden is still one that this run made.
      return pass((test.attempt > 1 && made.get(existing!)) || 'matched')
    case 'write':
    case 'rewrite': {
      const written = write(target)
      if (written.kind === 'refused') return fail(() => refusedText(written, target))
      if (action === 'rewrite') writeSync(2, rewrittenLine(target, existing!, found))
      return pass(target === existing ? 'updated' : 'added')
    }
    case 'fail-missing': {
      const candidate = attempted(() => write(candidatePath(target, process.cwd())))
      return fail(() => missingText(target, candidate))
    }
    case 'fail':
      return fail(() => unmatchedText(found, undefined))
    case 'fail-unmatched': {
      const candidate = attempted(() => write(candidatePath(target, process.cwd())))
      return fail(() => unmatchedText(found, candidate))
    }
    case 'throw':
      throw found.error
    default:
      return action satisfies never
  }
}

function ordinalOf(test: CurrentTest): number {
  const n = counter.next(test, test.run)
  if (n !== 'taken') return n
  const message = `two tests of this file have the name '${printable(test.name)}', and goldens are named after their tests: give each its own, or name the goldens with the option name`
  throw new GoldenLogitsError('invalid-argument', message)
}

/** A test does not fail for its candidate's sake. */
function attempted(write: () => Written): Candidate {
  try {
    return write()
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}

function writeFound(
  path: string,
  { golden }: Found,
  test: string,
  dump: Dump,
  { fidelity, k, provenance }: GoldenSettings,
  compare: CompareSettings,
): Written {
  const kept = fidelity ?? golden?.fidelity ?? 'full'
  return writeGolden(path, dump, { fidelity: kept, k, test, provenance, compare })
}
