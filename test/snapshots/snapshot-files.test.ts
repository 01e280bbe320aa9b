import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { checkOptions } from '../../src/compare/options.js'
import { compareDumps, GoldenLogitsError, type LoadDumpOptions, loadDump } from '../../src/index.js'
import { unmatchedText } from '../../src/report/message/snapshot.js'
import { compareSnapshot, isUnusable } from '../../src/snapshots/compare-snapshot.js'
import { readSnapshot } from '../../src/snapshots/read-snapshot.js'
import { checksum } from '../../src/snapshots/render.js'
import { dataPath, type Fidelity, PACKAGE_VERSION } from '../../src/snapshots/types.js'
import { type WriteSettings, writeSnapshot } from '../../src/snapshots/write-snapshot.js'
import { bundled } from '../build/bundled.js'
import { logits } from '../build/logits.js'
import { type Step, torchDump } from '../build/pair.js'
import { tree } from '../fixtures/trees.js'

const folder = mkdtempSync(join(tmpdir(), 'snapshots-'))
afterAll(() => rmSync(folder, { recursive: true }))

const settings: WriteSettings = {
  fidelity: 'full',
  k: 64,
  test: 'a "test" > of\nmine',
  provenance: { model: 'Tiny/One', seed: '7' },
  compare: checkOptions({ dtype: 'fp16' }),
}

function written(name: string, from: string, own: Partial<WriteSettings> = {}, load: LoadDumpOptions = {}): string {
  const path = join(folder, name)
  expect(writeSnapshot(path, loadDump(from, load), { ...settings, ...own }).kind).toBe('written')
  return path
}

function errorOf(action: () => unknown): GoldenLogitsError {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(GoldenLogitsError)
    return error as GoldenLogitsError
  }
  throw new Error('nothing was thrown')
}

