import { requireSteps } from '../compare/align.js'
import type { CompareSettings } from '../compare/options.js'
import { asDump } from '../dumps/as-dump.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import type { CountedTest, SnapshotOwner, SnapshotState } from '../runner/snapshot-state.js'
import { testFacts } from '../runner/test.js'
import type { DumpOrPath } from './to-match-golden-logits.js'
import type { MatcherContext } from './types.js'

/** The part of a matcher's `this` that snapshots need. */
export interface SnapshotContext extends MatcherContext {
  readonly snapshotState?: SnapshotState | undefined
}

/** The test that called a matcher, and its attempt. */
export interface CurrentTest extends CountedTest, SnapshotOwner {
  /** The runner's object of this run of the test file. */
  readonly run: object | undefined
}

/**
 * @param isNamed the caller named the snapshot, so it does not depend on the test
 * @throws GoldenLogitsError `invalid-argument` outside of a test, and if the runner cannot say which test it is
 */
export function testOf(context: SnapshotContext, isNamed: boolean): CurrentTest {
  const { task, identity, path, test, isSure, attempt } = testFacts(context, 'snapshots')
  if (path === '') {
    const message = 'toMatchLogitsSnapshot works only inside a test: the snapshot is named after the test'
    throw new GoldenLogitsError('invalid-argument', message)
  }
  if (!isSure && !isNamed) throw unsureTest()
  return { file: path, name: test, id: task?.id ?? test, owner: task ?? identity, attempt, run: task?.file }
}

function unsureTest(): GoldenLogitsError {
  const message = `toMatchLogitsSnapshot does not know which test called it: load golden-logits/vitest at the top of the test file or in a setup file, or take expect from the test's context, test('…', ({ expect }) => …), or name the snapshot with the option name`
  return new GoldenLogitsError('invalid-argument', message)
}

/** @throws GoldenLogitsError `invalid-argument` for a modifier that has no meaning for a snapshot */
export function refuseMisuse({ isNot, poll }: SnapshotContext): void {
  const modifier = isNot ? '.not' : poll ? 'expect.poll' : undefined
  if (modifier === undefined) return
  const message = `toMatchLogitsSnapshot cannot be used with ${modifier}, which has no meaning for a snapshot`
  throw new GoldenLogitsError('invalid-argument', message)
}

/** @throws GoldenLogitsError `invalid-argument`, `nothing-to-compare`, and what `loadDump` throws */
export function dumpOf(value: DumpOrPath, settings: CompareSettings): Dump {
  const dump = asDump('dump', value)
  requireSteps(dump, settings)
  return dump
}
