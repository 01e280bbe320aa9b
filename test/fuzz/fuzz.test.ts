import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { listed, seeded } from './choices.js'
import { loadCorpus } from './corpus.js'
import { fuzzDisk } from './disk.js'
import { examine, type Outcome } from './examine.js'
import { KINDS, runInput } from './inputs.js'
import { mutate } from './mutate.js'
import { prototypesOf } from './prototypes.js'

// A short run of what `npm run fuzz` does. A failing property reports the shortest list of choices that breaks it.
const RUNS = 400
const fixtures = join(import.meta.dirname, '../fixtures')
const corpus = loadCorpus(fixtures)
const choiceLists = fc.array(fc.nat(), { maxLength: 300 }).map((numbers) => listed(numbers))

test('the corpus has real files of every format', () => {
  expect(corpus.zip.length).toBeGreaterThan(300)
  expect(corpus.legacy.length).toBeGreaterThan(90)
  expect(corpus.bin.length).toBeGreaterThan(20)
  expect(corpus.npy.length).toBeGreaterThan(90)
  expect(corpus.npz.length).toBeGreaterThan(40)
  expect(corpus.safetensors.length).toBeGreaterThan(80)
  expect(corpus.pb.length).toBeGreaterThan(100)
  expect(corpus.kld.length).toBe(2)
})

describe.each(Object.keys(KINDS))('%s', (kind) => {
  test('every outcome keeps the promises of the readers', () => {
    const untouched = prototypesOf()
    const codes = new Set<string>()
    const check = (outcome: Outcome) => void codes.add(outcome.code)
    fc.assert(
      fc.property(choiceLists, (choices) => check(runInput(kind, choices, corpus))),
      { numRuns: RUNS, seed: 1 },
    )
    for (let i = 0; i < RUNS; i++) check(runInput(kind, seeded(20250301, i), corpus))
    expect(prototypesOf()).toBe(untouched)
    // Neither all read nor all refused with the same code: the inputs get past the first check.
    expect(codes.has('read')).toBe(true)
    expect(codes.size).toBeGreaterThan(3)
  })
})

describe('laws of the readers', () => {
  const files = [...corpus.zip, ...corpus.legacy, ...corpus.bin]
  const real = fc.nat({ max: files.length - 1 })

  test('every prefix of a real file is refused', () => {
    fc.assert(
      fc.property(real, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (file, part) => {
        const { bytes } = files[file]!
        expect(examine(bytes.subarray(0, Math.floor(part * bytes.length))).code).not.toBe('read')
      }),
      { numRuns: RUNS, seed: 1 },
    )
  })

  test('bytes after a real file are refused', () => {
    fc.assert(
      fc.property(real, fc.uint8Array({ minLength: 1, maxLength: 40 }), (file, more) => {
        expect(examine(Buffer.concat([files[file]!.bytes, more])).code).not.toBe('read')
      }),
      { numRuns: RUNS, seed: 1 },
    )
  })

  test('one flipped bit in a record of a tensor is detected if the archive has CRCs', () => {
    const guarded = corpus.zip.filter(
      // A tensor without elements uses no byte of its storage.
      ({ entries, reading }) =>
        entries.every(({ crc, size }) => crc !== 0 || size === 0) && !/\[(\d+,)*0(,\d+)*\]/.test(reading.join()),
    )
    expect(guarded.length).toBeGreaterThan(250)
    fc.assert(
      fc.property(fc.nat(guarded.length - 1), fc.nat(), fc.nat(), (file, which, bit) => {
        const { bytes, entries } = guarded[file]!
        const used = entries.filter(({ name, size }) => size > 0 && /\/(data\.pkl|byteorder|data\/\w+)$/.test(name))
        const { start, compressedSize } = used[which % used.length]!
        const damaged = bytes.slice()
        damaged[start + ((bit >> 3) % compressedSize)]! ^= 1 << (bit & 7)
        expect(examine(damaged).code).toMatch(/^(crc-mismatch|bad-archive)$/)
      }),
      { numRuns: RUNS, seed: 1 },
    )
  })

  test('noise is refused, also after the first bytes of a format', () => {
    const head = fc.constantFrom(
      '',
      'PK\x03\x04',
      '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.',
      'dtype=0\n',
    )
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 2000 }), (first, noise) => {
        expect(examine(Buffer.concat([Buffer.from(first, 'latin1'), noise])).code).not.toBe('read')
      }),
      { numRuns: RUNS, seed: 1 },
    )
  })
})

test('dumps with damaged files: other tokens are compared as before, and nothing is thrown', () => {
  const failures = join(fixtures, '../../.fuzz/failures')
  const { findings, summary } = fuzzDisk({ fixtures, failures, seed: 20250301, trees: 12 })
  expect(findings).toEqual([])
  expect(summary).toMatch(/pass \d+.*unreadable \d+/)
})

test('the long run is one command, which prints counts, a seed, the slowest input and the memory', () => {
  const script = join(fixtures, '../../scripts/fuzz.mjs')
  const args = ['--inputs', '400', '--seed', '7', '--threads', '2', '--trees', '2']
  const out = execFileSync(process.execPath, [script, ...args], { encoding: 'utf8' })
  const counted = out.split('\n').map((line) => line.replace(/: \d+$/, ''))
  expect(counted).toEqual(expect.arrayContaining(Object.keys(KINDS)))
  expect(out).toMatch(/^slowest input: [\d.]+ ms \(input \d+, .*\)$/m)
  expect(out).toMatch(/^RSS: \d+ MB when warm, \d+ MB at most, grown by \d+ MB$/m)
  expect(out).toMatch(/^400 inputs in \d+ s, seed 7: 0 findings$/m)
})

test('mutations change only a copy, and the same choices give the same bytes', () => {
  const { bytes, fields } = corpus.zip[0]!
  const before = bytes.slice()
  const mutants = [0, 1].map(() =>
    Array.from({ length: 200 }, (_, i) => mutate(bytes, seeded(5, i), fields, corpus.bin[0]!.bytes)),
  )
  expect(mutants[0]).toEqual(mutants[1])
  expect(new Set(mutants[0]!.map((mutant) => Buffer.from(mutant).toString('latin1'))).size).toBeGreaterThan(150)
  expect(bytes).toEqual(before)
})
