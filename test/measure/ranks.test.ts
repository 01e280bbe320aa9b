import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkOptions } from '../../src/compare/options.js'
import {
  compareDumps,
  GoldenLogitsError,
  type LoadDumpOptions,
  loadDump,
  type TokenComparison,
} from '../../src/index.js'
import { writeSnapshot } from '../../src/snapshots/write-snapshot.js'
import { logits, type Tensor } from '../build/logits.js'
import { atbDump, type Step, torchDump } from '../build/pair.js'

const ROW = logits(3, 24)

/** The row split along the vocabulary. */
function split(row: readonly number[], ranks: number, dtype: Tensor['dtype'] = 'float32'): Tensor[] {
  const width = row.length / ranks
  return Array.from({ length: ranks }, (_, r) => ({ values: row.slice(r * width, (r + 1) * width), dtype }))
}

function copies(row: readonly number[], ranks: number): Tensor[] {
  return Array.from({ length: ranks }, () => ({ values: row }))
}

function token(golden: Step, dump: Step, options = {}): TokenComparison {
  return compareDumps(atbDump([dump]), torchDump([golden]), { dtype: 'fp32', ...options }).tokens[0]!
}

describe('a vocabulary that is split over ranks', () => {
  test.each([2, 3, 12])('over %d, in numeric order of the devices', (ranks) => {
    for (const found of [
      token({ values: ROW }, split(ROW, ranks)),
      token(split(ROW, ranks), { values: ROW }),
      token(split(ROW, ranks), split(ROW, ranks)),
      token(copies(ROW, 2), split(ROW, ranks)),
      token(split(ROW, ranks), copies(ROW, ranks)),
    ]) {
      expect(found).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 }, golden: { shape: [1, 24] } })
      expect(found.dump!.shape).toEqual([1, 24])
    }
  })

  test('unevenly, as a padded last rank is', () => {
    const parts = [{ values: ROW.slice(0, 10) }, { values: ROW.slice(10, 20) }, { values: ROW.slice(20) }]
    const found = token({ values: ROW }, parts)
    expect(found).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 } })
    expect(found.dump!.files.map((file) => /tensors\/(\d+)_/.exec(file)![1])).toEqual(['0', '1', '2'])
  })

  test('is not taken in another order', () => {
    const [first, second] = split(ROW, 2) as [Tensor, Tensor]
    expect(token({ values: ROW }, [second, first]).verdict).toBe('over-threshold')
  })

  test('only the last position of each rank counts', () => {
    const [first, second] = split(ROW, 2) as [Tensor, Tensor]
    const prompt = (part: Tensor) => ({ values: [...logits(8, 12), ...part.values], shape: [1, 2, 12] })
    expect(token({ values: ROW }, [prompt(first), prompt(second)])).toMatchObject({
      verdict: 'pass',
      dump: { fileShape: [1, 2, 12] },
    })
  })

  test('may be cut to a vocabulary size', () => {
    const padded = [...ROW, ...Array.from({ length: 6 }, () => -200)]
    expect(token({ values: ROW }, split(padded, 3), { vocabSize: 24 })).toMatchObject({ verdict: 'pass' })
  })
})

describe('ranks that hold the whole vocabulary each', () => {
  test('are one row', () => {
    for (const found of [
      token({ values: ROW }, copies(ROW, 3)),
      token(copies(ROW, 2), { values: ROW }),
      token(copies(ROW, 2), copies(ROW, 2)),
    ]) {
      expect(found).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 } })
      expect(found.dump!.shape).toEqual([1, 24])
    }
  })

  test('must not differ by a bit', () => {
    const odd = [...ROW.slice(0, 23), ROW[23]! + 1e-6]
    const found = token({ values: ROW }, [...copies(ROW, 2), { values: odd }])
    expect(found.verdict).toBe('shape-mismatch')
    expect(found.reason).toMatch(
      /^each rank of the dump is as wide as the golden, so they must be copies of one row, but .*tensors\/0_2\/.*\.bin and .*tensors\/2_2\/.*\.bin hold different logits; if they are parts of the vocabulary, ranks of the golden are missing; if each holds a separate row, load the dump with the number of one rank \(ranks: 0\)$/,
    )
  })

  test('must not differ on one side where they are copies on the other: nor are they parts then', () => {
    const nearly = [{ values: ROW }, { values: ROW.map((logit) => logit + 0.01 * Math.sin(logit)) }]
    for (const found of [
      token(copies(ROW, 2), nearly, { dtype: 'bf16' }),
      token(nearly, copies(ROW, 2), { dtype: 'bf16' }),
    ]) {
      expect(found).toMatchObject({ verdict: 'shape-mismatch', golden: { shape: [1, 24] }, dump: { shape: [1, 24] } })
      expect(found.reason).toContain('hold different logits')
    }
  })
})

