import type { Comparison } from '../compare/types.js'
import { printable } from '../errors.js'
import { countsText, failureText } from '../report/message/failure.js'
import { wholePath } from '../report/message/short-paths.js'
import type { Written } from '../snapshots/write-snapshot.js'
import type { SnapshotMatch } from './match-snapshot.js'

/** Where the new logits are, if the runner does not allow snapshots to be written. */
export type Candidate = Written | { kind: 'failed'; reason: string }

/** The dump does not match its snapshot. */
export function unmatchedText({ comparison, snapshot }: SnapshotMatch, candidate: Candidate | undefined): string {
  const { path, provenance } = snapshot!
  const origin = Object.entries(provenance).map(([key, value]) => `${printable(key, 40)} ${printable(value)}`)
  return [
    failureText(comparison!),
    '',
    `  snapshot     ${wholePath(path)}${origin.length > 0 ? ` (${printable(origin.join(', '), 200)})` : ''}`,
    ...candidateLines(candidate),
    'If the new logits are right, update the snapshot: run the test with -u.',
  ].join('\n')
}

/** There is no snapshot, and the runner does not allow one to be written. */
export function missingText(target: string, candidate: Candidate): string {
  return [
    `There is no snapshot to match: ${wholePath(target)}`,
    '',
    ...candidateLines(candidate),
    'The runner does not write snapshots here, as in CI. Run the test on your machine, check the snapshot and commit it.',
  ].join('\n')
}

/** The dump cannot be stored as a snapshot. */
export function refusedText(refusal: { step: number; reason: string }, target: string): string {
  return [
    `No snapshot was written, because token ${refusal.step} of the dump cannot be stored: ${printable(refusal.reason, 400)}`,
    '',
    `  snapshot     ${wholePath(target)}`,
  ].join('\n')
}

/** One line for stderr: what an update did, and why. */
export function rewrittenLine(path: string, before: string, { comparison, error }: SnapshotMatch): string {
  const what = comparison?.firstFailure
  const reason = error?.message ?? (comparison ? countsText(comparison) : '')
  const moved = what ? `token ${what.step}: ${what.reason}; ${failing(comparison)}` : reason
  const done = path === before ? 'snapshot updated' : 'snapshot written next to the one of another variant'
  return `golden-logits: ${done}: ${wholePath(path)} (${printable(moved, 400)})\n`
}

function failing({ tokens }: Comparison): string {
  const measured = tokens.flatMap(({ metrics }) => (metrics ? [metrics.klDivergence] : []))
  const bounded = tokens.flatMap(({ bounds }) => (bounds ? [bounds.klDivergence.lo] : []))
  const worst = [...measured, ...bounded].reduce((a, b) => Math.max(a, b), 0)
  const least = bounded.includes(worst) ? 'at least ' : ''
  const kl =
    measured.length + bounded.length > 0
      ? `, highest KL divergence from the old snapshot ${least}${Number(worst.toPrecision(4))}`
      : ''
  return `${tokens.filter(({ pass }) => !pass).length} of ${tokens.length} tokens were over a threshold or not comparable${kl}`
}

function candidateLines(candidate: Candidate | undefined): string[] {
  if (candidate?.kind === 'written')
    return [`  new logits   ${wholePath(candidate.snapshot.path)}, which can replace the snapshot`, '']
  if (candidate?.kind === 'failed')
    return [`  the new logits could not be written: ${printable(candidate.reason, 300)}`, '']
  if (candidate)
    return [`  the new logits were not written: token ${candidate.step}: ${printable(candidate.reason, 300)}`, '']
  return ['']
}
