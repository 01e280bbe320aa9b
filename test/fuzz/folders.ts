import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { layersOf } from '../../src/dumps/layers/index.js'
import { compareDumps, GoldenLogitsError, loadDump } from '../../src/index.js'
import { type Choices, chance, pick } from './choices.js'
import { Finding, refusalOf } from './examine.js'
import { mutate } from './mutate.js'

/** Folders of real tools whose layout is in the names of their files, and in a tree of JSON. */
const FOLDERS = ['sglang', 'transformers'] as const

const ODD = [
  '',
  '_',
  '___',
  '=',
  '.',
  '0',
  '99999999999999999',
  '-1',
  'name=',
  'step=',
  'rank=',
  '_outputs',
  '_inputs',
  '\u001b[2J',
]

/** Damages, renames or removes files of such a folder, and loads and compares what is left. @throws Finding */
export function damageFolder(fixtures: string, choices: Choices): void {
  const golden = join(fixtures, pick(choices, FOLDERS), 'golden')
  const copy = mkdtempSync(join(tmpdir(), 'golden-logits-fuzz-'))
  try {
    cpSync(golden, copy, { recursive: true })
    for (let left = 1 + choices.int(4); left > 0; left--) damageOne(copy, choices)
    const dump = loadDump(copy)
    const { counts } = compareDumps(dump, golden, { missing: 'allow', identical: 'allow' })
    const { compared, failed, missing, extra, unreadable, total } = counts
    if (compared + failed + missing + extra + unreadable !== total) throw new Finding('counts that do not add up')
    const { layers } = layersOf(dump, dump.steps.at(0)!.step)
    if (new Set(layers.map(({ name }) => name)).size !== layers.length) throw new Finding('two layers of one name')
  } catch (error) {
    if (error instanceof Finding) throw error
    if (!(error instanceof GoldenLogitsError)) throw error
    refusalOf(error)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

function damageOne(folder: string, choices: Choices): void {
  const names = readdirSync(folder).sort()
  const name = pick(choices, names)
  const file = join(folder, name)
  if (chance(choices, 15)) rmSync(file)
  else if (chance(choices, 50)) {
    const at = choices.int(name.length)
    const other = name.slice(0, at) + pick(choices, ODD) + name.slice(at + choices.int(6))
    if (other !== '' && other !== '.' && other !== '..' && other.length < 250) renameSync(file, join(folder, other))
  } else writeFileSync(file, mutate(readFileSync(file), choices, [], readFileSync(join(folder, pick(choices, names)))))
}
