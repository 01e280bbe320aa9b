import { writeSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { GoldenLogitsError, printable } from '../errors.js'
import { jsonLines } from '../report/json.js'
import { largePieces } from '../reporters/publish.js'
import { PACKAGE_VERSION } from '../snapshots/types.js'
import { addCalibrate } from './calibrate.js'
import { addCompare } from './compare.js'
import { goneFlagAdvice, rewriteOldFlags } from './flags.js'
import { addInspect } from './inspect.js'
import { type CommandIo, QUOTE_ADVICE, UsageError } from './io.js'
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
    print: (text) => write(1, text),
    json: (report) => {
      for (const piece of largePieces(jsonLines(report))) io.print(piece)
    },
    say: (line) => {
      try {
        write(2, `golden-logits: ${line}\n`)
      } catch {
        // There is nothing left to print to.
      }
    },
    exit: (value) => {
      code = value
    },
  }
  const program = new Command('golden-logits')
    .description('Compares logits dumps of large language models, and looks after their reports.')
    .version(PACKAGE_VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: io.print })
    .configureHelp({ showGlobalOptions: false })
  addCompare(program, io)
  addLayers(program, io)
  addLogitscmp(program, io)
  addSnapshot(program, io)
  addCalibrate(program, io)
  addInspect(program, io)
  addMerge(program, io)
  addReport(program, io)
  for (const command of program.commands) refuseRepeated(command)
  const names = program.commands.map((command) => command.name())
  try {
    const [first] = args
    if (first === undefined) throw new UsageError('a command is missing')
    const name = first === 'help' ? args[1] : first
    if (name !== undefined && !name.startsWith('-') && !names.includes(name)) {
      throw new UsageError(`there is no command '${printable(name)}'; there are ${names.join(', ')}`)
    }
    program.parse(rewriteOldFlags(args), { from: 'user' })
    return code
  } catch (error) {
    const [first = ''] = args
    return codeOf(error, io, names.includes(first) ? ` ${first}` : '')
  }
}

/** Options that add to what was given before. */
const REPEATABLE = ['golden', 'limit', 'provenance']

/** The last of two values would win, and nobody would see that the first one has no effect. */
function refuseRepeated(command: Command): void {
  for (const option of command.options) {
    if (option.variadic || !option.required || REPEATABLE.includes(option.attributeName())) continue
    let count = 0
    command.on(`option:${option.name()}`, () => {
      if (++count > 1) throw new UsageError(`${option.long} is given twice: give it once`)
    })
  }
}

/** Writes all of it at once. A reader that has gone (`| head -1`) changes nothing about the exit code. */
function write(descriptor: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EPIPE') return
      // A pipe that is full for the moment.
      if (code !== 'EAGAIN') throw error
    }
  }
}

/** @param command the name of the command with a space before it, if it is known */
function codeOf(error: unknown, { say }: CommandIo, command: string): number {
  if (error instanceof CommanderError) {
    // Help and version were printed.
    if (error.exitCode === 0 || error.code === 'commander.help') return 0
    const found = error.message.replace(/^error: /, '').replaceAll('\n', ' ')
    const flag = error.code === 'commander.unknownOption' ? /'([^'=]*)/.exec(found)?.[1] : undefined
    const advice = error.code === 'commander.excessArguments' ? ` ${QUOTE_ADVICE}` : ''
    const text = goneFlagAdvice(flag ?? '') ?? `${found}${advice}`
    say(`${text} (golden-logits${command} --help shows how)`)
    return 2
  }
  if (error instanceof UsageError) {
    say(`${error.message} (golden-logits${command} --help shows how)`)
    return 2
  }
  if (isOfSystem(error)) {
    say(
      `a file cannot be written or read (${printable(error.message, 1000)}); free disk space, grant permission, or name another path`,
    )
    return 3
  }
  if (!(error instanceof GoldenLogitsError)) throw error
  say(printable(error.message, 2000))
  return error.code === 'invalid-argument' ? 2 : 3
}

/** An error of the file system: `EACCES: permission denied, mkdir '/x'`. */
function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error && 'code' in error
}
