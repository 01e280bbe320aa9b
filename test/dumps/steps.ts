import { relative, sep } from 'node:path'
import type { Dump } from '../../src/dumps/types.js'

/** The steps of a dump, each with its files relative to `root`, or with its problem. */
export function stepsOf(dump: Dump, root: string): Record<number, string[] | { problem: string }> {
  return Object.fromEntries(
    [...dump.steps].map(({ step, files, problem }) => [
      step,
      problem === undefined ? files.map((file) => below(root, file)) : { problem: problem.replaceAll(root, '') },
    ]),
  )
}

/** The ignored paths of the dump, as `path: reason`. */
export function ignoredOf(dump: Dump, root: string): string[] {
  return [...dump.ignored].map(({ path, reason }) => `${below(root, path)}: ${reason}`)
}

function below(root: string, path: string): string {
  return relative(root, path).split(sep).join('/')
}