describe('ranks that make no row', () => {
  test('one of them is not there', () => {
    const found = token(split(ROW, 2), split(ROW, 3).slice(0, 2))
    expect(found).toMatchObject({ verdict: 'shape-mismatch' })
    expect(found.reason).toBe(
      'vocabularies differ: golden 12 + 12 columns, dump 8 + 8; if one side pads its vocabulary, set the option vocabSize (to 16 or below)',
    )
  })

  test('half of a vocabulary is never half of the other', () => {
    expect(token(split(ROW, 2), split(ROW, 2).slice(0, 1)).verdict).toBe('shape-mismatch')
    expect(token({ values: ROW }, split(ROW, 2).slice(0, 1)).reason).toContain(
      'if the dump is one rank of a tensor-parallel run, name the folder that holds all its ranks',
    )
  })

  test('of different dtypes', () => {
    const mixed = [split(ROW, 2)[0]!, split(ROW, 2, 'float16')[1]!]
    const reason = 'the ranks of the dump have different dtypes (float32 and float16)'
    expect(token({ values: ROW }, mixed)).toMatchObject({ verdict: 'shape-mismatch', reason })
  })

  test('one that cannot be read', () => {
    const found = compareDumps(
      atbDump([[split(ROW, 2)[0]!, 'broken' as unknown as Tensor]]),
      torchDump([{ values: ROW }]),
      { dtype: 'fp32' },
    ).tokens[0]!
    expect(found).toMatchObject({ verdict: 'unreadable', reason: expect.stringContaining('tensors/1_2/0/33_LmHead') })
  })
})

/** A replica with its own request: its logits are so much higher that it decides the softmax of the joined row. */
const OTHER = logits(5, 24).map((logit) => logit + 30)
/** `ROW` with the two best logits exchanged. */
const SWAPPED = swapTop(ROW)
const WITHIN_BOTH =
  '2 ranks a side of equal width: read as parts of one vocabulary and as separate rows; both are within the limits'

function swapTop(row: readonly number[]): number[] {
  const [first, second] = [...row.keys()].sort((a, b) => row[b]! - row[a]!) as [number, number]
  return row.map((logit, id) => (id === first ? row[second]! - 1 : id === second ? row[first]! : logit))
}

function tensors(...rows: (readonly number[])[]): Tensor[] {
  return rows.map((values) => ({ values }))
}

function noisy(row: readonly number[], size: number): number[] {
  return row.map((logit, id) => logit + size * Math.sin(7 * id))
}

function compare(golden: readonly Step[], dump: readonly Step[], ranks?: LoadDumpOptions['ranks'], options = {}) {
  const load = (path: string) => loadDump(path, ranks === undefined ? {} : { ranks })
  return compareDumps(load(atbDump(dump)), load(torchDump(golden)), { dtype: 'bf16', ...options })
}

