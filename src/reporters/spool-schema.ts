import { checkSchema, reportSchema, type Schema, SchemaError } from '../report/check-schema.js'
import type { SpoolLine } from './spool.js'

const TEXT: Schema = { type: 'string' }
const FLAG: Schema = { type: 'boolean' }
const NUMBER = ofReport('Number')
const TEXTS: Schema = { type: 'array', items: TEXT }

const STARTED = {
  ...{ v: NUMBER, project: TEXT, file: TEXT, test: TEXT, testIsSure: FLAG, testId: TEXT, repetition: NUMBER },
  ...{ attempt: NUMBER, ordinal: NUMBER, matcher: TEXT, isNot: FLAG, soft: FLAG, poll: FLAG, at: NUMBER },
}
const EXPECTATION: Schema = { type: 'string', enum: ['met', 'not met', 'error'] }
const OPTIONAL_TEXTS = { error: TEXT, notes: TEXTS, warnings: TEXTS, inconclusive: TEXT, wholeFailure: TEXT }

/** What a line of each kind holds beside its kind and its id. */
const LINES: Readonly<Record<SpoolLine['kind'], Schema>> = {
  started: line(STARTED, { projectId: TEXT }),
  compared: line(
    {},
    { thresholds: ofReport('Thresholds'), metrics: { type: 'array', items: ofReport('OptionalKey') } },
  ),
  token: line({ token: ofReport('TokenComparison') }, { types: object({}, { golden: TEXT, my: TEXT }) }),
  finished: line({ expectation: EXPECTATION, durationMs: NUMBER }, { ...OPTIONAL_TEXTS, tokens: NUMBER }),
  lost: line({ rows: NUMBER, error: TEXT }),
}

type Properties = Readonly<Record<string, Schema>>

function ofReport(name: string): Schema {
  return { $ref: `#/definitions/${name}` }
}

function object(required: Properties, optional: Properties): Schema {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } }
}

function line(required: Properties, optional: Properties = {}): Schema {
  return object({ kind: TEXT, id: TEXT, ...required }, optional)
}

/**
 * Returns the check of the lines of a run's rows.
 * @returns a function that returns a line with only what it may hold, and throws a SchemaError for one that no worker wrote
 */
export function lineChecker(): (parsed: { readonly kind: string }) => SpoolLine {
  const report = reportSchema()
  return (parsed) => {
    if (Object.hasOwn(LINES, parsed.kind)) {
      return checkSchema(parsed, report, LINES[parsed.kind as SpoolLine['kind']]) as SpoolLine
    }
    const kinds = Object.keys(LINES).join(', ')
    throw new SchemaError(`kind is '${parsed.kind}', expected one of ${kinds}`)
  }
}
