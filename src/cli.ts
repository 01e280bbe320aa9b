#!/usr/bin/env node
import { MERGE_HELP, merge, UsageError } from './cli/merge.js'

const HELP = `golden-logits <command>

  merge   merges the reports of a sharded run, or makes the report of a killed run

${MERGE_HELP}`

function run([command, ...args]: readonly string[], say: (text: string) => void): number {
  if (command === '--help' || command === '-h') {
    process.stdout.write(HELP)
    return 0
  }
  try {
    if (command === 'merge') return merge(args, say)
    throw new UsageError(
      command === undefined ? 'a command is missing' : `there is no command '${command}'; there is merge`,
    )
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    say(`${error.message} (golden-logits --help shows how)`)
    return 2
  }
}

process.exitCode = run(process.argv.slice(2), (text) => {
  process.stderr.write(`golden-logits: ${text}\n`)
})
