// Two dumps of every kind of token, small files in a folder.
const { mkdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const WIDTH = 96

/** An ATB `.bin` file of float32. */
function bin(rows, width, logit, length = 4 * rows * width) {
  const header = `$Version=1.0\n$Object.Count=1\n$Object.Length=${length}\nformat=2\ndtype=0\ndims=${rows},${width}\n$Object.data=0,${length}\n$End=1\n`
  const data = Float32Array.from({ length: rows * width }, (_, i) => logit(i))
  return Buffer.concat([Buffer.from(header), Buffer.from(data.buffer)])
}

function bf16(value) {
  const words = new Uint32Array(Float32Array.of(value).buffer)
  words[0] &= 0xffff0000
  return new Float32Array(words.buffer)[0]
}

/** ln Σ exp of the logits 2 sin i². */
const LOG_SUM = Math.log(
  Array.from({ length: WIDTH }, (_, i) => Math.exp(2 * Math.sin(i * i))).reduce((sum, value) => sum + value),
)

const KINDS = {
  plain: () => bin(1, WIDTH, (i) => Math.sin(i)),
  noisy: () => bin(1, WIDTH, (i) => Math.sin(i) + 0.01 * Math.cos(7 * i)),
  negative: () => bin(1, WIDTH, (i) => (i === 5 ? -0 : -1 - i)),
  nan: () => bin(1, WIDTH, (i) => (i === 9 ? Number.NaN : i)),
  infinite: () => bin(1, WIDTH, (i) => (i === 3 ? Number.POSITIVE_INFINITY : i)),
  suppressed: () => bin(1, WIDTH, (i) => (i % 2 ? Number.NEGATIVE_INFINITY : Math.sin(i))),
  empty: () => bin(1, WIDTH, () => Number.NEGATIVE_INFINITY),
  wide: () => bin(1, WIDTH + 1, (i) => Math.sin(i)),
  // Numbers of bfloat16: the upper halves of float32 numbers.
  bf16: () => bin(1, WIDTH, (i) => bf16(9 * Math.sin(i * i))),
  'bf16-noisy': () => bin(1, WIDTH, (i) => bf16(9 * Math.sin(i * i) * (i % 5 ? 1 : 1.01))),
  'log-probabilities': () => bin(1, WIDTH, (i) => 2 * Math.sin(i * i) - LOG_SUM),
  'prompt-noisy': () => bin(3, WIDTH, (i) => Math.cos(i) + 0.01 * Math.sin(7 * i)),
  prompt: () => bin(3, WIDTH, (i) => Math.cos(i)),
  long: () => bin(1, 3001, (i) => 9 * Math.sin(i * i)),
  'long-noisy': () => bin(1, 3001, (i) => 9 * Math.sin(i * i) + 0.1 * Math.cos(7 * i)),
  cut: () => bin(1, WIDTH, (i) => i).subarray(0, 150),
  'raises-1': () => KINDS.plain(),
  'raises-2': () => KINDS.plain(),
  garbage: () => Buffer.from('no tensor at all\n\u0000'),
}

/** Pairs of files, by the names of `KINDS`; those that end with `.bin` are written, others do not exist. */
const PAIRS = [
  ...[
    ['plain', 'plain'],
    ['plain', 'noisy'],
    ['negative', 'plain'],
    ['plain', 'nan'],
    ['infinite', 'noisy'],
  ],
  ...[
    ['suppressed', 'suppressed'],
    ['suppressed', 'plain'],
    ['plain', 'suppressed'],
    ['empty', 'plain'],
  ],
  ...[
    ['plain', 'wide'],
    ['prompt', 'noisy'],
    ['prompt', 'prompt'],
    ['cut', 'plain'],
    ['garbage', 'cut'],
  ],
  ...[
    ['absent', 'plain'],
    ['plain', 'absent'],
    ['plain', 'caf\u00e9 \u4e2d\u6587'],
    ['plain', undefined],
    [undefined, 'noisy'],
  ],
]

/**
 * @param rows which rows count, as loadDump's options say
 * @returns the dump and the golden, of so many steps
 */
exports.mixedDumps = (folder, steps, kinds = PAIRS, rows = {}) => {
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(KINDS)) writeFileSync(join(folder, `${name}.bin`), content())
  writeFileSync(join(folder, 'caf\u00e9 \u4e2d\u6587.bin'), KINDS.noisy())
  const side = (which) => ({
    path: `${folder}/${which}`,
    layout: 'atb',
    named: 'folder',
    steps: Array.from({ length: steps }, (_, step) => {
      const kind = kinds[step % kinds.length][which]
      const files =
        kind === 'ranks' ? [join(folder, 'plain.bin'), join(folder, 'plain.bin')] : [join(folder, `${kind}.bin`)]
      const problem = step % 50 === 49 && { problem: 'its folder holds two files' }
      return kind && { step, files, layer: `${step % 2}_LmHead`, ...problem }
    }).filter(Boolean),
    notes: [],
    ignored: [],
    stepsAssumed: false,
    budgets: {},
    rows,
  })
  return { golden: side(0), dump: side(1) }
}
