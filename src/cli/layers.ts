import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { runTopologies, type Topology } from '../dumps/layouts/atb/topology.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { kindOf, listFolder } from '../io/folder.js'
import { startedFrom } from '../lib/file-path.js'
import { counted, listed } from '../lib/number-text.js'
import type { CommandIo } from './io.js'

/** Adds the command `layers`. */
export function addLayers(program: Command, { print, exit }: CommandIo): void {
  program
    .command('layers')
    .summary('prints the ids of the LM heads of an ATB model, and the command that dumps their logits')
    .description(
      'Reads the topology of an ATB run (its folders layer/ and model/, which msit llm dump --type layer model writes) and prints which layers emit logits.',
    )
    .argument('<dump>', 'the folder of a run (msit_dump_*), or one that contains runs')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 heads found, 2 wrong usage, 3 there is no topology, or it names no head.\n')
    .action((dump: string, values: { json?: boolean }) => {
      const runs = runsIn(dump)
      const [first] = runs.flatMap(({ processes }) => processes)
      if (!first) throw noTopology(dump)
      const { heads } = first.topology
      print(values.json ? `${JSON.stringify(runs.map(jsonOf), null, 2)}\n` : runs.map(textOf).join('\n'))
      if (heads.length > 0) {
        if (!values.json) print(nextText(heads))
        return exit(0)
      }
      const message =
        'the topology names no LM head: look for the layer that emits the logits by hand, and load the dump with the option layer'
      throw new GoldenLogitsError('nothing-to-compare', message, { file: dump })
    })
}

interface RunTopology {
  readonly run: string
  readonly processes: readonly { readonly name: string; readonly topology: Topology }[]
}

const EXPECTED =
  'expected the folder of a run of ATB (msit_dump_*) with folders layer/ and model/, or one that contains such runs; msit llm dump --type layer model writes them'

/** @param path of a folder, or of a file */
function noTopology(path: string): GoldenLogitsError {
  const names = kindOf(path) === 'folder' ? listFolder(path).map(({ name }) => printable(name, 40)) : undefined
  const found = names ? (names.length > 0 ? `found ${listed(names, 3)}` : 'it is empty') : 'it is no folder'
  return new GoldenLogitsError('nothing-to-compare', `no topology here (${found}); ${EXPECTED}`, { file: path })
}

/** The runs at or in a folder, those without a topology left out. */
function runsIn(path: string): RunTopology[] {
  const kind = kindOf(path)
  if (kind === undefined) {
    throw new GoldenLogitsError('file-not-found', `there is no such folder${startedFrom(path)}`, { file: path })
  }
  if (kind !== 'folder') throw noTopology(path)
  const folders = [path, ...listFolder(path).flatMap(({ name, kind }) => (kind === 'folder' ? [join(path, name)] : []))]
  return folders
    .map((run) => ({ run, processes: [...runTopologies(run)].map(([name, topology]) => ({ name, topology })) }))
    .filter(({ processes }) => processes.length > 0)
}

function jsonOf({ run, processes }: RunTopology): object {
  return {
    run: basename(run),
    processes: processes.map(({ name, topology: { models, heads } }) => ({
      name,
      models,
      heads: heads.map((id, i) => ({ id, phase: phaseOf(i, heads.length) })),
    })),
  }
}

function textOf({ run, processes }: RunTopology): string {
  const lines = processes.flatMap(({ name, topology: { models, heads } }) => [
    `  process ${printable(name)}: ${counted(models, 'model')}`,
    ...heads.map((id, i) => `    LM head ${id}: ${PHASES[phaseOf(i, heads.length)]}`),
  ])
  return `${printable(basename(run))}\n${lines.join('\n')}\n`
}

type Phase = 'both' | 'prefill' | 'decoder' | 'unknown'

const PHASES: Readonly<Record<Phase, string>> = {
  both: 'prefill and decoder (one model)',
  prefill: 'prefill, which produces token 0',
  decoder: 'decoder, which produces every later token',
  unknown: 'unknown: a run has two heads at most',
}

/** The lower id is the prefill's. */
function phaseOf(index: number, heads: number): Phase {
  if (heads === 1) return 'both'
  return heads > 2 ? 'unknown' : index === 0 ? 'prefill' : 'decoder'
}

function nextText(heads: readonly number[]): string {
  const ids = heads.join(',')
  return `
Dump their logits with:
  msit llm dump --exec "<your command>" --type model tensor -ids ${ids} -er 0,1000 -child False -stp 1
-stp 1 keeps the outputs only, -er 0,1000 the first thousand executions. Then:
  golden-logits compare -gp <golden dump> -mp <this dump>
`
}
