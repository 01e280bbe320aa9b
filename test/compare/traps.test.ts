import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareDumps, loadDump, type TokenComparison } from '../../src/index.js'
import { csv } from '../../src/report/csv.js'
import { failureText } from '../../src/report/message/failure.js'
import type { ComparisonRow } from '../../src/report/rows.js'
import { bin } from '../formats/build/bin.js'
import { call, global, OP, pickle, tensor } from '../formats/build/pickle.js'
import { FOUR, torchRecords, torchZip, zip } from '../formats/build/zip.js'
import { asNobody, canBeNobody } from '../io/nobody.js'

const posix = process.platform !== 'win32'
const GOOD_PTH = torchZip(pickle(tensor()))
const GOOD_BIN = bin({}, FOUR)

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
  chmodSync(dir, 0o755)
})
afterAll(() => {
  execFileSync('chmod', ['-R', 'u+rwx', dir])
  rmSync(dir, { recursive: true, force: true })
})

/** How the logits file of one step is spoilt, and what the comparison says of it. */
type Trap = readonly [name: string, spoil: (file: string) => void, reason: string]

const TRAPS: readonly Trap[] = [
  ['a folder in its place', (file) => mkdirSync(file), 'is a folder, expected a file'],
  ['a FIFO', (file) => execFileSync('mkfifo', [file]), 'is a FIFO, expected a file'],
  ['a link to itself', (file) => symlinkSync(file, file), 'is a symbolic link that points back to itself'],
  ['a link to nothing', (file) => symlinkSync('gone', file), 'there is no such file'],
  ['a link to a device', (file) => symlinkSync('/dev/zero', file), 'is a device, expected a file'],
  ['a link to a folder', (file) => symlinkSync('/', file), 'is a folder, expected a file'],
  [
    'an empty file',
    (file) => writeFileSync(file, ''),
    'is empty, expected one of: a NumPy archive (.npz), a file of torch.save',
  ],
  ['half a file', (file) => writeFileSync(file, halfOf(file)), 'cut short'],
  ['noise', (file) => writeFileSync(file, 'x'.repeat(5000)), 'is of an unknown format'],
  [
    'a command',
    (file) => writeFileSync(file, torchZip(pickle(call(global('os', 'system'), OP.EMPTY_TUPLE)))),
    "'os.system'",
  ],
  ['a wrong CRC', (file) => writeFileSync(file, withWrongCrc()), 'has CRC-32'],
]

const halfOf = (file: string) => (file.endsWith('.pth') ? GOOD_PTH.subarray(0, 300) : GOOD_BIN.subarray(0, 105))
const withWrongCrc = () =>
  zip(torchRecords(pickle(tensor())).map((r) => (r.name.endsWith('/0') ? { ...r, entry: { crc: 7 } } : r)))

/** A dump of a good step in front of each trap, and one at the end; `file` names the logits file of a step. */
function dumpOf(traps: readonly Trap[], good: Uint8Array, file: (step: number) => string): void {
  for (let step = 0; step < 2 * traps.length + 1; step++) {
    mkdirSync(join(file(step), '..'), { recursive: true })
    if (step % 2 === 0) writeFileSync(file(step), good)
    else traps[(step - 1) / 2]![1](file(step))
  }
}

function expectTrapped(tokens: readonly TokenComparison[], traps: readonly Trap[]): void {
  const found = tokens.map(({ verdict, pass, reason }) => ({ verdict, pass, reason }))
  expect(found).toEqual(
    tokens.map((_, step) =>
      step % 2 === 0
        ? { verdict: 'pass', pass: true, reason: '' }
        : { verdict: 'unreadable', pass: false, reason: expect.stringContaining(traps[(step - 1) / 2]![2]) },
    ),
  )
}

