/**
 * Prints, for faults planted in a model, how many first diverging layers a comparison of layers names rightly, wrongly and
 * not at all: with and without a floor, at many positions (the prefill) and at one (a decode); and its false alarms on
 * honest runs.
 *
 *     npm run build && node scripts/layers/faults.mjs tiny
 *     node scripts/layers/faults.mjs MODEL.gguf --texts B --tokens 9        # PYTHON names the interpreter
 *
 * It takes the flags of plant_faults.py; `--texts A` is for choosing thresholds, `--texts B` for reporting.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { matchers } from '../../dist/esm/matchers.js'

const folder = mkdtempSync(join(tmpdir(), 'faults-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const [model = 'tiny', ...flags] = process.argv.slice(2)
const dtype = flags.includes('--dtype') ? flags[flags.indexOf('--dtype') + 1] : 'bf16'
const script = join(import.meta.dirname, 'plant_faults.py')
const child = spawn(process.env.PYTHON ?? 'python3', [script, folder, model, ...flags], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
child.on('exit', (code) => {
  if (code !== 0) process.exitCode = 1
})

/** With the flag `--checkpoint`, also with the weights. They take seconds for each comparison. */
const withCheckpoint = flags.includes('--checkpoint')

/** Of a model that reads the complete text again, the second token has many positions too. */
const SETTINGS = [
  { name: 'prefill, floor', step: 0, floor: true },
  { name: 'prefill', step: 0 },
  ...(withCheckpoint ? [{ name: 'prefill, both', step: 0, floor: true, checkpoint: true }] : []),
  ...(model === 'tiny'
    ? []
    : [
        { name: '1 position, floor', step: 1, floor: true },
        { name: '1 position', step: 1 },
        ...(withCheckpoint ? [{ name: '1 position, both', step: 1, floor: true, checkpoint: true }] : []),
      ]),
]

/** One row for each run: what was planted, and what each setting made of it. */
const rows = []
let planned = 0

for await (const line of createInterface(child.stdout)) {
  const run = JSON.parse(line)
  if (run.role === 'plan') planned = run.runs
  if (run.role === 'test') {
    rows.push({ ...run, results: SETTINGS.map((setting) => resultOf(run, setting)) })
    rmSync(join(folder, run.path), { recursive: true })
    // What there is so far, if the run is stopped.
    if (rows.length % 100 === 0) print()
  }
  child.stdin.write('\n')
}
print()

/** `right` and `wrong` by the name, `fails` without a name, or `passes`. */
function resultOf({ path, golden, floor, expected }, setting) {
  const options = {
    step: setting.step,
    dtype,
    ...(setting.floor && { floor: join(folder, floor) }),
    ...(setting.checkpoint && { checkpoint: join(folder, 'model.safetensors') }),
  }
  const sides = [join(folder, path), join(folder, golden)]
  const { pass, message } = matchers.toMatchGoldenLayers.call({ isNot: false }, ...sides, options)
  const [, name] = /^First layer that diverges: (\S+)/m.exec(message()) ?? []
  if (name === undefined) return { outcome: pass ? 'passes' : 'fails' }
  const [, rule] = /^ {2}rule +([a-z-]+)/m.exec(message())
  return { outcome: expected?.includes(name) ? 'right' : 'wrong', rule, name }
}

function groupsOf(list, keyOf) {
  const groups = new Map()
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}

function print() {
  console.log(`\n${rows.length} of ${planned} runs`)
  const outcomes = ['right', 'wrong', 'fails', 'passes']
  const planted = rows.filter(({ expected }) => expected)
  const byFault = groupsOf(planted, ({ fault, group }) => `${group}: ${fault}`)
  const byGroup = groupsOf(planted, ({ group }) => `ALL ${group}`)
  const byRounding = groupsOf(planted, ({ rounding }) => `rounding: ${rounding}`)
  const cells = (group) =>
    SETTINGS.map((_, i) =>
      outcomes.map((outcome) => group.filter(({ results }) => results[i].outcome === outcome).length),
    )
  table(
    outcomes.join(' / '),
    [...sorted(byFault), ...sorted(byGroup), ...sorted(byRounding), ['ALL', planted]].map(([name, group]) => [
      name,
      cells(group).map((counts) => counts.join(' / ')),
    ]),
  )
  const rules = [...new Set(planted.flatMap(({ results }) => results.flatMap(({ rule }) => rule ?? [])))].sort()
  table(
    'right / wrong by rule',
    rules.map((rule) => [
      rule,
      SETTINGS.map((_, i) =>
        ['right', 'wrong']
          .map(
            (outcome) =>
              planted.filter(({ results }) => results[i].rule === rule && results[i].outcome === outcome).length,
          )
          .join(' / '),
      ),
    ]),
  )
  const honest = groupsOf(
    rows.filter(({ expected }) => !expected),
    ({ rounding }) => rounding,
  )
  const alarms = (group) =>
    SETTINGS.map(
      (_, i) => `${group.filter(({ results }) => results[i].outcome !== 'passes').length} of ${group.length}`,
    )
  table(
    'alarms of honest runs',
    [...sorted(honest), ['ALL', [...honest.values()].flat()]].map(([name, group]) => [name, alarms(group)]),
  )
  for (const { fault, group, expected, rounding, results } of rows) {
    for (const [i, { outcome, name, rule }] of results.entries()) {
      // Of the other faults, some are too small to be named.
      const isMissed = group !== 'others' && outcome !== 'right'
      const isBad = expected ? outcome === 'wrong' || isMissed : outcome !== 'passes'
      if (!isBad) continue
      const what = expected ? `${fault} in ${expected}` : 'honest'
      console.log(
        `${SETTINGS[i].name}: ${what} (${rounding}): ${name ? `named ${name} (${rule})` : `${outcome} without a name`}`,
      )
    }
  }
}

function sorted(groups) {
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
}

function table(title, lines) {
  const width = Math.max(title.length, ...lines.map(([name]) => name.length))
  console.log()
  for (const [name, cells] of [[title, SETTINGS.map(({ name }) => name)], ...lines])
    console.log([name.padEnd(width), ...cells.map((cell) => cell.padStart(20))].join('  '))
}
