import { printable } from '../errors.js'

/** A warning of a comparison, and the test that made it. */
export interface ReportedWarning {
  readonly text: string
  readonly file: string
  readonly test: string
}

const MAX_LINES = 10

/** The warnings in at most 11 lines. Those that differ only in their numbers share a line. */
export function foldWarnings(warnings: readonly ReportedWarning[]): string[] {
  const groups = new Map<string, ReportedWarning[]>()
  for (const warning of warnings) {
    const key = withoutNumbers(warning.text)
    const group = groups.get(key)
    if (group) group.push(warning)
    else groups.set(key, [warning])
  }
  const lines = [...groups.values()].map(lineOf)
  if (lines.length <= MAX_LINES) return lines
  return [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more; the CSV has all of them`]
}

function lineOf([first, ...others]: readonly ReportedWarning[]): string {
  const { text, file, test } = first!
  const place = [file, test].filter((name) => name !== '').join(': ')
  const more = others.length === 0 ? '' : `, and ${others.length} more like it`
  return `${printable(text, 400)} (${printable(place, 150)}${more})`
}

/** `tokens 0 to 3, 7 and 9` and `token 5` become the same text, as do any two numbers. */
function withoutNumbers(text: string): string {
  return text.replace(/\btokens? \d+(?:(?:, | and | to )\d+)*/g, 'token #').replace(/\d+/g, '#')
}
