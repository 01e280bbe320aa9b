import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { counted } from '../lib/number-text.js'
import type { RunResults } from '../runner/results.js'
import type { StartedLine } from './spool.js'

/** GitHub shows at most ten errors of a step. */
const MOST_ERRORS = 10

/**
 * What GitHub shows at the line of each failing test that compared something: workflow commands, one a line.
 * @param failing the comparisons whose expectations are not met, the worst first
 * @param root what the paths of their test files are relative to
 */
export function annotationLines(failing: readonly StartedLine[], results: RunResults, root: string): string[] {
  const lines = failing.flatMap(({ testId, file, test }) => {
    const path = join(root, file)
    return results.failuresOf(testId, path, test).map(({ message, line, column }) => {
      const place = line === undefined ? {} : { line, col: column }
      return command('error', { file: path, ...place, title: test }, stripVTControlCharacters(message))
    })
  })
  // A test with several failing comparisons lists its errors once.
  const errors = [...new Set(lines)]
  const more = errors.length - MOST_ERRORS
  if (more <= 0) return errors
  const message = `${counted(more, 'more error')} of tests that compare logits, not shown here: GitHub shows ${MOST_ERRORS} of a step. Shown are the worst; the report has all`
  return [...errors.slice(0, MOST_ERRORS), command('notice', { title: 'golden-logits' }, message)]
}

/** Whether the lines are wanted: on GitHub, unless the runner's own reporter prints them. */
export function wantsAnnotations(reporters: unknown): boolean {
  if (process.env.GITHUB_ACTIONS !== 'true') return false
  const names = Array.isArray(reporters) ? reporters.map((entry) => (Array.isArray(entry) ? entry[0] : entry)) : []
  return !names.includes('github-actions')
}

/** The escapes of GitHub's workflow commands. */
function command(
  name: 'error' | 'notice',
  properties: Readonly<Record<string, string | number | undefined>>,
  message: string,
): string {
  const parts = Object.entries(properties).map(([key, value]) => {
    return `${key}=${escaped(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')}`
  })
  return `::${name} ${parts.join(',')}::${escaped(message)}`
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}
