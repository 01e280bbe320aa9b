// A comparison of all layers at one token, beside a straightforward PyTorch script that computes the same four numbers of
// every input and output, in turn: time and peak memory. Needs a Python with PyTorch (the variable PYTHON, else python3).
// Usage: npm run bench -- layers [--folder FOLDER] [--layers 32] [--operations 10] [--positions 16] [--width 4096] [--vocab 152064] [--runs 5]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { matchers } from '../dist/esm/matchers.js'
import { peakMemory } from './peak-memory.mjs'

const script = new URL('./layers.py', import.meta.url).pathname
const self = new URL(import.meta.url).pathname

if (process.argv[2] === 'compare') compare(process.argv[3], process.argv[4])
else main()

function compare(golden, dump) {
  const [cpu, started] = [process.cpuUsage(), performance.now()]
  const { message } = matchers.toMatchGoldenLayers.call({ isNot: false }, dump, golden, { step: 0 })
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const layers = Number(/(\d+) compared/.exec(message())[1])
  console.log(JSON.stringify({ layers, seconds, cpu: (user + system) / 1e6, mb: peakMemory() }))
}

function main() {
  const defaults = { layers: '32', operations: '10', positions: '16', width: '4096', vocab: '152064', runs: '5' }
  const options = Object.entries({ folder: tmpdir(), ...defaults }).map(([name, value]) => {
    return [name, { type: 'string', default: value }]
  })
  const { values } = parseArgs({ options: Object.fromEntries(options) })
  const python = process.env.PYTHON ?? 'python3'
  const version = execFileSync(python, [script, 'version'], { encoding: 'utf8' }).trim()
  const folder = mkdtempSync(join(values.folder, 'golden-logits-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const { layers, operations, positions, width, vocab } = values
  execFileSync(python, [script, 'write', folder, layers, operations, positions, width, vocab])
  const sides = [join(folder, 'golden'), join(folder, 'dump')]
  const ways = {
    'golden-logits': () => execFileSync(process.execPath, [self, 'compare', ...sides]),
    PyTorch: () => execFileSync(python, [script, 'compare', ...sides]),
  }
  const found = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  // The first round fills the page cache.
  for (let run = -1; run < Number(values.runs); run++) {
    for (const [name, way] of Object.entries(ways)) {
      const result = JSON.parse(way())
      if (run >= 0) found[name].push(result)
    }
  }
  console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${version}`)
  console.log(
    `${layers} layers x ${operations} operations of width ${width} and a head of ${vocab}, ${positions} positions, inputs and outputs; medians of ${values.runs} runs in turn\n`,
  )
  console.log('| | layers | seconds | seconds of processor time | peak memory |\n|---|---|---|---|---|')
  for (const [name, results] of Object.entries(found)) {
    const median = (key) => results.map((result) => result[key]).sort((a, b) => a - b)[results.length >> 1]
    const cells = [
      median('layers'),
      median('seconds').toFixed(2),
      median('cpu').toFixed(2),
      `${Math.round(median('mb'))} MB`,
    ]
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}