describe.each(['full', 'compact'] as const)('%s', (fidelity: Fidelity) => {
  const clean = tree('a_clean_f32_vs_f16', 'my')

  test('a snapshot is read as it was written', () => {
    const path = join(folder, `${fidelity}.golden`)
    const result = writeSnapshot(path, loadDump(clean), { ...settings, fidelity })
    expect(result).toMatchObject({ kind: 'written', snapshot: readSnapshot(path) })
    expect(readSnapshot(path)).toMatchObject({ test: settings.test, provenance: settings.provenance, layout: 'atb' })
  })

  test('the same dump gives the same bytes', () => {
    const [a, b] = [
      written(`1-${fidelity}.golden`, clean, { fidelity }),
      written(`2-${fidelity}.golden`, clean, { fidelity }),
    ]
    expect(readFileSync(a, 'utf8')).toBe(readFileSync(b, 'utf8'))
    if (fidelity === 'full') expect(readFileSync(dataPath(a)).equals(readFileSync(dataPath(b)))).toBe(true)
  })

  test('the dump it was made from has KL 0 and cosine 1 in every token', () => {
    const path = written(`same-${fidelity}.golden`, clean, { fidelity })
    const comparison = compareSnapshot(readSnapshot(path), loadDump(clean), checkOptions({ dtype: 'fp32' }))
    expect(comparison.pass).toBe(true)
    expect(comparison.counts).toMatchObject({ total: 12, passed: 12 })
    for (const { metrics } of comparison.tokens) {
      expect(metrics).toMatchObject({ klDivergence: 0, cosineSimilarity: 1, maxAbsoluteError: 0 })
    }
  })

  test('a step of only one side is missing or extra', () => {
    const path = written(`some-${fidelity}.golden`, clean, { fidelity, compare: checkOptions({ steps: { to: 4 } }) })
    const { counts, pass } = compareSnapshot(readSnapshot(path), loadDump(clean), checkOptions({ dtype: 'fp16' }))
    expect({ pass, ...counts }).toMatchObject({ pass: false, total: 12, passed: 5, extra: 7 })
  })

  test('another vocabulary is one error', () => {
    const path = written(`narrow-${fidelity}.golden`, clean, {
      fidelity,
      compare: checkOptions({ vocabSize: 600, thresholds: { klDivergence: 1 } }),
    })
    const error = errorOf(() => compareSnapshot(readSnapshot(path), loadDump(clean), checkOptions()))
    expect(error.code).toBe('snapshot-mismatch')
    expect(error.message).toMatch(/a vocabulary of 600, the dump one of 640; .* set the option vocabSize to 600/)
  })

  test('cut anywhere, it is a bad snapshot', () => {
    const path = written(`cut-${fidelity}.golden`, clean, { fidelity, compare: checkOptions({ steps: [0] }) })
    const text = readFileSync(path, 'utf8')
    for (let length = 0; length < text.length; length++) {
      writeFileSync(path, text.slice(0, length))
      const error = errorOf(() => readSnapshot(path))
      expect(error.code, `cut at ${length}`).toBe('bad-snapshot')
      expect(error.message).toMatch(/\.golden: .*; restore the snapshot from version control, or write a new one/)
    }
  })

  test('edited anywhere, it is a bad snapshot', () => {
    const path = written(`edit-${fidelity}.golden`, clean, { fidelity, compare: checkOptions({ steps: [0] }) })
    const text = readFileSync(path, 'utf8')
    for (let at = 0; at < text.length - 1; at++) {
      writeFileSync(path, `${text.slice(0, at)}~${text.slice(at + 1)}`)
      expect(errorOf(() => readSnapshot(path)).code, `edited at ${at}`).toBe('bad-snapshot')
    }
  })

  test('Windows line ends are accepted', () => {
    const path = written(`crlf-${fidelity}.golden`, clean, { fidelity })
    const before = readSnapshot(path)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('\n', '\r\n'))
    expect(readSnapshot(path)).toEqual(before)
  })

  test('a later format is refused with its number', () => {
    const path = written(`later-${fidelity}.golden`, clean, { fidelity })
    writeFileSync(path, readFileSync(path, 'utf8').replace('golden 3\n', 'golden 4\n'))
    const error = errorOf(() => readSnapshot(path))
    expect(error.code).toBe('snapshot-version')
    expect(error.message).toMatch(/the snapshot has format 4, but this version of golden-logits reads formats up to 3/)
  })

  test('invalid lines with a correct checksum are refused', () => {
    const path = written(`lines-${fidelity}.golden`, clean, { fidelity, compare: checkOptions({ steps: { to: 1 } }) })
    const text = readFileSync(path, 'utf8')
    const body = text.slice(0, text.lastIndexOf('checksum '))
    const edits: [string, string][] = [
      ['token 1 ', 'token 0 '],
      ['[640]', '[0]'],
      ['float16', 'float12'],
      ['fidelity', 'faithfulness'],
      ['"Tiny/One"', '"Tiny\\x"'],
      [`layout atb\n`, ''],
    ]
    if (fidelity === 'compact') edits.push(['row 0 ', 'row 0 AAAA'], ['row 1 ', 'row 5 '])
    for (const [from, to] of edits) {
      const edited = body.replace(from, to)
      expect(edited).not.toBe(body)
      writeFileSync(path, `${edited}checksum ${checksum(edited)}\n`)
      expect(errorOf(() => readSnapshot(path)).code, from).toBe('bad-snapshot')
    }
  })

  test('a long name is read, and one of many megabytes is refused', () => {
    const path = written(`name-${fidelity}.golden`, clean, { fidelity, compare: checkOptions({ steps: { to: 1 } }) })
    const text = readFileSync(path, 'utf8')
    const named = (name: string) => {
      const body = text.slice(0, text.lastIndexOf('checksum ')).replace(/^test .*$/m, () => `test "${name}"`)
      writeFileSync(path, `${body}checksum ${checksum(body)}\n`)
      return () => readSnapshot(path)
    }
    expect(named('A'.repeat(100_000))().test).toHaveLength(100_000)
    const error = errorOf(named('\\n'.repeat(20_000_000)))
    expect(error.code).toBe('bad-snapshot')
    expect(error.message).toMatch(/: its header has the line 'test "\\n.*…/)
  })
})

