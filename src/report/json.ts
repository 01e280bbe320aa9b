import { GoldenLogitsError } from '../errors.js'
import { REPORT_FORMAT, REPORT_VERSION, type ReportDocument } from './document.js'

/** The report as JSON, one token a line, so that `grep` and `git diff` read it. */
export function reportJson({ comparisons, ...head }: ReportDocument): string {
  const parts = comparisons.map(({ tokens, ...facts }) => {
    const rows = tokens.map((token) => `    ${stringify(token)}`).join(',\n')
    return `  ${stringify(facts).slice(0, -1)},"tokens":[\n${rows}\n  ]}`
  })
  return `${stringify(head).slice(0, -1)},"comparisons":[\n${parts.join(',\n')}\n]}\n`
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, item) =>
    typeof item === 'number' && !Number.isFinite(item) ? String(item) : item,
  )
}

/** Texts that a number may be in a report. */
const NOT_FINITE = ['NaN', 'Infinity', '-Infinity']

/** Keys whose values are text, so that a file named `NaN` stays one. */
const TEXTS = [
  'title',
  'text',
  'message',
  'inconclusive',
  'reason',
  'layer',
  'type',
  'rule',
  'files',
  'file',
  'name',
  'project',
  'run',
  'worst',
  'goldenPath',
  'dumpPath',
]

/**
 * Reads a report that `reportJson` wrote.
 * @param file for messages
 * @throws GoldenLogitsError `unsupported-format`
 */
export function parseReport(file: string, text: string): ReportDocument {
  let value: Partial<ReportDocument> | null
  try {
    value = JSON.parse(text, function (this: unknown, key, item) {
      if (!NOT_FINITE.includes(item) || TEXTS.includes(key) || Array.isArray(this)) return item
      return Number(item)
    })
  } catch (error) {
    throw bad(file, `it is not JSON (${error instanceof Error ? error.message : error}): was it cut off?`)
  }
  if (typeof value !== 'object' || value === null || value.format !== REPORT_FORMAT) {
    throw bad(
      file,
      'it is not a report of golden-logits: expected the JSON that the reporter or the command compare writes',
    )
  }
  if (value.version !== REPORT_VERSION) {
    throw bad(file, `it is a report of version ${String(value.version)}, expected ${REPORT_VERSION}`)
  }
  if (!Array.isArray(value.comparisons)) throw bad(file, 'it has no list of comparisons')
  return value as ReportDocument
}

function bad(file: string, message: string): GoldenLogitsError {
  return new GoldenLogitsError('unsupported-format', message, { file })
}
