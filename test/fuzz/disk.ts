import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareDumps, loadDump, readTensors, type TokenComparison } from '../../src/index.js'
import { type Choices, pick, seeded } from './choices.js'
import { examine, Finding, readingOf, refusalOf } from './examine.js'
import { damageFolder } from './folders.js'
import { mutate } from './mutate.js'

export interface DiskRun {
  fixtures: string
  failures: string
  seed: number
  trees: number
}

/** Damages files of dumps on disk and compares the dumps by the public functions. */
export function fuzzDisk({ fixtures, failures, seed, trees }: DiskRun): { findings: string[]; summary: string } {
  const names = readdirSync(join(fixtures, 'trees'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const findings: string[] = []
  const verdicts = new Map<string, number>()
  for (let index = 0; index < trees; index++) {
    const choices = seeded(seed, -1 - index)
    const tree = join(fixtures, 'trees', pick(choices, names).name)
    const copy = mkdtempSync(join(tmpdir(), 'golden-logits-fuzz-'))
    cpSync(tree, copy, { recursive: true })
    try {
      const tokens = compareDamaged(tree, copy, choices)
      for (const { verdict } of tokens) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
      damageFolder(fixtures, choices)
    } catch (error) {
      const kept = join(failures, `seed-${seed}-tree-${index}`)
      cpSync(copy, kept, { recursive: true })
      findings.push(`tree: ${error instanceof Finding ? error.message : (error as Error).stack}\n    saved as ${kept}`)
    }
    rmSync(copy, { recursive: true })
  }
  const counts = [...verdicts].map(([verdict, times]) => `${verdict} ${times}`).join(', ')
  return { findings, summary: `trees on disk: ${trees}\n    tokens: ${counts}` }
}

/** Damages up to three files of a tree. Their tokens must fail or be as before; all others must be as before. */
function compareDamaged(tree: string, copy: string, choices: Choices): TokenComparison[] {
  const before = compareDumps(join(tree, 'my'), join(tree, 'golden'), { missing: 'allow' })
  const files = readdirSync(copy, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(pth|bin)$/.test(name))
  const damaged = new Set<string>()
  for (let left = 1 + choices.int(3); left > 0; left--) {
    const file = join(copy, pick(choices, files.sort()))
    damaged.add(file)
    writeFileSync(file, mutate(readFileSync(file), choices, [], readFileSync(join(copy, pick(choices, files)))))
    readBoth(file)
  }
  const comparison = compareDumps(loadDump(join(copy, 'my')), loadDump(join(copy, 'golden')), { missing: 'allow' })
  const { compared, failed, missing, extra, unreadable, total } = comparison.counts
  if (compared + failed + missing + extra + unreadable !== total) throw new Finding('counts that do not add up')
  if (comparison.tokens.length !== before.tokens.length) throw new Finding(`${comparison.tokens.length} tokens`)
  comparison.tokens.forEach((token, i) => {
    const touched = [...(token.golden?.files ?? []), ...(token.dump?.files ?? [])].filter((file) => damaged.has(file))
    const [is, was] = [token, before.tokens[i]!].map(({ step, verdict, metrics }) =>
      JSON.stringify({ step, verdict, metrics }),
    )
    if (is === was || touched.some((file) => file.endsWith('.bin'))) return
    // Another dtype would change the thresholds. A damaged .pth reads as before, or not at all.
    if (touched.length === 0) throw new Finding(`token ${token.step} of untouched files was ${was}, is ${is}`)
    if (token.verdict !== 'unreadable' && token.verdict !== 'shape-mismatch')
      throw new Finding(`damaged, token ${token.step} was ${was}, is ${is}`)
  })
  return comparison.tokens
}

/** A file on disk must read the same as its bytes in memory. */
function readBoth(file: string): void {
  const inMemory = examine(readFileSync(file))
  let code: string
  try {
    readingOf(readTensors(file))
    code = 'read'
  } catch (error) {
    if (error instanceof Finding) throw error
    code = refusalOf(error).code
  }
  if (code !== inMemory.code) throw new Finding(`${file}: ${code} on disk, ${inMemory.code} in memory`)
}
