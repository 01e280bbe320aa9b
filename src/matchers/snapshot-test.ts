import { requireSteps } from '../compare/align.js'
import type { CompareSettings } from '../compare/options.js'
import { asDump } from '../dumps/as-dump.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { testFacts } from '../reporters/runner-context.js'
import type { CountedTest } from '../snapshots/counter.js'
import type { SnapshotOwner, SnapshotState } from '../snapshots/runner.js'
import type { DumpOrPath } from './to-match-golden-logits.js'
import type { MatcherContext } from './types.js'

/** A matcher's `this`, with what goldens need of it. */
export interface SnapshotContext extends MatcherContext {
  readonly snapshotState?: SnapshotState | undefined
}

/** Which test, and which try of it, a matcher was called in. */
export interface CurrentTest extends CountedTest, SnapshotOwner {
  /** The runner's object of this run of the test file. */
  readonly run: object | undefined
}

/**
 * @param named the golden has a name of its own: which test it is called in does not matter
 * @throws GoldenLogitsError `invalid-argument` outside of a test, and where the runner cannot tell which test it is
 */
export function testOf(context: SnapshotContext, named: boolean): CurrentTest {
  const { task, identity, path, test, isSure, attempt } = testFacts(context, 'goldens')
  if (path === '') {
    const message = 'toMatchLogitsSnapshot works within a test only: its golden is named after it'
    throw new GoldenLogitsError('invalid-argument', message)
  }
  if (!isSure && !named) throw unsureTest()
  return { file: path, name: test, id: task?.id ?? test, owner: task ?? identity, attempt, run: task?.file }
}

function unsureTest(): GoldenLogitsError {
  const message = `toMatchLogitsSnapshot cannot tell which test it is in: load golden-logits/vitest at the top of the test file or in a setup file, or take expect from the test's context, test('…', ({ expect }) => …), or name the golden with the option name`
  return new GoldenLogitsError('invalid-argument', message)
}

/** @throws GoldenLogitsError `invalid-argument` for what makes no sense with a golden */
export function refuseMisuse({ isNot, poll }: SnapshotContext): void {
  const wrong = isNot ? '.not' : poll ? 'expect.poll' : undefined
  if (wrong === undefined) return
  const message = `toMatchLogitsSnapshot cannot be used with ${wrong}: to differ from a golden is no snapshot of anything`
  throw new GoldenLogitsError('invalid-argument', message)
}

/** @throws GoldenLogitsError `invalid-argument`, `nothing-to-compare`, and what `loadDump` throws */
export function dumpOf(value: DumpOrPath, settings: CompareSettings): Dump {
  const dump = asDump('dump', value)
  requireSteps(dump, settings)
  return dump
}
