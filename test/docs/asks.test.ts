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
