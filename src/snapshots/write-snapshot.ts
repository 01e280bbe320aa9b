import {
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { threadId } from 'node:worker_threads'
import { overCut } from '../compare/judge.js'
import type { CompareSettings } from '../compare/options.js'
import { undecidedSteps } from '../compare/positions.js'
import { shapesOf } from '../compare/sides.js'
import { inferPrecision, thresholdsOf } from '../compare/thresholds.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { rowsOf } from '../measure/measure-all.js'
import { MOVED_LOGITS } from '../measure/measure-pair.js'
import { scanRow } from '../metrics/row-scan.js'
import { movesLogits, widened } from '../tensor/widen.js'
import { capture, rowProblem } from './capture.js'
import { summarise } from './compact/summarise.js'
import { rowDigest, sourcesOf } from './digests.js'
import { withLock } from './lock.js'
import { NpzWriter } from './npz.js'
import { MAX_TEXT, renderSnapshot } from './render.js'
import {
  dataPath,
  type Fidelity,
  PACKAGE_VERSION,
  type Provenance,
  type Snapshot,
  type SnapshotToken,
  type SourceFile,
} from './types.js'

/** Readers accept no more. */
const MAX_TOKENS = 50_000
/** The limit of a zip file without the extensions for larger ones, minus room for its directory. */
const MAX_NPZ = 4 * 2 ** 30 - 2 ** 24

export interface WriteSettings {
  readonly fidelity: Fidelity
  /** Number of vocab ids that a compact snapshot lists for each row. */
  readonly k: number
  readonly test: string
  readonly provenance: Provenance
  readonly compare: CompareSettings
}

/** How the files of a snapshot are put in place. */
export interface Placing {
  /** Asked under the snapshot's lock: may the files be replaced? */
  readonly isAllowed?: () => boolean
  /** Called under the lock after the files were replaced. */
  readonly onReplaced?: () => void
  /** Where the replaced files are kept, so that `undo` can restore them. If absent, `undo` removes the new files. */
  readonly backup?: string
}

export type Written =
  | {
      kind: 'written'
      snapshot: Snapshot
      /** Bytes of the larger file. */
      size: number
      /** Restores the files that were there before. */
      undo: () => void
    }
  | { kind: 'refused'; step: number; reason: string }
  | { kind: 'not-allowed'; reason: string }

/**
 * Writes a dump as a snapshot, one row in memory at a time. Its files appear complete or not at all, the text file last: a text
 * file next to the rows of another snapshot is detected when it is read. Refuses a dump with a row that cannot be
 * read, that no dump could match (NaN, +Inf), that says nothing (all logits equal), or that was chosen by a guess.
 * @throws GoldenLogitsError `write-failed`
 */
export function writeSnapshot(path: string, dump: Dump, settings: WriteSettings, placing: Placing = {}): Written {
  return namingWriteErrors(path, () => write(path, dump, settings, placing))
}

function namingWriteErrors<T>(path: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Readers throw errors of their own class.
    if (cause instanceof GoldenLogitsError || typeof code !== 'string') throw cause
    const message = `the snapshot cannot be written (${code}); free disk space, or grant write permission`
    throw new GoldenLogitsError('write-failed', message, { file: path, cause })
  }
}

