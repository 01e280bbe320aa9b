import { counted, significant } from '../lib/number-text.js'
import { type RunnerContext, testFacts } from './test.js'

/** Comparisons of one attempt of a test. */
interface Spent {
  readonly attempt: number
  readonly milliseconds: number
  readonly tokens: number
  readonly isExplained: boolean
}

const spent = new WeakMap<object, Spent>()

/** Milliseconds since the process started. Fake timers do not stop it. */
export function uptime(): number {
  return process.uptime() * 1000
}

/**
 * Explains a timeout. Vitest lets a synchronous test run to its end and then fails it with "Test timed out", although a
 * comparison merely took long. Jest does not fail such a test.
 * @param milliseconds duration of the comparison that just ended
 * @param tokens number of tokens that it compared
 * @returns undefined if the test is within its timeout, spent most of its time elsewhere, or was explained before
 */
export function timeoutLine(context: RunnerContext, milliseconds: number, tokens: number): string | undefined {
  const { task, attempt } = testFacts(context, 'timeouts')
  const timeout = task?.timeout
  if (!task || typeof timeout !== 'number' || timeout <= 0 || timeout === Number.POSITIVE_INFINITY) return undefined
  const last = spent.get(task)
  const before = last?.attempt === attempt ? last : { milliseconds: 0, tokens: 0, isExplained: false }
  const total = { milliseconds: before.milliseconds + milliseconds, tokens: before.tokens + tokens }
  const elapsed = Math.max(total.milliseconds, Date.now() - (task.result?.startTime ?? Number.POSITIVE_INFINITY))
  const isExplained = before.isExplained || (elapsed >= timeout && total.milliseconds >= timeout / 2)
  spent.set(task, { attempt, ...total, isExplained })
  if (before.isExplained || !isExplained) return undefined
  const longer = 10_000 * Math.ceil((3 * elapsed) / 10_000)
  const compared = `${counted(total.tokens, 'token')} took ${seconds(total.milliseconds)}`
  return `comparing ${compared}, and this test's timeout is ${seconds(timeout)}, so Vitest reports that the test timed out; set testTimeout: ${longer} in the config, or test('…', { timeout: ${longer} }, …)`
}

function seconds(milliseconds: number): string {
  return `${significant(milliseconds / 1000, 3)} s`
}
