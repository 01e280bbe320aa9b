import type { ReportDocument } from './document.js'

/** The report as JSON, one token a line, so that `grep` and `git diff` read it. A long one does not fit into one string. */
export function* jsonLines({ comparisons, ...head }: ReportDocument): Generator<string> {
  yield `${stringify(head).slice(0, -1)},"comparisons":[\n`
  for (const [i, { tokens, ...facts }] of comparisons.entries()) {
    yield `${i === 0 ? '' : ',\n'}  ${stringify(facts).slice(0, -1)},"tokens":[\n`
    for (const [j, token] of tokens.entries()) yield `${j === 0 ? '' : ',\n'}    ${stringify(token)}`
    yield '\n  ]}'
  }
  yield '\n]}\n'
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, item) =>
    typeof item === 'number' && !Number.isFinite(item) ? String(item) : item,
  )
}