describe.runIf(posix)(
  'a comparison does not die of one bad file: its token is unreadable, the others are compared',
  () => {
    test.each<[string, Uint8Array, (run: string) => (step: number) => string]>([
      ['torch', GOOD_PTH, (run) => (step) => join(run, 'torch_tensors/cuda0_1', `${step}`, 'root.lm_head/output.pth')],
      ['ATB', GOOD_BIN, (run) => (step) => join(run, 'tensors/0_1', `${step}`, '33_LmHead/after/outtensor0.bin')],
    ])('in the %s layout', (layout, good, fileOf) => {
      const traps = TRAPS.filter(([name]) => layout === 'torch' || name !== 'a wrong CRC')
      const [golden, dump] = [join(dir, `${layout}-golden`), join(dir, `${layout}-dump`)]
      dumpOf(
        traps.map(([name, , reason]) => [name, (file) => writeFileSync(file, good), reason]),
        good,
        fileOf(golden),
      )
      dumpOf(traps, good, fileOf(dump))
      const comparison = compareDumps(dump, golden)
      expectTrapped(comparison.tokens, traps)
      expect(comparison.pass).toBe(false)
      expect(comparison.counts).toMatchObject({
        total: 2 * traps.length + 1,
        compared: traps.length + 1,
        unreadable: traps.length,
      })
      expectTrapped(compareDumps(golden, dump).tokens, traps)
    })

    test.runIf(canBeNobody)('nor of a file or folder that this user may not read', () => {
      const fileOf = (run: string) => (step: number) =>
        join(dir, run, 'torch_tensors/cuda0_1', `${step}`, 'root.lm_head/output.pth')
      const close = (levels: number) => (file: string) => {
        writeFileSync(file, GOOD_PTH)
        chmodSync(join(file, ...Array(levels).fill('..')), 0o000)
      }
      const traps: Trap[] = [
        ['file', close(0), 'this user has no permission to read it'],
        ['layer', close(1), '(EACCES)'],
        ['step', close(2), '(EACCES)'],
      ]
      dumpOf(
        traps.map(([name, , reason]) => [name, (file) => writeFileSync(file, GOOD_PTH), reason]),
        GOOD_PTH,
        fileOf('open'),
      )
      dumpOf(traps, GOOD_PTH, fileOf('closed'))
      const { tokens, counts } = asNobody(() => compareDumps(join(dir, 'closed'), join(dir, 'open'), { threads: 1 }))
      expectTrapped(tokens, traps)
      expect(counts).toMatchObject({ total: 7, compared: 4, unreadable: 3 })
    })

    test.runIf(canBeNobody)('nor of an ATB folder that this user may not read', () => {
      const fileOf = (run: string) => (step: number) =>
        join(dir, run, 'tensors/0_1', `${step}`, '33_LmHead/after/outtensor0.bin')
      const close = (levels: number) => (file: string) => {
        writeFileSync(file, GOOD_BIN)
        chmodSync(join(file, ...Array(levels).fill('..')), 0o000)
      }
      const traps: Trap[] = [
        ['file', close(0), 'this user has no permission to read it'],
        ['after', close(1), '(EACCES)'],
        ['layer', close(2), '(EACCES)'],
        ['execution', close(3), '(EACCES)'],
      ]
      dumpOf(
        traps.map(([name, , reason]) => [name, (file) => writeFileSync(file, GOOD_BIN), reason]),
        GOOD_BIN,
        fileOf('atb-open'),
      )
      dumpOf(traps, GOOD_BIN, fileOf('atb-closed'))
      const { tokens, counts } = asNobody(() =>
        compareDumps(join(dir, 'atb-closed'), join(dir, 'atb-open'), { threads: 1 }),
      )
      expectTrapped(tokens, traps)
      expect(counts).toMatchObject({ total: 9, compared: 5, unreadable: 4 })
    })
  },
)

