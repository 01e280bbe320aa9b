import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { addCompare } from '../../src/cli/compare.js'
import type { CommandIo } from '../../src/cli/io.js'
import { addLogitscmp } from '../../src/cli/logitscmp.js'
import { withFlags } from '../../src/cli/option-flags.js'
import { addSnapshot } from '../../src/cli/snapshot.js'
import { COMPARE_OPTIONS } from '../../src/compare/options.js'
import type { LoadDumpOptions } from '../../src/dumps/types.js'
import { SNAPSHOT_OPTIONS } from '../../src/snapshots/options.js'

const io: CommandIo = { print: () => {}, json: () => {}, message: () => {}, say: () => {}, exit: () => {} }
const program = new Command()
addCompare(program, io)
addSnapshot(program, io)
addLogitscmp(program, io)
const [compare, snapshot, logitscmp] = program.commands

/** What follows the line. */
function flagsAfter(line: string, command = compare): string {
  const text = withFlags(line, command)
  expect(text.startsWith(line)).toBe(true)
  return text.slice(line.length)
}

/** `--first-step` of `firstStep`, as any command line spells it. */
const spelled = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

describe('a line is followed by the flags of its options', () => {
  const LOAD: Record<Exclude<keyof LoadDumpOptions, 'budgets'>, 1> = {
    ...{ run: 1, layer: 1, firstStep: 1, prefill: 1, tensor: 1, positions: 1, sequence: 1, kind: 1, ranks: 1 },
  }
  const LIMITS = ['klDivergence', 'cosineSimilarity', 'meanKl', 'p99Kl', 'top1Agreement']
  const LAYERS = ['floor', 'checkpoint', 'unpaired', 'mapping']
  const names = [...COMPARE_OPTIONS.filter((name) => name !== 'thresholds'), ...Object.keys(LOAD), ...LIMITS, ...LAYERS]

  test.each(names)('of each option: %s', (name) => {
    expect(flagsAfter(`load both with the option ${name}: 'x'`)).toBe(` (as a flag: ${spelled(name)} x)`)
    const isSpelledAlike = spelled(name) === `--${name}`
    expect(flagsAfter(`load both with the option ${name}`)).toBe(isSpelledAlike ? '' : ` (as a flag: ${spelled(name)})`)
  })

  test.each(
    SNAPSHOT_OPTIONS.filter((name) => !['thresholds', 'baseline', 'baselineFactor', 'name', 'variant'].includes(name)),
  )('of each option of snapshot: %s', (name) =>
    expect(flagsAfter(`set ${name}: 'x'`, snapshot)).toBe(` (as a flag: ${spelled(name)} x)`),
  )

  test.each([
    ["set decoding: 'greedy'; if not, set decoding: 'forced'", 'flags: --decoding greedy, --decoding forced'],
    ['nothing shows tensorParallel; set tensorParallel: 1', 'a flag: --tensor-parallel 1'],
    ["rounding: 'aware' and rounding: 'aware'", 'a flag: --rounding aware'],
    [
      "choose one with the option run: 'a b', or compare all with run: 'all'",
      "flags: --golden-run 'a b', --dump-run 'a b', --baseline-run 'a b', --run all",
    ],
    [
      "the steps of the dump are assumed; if that is right, set loadDump's option firstStep: 0",
      'a flag: --dump-first-step 0',
    ],
    ["token 0: dump: 2 tensors in the file; name one with loadDump's option tensor: 'a'", 'a flag: --dump-tensor a'],
    ["  note: each run: golden: two; set loadDump's option prefill: 'last'", 'a flag: --golden-prefill last'],
    ["the golden holds several runs and the dump is one; load both with run: 'all'", 'a flag: --run all'],
    ["give both the same number by loadDump's option firstStep", 'a flag: --first-step'],
    [
      'it has no prefill; set firstStep, the step of its first execution',
      'flags: --golden-first-step, --dump-first-step, --baseline-first-step',
    ],
    ['this needs device, model, tensorParallel', 'flags: --device, --model, --tensor-parallel'],
    ['compare steps: { from: 3, to: 8 }', 'a flag: --steps 3-8'],
    ['set steps: { to: 5 }', 'a flag: --steps 0-5'],
    ['set steps: { from: 5 }', 'a flag: --steps 5-'],
    ["set metrics: ['l1Norm', 'top10Overlap']", 'a flag: --metrics l1Norm,top10Overlap'],
    ['with the option strict: true, warnings fail', 'a flag: --strict'],
    ['steps looked shifted: load the golden with the option firstStep: 3', 'a flag: --golden-first-step 3'],
    ['load the dump with the number of one rank (ranks: 0); set threads: 1', 'flags: --dump-ranks 0, --threads 1'],
    ["  note: dump: the last one; set loadDump's option prefill: 'last'", 'a flag: --dump-prefill last'],
    ["warning: golden: all; set identical: 'allow'", 'a flag: --identical allow'],
    [
      'set the option thresholds',
      'flags: --kl-divergence, --cosine-similarity, --mean-kl, --p99-kl, --top1-agreement, --limit',
    ],
  ])('%s', (line, flags) => expect(flagsAfter(line)).toBe(` (as ${flags})`))

  test.each([
    'KL divergence 19.4 is not below 0.005',
    'golden: 2 tensors in the file',
    'token: 3, the missing steps',
    '--first-step is given twice',
    'cannot read /dumps/firstStep/x.pth',
    'vocabSize.html',
    'kinds: 3',
    String.raw`cannot read C:\dumps\firstStep\x.pth`,
    "holds 1 case: logits; the option run: 'a b' names none of them",
    "no step has the layer of the option layer: 'x'",
    "the dump holds 2 runs (option run: 'all')",
    "token 0: golden and dump are the same file (identical: 'allow')",
    "token 1 is missing, excused by missing: 'allow'; if that is right, leave it out",
  ])('nothing follows %s', (line) => expect(flagsAfter(line)).toBe(''))

  test('nothing follows where the command has no such flag', () => {
    expect(flagsAfter("set decoding: 'greedy'", logitscmp)).toBe('')
    expect(withFlags("set decoding: 'greedy'", undefined)).toBe("set decoding: 'greedy'")
    expect(flagsAfter('load the dump with firstStep: 3', snapshot)).toBe(' (as a flag: --first-step 3)')
    expect(flagsAfter("choose one with run: 'a', or compare all with run: 'all'", snapshot)).toBe(
      ' (as a flag: --run a)',
    )
  })
})
