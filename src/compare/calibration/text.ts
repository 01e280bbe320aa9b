import { atCaller } from '../../errors.js'
import { checkCalibration } from './check.js'
import type { Calibration } from './types.js'

/**
 * A calibration as its file holds it: JSON, one fact a line, for people who read it and for `git diff`.
 * @throws GoldenLogitsError `bad-calibration` for any other value
 */
export function calibrationText(calibration: Calibration): string {
  return atCaller(calibrationText, () => textOf(checkCalibration(calibration)))
}

function textOf({ spread, tokenLimits, runLimits, notes, ...facts }: Calibration): string {
  const { runTokens, ...head } = facts
  const lines = [
    ...Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`),
    block('spread', spread),
    block('tokenLimits', tokenLimits),
    `  "runTokens": ${runTokens}`,
    block('runLimits', runLimits),
    notes.length === 0
      ? '  "notes": []'
      : `  "notes": [\n${notes.map((note) => `    ${JSON.stringify(note)}`).join(',\n')}\n  ]`,
  ]
  return `{\n${lines.join(',\n')}\n}\n`
}

/** An object of objects, with their values below each other. */
function block(name: string, objects: Readonly<Record<string, object>>): string {
  const entries = Object.entries(objects)
  if (entries.length === 0) return `  "${name}": {}`
  const keys = Math.max(...entries.map(([key]) => key.length)) + 3
  const cells = entries.map(([, facts]) =>
    Object.entries(facts).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`),
  )
  const columns = cells[0]!.length
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...cells.map((row) => row[i]!.length)) + 1)
  const lines = entries.map(([key], row) => {
    const parts = cells[row]!.map((text, i) => (i === columns - 1 ? text : `${text},`.padEnd(widths[i]!)))
    return `    ${`"${key}":`.padEnd(keys)} { ${parts.join(' ')} }`
  })
  return `  "${name}": {\n${lines.join(',\n')}\n  }`
}
