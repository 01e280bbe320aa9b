import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { GoldenLogitsError, printable } from '../errors.js'
import { publishReport } from '../reporters/publish.js'
import { summaryText, wholePath } from '../reporters/summary.js'
import { REPORT_FOLDER, targetOf } from '../reporters/target.js'
import { findInputs } from './inputs.js'
import { type CommandIo, OUTPUT_ADVICE, UsageError } from './io.js'
import { mergeInputs } from './merge-parts.js'

const MERGE_HELP = `
Inputs, as paths or patterns:
  a CSV that the reporter wrote        reports/shard-1.csv
  a folder of such CSVs                reports/
  rows of a run that was killed        .golden-logits/   or one folder within it

Exit codes: 0 merged, 1 merged, but rows of a killed run are lost, 2 wrong usage, 3 an input cannot be used, 4 the report
cannot be written.
`

/** Adds the command `merge`. */
export function addMerge(program: Command, { say, exit }: CommandIo): void {
  program
    .command('merge')
    .summary('merges the reports of a sharded run, or makes the report of a killed run')
    .description(
      'Merges the reports of a sharded run into the report that an unsharded run would have written, row for row. Also makes the report of a run that ended without one.',
    )
    .argument('[inputs...]', 'reports, folders of reports, or rows of killed runs')
    .option(
      '-o, --output <path>',
      `the path of the report: a file, which is replaced if it is a report, or a folder (ending in /); default: ${REPORT_FOLDER}/`,
    )
    .option('--remove', 'delete the rows of killed runs once they are in the report (CSV files stay)')
    .addHelpText('after', MERGE_HELP)
    .action((inputs: string[], values: MergeValues) => exit(merge(inputs, values, say)))
}

interface MergeValues {
  readonly output?: string
  readonly remove?: boolean
}

/** @returns the exit code */
function merge(paths: readonly string[], { output, remove }: MergeValues, say: (text: string) => void): number {
  if (output !== undefined && /\.(?!csv$)[a-z]+$/i.test(output)) {
    throw new UsageError(`--output must be a folder (end it with /), or a file that ends in .csv, not '${output}'`)
  }
  if (paths.length === 0) throw new UsageError('merge needs CSV files, or folders that contain them')
  let merged: ReturnType<typeof mergeInputs>
  let inputs: ReturnType<typeof findInputs>
  try {
    inputs = findInputs(paths, resolve(output ?? '.'))
    merged = mergeInputs(inputs)
  } catch (error) {
    say(messageOf(error))
    return 3
  }
  try {
    const target = (n: number) => targetOf(process.cwd(), output, false, n)
    const { path, summary } = publishReport(target, merged.parts, OUTPUT_ADVICE)
    say(summaryText(path, summary, merged.losses))
  } catch (error) {
    say(`the report cannot be written: ${messageOf(error)}`)
    return error instanceof GoldenLogitsError && error.code !== 'invalid-argument' ? 3 : 4
  }
  if (remove) for (const runDir of inputs.runDirs) rmSync(runDir, { recursive: true })
  else if (inputs.runDirs.length > 0) {
    say(`${inputs.runDirs.map(wholePath).join(', ')} can be deleted now (--remove does)`)
  }
  return merged.losses.rows > 0 || merged.losses.isUnknown ? 1 : 0
}

function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error), 1000)
}