function write(path: string, dump: Dump, settings: WriteSettings, placing: Placing): Written {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}-${threadId}.tmp`
  const temporaryData = dataPath(temporary)
  try {
    const descriptor = settings.fidelity === 'full' ? openSync(temporaryData, 'w') : undefined
    let rows: Rows | Refusal
    try {
      rows = writeRows(dump, settings, descriptor)
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
    if ('reason' in rows) return { kind: 'refused', ...rows }
    const { fidelity, test, provenance } = settings
    const snapshot = { fidelity, test, madeBy: PACKAGE_VERSION, layout: dump.layout, provenance, ...rows }
    const text = renderSnapshot(snapshot)
    if (text.length > MAX_TEXT) return { kind: 'refused', ...tooLong(snapshot.tokens, text.length) }
    writeFileSync(temporary, text)
    const dataSize = statSync(temporaryData, { throwIfNoEntry: false })?.size ?? 0
    const undo = withLock(path, () => replace(path, temporary, placing))
    if (!undo) return { kind: 'not-allowed', reason: 'another test uses the snapshot' }
    return { kind: 'written', snapshot: { path, ...snapshot }, size: Math.max(text.length, dataSize), undo }
  } finally {
    rmSync(temporary, { force: true })
    rmSync(temporaryData, { force: true })
  }
}

/** Replaces both files of a snapshot, the text file last. @returns the undo function; undefined if it is not allowed */
function replace(
  path: string,
  temporary: string,
  { isAllowed, onReplaced, backup }: Placing,
): (() => void) | undefined {
  if (isAllowed && !isAllowed()) return undefined
  if (backup !== undefined) {
    mkdirSync(dirname(backup), { recursive: true })
    for (const pathOf of FILES) keep(pathOf(path), pathOf(backup))
  }
  for (const pathOf of FILES) moveOrRemove(pathOf(temporary), pathOf(path))
  onReplaced?.()
  return () =>
    namingWriteErrors(path, () =>
      withLock(path, () => {
        for (const pathOf of FILES) moveOrRemove(backup && pathOf(backup), pathOf(path))
      }),
    )
}

/** The files of a snapshot, in the order in which they are replaced. */
const FILES: readonly ((path: string) => string)[] = [dataPath, (path) => path]

/** Keeps a file under a second name: as a link, which costs no space, or if links are not possible as a copy. */
function keep(path: string, backup: string): void {
  rmSync(backup, { force: true })
  try {
    linkSync(path, backup)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') copyFileSync(path, backup)
  }
}

/** Moves a file to `path`; if there is none, removes the one at `path`. */
function moveOrRemove(from: string | undefined, path: string): void {
  if (from !== undefined && statSync(from, { throwIfNoEntry: false })) renameSync(from, path)
  else rmSync(path, { force: true })
}

interface Refusal {
  step: number
  reason: string
}

type Rows = Pick<Snapshot, 'tokens' | 'sources'>

function writeRows(dump: Dump, settings: WriteSettings, descriptor: number | undefined): Rows | Refusal {
  const { compare, fidelity, k } = settings
  const npz = descriptor === undefined ? undefined : new NpzWriter(descriptor)
  const tokens: SnapshotToken[] = []
  const sources: SourceFile[] = []
  const shapes: { step: number; shape: readonly number[] }[] = []
  const logits = rowsOf(dump)
  for (const source of dump.steps) {
    const { step } = source
    if (!compare.wants(step)) continue
    if (tokens.length === MAX_TOKENS)
      return { step, reason: `a snapshot can have at most ${MAX_TOKENS} tokens; set fewer steps` }
    const captured = capture(source, logits, compare.vocabSize)
    if (captured.kind !== 'row') return { step, reason: captured.reason }
    const { dtype, width, bytes, fileShape, cut } = captured
    const row = widened(bytes, dtype, width)
    const limit = thresholdsOf(compare.precision ?? inferPrecision([dtype]), compare.limits).klDivergence
    const problem = rowProblem(row) ?? (cut && overCut(cut, limit))
    if (problem !== undefined) return { step, reason: problem }
    if (fidelity === 'compact' && movesLogits(bytes, dtype, width)) return { step, reason: MOVED_LOGITS }
    shapes.push({ step, shape: fileShape })
    const { top1, top1Logit } = scanRow(row, width)
    npz?.add(step, dtype, width, bytes)
    if (npz && npz.size > MAX_NPZ)
      return {
        step,
        reason: `the rows up to here need more than the ${MAX_NPZ} bytes of one archive; set fewer steps, or fidelity: 'compact'`,
      }
    const compact = fidelity === 'compact' ? { compact: summarise(row, k) } : {}
    tokens.push({ step, dtype, width, top1, top1Logit, layer: source.layer, digest: rowDigest(row), ...compact })
    sources.push(...sourcesOf(step, source.files, dump.budgets))
  }
  const [undecided] = undecidedSteps('dump', dump, shapes, shapesOf({ rows: logits }))
  if (undecided) return { step: undecided[0], reason: undecided[1] }
  npz?.finish()
  return { tokens, sources }
}

function tooLong(tokens: readonly SnapshotToken[], length: number): Refusal {
  const reason = `the snapshot's text file would have ${length} bytes, more than ${MAX_TEXT}; set a lower k, or fewer steps`
  return { step: tokens.at(-1)!.step, reason }
}
