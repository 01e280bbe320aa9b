import { AsyncLocalStorage } from 'node:async_hooks'
import type { RunnerTask } from './runner-context.js'

const running = new AsyncLocalStorage<RunnerTask>()

/** Runs a test, and lets every matcher that it calls know of it: concurrent tests share one global `expect`. */
export function withinTest<T>(task: RunnerTask, run: () => T): T {
  return running.run(task, run)
}

/** The test that this code is part of, however many run at the same time. */
export function currentTest(): RunnerTask | undefined {
  return running.getStore()
}
