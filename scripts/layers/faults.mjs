/**
 * Prints, for faults planted in a model, how many first diverging layers `toMatchGoldenLayers` names rightly, wrongly and
 * not at all, with and without a floor, at many positions (the prefill) and at one (a decode); and its false alarms on
 * honest runs.
 *
 *     npm run build && node scripts/layers/faults.mjs tiny
 *     node scripts/layers/faults.mjs MODEL.gguf            # PYTHON names the interpreter
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { matchers } from '../../dist/esm/matchers.js'

const folder = mkdtempSync(join(tmpdir(), 'faults-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const [model = 'tiny'] = process.argv.slice(2)
const script = join(import.meta.dirname, 'plant_faults.py')
const child = spawn(process.env.PYTHON ?? 'python3', [script, folder, model], { stdio: ['pipe', 'pipe', 'inherit'] })

child.on('exit', (code) => {
  if (code !== 0) process.exitCode = 1
})

/** Of a model that reads the complete text again, the second token has many positions too. */
const SETTINGS = [
  { name: 'prefill, floor', step: 0, floor: true },
  { name: 'prefill', step: 0, floor: false },
  ...(model === 'tiny'
    ? []
    : [
        { name: '1 position, floor', step: 1, floor: true },
        { name: '1 position', step: 1, floor: false },
      ]),
]
/** By fault, then by setting: right, wrong, none. */
const table = new Map()
const wrongNames = []
let runs = 0

for await (const line of createInterface(child.stdout)) {
  const run = JSON.parse(line)
  if (run.role === 'test') {
    const counts = table.get(run.fault) ?? SETTINGS.map(() => [0, 0, 0])
    table.set(run.fault, counts)
    SETTINGS.forEach((setting, i) => {
      const { pass, name } = resultOf(run, setting)
      // An honest run must pass. A fault must be named; a failure without a name is no wrong name.
      const place = run.expected === null ? (pass ? 0 : 1) : name === undefined ? 2 : name === run.expected ? 0 : 1
      counts[i][place]++
      if (place === 1) wrongNames.push(`${setting.name}: ${run.fault} in ${run.expected}: named ${name}`)
    })
    rmSync(join(folder, run.path), { recursive: true })
  }
  child.stdin.write('\n')
  // What there is so far, if the run is stopped.
  if (runs++ % 50 === 49) print()
}
print()

function resultOf({ path, prompt }, { step, floor }) {
  const options = { step, dtype: 'bf16', ...(floor && { floor: join(folder, `floor${prompt}`) }) }
  const golden = join(folder, `golden${prompt}`)
  const { pass, message } = matchers.toMatchGoldenLayers.call({ isNot: false }, join(folder, path), golden, options)
  const [, name] = /^First layer that diverges: (\S+)/m.exec(message()) ?? []
  return { pass, name }
}

function addTo(sums, counts) {
  for (const [i, count] of counts.entries()) for (const [j, value] of count.entries()) sums[i][j] += value
}

function print() {
  const width = Math.max(...[...table.keys()].map((name) => name.length), 'all faults'.length)
  const line = (name, cells) => console.log([name.padEnd(width), ...cells.map((cell) => cell.padStart(18))].join('  '))
  line(
    'right / wrong / none',
    SETTINGS.map(({ name }) => name),
  )
  const sums = SETTINGS.map(() => [0, 0, 0])
  for (const [fault, counts] of table) {
    if (fault !== 'honest') addTo(sums, counts)
    line(
      fault,
      counts.map((count) => (fault === 'honest' ? `${count[1]} alarms of ${count[0] + count[1]}` : count.join(' / '))),
    )
  }
  line(
    'all faults',
    sums.map((count) => count.join(' / ')),
  )
  for (const text of wrongNames) console.log(text)
}