test('links to folders in a circle are walked into by nobody', () => {
  const run = join(dir, 'circle/msit_dump_20250301_101500/torch_tensors/cuda0_1')
  mkdirSync(join(run, '0/root.lm_head'), { recursive: true })
  writeFileSync(join(run, '0/root.lm_head/output.pth'), GOOD_PTH)
  for (const [target, path] of [
    ['..', 'up'],
    ['.', '1'],
    ['../..', '0/root.other'],
    ['0', '2'],
  ] as const) {
    symlinkSync(target, join(run, path))
  }
  symlinkSync('.', join(dir, 'circle/msit_dump_20250302_101500'))
  const dump = loadDump(join(dir, 'circle'))
  const linked = expect.stringContaining('link')
  expect([...dump.steps].map(({ step, problem }) => [step, problem])).toEqual([
    [0, undefined],
    [1, linked],
    [2, linked],
  ])
  expect([...dump.ignored].map(({ path }) => path.slice(dir.length + 1)).sort()).toEqual([
    'circle/msit_dump_20250301_101500/torch_tensors/cuda0_1/0/root.other',
    'circle/msit_dump_20250301_101500/torch_tensors/cuda0_1/up',
    'circle/msit_dump_20250302_101500',
  ])
})

test('10,000 steps are listed and compared', () => {
  const steps = 10_000
  const good = join(dir, 'good.pth')
  writeFileSync(good, GOOD_PTH)
  for (const side of ['many-golden', 'many-dump']) {
    for (let step = 0; step < steps; step++) {
      const layer = join(dir, side, 'torch_tensors/cuda0_1', String(step), 'root.lm_head')
      mkdirSync(layer, { recursive: true })
      linkSync(good, join(layer, 'output.pth'))
    }
  }
  const dump = loadDump(join(dir, 'many-dump'))
  expect([...dump.steps].map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, step) => step))
  const { pass, counts } = compareDumps(dump, loadDump(join(dir, 'many-golden')))
  expect({ pass, counts }).toMatchObject({ pass: true, counts: { total: steps, compared: steps, passed: steps } })
})

describe.runIf(posix)('names that would break a terminal or a spreadsheet', () => {
  test.each([
    ['line\nbreak', 'line\\x0abreak'],
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['right\u202eto-left', 'right\\u202eto-left'],
    ['hidden\u200b\u00ad', 'hidden\\u200b\\xad'],
    ['=cmd|calc', '=cmd|calc'],
    ['"quote",comma', '"quote",comma'],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
  ])('%j comes out harmless in message and CSV', (name, shown) => {
    const fileOf = (run: string) => join(dir, run, 'torch_tensors/cuda0_1/0', name, 'output.pth')
    const [golden, dump] = [`wild-golden-${name}`, `wild-dump-${name}`]
    for (const run of [golden, dump]) mkdirSync(join(fileOf(run), '..'), { recursive: true })
    writeFileSync(fileOf(golden), GOOD_PTH)
    writeFileSync(fileOf(dump), withWrongCrc())
    const comparison = compareDumps(join(dir, dump), join(dir, golden))
    const [token] = comparison.tokens
    expect(token).toMatchObject({ verdict: 'unreadable', golden: { layer: name, files: [fileOf(golden)] } })
    expect(token!.reason).toContain(shown)
    const wild = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f]/
    const message = failureText(comparison)
    expect(message).not.toMatch(wild)
    expect(message.split('\n').length).toBeLessThan(40)
    const test = { project: '', file: 'a.test.ts', test: 'a', testIsSure: true, ordinal: 1, repetition: 1, attempt: 1 }
    const made: ComparisonRow = { ...test, matcher: 'toMatchGoldenLogits', isNot: false, soft: false, poll: false }
    const row = { comparison: { ...made, thresholds: comparison.thresholds }, token: { index: 0, ...token! } }
    const line = csv.row({ ...row, reportRows: 1 })
    expect(line).not.toMatch(wild)
    expect(line.trimEnd()).not.toContain('\n')
    for (const cell of line.split(/,|"/)) expect(cell).not.toMatch(/^[=+@]|^-\D/)
  })
})