describe('as many ranks of equal width on both sides, with different logits', () => {
  const replicas = tensors(ROW, OTHER)
  const badReplicas = tensors(SWAPPED, OTHER)

  test('a faulty replica that the joined row hides does not pass', () => {
    const { pass, counts, tokens, firstFailure, notes } = compare([replicas, replicas], [replicas, badReplicas])
    expect({ pass, counts }).toMatchObject({ pass: false, counts: { total: 2, passed: 1, failed: 1 } })
    expect(firstFailure).toMatchObject({ step: 1, verdict: 'undecided', pass: false })
    expect(firstFailure!.reason).toMatch(
      /^2 ranks a side of equal width: read as parts of one vocabulary, they are within the limits; read as separate rows, rank 0: KL divergence [\d.]+ is not below 0\.005(; rank 0: cosine similarity [\d.]+ is not above 0\.999)?; load both dumps with ranks: 'split' \(parts\), 'copies' \(equal rows\) or a number \(that rank alone\)$/,
    )
    expect(tokens[0]!.verdict).toBe('pass')
    expect(notes).toContain(`token 0: ${WITHIN_BOTH}`)
  })

  test('every option decides', () => {
    const found = (ranks: LoadDumpOptions['ranks']) => compare([replicas], [badReplicas], ranks).tokens[0]!
    expect(found('split').verdict).toBe('pass')
    expect(found(0)).toMatchObject({ verdict: 'over-threshold', golden: { shape: [1, 24] } })
    expect(found(0).metrics!.klDivergence).toBe(token({ values: ROW }, { values: SWAPPED }).metrics!.klDivergence)
    expect(found(1)).toMatchObject({ verdict: 'pass', golden: { shape: [1, 24] } })
    expect(found('copies')).toMatchObject({
      verdict: 'shape-mismatch',
      reason: expect.stringMatching(
        /^the option ranks: 'copies' says that all ranks of the golden hold the same row, but .*cuda0_1.* and .*cuda1_1.* hold different logits; if each holds a separate row, load the golden with the number of one rank \(ranks: 0\)$/,
      ),
    })
  })

  test.each([2, 3])('%d parts of one vocabulary pass without an option, with a note', (count) => {
    const { pass, notes, tokens } = compare([split(ROW, count)], [split(noisy(ROW, 0.002), count)])
    expect({ pass, verdict: tokens[0]!.verdict, shape: tokens[0]!.golden!.shape }).toEqual({
      pass: true,
      verdict: 'pass',
      shape: [1, 24],
    })
    expect(notes).toContain(`token 0: ${WITHIN_BOTH.replace('2', `${count}`)}`)
  })

  test('the joined row is measured', () => {
    const [joined] = compare([{ values: ROW }], [{ values: noisy(ROW, 0.002) }]).tokens
    const [parts] = compare([split(ROW, 2)], [split(noisy(ROW, 0.002), 2)]).tokens
    expect(parts!.metrics).toEqual(joined!.metrics)
  })

  test('both readings over a limit are an ordinary failure', () => {
    const [found] = compare([split(ROW, 2)], [split(noisy(ROW, 2), 2)]).tokens
    expect(found).toMatchObject({ verdict: 'over-threshold', reason: expect.stringMatching(/^KL divergence/) })
  })

  test('ranks that match only by themselves are undecided', () => {
    const [first, second] = split(ROW, 2) as [Tensor, Tensor]
    const shifted = { values: second.values.map((logit) => logit + 0.3) }
    const golden = [first, second]
    const options = { thresholds: { cosineSimilarity: 0.9 } }
    const [found] = compare([golden], [[first, shifted]], undefined, options).tokens
    expect(found).toMatchObject({ verdict: 'undecided' })
    expect(found!.reason).toMatch(
      /read as parts of one vocabulary, KL divergence [\d.]+ is not below 0\.005; read as separate rows, they are within the limits/,
    )
    expect(compare([golden], [[first, shifted]], 'split', options).tokens[0]!.verdict).toBe('over-threshold')
  })

  test('the same limits as for one row decide: wider ones let both readings pass', () => {
    const thresholds = { klDivergence: 100, cosineSimilarity: -1 }
    expect(compare([replicas], [badReplicas], undefined, { thresholds }).pass).toBe(true)
  })

  test('a part that is all padding on both sides says nothing', () => {
    const padding = Array.from({ length: 24 }, () => Number.NEGATIVE_INFINITY)
    expect(compare([tensors(ROW, padding)], [tensors(noisy(ROW, 0.002), padding)]).pass).toBe(true)
    const [found] = compare([tensors(OTHER, padding)], [tensors(OTHER, ROW)]).tokens
    expect(found).toMatchObject({
      verdict: 'undecided',
      reason: expect.stringContaining('rank 1: KL divergence Infinity'),
    })
  })

  test('NaN in one rank is non-finite in both readings', () => {
    const nan = [Number.NaN, ...ROW.slice(1)]
    expect(compare([replicas], [tensors(ROW, nan)]).tokens[0]).toMatchObject({ verdict: 'non-finite' })
  })

  test('after the first flip they may be excused as other tokens are', () => {
    const flipped = [tensors(ROW, OTHER), tensors(ROW, swapTop(OTHER))] as const
    const steps = [
      [flipped[0], replicas],
      [flipped[1], badReplicas],
    ] as const
    const { tokens } = compare(steps[0], steps[1], undefined, { afterDivergence: 'ignore' })
    expect(tokens.map(({ verdict, pass }) => [verdict, pass])).toEqual([
      ['over-threshold', false],
      ['not-comparable', true],
    ])
  })

  test('another number of ranks, unequal widths, copies or vocabSize decide', () => {
    for (const found of [
      token(split(ROW, 2), split(ROW, 3)),
      token(
        [{ values: ROW.slice(0, 10) }, { values: ROW.slice(10) }],
        [{ values: ROW.slice(0, 10) }, { values: ROW.slice(10) }],
      ),
      token(copies(ROW, 2), copies(ROW, 2)),
      token(split(ROW, 2), split(ROW, 2), { vocabSize: 24 }),
    ]) {
      expect(found).toMatchObject({ verdict: 'pass', reason: '', golden: { shape: [1, 24] } })
    }
    const { notes } = compareDumps(atbDump([copies(ROW, 2)]), torchDump([copies(ROW, 2)]), { dtype: 'fp32' })
    expect(notes.join()).not.toContain('ranks a side')
  })

  test('any number of threads gives the same', () => {
    const golden = Array.from({ length: 300 }, (_, i) => tensors(logits(i, 64), logits(i + 7, 64)))
    const dump = golden.map((ranks, i) => (i % 3 === 1 ? tensors(swapTop(ranks[0]!.values), ranks[1]!.values) : ranks))
    const [one, two] = [1, 2].map((threads) => {
      const load = (path: string) => loadDump(path, { ranks: 'split' })
      return [
        compare(golden, dump, undefined, { threads }),
        compareDumps(load(atbDump(dump)), load(torchDump(golden)), { threads }),
      ]
    }) as [ReturnType<typeof compare>[], ReturnType<typeof compare>[]]
    for (const i of [0, 1]) {
      expect(two[i]!.counts).toEqual(one[i]!.counts)
      expect(two[i]!.tokens.map(({ metrics, verdict }) => [verdict, metrics])).toEqual(
        one[i]!.tokens.map(({ metrics, verdict }) => [verdict, metrics]),
      )
    }
    expect(one[0]!.counts.passed).toBe(200)
  })
})

