import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type CalibrateOptions, calibrate } from '../compare/calibration/calibrate.js'
import { readCalibration } from '../compare/calibration/file.js'
import { calibrationText } from '../compare/calibration/text.js'
import type { Calibration } from '../compare/calibration/types.js'
import { loadDump } from '../dumps/load.js'
import { GoldenLogitsError } from '../errors.js'
import { kindOf } from '../io/folder.js'
import { writeAdvice } from '../lib/make-folder.js'
import { calibrationMessage, looserLimits } from '../report/message/calibration.js'
import { publishLines } from '../reporters/publish.js'
import { fromHere } from '../reporters/summary.js'
import { addCalibrateOptions, addLoadOptions, calibrateOptionsOf, loadOptionsOf } from './compare-options.js'
import { type CommandIo, OUTPUT_ADVICE, UsageError } from './io.js'

const EXAMPLES = `
Accepted dumps against their goldens, in the same order (one golden is for all):
  golden-logits calibrate accepted/a accepted/b --golden golden/a --golden golden/b --decoding forced \\
    --model llama-8b --device ascend-910b --tensor-parallel 1 -o llama-8b.calibration.json

Three or more runs of one build against each other, without a golden:
  golden-logits calibrate run1 run2 run3 --model llama-8b --device ascend-910b --tensor-parallel 1 -o llama-8b.calibration.json

Then gate by what was measured:
  golden-logits compare dumps/npu dumps/gpu --calibration llama-8b.calibration.json \\
    --model llama-8b --device ascend-910b --tensor-parallel 1

At least 100 comparable tokens are needed, 1,000 of several texts are better. The dumps show their precision, and their
number of ranks if each wrote its own files; the rest of the key is given by the options.

Exit codes: 0 measured (and written, with -o), 2 wrong usage, 3 a dump cannot be read, or a token has no result.
`

/** Adds the command `calibrate`. */
export function addCalibrate(program: Command, { print, say, exit }: CommandIo): void {
  const command = program
    .command('calibrate')
    .summary('measures accepted runs, and proposes limits with their reasons')
    .description(
      'Measures how far accepted runs are from their golden (or runs of one build from each other), and proposes limits.',
    )
    .argument('<dumps...>', 'accepted dumps: folders, files, or patterns in quotes')
    .option('--golden <path>', 'the golden of all dumps; repeated, the golden of each', collect)
    .option('-o, --output <file>', 'the calibration file; one that exists is replaced, and looser limits are listed')
    .option('--json', 'print the calibration file instead of the message')
  addCalibrateOptions(command)
  addLoadOptions(command, ['', 'golden-', 'dump-'])
  command.addHelpText('after', EXAMPLES)
  command.action((dumps: string[], values: CalibrateValues) => {
    const options = values as unknown as Readonly<Record<string, unknown>>
    const load = (path: string, side: 'golden' | 'dump') => loadDump(path, loadOptionsOf(options, side))
    const goldens = values.golden ?? []
    if (goldens.length > 1 && goldens.length !== dumps.length) {
      throw new UsageError(
        `there are ${dumps.length} dumps and ${goldens.length} goldens: give one golden for all, or one for each dump`,
      )
    }
    const target = values.output === undefined ? undefined : targetOf(values.output)
    const before = target === undefined ? undefined : oldCalibration(target)
    const accepted =
      goldens.length === 0
        ? dumps.map((path) => load(path, 'dump'))
        : dumps.map((path, i) => ({ dump: load(path, 'dump'), golden: load(goldens[i] ?? goldens[0]!, 'golden') }))
    const calibration = calibrate(accepted, calibrateOptionsOf(options) as unknown as CalibrateOptions)
    const text = calibrationText(calibration)
    print(values.json ? text : `${calibrationMessage(calibration)}\n`)
    if (target === undefined) say('nothing was written: name the file by -o')
    else {
      write(target, text)
      for (const change of before ? looserLimits(before, calibration) : []) say(`looser than before: ${change}`)
      say(fromHere(target))
    }
    exit(0)
  })
}

/** @throws GoldenLogitsError `write-failed` */
function write(path: string, text: string): void {
  try {
    publishLines({ path, replace: true }, [text])
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException
    const message = `the calibration cannot be written (${error.code}); ${writeAdvice(error)}`
    throw new GoldenLogitsError('write-failed', message, { file: path, cause })
  }
}

interface CalibrateValues {
  readonly golden?: readonly string[]
  readonly output?: string
  readonly json?: boolean
}

function collect(path: string, before: readonly string[] = []): string[] {
  return [...before, path]
}

/** @throws UsageError for a folder */
function targetOf(output: string): string {
  if (!/[\\/]$/.test(output) && kindOf(output) !== 'folder') return resolve(output)
  const example = join(output, 'llama-8b.calibration.json')
  throw new UsageError(`--output is the path of the calibration file, such as ${example}, and ${output} is a folder`)
}

/**
 * The calibration that the new one replaces.
 * @throws GoldenLogitsError `invalid-argument` for a file that is no calibration: it is not replaced
 */
function oldCalibration(path: string): Calibration | undefined {
  if (!existsSync(path)) return undefined
  try {
    return readCalibration(path)
  } catch (error) {
    if (!(error instanceof GoldenLogitsError && error.code === 'bad-calibration')) throw error
    const message = `this file is no calibration of this version, so it is not replaced; ${OUTPUT_ADVICE}`
    throw new GoldenLogitsError('invalid-argument', message, { file: path, cause: error })
  }
}
