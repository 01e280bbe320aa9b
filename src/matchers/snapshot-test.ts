import type { CompareSettings } from '../compare/options.js'
import { loadDump } from '../dumps/load.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import type { SnapshotState } from '../goldens/runner.js'
import type { DumpOrPath } from './to-match-golden-logits.js'
import type { MatcherContext } from './types.js'

/** A matcher's `this`, with what goldens need of it. */
export interface SnapshotContext extends MatcherContext {
  readonly snapshotState?: SnapshotState
}

/** Which test, and which try of it, a matcher was called in. */
export interface CurrentTest {
  readonly file: string
  readonly name: string
  /** What the runner counts snapshots by. */
  readonly id: string
  readonly attempt: number
}

/** @throws GoldenLogitsError `invalid-argument` outside of a test */
export function testOf(context: SnapshotContext): CurrentTest {
  const { task } = context
  const file = task?.file?.filepath ?? context.testPath
  const name = task?.fullTestName ?? context.currentConcurrentTestName?.() ?? context.currentTestName
  if (!file || !name) {
    const message = 'toMatchLogitsSnapshot works within a test only: its golden is named after it'
    throw new GoldenLogitsError('invalid-argument', message)
  }
  const { retryCount = 0, repeatCount = 0 } = task?.result ?? {}
  const { invocations = 1 } = (context.currentTestIdentity?.() ?? {}) as { invocations?: number }
  return { file, name, id: task?.id ?? name, attempt: task ? retryCount + repeatCount + 1 : invocations }
}

/** @throws GoldenLogitsError `invalid-argument` for what makes no sense with a golden */
export function refuseMisuse({ isNot, poll }: SnapshotContext): void {
  const wrong = isNot ? '.not' : poll ? 'expect.poll' : undefined
  if (wrong === undefined) return
  const message = `toMatchLogitsSnapshot cannot be used with ${wrong}: to differ from a golden is no snapshot of anything`
  throw new GoldenLogitsError('invalid-argument', message)
}

/** @throws GoldenLogitsError `invalid-argument`, `nothing-to-compare`, and what `loadDump` throws */
export function dumpOf(value: DumpOrPath, { wants }: CompareSettings): Dump {
  const dump = typeof value === 'string' ? loadDump(value) : value
  if (typeof dump !== 'object' || dump === null || !Array.isArray(dump.steps)) {
    const hint = (value as unknown) instanceof Promise ? ' (loadDump is synchronous: nothing to await)' : ''
    const message = `toMatchLogitsSnapshot wants a dump from loadDump or a path, got a value of type ${typeof value}${hint}`
    throw new GoldenLogitsError('invalid-argument', message)
  }
  if (!dump.steps.some(({ step }) => wants(step))) {
    throw new GoldenLogitsError('nothing-to-compare', 'the dump holds no step that is wanted', { file: dump.path })
  }
  return dump
}
