import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { findInputs } from '../src/cli/inputs.js'
import { type CompareOptions, compareDumps, loadDump, readTensors } from '../src/index.js'
import Reporter from '../src/reporter.js'
import { checkReporterOptions, type ReporterOptions } from '../src/reporters/options.js'
import { checkSnapshotOptions, type SnapshotOptions } from '../src/snapshots/options.js'
import { tree } from './fixtures/trees.js'
import { expectRefusal, refusalOf } from './formats/build/refusal.js'

// Each mistake is one error, which says what to write instead.

const MY = tree('a_clean_f32_vs_f16', 'my')
const GOLDEN = tree('a_clean_f32_vs_f16', 'golden')

function fileAndFolder(): { file: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'golden-logits-'))
  mkdirSync(join(folder, 'empty'))
  writeFileSync(join(folder, 'notes.txt'), 'x')
  return { file: join(folder, 'notes.txt'), folder: join(folder, 'empty') }
}

describe('the option layer', () => {
  test('that no step has is refused with the layers there are', () => {
    const text =
      "no step has the layer of the option layer: 'root.lm_haed'; the layers of its first step are root.lm_head"
    expectRefusal(() => loadDump(GOLDEN, { layer: 'root.lm_haed' }), 'ambiguous-layer', text, GOLDEN)
    const file = loadDump(GOLDEN).steps.at(0)!.files[0]!
    expectRefusal(() => loadDump(file, { layer: 'root.lm_haed' }), 'ambiguous-layer', text, file)
    expect(loadDump(GOLDEN, { layer: 'root.lm_head' }).steps).toHaveLength(12)
  })

  test('is refused for a layout without layers', () => {
    const { file } = fileAndFolder()
    const flat = join(file, '..')
    for (const step of [0, 1]) writeFileSync(join(flat, `logits_a_0_${step}.pth`), '')
    const text = "the option layer names a layer folder, and a dump of the layout 'flat' has none; leave the option out"
    expectRefusal(() => loadDump(flat, { layer: 'x' }), 'invalid-argument', text, flat)
    expect(loadDump(flat).steps).toHaveLength(2)
  })
})

describe('options of a snapshot', () => {
  test.each<[unknown, string]>([
    [{ k: 16 }, "k counts the ids that a compact snapshot lists: set fidelity: 'compact', or leave k out"],
    [{ k: 16, fidelity: 'full' }, "set fidelity: 'compact', or leave k out"],
    [{ variant: [] }, 'variant must name at least one variant, got an empty list'],
    [{ variant: [5] }, 'a variant must be up to 40 lower-case letters, digits, - or _'],
    [{ fidelty: 'full' }, "there is no option 'fidelty'; there are dtype, thresholds"],
    [{ fidelty: 'full' }, 'fidelity, k, name, variant, provenance'],
    ['full', "the options must be an object such as { dtype: 'bf16' }, got 'full'"],
  ])('%j', (options, text) => {
    const error = refusalOf(() => checkSnapshotOptions(options as SnapshotOptions))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain(text)
  })

  test('k of a compact snapshot, and a list of variants', () => {
    const settings = checkSnapshotOptions({ k: 16, fidelity: 'compact', variant: ['a', 'b'] })
    expect(settings).toMatchObject({ k: 16, fidelity: 'compact', variants: ['a', 'b'] })
    expect(checkSnapshotOptions({ variant: 'a', dtype: 'bf16' })).toMatchObject({ k: 64, variants: ['a'] })
  })
})

test('an unknown dtype is refused with every alias', () => {
  const error = refusalOf(() => compareDumps(MY, GOLDEN, { dtype: 'bf61' } as unknown as CompareOptions))
  const aliases = /or an alias \((.*), each also as torch\.\*\), got 'bf61'/.exec(error.message)![1]!.split(', ')
  expect(aliases).toEqual(expect.arrayContaining(['bfloat16', 'float16', 'half', 'float32', 'float64']))
  for (const dtype of [...aliases, ...aliases.map((alias) => `torch.${alias}`)]) {
    const options = { dtype, steps: [0] } as CompareOptions
    expect(compareDumps(MY, GOLDEN, options).thresholds.klDivergence).toBeGreaterThan(0)
  }
})

describe('options of the reporter', () => {
  const JEST = { rootDir: '.', maxWorkers: 1 }
  test.each<[unknown, string]>([
    ['out.csv', "the options must be an object such as { csv: 'logits.csv' }, got 'out.csv'"],
    [5, "the options must be an object such as { csv: 'logits.csv' }, got 5"],
    [['out.csv'], "the options must be an object such as { csv: 'logits.csv' }, got a list"],
    [{ csv: 5 }, "the option csv must be a non-empty string, such as 'logits.csv', got 5"],
    [{ csv: true }, "the option csv must be a non-empty string, such as 'logits.csv', got true"],
    [{ csv: new URL('https://host/x') }, "the URL 'https://host/x' names no file of this machine"],
    [{ strict: 'yes' }, "the option strict must be true or false, got 'yes'"],
    [{ obsolete: true }, "the option obsolete must be 'report', 'fail' or 'remove', got true"],
    [{ cvs: 'x' }, "there is no option 'cvs'"],
  ])('%j', (options, text) => {
    for (const make of [() => new Reporter(options as ReporterOptions), () => new Reporter(JEST, options as never)]) {
      const error = refusalOf(make)
      expect(error.code).toBe('invalid-argument')
      expect(error.message.startsWith('golden-logits/reporter: ')).toBe(true)
      expect(error.message).toContain(text)
    }
  })

  test('a URL is a path', () => {
    const { folder } = fileAndFolder()
    expect(checkReporterOptions({ csv: pathToFileURL(join(folder, 'x.csv')) }).csv).toBe(join(folder, 'x.csv'))
  })
})

describe('a file where a folder is expected, and the other way round', () => {
  test('a dump', () => {
    const { file, folder } = fileAndFolder()
    const within = join(file, 'dump')
    const text = 'cannot look at the path (ENOTDIR): a part of it is a file, expected a folder'
    expectRefusal(() => loadDump(within), 'file-not-found', text, within)
    expectRefusal(() => loadDump(file), 'unsupported-format', 'is no dump and none of these', file)
    expectRefusal(() => loadDump(folder), 'nothing-to-compare', 'no dump here (it is empty)', folder)
  })

  test('a tensor file', () => {
    const { file, folder } = fileAndFolder()
    const within = join(file, 'x.pth')
    const text = 'a part of its path is not a folder'
    expectRefusal(() => readTensors(within), 'file-not-found', text, within)
    expectRefusal(() => readTensors(folder), 'not-a-regular-file', 'is a folder, expected a file', folder)
  })

  test('the inputs of the command merge', () => {
    const { file, folder } = fileAndFolder()
    const within = join(file, 'x.csv')
    const text = 'cannot look at the path (ENOTDIR): a part of it is a file, expected a folder'
    expectRefusal(() => findInputs([within], 'out.csv'), 'file-not-found', text, within)
    const empty = 'the folder contains no CSV'
    expectRefusal(() => findInputs([folder], 'out.csv'), 'nothing-to-compare', empty, folder)
    const place = `there is no such file or folder; looked for ${join(process.cwd(), 'no.csv')}, relative to`
    expectRefusal(() => findInputs(['no.csv'], 'out.csv'), 'file-not-found', place, 'no.csv')
  })
})
