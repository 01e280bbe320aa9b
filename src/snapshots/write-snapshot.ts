import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { threadId } from 'node:worker_threads'
import { nonFiniteText, overCut } from '../compare/judge.js'
import type { CompareSettings } from '../compare/options.js'
import { inferPrecision, thresholdsOf } from '../compare/thresholds.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { rowsOf } from '../measure/measure-all.js'
import { countNonFinite, hasNonFinite, scanRow } from '../metrics/row-scan.js'
import { widen } from '../tensor/widen.js'
import { capture } from './capture.js'
import { summarise } from './compact/summarise.js'
import { rowDigest } from './digest.js'
import { NpzWriter } from './full/npz-writer.js'
import { withLock } from './lock.js'
import { MAX_TEXT, renderSnapshot } from './render.js'
import { sourcesOf } from './source-files.js'
import {
  dataPath,
  type Fidelity,
  type Provenance,
  type Snapshot,
  type SnapshotToken,
  type SourceFile,
} from './types.js'
import { PACKAGE_VERSION } from './version.js'

/** As many as are read again. */
const MAX_TOKENS = 50_000
/** A zip file without the extensions for larger ones, less room for its directory. */
const MAX_NPZ = 4 * 2 ** 30 - 2 ** 24

export interface WriteSettings {
  readonly fidelity: Fidelity
  /** Vocab ids that a compact golden lists of each row. */
  readonly k: number
  readonly test: string
  readonly provenance: Provenance
  readonly compare: CompareSettings
}

export type Written = { kind: 'written'; golden: Snapshot } | { kind: 'refused'; step: number; reason: string }

/**
 * Writes a dump as a golden, one row in memory at a time. Its files appear whole or not at all, and its text last: a text
 * with rows that are not its own is found out when it is read. A dump with a row that cannot be read, or holds NaN or
 * +Inf, is refused: nothing could ever match it.
 * @throws GoldenLogitsError `write-failed`
 */
export function writeSnapshot(path: string, dump: Dump, settings: WriteSettings): Written {
  try {
    return write(path, dump, settings)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Those of readers have a class of their own.
    if (cause instanceof GoldenLogitsError || typeof code !== 'string') throw cause
    const message = `the golden cannot be written (${code}); free the place or the right to write there`
    throw new GoldenLogitsError('write-failed', message, { file: path, cause })
  }
}

function write(path: string, dump: Dump, settings: WriteSettings): Written {
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
    const golden = { fidelity, test, madeBy: PACKAGE_VERSION, layout: dump.layout, provenance, ...rows }
    const text = renderSnapshot(golden)
    if (text.length > MAX_TEXT) return { kind: 'refused', ...tooLong(golden.tokens, text.length) }
    writeFileSync(temporary, text)
    withLock(path, () => {
      if (fidelity === 'full') renameSync(temporaryData, dataPath(path))
      else rmSync(dataPath(path), { force: true })
      renameSync(temporary, path)
    })
    return { kind: 'written', golden: { path, ...golden } }
  } finally {
    rmSync(temporary, { force: true })
    rmSync(temporaryData, { force: true })
  }
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
  const logits = rowsOf(dump)
  for (const source of dump.steps) {
    const { step } = source
    if (!compare.wants(step)) continue
    if (tokens.length === MAX_TOKENS) return { step, reason: `it is beyond the ${MAX_TOKENS} tokens of one golden` }
    const captured = capture(source, logits, compare.vocabSize)
    if (captured.kind !== 'row') return { step, reason: captured.reason }
    const { dtype, width, bytes, cut } = captured
    const row = new Float32Array(width)
    widen(bytes, dtype, row)
    const limit = thresholdsOf(compare.precision ?? inferPrecision([dtype]), compare.limits).klDivergence
    const broken = nonFinite(row) || (cut && overCut(cut, limit))
    if (broken) return { step, reason: broken }
    const { top1, top1Logit } = scanRow(row, width)
    npz?.add(step, dtype, width, bytes)
    if (npz && npz.size > MAX_NPZ) return { step, reason: `its rows are beyond the ${MAX_NPZ} bytes of one archive` }
    const compact = fidelity === 'compact' ? { compact: summarise(row, k) } : {}
    tokens.push({ step, dtype, width, top1, top1Logit, layer: source.layer, digest: rowDigest(row), ...compact })
    sources.push(...sourcesOf(step, source.files, dump.budgets))
  }
  npz?.finish()
  return { tokens, sources }
}

function tooLong(tokens: readonly SnapshotToken[], length: number): Refusal {
  const reason = `the golden's text would have ${length} bytes, more than ${MAX_TEXT}; set a lower k or fewer steps`
  return { step: tokens.at(-1)!.step, reason }
}

function nonFinite(row: Float32Array): string {
  const scan = scanRow(row, row.length)
  if (scan.max === Number.NEGATIVE_INFINITY) return 'every logit is -Inf'
  return hasNonFinite(scan) ? nonFiniteText('it', countNonFinite(row, row.length)) : ''
}