test('a full snapshot gives the same metrics as the dump it was made from', () => {
  const path = written('full-b.golden', tree('b_token3_degraded', 'golden'))
  const dump = loadDump(tree('b_token3_degraded', 'my'))
  const expected = compareDumps(dump, tree('b_token3_degraded', 'golden'), { dtype: 'bf16' })
  const found = compareSnapshot(readSnapshot(path), dump, checkOptions({ dtype: 'bf16' }))
  expect(found.pass).toBe(false)
  expect(found.tokens.map(({ step, verdict, metrics }) => ({ step, verdict, metrics }))).toEqual(
    expected.tokens.map(({ step, verdict, metrics }) => ({ step, verdict, metrics })),
  )
})

test('a compact snapshot fails the wrong token and passes the others', () => {
  const path = written('compact-b.golden', tree('b_token3_degraded', 'golden'), { fidelity: 'compact' })
  const dump = loadDump(tree('b_token3_degraded', 'my'))
  const found = compareSnapshot(readSnapshot(path), dump, checkOptions({ dtype: 'bf16' }))
  expect(found.tokens.filter(({ pass }) => !pass).map(({ step }) => step)).toEqual([3])
  expect(found.firstFailure!.reason).toMatch(
    /^KL divergence is at least 19\.\d+, not below 0\.005; cosine similarity is at most 0\.9[78]\d*, not above 0\.999$/,
  )
  expect(found.counts).toMatchObject({ total: 12, compared: 12, passed: 11, overThreshold: 1, failed: 0 })
})

test('a limit between the bounds of a compact snapshot fails, with advice', () => {
  const path = written('undecided.golden', tree('b_token3_degraded', 'golden'), { fidelity: 'compact', k: 8 })
  const dump = loadDump(tree('b_token3_degraded', 'my'))
  const exact = compareDumps(dump, tree('b_token3_degraded', 'golden'), { dtype: 'bf16' }).tokens[0]!.metrics!
  const verdictWith = (thresholds: { klDivergence: number; cosineSimilarity: number }) => {
    const found = compareSnapshot(readSnapshot(path), dump, checkOptions({ dtype: 'bf16', thresholds, steps: [0] }))
    expect(found.counts).toMatchObject({ total: 1, compared: 0, failed: 1 })
    expect(found.pass).toBe(false)
    return found.firstFailure
  }
  const { klDivergence, cosineSimilarity = Number.NaN } = exact
  expect(verdictWith({ klDivergence, cosineSimilarity: -1 })).toMatchObject({
    verdict: 'undecided',
    reason: expect.stringMatching(
      /^KL divergence lies in \[.*\], which contains its limit [^;]*; a snapshot with a larger k may decide it, one with fidelity: 'full' does$/,
    ),
  })
  expect(verdictWith({ klDivergence: 1, cosineSimilarity })).toMatchObject({
    verdict: 'undecided',
    reason: expect.stringMatching(
      /^cosine similarity lies in \[.*\], which contains its limit [^;]*; a snapshot with fidelity: 'full' decides it$/,
    ),
  })
})

test('ranks are joined before they are stored', () => {
  const path = written('ranks.golden', tree('g1_tp2_same_pid', 'golden'))
  expect(readSnapshot(path).tokens[0]).toMatchObject({ width: 640 })
  const dump = loadDump(tree('g1_tp2_same_pid', 'my'))
  expect(compareSnapshot(readSnapshot(path), dump, checkOptions({ dtype: 'bf16' })).pass).toBe(true)
})

test('the rows of another snapshot are detected', () => {
  const path = written('mine.golden', tree('a_clean_f32_vs_f16', 'my'))
  const other = written('other.golden', tree('b_token3_degraded', 'my'))
  writeFileSync(dataPath(path), readFileSync(dataPath(other)))
  const dump = loadDump(tree('a_clean_f32_vs_f16', 'my'))
  const error = errorOf(() => compareSnapshot(readSnapshot(path), dump, checkOptions({ dtype: 'fp16' })))
  expect(error.code).toBe('bad-snapshot')
  expect(error.message).toMatch(/the row of token \d+ in its \.npz file is not the one that was written with it/)
  rmSync(dataPath(path))
  expect(errorOf(() => readSnapshot(path)).message).toMatch(/the \.npz file with its rows is not next to it/)
})

