import { join } from 'node:path'
import { sha256 } from '../lib/optional-packages.js'
import { appendRunLine, readRunLines } from './run-lines.js'

/** A test that has matched or written a snapshot in this run. */
export interface Claim {
  /** Unique among the tests of a run, and the same in all attempts of a test. */
  readonly claimant: string
  readonly test: string
  /** Vitest's project. */
  readonly project: string
  /** False if the test only matched the snapshot. */
  readonly wrote: boolean
}

/**
 * Which tests have used which snapshot in this run. With a reporter, all workers share a file for each snapshot; without
 * one, a worker knows only its own tests.
 */
export class SnapshotClaims {
  private readonly ownClaims = new Map<string, Claim[]>()

  /** @param runDir the folder of the run; undefined without a reporter */
  add(runDir: string | undefined, snapshot: string, claim: Claim): void {
    if (runDir === undefined) {
      this.ownClaims.set(snapshot, [...(this.ownClaims.get(snapshot) ?? []), claim])
      return
    }
    appendRunLine(claimsFile(runDir, snapshot), claim)
  }

  /** The last claim of another test; one that wrote the snapshot takes precedence. */
  ofAnother(runDir: string | undefined, snapshot: string, claimant: string): Claim | undefined {
    const claims =
      runDir === undefined ? (this.ownClaims.get(snapshot) ?? []) : readRunLines(claimsFile(runDir, snapshot), isClaim)
    const others = claims.filter((claim) => claim.claimant !== claimant)
    return others.findLast(({ wrote }) => wrote) ?? others.at(-1)
  }
}

function isClaim(value: unknown): value is Claim {
  if (typeof value !== 'object' || value === null) return false
  const { claimant, test, project, wrote } = value as Partial<Record<keyof Claim, unknown>>
  return [claimant, test, project].every((text) => typeof text === 'string') && typeof wrote === 'boolean'
}

function claimsFile(runDir: string, snapshot: string): string {
  return join(runDir, `claims-${sha256(snapshot).toString('hex', 0, 8)}.txt`)
}
