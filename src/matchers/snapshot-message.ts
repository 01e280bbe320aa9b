import type { Comparison } from '../compare/types.js'
import { printable } from '../errors.js'
import { countsText, failureText } from '../report/message/failure.js'
import { shortPath } from '../report/message/token-block.js'
import type { Written } from '../snapshots/write-golden.js'
import type { Found } from './snapshot-found.js'

/** What became of the new logits where the runner may not write goldens. */
export type Candidate = Written | { kind: 'failed'; reason: string }

/** The dump does not match its golden. */
export function unmatchedText({ comparison, golden }: Found, candidate: Candidate | undefined): string {
  const { path, provenance } = golden!
  const origin = Object.entries(provenance).map(([key, value]) => `${printable(key, 40)} ${printable(value)}`)
  return [
    failureText(comparison!),
    '',
    `  golden file  ${shortPath(path)}${origin.length > 0 ? ` (${printable(origin.join(', '), 200)})` : ''}`,
    ...candidateLines(candidate),
    'If the new logits are right, update the golden: run the test with -u.',
  ].join('\n')
}

/** There is no golden, and the runner may not write one. */
export function missingText(target: string, candidate: Candidate): string {
  return [
    `There is no golden to match: ${shortPath(target)}`,
    '',
    ...candidateLines(candidate),
    'The runner writes no snapshots here, as in CI. Run the test on your machine, look at the golden and commit it.',
  ].join('\n')
}

/** The dump cannot be a golden. */
export function refusedText(refusal: { step: number; reason: string }, target: string): string {
  return [
    `No golden was written: token ${refusal.step} of the dump cannot be part of one: ${printable(refusal.reason, 400)}`,
    '',
    `  golden file  ${shortPath(target)}`,
  ].join('\n')
}

/** One line for stderr: what an update has done, and why. */
export function rewrittenLine(path: string, before: string, { comparison, error }: Found): string {
  const what = comparison?.firstFailure
  const reason = error?.message ?? (comparison ? countsText(comparison) : '')
  const moved = what ? `token ${what.step}: ${what.reason}; ${failing(comparison)}` : reason
  const done = path === before ? 'golden rewritten' : 'golden written beside the one of another variant'
  return `golden-logits: ${done}: ${shortPath(path)} (${printable(moved, 400)})\n`
}

function failing({ tokens }: Comparison): string {
  const measured = tokens.flatMap(({ metrics }) => (metrics ? [metrics.klDivergence] : []))
  const bounded = tokens.flatMap(({ bounds }) => (bounds ? [bounds.klDivergence.lo] : []))
  const worst = [...measured, ...bounded].reduce((a, b) => Math.max(a, b), 0)
  const least = bounded.includes(worst) ? 'at least ' : ''
  const kl =
    measured.length + bounded.length > 0
      ? `, highest KL divergence from the old golden ${least}${Number(worst.toPrecision(4))}`
      : ''
  return `${tokens.filter(({ pass }) => !pass).length} of ${tokens.length} tokens were out of tolerance${kl}`
}

function candidateLines(candidate: Candidate | undefined): string[] {
  if (candidate?.kind === 'written')
    return [`  new logits   ${shortPath(candidate.golden.path)}, to put in its place`, '']
  if (candidate?.kind === 'failed') return [`  no candidate could be left: ${printable(candidate.reason, 300)}`, '']
  if (candidate) return [`  no candidate was left: token ${candidate.step}: ${printable(candidate.reason, 300)}`, '']
  return ['']
}