test('the version is that of the package', () => {
  expect(PACKAGE_VERSION).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
})

test('the source files are listed with their digests', () => {
  const from = tree('g1_tp2_same_pid', 'my')
  const { sources, tokens } = readSnapshot(written('sources.golden', from, {}, { ranks: 'split' }))
  const dump = loadDump(from)
  expect(sources.map(({ step }) => step)).toEqual(tokens.flatMap(({ step }) => [step, step]))
  for (const [i, { path, size, digest }] of sources.entries()) {
    const bytes = readFileSync([...dump.steps].flatMap(({ files }) => files)[i]!)
    expect(path).toMatch(/^test\/fixtures\/trees\/g1_tp2_same_pid\/my\//)
    expect({ size, digest }).toEqual({
      size: bytes.length,
      digest: createHash('sha256').update(bytes).digest('hex').slice(0, 32),
    })
  }
})

test.each(['full', 'compact'] as const)('%s: a vocabSize that cuts off probability is refused', (fidelity) => {
  const dump = loadDump(tree('a_clean_f32_vs_f16', 'my'))
  const path = join(folder, `cut-off-${fidelity}.golden`)
  const cut = { ...settings, fidelity, compare: checkOptions({ vocabSize: 5, dtype: 'fp16' }) }
  const result = writeSnapshot(path, dump, cut)
  expect(result).toMatchObject({ kind: 'refused', step: 0 })
  expect((result as { reason: string }).reason).toMatch(
    /^the 635 columns of the dump that vocabSize cuts off hold (?:1|0\.\d+) of its probability, not below the KL limit 0\.0001$/,
  )
  expect(existsSync(path) || existsSync(dataPath(path))).toBe(false)
})

test('two workers that write the same snapshot at the same time leave a complete one', async () => {
  const path = join(folder, 'shared', 'x.golden')
  const script = `
    const { writeSnapshot } = require(${JSON.stringify(await bundled('snapshots/write-snapshot'))})
    const { checkOptions } = require(${JSON.stringify(await bundled('compare/options'))})
    const { loadDump } = require('golden-logits')
    const [path, from, fidelity] = process.argv.slice(1)
    const dump = loadDump(from)
    const settings = { fidelity, k: 8, test: from, provenance: {}, compare: checkOptions({ dtype: 'fp16' }) }
    for (let i = 0; i < 40; i++) writeSnapshot(path, dump, settings)`
  const dumps = [tree('a_clean_f32_vs_f16', 'my'), tree('b_token3_degraded', 'my')]
  const ends = dumps.map((from) => spawn(process.execPath, ['-e', script, path, from, 'full'], { stdio: 'inherit' }))
  const codes = Promise.all(ends.map((child) => once(child, 'exit').then(([code]) => code)))
  let running = true
  codes.finally(() => {
    running = false
  })
  while (running) {
    // Whichever worker wrote it last, the text is complete at any time.
    if (existsSync(path)) expect(dumps).toContain(readSnapshot(path).test)
    await new Promise((done) => setTimeout(done, 5))
  }
  expect(await codes).toEqual([0, 0])
  const snapshot = readSnapshot(path)
  const other = dumps.find((from) => from !== snapshot.test)!
  expect(compareSnapshot(snapshot, loadDump(snapshot.test), checkOptions({ dtype: 'fp16' })).pass).toBe(true)
  expect(compareSnapshot(snapshot, loadDump(other), checkOptions({ dtype: 'fp16' })).pass).toBe(false)
  expect(readdirSync(join(folder, 'shared')).sort()).toEqual(['x.golden', 'x.golden.npz'])
})

test('the lock of a worker that died is removed', () => {
  const path = join(folder, 'left.golden')
  mkdirSync(`${path}.lock`)
  utimesSync(`${path}.lock`, new Date(0), new Date(0))
  written('left.golden', tree('a_clean_f32_vs_f16', 'my'))
  expect(existsSync(`${path}.lock`)).toBe(false)
})

describe.each(['full', 'compact'] as const)('%s: an edited snapshot with a corrected checksum', (fidelity) => {
  const from = tree('a_clean_f32_vs_f16', 'my')
  const compare = checkOptions({ dtype: 'fp16' })
  /** The code of the error, or whether the dump passes. */
  function outcomeOf(path: string, edit: (body: string) => string): unknown {
    const text = readFileSync(path, 'utf8')
    const body = text.slice(0, text.lastIndexOf('checksum '))
    const edited = edit(body)
    expect(edited === body).toBe(edit === unchanged)
    writeFileSync(path, `${edited}checksum ${checksum(edited)}\n`)
    try {
      return compareSnapshot(readSnapshot(path), loadDump(from), compare).pass
    } catch (error) {
      expect(error).toBeInstanceOf(GoldenLogitsError)
      return (error as GoldenLogitsError).code
    } finally {
      writeFileSync(path, text)
    }
  }
  const unchanged = (body: string) => body

  test.each<[string, (body: string) => string]>([
    ['top-1', (body) => body.replace(/(token 1 {2}top1 )\d+/, '$10')],
    ['logit', (body) => body.replace(/(token 1 .* logit )\S+/, '$11.5')],
    ['dtype', (body) => body.replace(/(token 1 .*)float16/, '$1bfloat16')],
    ['width', (body) => body.replace(/(token 1 .*)\[640\]/, '$1[639]')],
    [
      'digest',
      (body) => body.replace(/(token 1 .*sha256 )../, '$1zz').replace('zz', body.includes('sha256 00') ? '11' : '00'),
    ],
    ['step', (body) => body.replace('token 11 ', 'token 12 ').replace('row 11 ', 'row 12 ')],
  ])('is a bad snapshot if a token has another %s', (_, edit) => {
    const path = written(`agree-${fidelity}.golden`, from, { fidelity })
    expect(outcomeOf(path, edit)).toBe('bad-snapshot')
    expect(outcomeOf(path, unchanged)).toBe(true)
  })
})

test('rows of a compact snapshot that were swapped are detected', () => {
  const path = written('swapped.golden', tree('a_clean_f32_vs_f16', 'my'), { fidelity: 'compact' })
  const text = readFileSync(path, 'utf8')
  const body = text.slice(0, text.lastIndexOf('checksum '))
  const swapped = body.replace(/^row 1 (.*)\nrow 2 (.*)$/m, 'row 1 $2\nrow 2 $1')
  writeFileSync(path, `${swapped}checksum ${checksum(swapped)}\n`)
  expect(errorOf(() => readSnapshot(path)).message).toMatch(
    /the line of token 1 does not agree with its row; restore the snapshot/,
  )
})

test('a Git LFS pointer in place of either file is no bad snapshot', () => {
  const from = tree('a_clean_f32_vs_f16', 'my')
  const path = written('lfs.golden', from)
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'
  for (const file of [dataPath(path), path]) {
    writeFileSync(file, pointer)
    const error = errorOf(() => compareSnapshot(readSnapshot(path), loadDump(from), checkOptions()))
    expect(error.code).toBe('unsupported-format')
    expect(error.message).toBe(`${file}: is a Git LFS pointer, not the snapshot itself: run git lfs pull`)
    expect(isUnusable(error)).toBe(false)
  }
})

describe('a dump is refused', () => {
  const row = (seed: number) => ({ values: logits(seed, 64) })
  /** The refusal, or the steps that were written. */
  function write(steps: readonly Step[], load: LoadDumpOptions = {}): unknown {
    const path = join(mkdtempSync(join(folder, 'refused-')), 'x.golden')
    const result = writeSnapshot(path, loadDump(torchDump(steps), load), { ...settings, fidelity: 'compact' })
    expect(existsSync(path)).toBe(result.kind === 'written')
    return result.kind === 'written' ? result.snapshot.tokens.map(({ step }) => step) : result
  }
  const all = (value: number) => ({ values: new Array<number>(64).fill(value) })

  test.each([
    ['NaN', all(Number.NaN), 'it holds 64 NaN, first at vocab id 0'],
    [
      'NaN among -Inf',
      { values: [...all(Number.NEGATIVE_INFINITY).values.slice(3), Number.NaN, Number.NaN, Number.NaN] },
      'it holds 3 NaN, first at vocab id 61',
    ],
    ['-Inf', all(Number.NEGATIVE_INFINITY), 'every logit is -Inf'],
    [
      'zeros',
      all(0),
      'all logits are equal (0); if the token is not part of the text, leave it out with the option steps',
    ],
    [
      'masked logits and equal ones',
      { values: [...all(-65504).values.slice(2), 3, 3] },
      /^all logits that are not masked are equal \(3\)/,
    ],
    ['equal logits', all(3), /^all logits are equal \(3\)/],
    ['probabilities', { values: softmax(logits(1, 64)) }, /^the values are probabilities \(in \[0, 1\], sum 1\)/],
  ])('if a row has only %s', (_, values, reason) => {
    expect(write([row(1), values, row(2)])).toEqual({
      kind: 'refused',
      step: 1,
      reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
    })
    expect(write([row(1), row(3), row(2)])).toEqual([0, 1, 2])
  })

  test('if several positions leave open which of them is the token, until the option says so', () => {
    const two = { values: [...logits(1, 64), ...logits(2, 64)], shape: [2, 64] }
    const refusal = {
      kind: 'refused',
      step: 1,
      reason: expect.stringMatching(
        /^the dump holds 2 rows at token 1, shape \[2, 64\]: .*; say which count with loadDump's option sequence: 0 \(of a batch\) or positions: 'last' \(or 'all', or a number\)$/,
      ),
    }
    expect(write([row(1), two, row(3)])).toEqual(refusal)
    expect(write([row(1), two, row(3)], { positions: 'last' })).toEqual([0, 1, 2])
    // A prompt ends with its last position, and so does each step of a run without a cache.
    expect(write([two, row(2), row(3)])).toEqual([0, 1, 2])
    const longer = (n: number) => ({
      values: Array.from({ length: n }, (_, i) => logits(i, 64)).flat(),
      shape: [n, 64],
    })
    expect(write([longer(3), longer(4), longer(5)])).toEqual([0, 1, 2])
    expect(write([two, two, row(3)])).toMatchObject({ kind: 'refused', step: 0 })
  })
})

function softmax(row: readonly number[]): number[] {
  const e = row.map((logit) => Math.exp(logit - Math.max(...row)))
  const sum = e.reduce((a, b) => a + b)
  return e.map((x) => x / sum)
}

test('a message about undecided tokens counts them, and does not advise only an update', () => {
  const path = written('advice.golden', tree('b_token3_degraded', 'golden'), { fidelity: 'compact', k: 8 })
  const dump = loadDump(tree('b_token3_degraded', 'my'))
  const snapshot = readSnapshot(path)
  const klDivergence = compareDumps(dump, tree('b_token3_degraded', 'golden'), { dtype: 'bf16' }).tokens[0]!.metrics!
    .klDivergence
  const textWith = (limit: number, steps: number[]) => {
    const thresholds = { klDivergence: limit, cosineSimilarity: -1 }
    const comparison = compareSnapshot(snapshot, dump, checkOptions({ dtype: 'bf16', thresholds, steps }))
    return unmatchedText({ state: 'unmatched', snapshot, comparison }, undefined)
  }
  const undecided = textWith(klDivergence, [0])
  expect(undecided).toMatch(
    /^First failing token: token 0, undecided {5}\(0 tokens compared, 0 over, 0 missing, 1 undecided\)/,
  )
  expect(undecided).toMatch(
    /\nNo token is known to be over a limit, but 1 cannot be decided with this compact snapshot\. Write it with fidelity: 'full'/,
  )
  expect(undecided).toMatch(/An update \(-u\) accepts the new logits without a decision\.$/)
  expect(textWith(klDivergence, [0, 3])).toMatch(/\nOf 2 failing tokens, 1 cannot be decided/)
  expect(textWith(1, [3])).toMatch(/\nIf the new logits are right, update the snapshot: run the test with -u\.$/)
})
