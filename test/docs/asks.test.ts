import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = readFileSync(join(ROOT, 'docs/asks.md'), 'utf8')
const SOURCE = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  .join('\n')

/** The messages that the page quotes. */
const quoted = [...PAGE.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!)

describe('the page about what is asked for', () => {
  test.each(quoted)('quotes a message of the code: %s', (text) => {
    expect(SOURCE).toContain(text)
  })

  test('names every option of loadDump that decides what a dump holds', () => {
    const options = ['run', 'layer', 'prefill', 'tensor', 'positions', 'sequence', 'ranks']
    for (const option of options) expect(PAGE).toContain(`\`${option}\``)
  })
})

test('the page about verdicts has a row for each verdict of a token', () => {
  const types = readFileSync(join(ROOT, 'src/compare/types.ts'), 'utf8')
  const verdicts = [.../export type Verdict =\n((?: {2}\| '[a-z-]+'\n)+)/.exec(types)![1]!.matchAll(/'([a-z-]+)'/g)]
  const page = readFileSync(join(ROOT, 'docs/verdicts.md'), 'utf8')
  // Only toReproduceLogits has `not-identical`.
  const names = verdicts.map((match) => match[1]!).filter((name) => name !== 'not-identical')
  expect(names.length).toBeGreaterThan(8)
  for (const name of names) expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'))
})
