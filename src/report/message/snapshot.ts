import type { Comparison } from '../../compare/types.js'
import { printable } from '../../errors.js'
import { counted, significant } from '../../lib/number-text.js'
import type { Claim } from '../../snapshots/claims.js'
import type { SnapshotMatch } from '../../snapshots/match-snapshot.js'
import type { Written } from '../../snapshots/write-snapshot.js'
import { countsText, failureText } from './failure.js'
import { wholePath } from './short-paths.js'

/** Where the new logits are, if the runner does not allow snapshots to be written. */
export type Candidate = Exclude<Written, { kind: 'not-allowed' }> | { kind: 'failed'; reason: string }

/** The dump does not match its snapshot. @param howToUpdate what replaces the snapshot by the dump */
export function unmatchedText(
  { comparison, snapshot }: SnapshotMatch,
  candidate: Candidate | undefined,
  howToUpdate = 'run the test with -u',
): string {
  const { path, provenance } = snapshot!
  const origin = Object.entries(provenance).map(([key, value]) => `${printable(key, 40)} ${printable(value)}`)
  return [
    failureText(comparison!),
    '',
    `  snapshot     ${wholePath(path)}${origin.length > 0 ? ` (${printable(origin.join(', '), 200)})` : ''}`,
    ...candidateLines(candidate),
    adviceFor(comparison!, howToUpdate),
  ].join('\n')
}

function adviceFor({ tokens }: Comparison, howToUpdate: string): string {
  const undecided = tokens.filter(({ verdict }) => verdict === 'undecided').length
  const failing = tokens.filter(({ pass }) => !pass).length
  if (undecided === 0) return `If the new logits are right, update the snapshot: ${howToUpdate}.`
  const only = undecided === failing ? 'No token is known to be over a limit, but' : `Of ${failing} failing tokens,`
  return `${only} ${undecided} cannot be decided with this compact snapshot. Write it with fidelity: 'full' or a larger k from the dump of the golden, or set the option thresholds. An update (-u) accepts the new logits without a decision.`
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
    `No golden snapshot was written, because token ${refusal.step} of the dump cannot be stored: ${printable(refusal.reason, 400)}`,
    '',
    `  snapshot     ${wholePath(target)}`,
  ].join('\n')
}

/** The dump does not match a snapshot that another test of the run has written or matched. */
export function claimedText(target: string, claim: Claim | undefined, test: string, problem: string): string {
  const isSameTest = claim?.test === test
  const project = claim?.project ? ` of project '${printable(claim.project)}'` : ''
  const other =
    claim && !isSameTest
      ? `test '${printable(claim.test)}'${project}`
      : `another project${project && ` '${printable(claim!.project)}'`}`
  return [
    `The snapshot was ${claim?.wrote === false ? 'matched' : 'written'} by ${claim ? other : 'another test'} in this run, and this dump does not match it: ${printable(problem, 400)}`,
    '',
    `  snapshot     ${wholePath(target)}`,
    '',
    'Tests that share a snapshot must have the same logits. Give each test its own option name, or each project its own option variant.',
  ].join('\n')
}

/** GitHub warns about files of this many bytes, and refuses twice as many. */
const LARGE = 50_000_000

/** One line for stderr: which snapshot was written, why, and its size. */
export function writtenLine(
  { snapshot, size }: Written & { kind: 'written' },
  before: string | undefined,
  { comparison, error, changes }: SnapshotMatch,
): string {
  const { path, tokens, fidelity } = snapshot
  const what = comparison?.firstFailure
  const reason =
    error?.message ??
    (changes && changes.length > 0 ? changes.join('; ') : undefined) ??
    (comparison ? countsText(comparison) : '')
  const moved = what ? `token ${what.step}: ${what.reason}; ${failing(comparison)}` : reason
  const done =
    before === undefined ? 'written' : path === before ? 'updated' : 'written next to the one of another variant'
  const count = `${counted(tokens.length, 'token')}, ${fidelity}, ${sizeText(size)}`
  const advice =
    size < LARGE
      ? ''
      : "; GitHub refuses files over 100 MB: keep it in Git LFS (docs/snapshots.md), or set fidelity: 'compact'"
  return `snapshot ${done}: ${wholePath(path)} (${moved === '' ? '' : `${printable(moved, 400)}; `}${count}${advice})`
}

/** One line for stderr: what an attempt of a test wrote is removed, or replaced by what was there before. */
export function withdrawnLine(path: string, test: string): string {
  return `snapshot withdrawn: ${wholePath(path)} (test '${printable(test, 100)}' failed after writing it, and is retried)`
}

function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${significant(bytes / 1e3, 3)} kB` : `${significant(bytes / 1e6, 3)} MB`
}

function failing({ tokens }: Comparison): string {
  const measured = tokens.flatMap(({ metrics }) => (metrics ? [metrics.klDivergence] : []))
  const bounded = tokens.flatMap(({ bounds }) => (bounds ? [bounds.klDivergence.lo] : []))
  const worst = [...measured, ...bounded].reduce((a, b) => Math.max(a, b), 0)
  const least = bounded.includes(worst) ? 'at least ' : ''
  const kl =
    measured.length + bounded.length > 0
      ? `, highest KL divergence from the old snapshot ${least}${significant(worst, 4)}`
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
