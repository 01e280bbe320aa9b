import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { Dump } from '../dumps/types.js'
import { countNonFinite, hasNonFinite, scanRow } from '../metrics/row-scan.js'
import { widen } from '../tensor/widen.js'
import { capture } from './capture.js'
import { summarise } from './compact/summarise.js'
import { rowDigest } from './digest.js'
import { NpzWriter } from './full/npz-writer.js'
import { renderGolden } from './render.js'
import { dataPath, type Fidelity, type Golden, type GoldenToken, type Provenance } from './types.js'
import { PACKAGE_VERSION } from './version.js'

export interface WriteSettings {
  readonly fidelity: Fidelity
  /** Vocab ids that a compact golden lists of each row. */
  readonly k: number
  readonly test: string
  readonly provenance: Provenance
  readonly vocabSize: number | undefined
  readonly wants: (step: number) => boolean
}

export type Written = { kind: 'written'; golden: Golden } | { kind: 'refused'; step: number; reason: string }

/**
 * Writes a dump as a golden, one row in memory at a time. Its files appear whole or not at all, and its text last: a text
 * with rows that are not its own is found out when it is read. A dump with a row that cannot be read, or holds NaN or
 * +Inf, is refused: nothing could ever match it.
 */
export function writeGolden(path: string, dump: Dump, settings: WriteSettings): Written {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}-${threadId}.tmp`
  const temporaryData = dataPath(temporary)
  try {
    const descriptor = settings.fidelity === 'full' ? openSync(temporaryData, 'w') : undefined
    let tokens: GoldenToken[] | Refusal
    try {
      tokens = writeRows(dump, settings, descriptor)
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
    if ('reason' in tokens) return { kind: 'refused', ...tokens }
    const { fidelity, test, provenance } = settings
    const golden = { fidelity, test, madeBy: PACKAGE_VERSION, layout: dump.layout, provenance, tokens }
    writeFileSync(temporary, renderGolden(golden))
    if (fidelity === 'full') renameSync(temporaryData, dataPath(path))
    else rmSync(dataPath(path), { force: true })
    renameSync(temporary, path)
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

function writeRows(dump: Dump, settings: WriteSettings, descriptor: number | undefined): GoldenToken[] | Refusal {
  const npz = descriptor === undefined ? undefined : new NpzWriter(descriptor)
  const tokens: GoldenToken[] = []
  for (const source of dump.steps) {
    const { step } = source
    if (!settings.wants(step)) continue
    const captured = capture(source, dump.limits, settings.vocabSize)
    if (captured.kind !== 'row') return { step, reason: captured.reason }
    const { dtype, width, bytes, side } = captured
    const row = new Float32Array(width)
    widen(bytes, dtype, row)
    const broken = nonFinite(row)
    if (broken !== '') return { step, reason: broken }
    const { top1, top1Logit } = scanRow(row, width)
    npz?.add(step, dtype, width, bytes)
    const compact = settings.fidelity === 'compact' ? { compact: summarise(row, settings.k) } : {}
    tokens.push({ step, dtype, width, top1, top1Logit, layer: side.layer, digest: rowDigest(row), ...compact })
  }
  npz?.finish()
  return tokens
}

function nonFinite(row: Float32Array): string {
  const scan = scanRow(row, row.length)
  if (scan.max === Number.NEGATIVE_INFINITY) return 'every logit is -Inf'
  if (!hasNonFinite(scan)) return ''
  const { nan, positiveInfinity, firstVocabId } = countNonFinite(row, row.length)
  return `it holds ${nan} NaN and ${positiveInfinity} +Inf, first at vocab id ${firstVocabId}`
}
