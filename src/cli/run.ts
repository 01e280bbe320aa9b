import { Command, CommanderError } from 'commander'
import { GoldenLogitsError, printable } from '../errors.js'
import { PACKAGE_VERSION } from '../snapshots/types.js'
import { addCalibrate } from './calibrate.js'
import { addCompare } from './compare.js'
import { rewriteOldFlags } from './flags.js'
import { addInspect } from './inspect.js'
import { type CommandIo, UsageError } from './io.js'
import { addLayers } from './layers.js'
import { addLogitscmp } from './logitscmp.js'
import { addMerge } from './merge.js'
import { addReport } from './report.js'
import { addSnapshot } from './snapshot.js'

/**
 * Runs the command line.
 * @param args what follows the name of the program
 * @returns the exit code: each command lists its own; 2 for wrong usage
 */
export function runCli(args: readonly string[]): number {
  let code = 0
  const io: CommandIo = {
    print: (text) => process.stdout.write(text),
    say: (line) => process.stderr.write(`golden-logits: ${line}\n`),
    exit: (value) => {
      code = value
    },
  }
  const program = new Command('golden-logits')
    .description('Compares logits dumps of large language models, and looks after their reports.')
    .version(PACKAGE_VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .configureHelp({ showGlobalOptions: false })
  addCompare(program, io)
  addLayers(program, io)
  addLogitscmp(program, io)
  addSnapshot(program, io)
  addCalibrate(program, io)
  addInspect(program, io)
  addMerge(program, io)
  addReport(program, io)
  const names = program.commands.map((command) => command.name())
  try {
    const [first] = args
    if (first === undefined) throw new UsageError('a command is missing')
    if (!first.startsWith('-') && first !== 'help' && !names.includes(first)) {
      throw new UsageError(`there is no command '${printable(first)}'; there are ${names.join(', ')}`)
    }
    program.parse(rewriteOldFlags(args), { from: 'user' })
    return code
  } catch (error) {
    return codeOf(error, io)
  }
}

function codeOf(error: unknown, { say }: CommandIo): number {
  if (error instanceof CommanderError) {
    // Help and version were printed.
    if (error.exitCode === 0 || error.code === 'commander.help') return 0
    say(`${error.message.replace(/^error: /, '')} (golden-logits --help shows how)`)
    return 2
  }
  if (error instanceof UsageError) {
    say(`${error.message} (golden-logits --help shows how)`)
    return 2
  }
  if (!(error instanceof GoldenLogitsError)) throw error
  say(printable(error.message, 2000))
  return error.code === 'invalid-argument' ? 2 : 3
}
