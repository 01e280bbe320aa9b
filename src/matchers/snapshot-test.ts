import type { CompareSettings } from '../compare/options.js'
import { stepRanges } from '../compare/step-ranges.js'
import { loadDump } from '../dumps/load.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import type { CountedTest } from '../goldens/counter.js'
import type { SnapshotOwner, SnapshotState } from '../goldens/runner.js'
import type { DumpOrPath } from './to-match-golden-logits.js'
import type { MatcherContext } from './types.js'

/** A matcher's `this`, with what goldens need of it. */
export interface SnapshotContext extends MatcherContext {
  readonly snapshotState?: SnapshotState
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
  const { task } = context
  const identity = context.currentTestIdentity?.()
  const file = task?.file?.filepath ?? context.testPath
  const name = task?.fullTestName ?? context.currentConcurrentTestName?.() ?? context.currentTestName
  // Vitest's global `expect` names any of the tests that run at the same time, or none.
  if (!named && ((task?.concurrent && task.context?._local !== true) || (file && !name))) throw unsureTest()
  if (!file) {
    const message = 'toMatchLogitsSnapshot works within a test only: its golden is named after it'
    throw new GoldenLogitsError('invalid-argument', message)
  }
  const test = { file, name: name ?? '', run: task?.file }
  if (task) {
    const { retryCount = 0, repeatCount = 0 } = task.result ?? {}
    return { ...test, id: task.id ?? test.name, owner: task, attempt: retryCount + repeatCount + 1 }
  }
  const { invocations } = (identity ?? {}) as { invocations?: number }
  const attempt = invocations ?? attemptByCalls(`${file}\n${name}`, context.assertionCalls ?? 0)
  return { ...test, id: test.name, owner: identity, attempt }
}

function unsureTest(): GoldenLogitsError {
  const message = `toMatchLogitsSnapshot cannot tell which test it is in: take expect from the test's context, test('…', ({ expect }) => …), as concurrent tests must, or name the golden with the option name`
  return new GoldenLogitsError('invalid-argument', message)
}

const callsByTest = new Map<string, { attempt: number; calls: number }>()

/** Jest before 30.5 numbers no attempts, but counts the assertions of each from 0. */
function attemptByCalls(test: string, calls: number): number {
  const before = callsByTest.get(test)
  const attempt = before === undefined ? 1 : before.attempt + (calls <= before.calls ? 1 : 0)
  callsByTest.set(test, { attempt, calls })
  return attempt
}

/** @throws GoldenLogitsError `invalid-argument` for what makes no sense with a golden */
export function refuseMisuse({ isNot, poll }: SnapshotContext): void {
  const wrong = isNot ? '.not' : poll ? 'expect.poll' : undefined
  if (wrong === undefined) return
  const message = `toMatchLogitsSnapshot cannot be used with ${wrong}: to differ from a golden is no snapshot of anything`
  throw new GoldenLogitsError('invalid-argument', message)
}

/** @throws GoldenLogitsError `invalid-argument`, `nothing-to-compare`, and what `loadDump` throws */
export function dumpOf(value: DumpOrPath, { wants, listed }: CompareSettings): Dump {
  const dump = typeof value === 'string' ? loadDump(value) : value
  if (typeof dump !== 'object' || dump === null || !Array.isArray(dump.steps)) {
    const hint = (value as unknown) instanceof Promise ? ' (loadDump is synchronous: nothing to await)' : ''
    const message = `toMatchLogitsSnapshot wants a dump from loadDump or a path, got a value of type ${typeof value}${hint}`
    throw new GoldenLogitsError('invalid-argument', message)
  }
  if (!dump.steps.some(({ step }) => wants(step))) {
    throw new GoldenLogitsError('nothing-to-compare', 'the dump holds no step that is wanted', { file: dump.path })
  }
  const absent = listed.filter((step) => !dump.steps.some((held) => held.step === step))
  if (absent.length > 0) {
    const message = `the dump does not hold ${stepRanges(absent)}, which the option steps lists`
    throw new GoldenLogitsError('nothing-to-compare', message, { file: dump.path })
  }
  return dump
}