describe('the option ranks', () => {
  test.each<[string, LoadDumpOptions['ranks'], Step, Step, string]>([
    ['parts on both sides', 'split', split(ROW, 2), split(ROW, 2), 'pass'],
    ['copies on both sides', 'copies', copies(ROW, 2), copies(ROW, 2), 'pass'],
    ['parts against a single rank', 'split', { values: ROW }, split(ROW, 3), 'pass'],
    ['copies read as parts', 'split', copies(ROW, 2), { values: ROW }, 'shape-mismatch'],
    ['copies against a single rank', 'copies', { values: ROW }, copies(ROW, 3), 'pass'],
    ['parts read as copies', 'copies', { values: ROW }, split(ROW, 2), 'shape-mismatch'],
    ['one of several on both sides', 1, copies(ROW, 2), copies(ROW, 3), 'pass'],
  ])('%s: %j', (_, ranks, golden, dump, verdict) => {
    const options = { dtype: 'fp32' as const }
    const tested = loadDump(atbDump([dump]), Array.isArray(dump) ? { ranks: ranks! } : {})
    const trusted = loadDump(torchDump([golden]), Array.isArray(golden) ? { ranks: ranks! } : {})
    expect(compareDumps(tested, trusted, options).tokens[0]!.verdict).toBe(verdict)
  })

  test("'copies' of different widths are refused", () => {
    const [found] = compare([{ values: ROW }], [[{ values: ROW }, { values: ROW.slice(0, 8) }]], 'copies').tokens
    expect(found).toMatchObject({
      verdict: 'shape-mismatch',
      reason:
        "the ranks of the dump have different widths (24 + 8 columns), so they are no copies of one row as the option ranks: 'copies' says; load the dump with ranks: 'split'",
    })
  })

  test('a number takes one rank, in numeric order of the devices, and lists the others', () => {
    const path = atbDump([Array.from({ length: 11 }, (_, i) => ({ values: logits(i, 24) }))])
    const dump = loadDump(path, { ranks: 10 })
    expect([...dump.steps].map(({ files }) => files)).toEqual([[expect.stringMatching(/tensors\/10_2\//)]])
    expect([...dump.ignored].map(({ reason }) => reason)).toEqual(Array.from({ length: 10 }, () => 'another rank'))
  })

  test('a number out of range is an error', () => {
    const path = atbDump([split(ROW, 2)])
    expect(() => loadDump(path, { ranks: 2 })).toThrow(
      new GoldenLogitsError(
        'invalid-argument',
        'the option ranks asks for rank 2, but its 2 ranks are numbered from 0 to 1',
        { file: path },
      ),
    )
    const file = join(path, 'tensors/0_2/0/33_LmHead/after/outtensor0.bin')
    expect(() => loadDump(file, { ranks: 1 })).toThrow('asks for rank 1, but it is a single rank (ranks: 0)')
  })

  test.each([-1, 0.5, Number.NaN, 'both', '', null, ['split']])('%o is refused', (ranks) => {
    const act = () => loadDump(atbDump([split(ROW, 2)]), { ranks } as LoadDumpOptions)
    expect(act).toThrow(GoldenLogitsError)
    expect(act).toThrow(/^ranks must be 'split', 'copies' or the number of a rank from 0, got /)
  })
})

describe('a snapshot of several ranks', () => {
  function write(step: Step, ranks?: LoadDumpOptions['ranks'], options = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'golden-logits-ranks-'))
    try {
      const dump = loadDump(atbDump([step]), ranks === undefined ? {} : { ranks })
      const written = writeSnapshot(join(folder, 'it.golden'), dump, {
        fidelity: 'full',
        k: 64,
        test: 'ranks',
        provenance: {},
        compare: checkOptions({ dtype: 'bf16', ...options }),
      })
      if (written.kind === 'refused') expect(readdirSync(folder)).toEqual([])
      return written.kind === 'written' ? written.snapshot.tokens.map(({ width }) => width) : written.reason
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('is not written if they may be parts or rows of their own', () => {
    expect(write(split(ROW, 2))).toBe(
      "the dump has 2 ranks of equal width that hold different logits: parts of one vocabulary, or rows of their own; load the dump with ranks: 'split' if they are parts, or with the number of the one rank to keep (ranks: 0)",
    )
    expect(write(split(ROW, 2), undefined, { vocabSize: 12 })).toMatch(/^the dump has 2 ranks of equal width/)
  })

  test('is written with the option, or if the ranks themselves decide', () => {
    expect(write(split(ROW, 2), 'split')).toEqual([24])
    expect(write(split(ROW, 2), 1)).toEqual([12])
    expect(write([{ values: ROW.slice(0, 10) }, { values: ROW.slice(10) }])).toEqual([24])
    expect(write(copies(ROW, 3))).toEqual([24])
    expect(write(copies(ROW, 3), 'copies')).toEqual([24])
    expect(
      write([...split([...ROW, ...Array.from({ length: 6 }, () => -200)], 3)], undefined, { vocabSize: 24 }),
    ).toEqual([24])
  })

  test("is not written if 'copies' differ", () => {
    expect(write(split(ROW, 2), 'copies')).toMatch(
      /^the option ranks: 'copies' says that all ranks of the dump hold the same row, but /,
    )
  })
})
