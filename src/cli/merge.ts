import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { GoldenLogitsError, printable } from '../errors.js'
import { publishReport } from '../reporters/publish.js'
import { fromHere, summaryText } from '../reporters/summary.js'
import { findInputs } from './inputs.js'
import { mergeInputs } from './merge-parts.js'

export const MERGE_HELP = `golden-logits merge <input>… [--output <file or folder>] [--remove]

Merges the reports of a sharded run into the report that an unsharded run would have written, row for row. Also makes
the report of a run that ended without one.

Inputs, as paths or patterns:
  a CSV that the reporter wrote        reports/shard-1.csv
  a folder of such CSVs                reports/
  rows of a run that was killed        .golden-logits/   or one folder within it

Options:
  -o, --output   where the report is written: a file, which is replaced, or a folder (ending in /);
                 default: msit_cmp_report_{YYYYMMDDHHMMSS}.csv in the working directory
      --remove   deletes the rows of killed runs once they are in the report (CSVs stay)
  -h, --help     prints this

Exit codes: 0 merged, 2 wrong usage, 3 an input cannot be used, 4 the report cannot be written.
`

/** A wrong command line; its message is printed with a pointer to `--help`. */
export class UsageError extends Error {}

/** @returns the exit code */
export function merge(args: readonly string[], say: (text: string) => void): number {
  const { positionals, values } = parse(args)
  if (values.help) {
    process.stdout.write(MERGE_HELP)
    return 0
  }
  if (positionals.length === 0) throw new UsageError('merge needs CSV files, or folders that contain them')
  let merged: ReturnType<typeof mergeInputs>
  let inputs: ReturnType<typeof findInputs>
  try {
    inputs = findInputs(positionals, resolve(values.output ?? '.'))
    merged = mergeInputs(inputs)
  } catch (error) {
    say(messageOf(error))
    return 3
  }
  try {
    const { path, summary } = publishReport(process.cwd(), values.output, undefined, merged.parts)
    say(summaryText(path, summary, merged.tornLines))
  } catch (error) {
    say(`the report cannot be written: ${messageOf(error)}`)
    return error instanceof GoldenLogitsError ? 3 : 4
  }
  if (values.remove) for (const runDir of inputs.runDirs) rmSync(runDir, { recursive: true })
  else if (inputs.runDirs.length > 0) {
    say(`${inputs.runDirs.map(fromHere).join(', ')} can be deleted now (--remove does)`)
  }
  return 0
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        output: { type: 'string', short: 'o' },
        remove: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(messageOf(error))
  }
}

function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error), 1000)
}
