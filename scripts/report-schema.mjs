// Writes report.schema.json, the JSON Schema of report.json, from the declarations that the build makes of its types.
// Usage: npm run build && node scripts/report-schema.mjs [FILE]. A test fails if the file is not what this script makes.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGenerator } from 'ts-json-schema-generator'

const ROOT = join(import.meta.dirname, '..')

const schema = createGenerator({
  // Not the sources: the generator does not understand the tables from which some types are derived.
  path: join(ROOT, 'dist/esm/report/document.d.ts'),
  type: 'ReportDocument',
  topRef: false,
  skipTypeCheck: true,
  functions: 'hide',
  // A field that a report has and its type has not must not go unnoticed.
  additionalProperties: false,
}).createSchema('ReportDocument')
const { $schema, ...rest } = withNotFinite(schema)
rest.definitions.Number = {
  description: 'JSON has no NaN and no infinities: they are strings.',
  anyOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity'] }],
}
// A layer has no distribution, so no KL divergence.
delete rest.definitions.TokenMetrics.required
const all = { $schema, title: 'A report of golden-logits (report.json)', ...rest }
writeFileSync(process.argv[2] ?? join(ROOT, 'report.schema.json'), `${JSON.stringify(all, null, 2)}\n`)

/** Every number of a report may be one of the strings. */
function withNotFinite(node) {
  if (Array.isArray(node)) return node.map(withNotFinite)
  if (typeof node !== 'object' || node === null) return node
  const { type, ...rest } = node
  if (type === 'number' && !('const' in node)) return { ...rest, $ref: '#/definitions/Number' }
  const entries = Object.entries(rest).map(([key, value]) => [key, withNotFinite(value)])
  return { ...(type !== undefined && { type }), ...Object.fromEntries(entries) }
}
