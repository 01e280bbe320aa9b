import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

/**
 * Follows docs/guide.md word for word. The comment before each block of code says what it is:
 *
 * - `<!-- guide: installs -->`: commands of npm, which links to this package take the place of
 * - `<!-- guide: writes FILE -->`
 * - `<!-- guide: runs -->`, `<!-- guide: runs, the last exits with 1 -->`: commands of a shell
 * - `<!-- guide: prints -->`: a part of what the commands before it print
 */
const ROOT = join(import.meta.dirname, '..', '..')
const GUIDE = readFileSync(join(ROOT, 'docs/guide.md'), 'utf8')
const steps = [...GUIDE.matchAll(/<!-- guide: (?<how>.+) -->\n```\w*\n(?<code>[\s\S]*?)^```$/gm)].map(({ groups }) => ({
  how: groups!.how!,
  code: groups!.code!,
}))
const blocks = GUIDE.match(/^```\w*$/gm)!.length / 2

const hasTorch = spawnSync('python3', ['-c', 'import torch']).status === 0
if (!hasTorch) console.warn('skipped: python3 has no PyTorch, so the guide is not followed')
const hasShell = existsSync('/bin/bash')

const folder = mkdtempSync(join(ROOT, 'test', '.readme-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What `npm install` leaves: the packages and their commands. */
function install(): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  symlinkSync(ROOT, join(modules, 'golden-logits'), 'junction')
  symlinkSync(join(ROOT, 'node_modules/vitest'), join(modules, 'vitest'), 'junction')
  symlinkSync(join(ROOT, 'node_modules/vitest/vitest.mjs'), join(modules, '.bin/vitest'))
  writeFileSync(join(modules, '.bin/golden-logits'), `#!/usr/bin/env node\nimport('${ROOT}/dist/esm/cli.js')\n`, {
    mode: 0o755,
  })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  cpSync(join(ROOT, 'examples/collect'), join(folder, 'collect'), { recursive: true })
}

function run(code: string): { status: number | null; output: string } {
  const { GOLDEN_LOGITS_RUN_DIR: _, CI: __, FORCE_COLOR: ___, ...env } = process.env
  const options = { cwd: folder, encoding: 'utf8', env: { ...env, NO_COLOR: '1', PYTHONWARNINGS: 'ignore' } } as const
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', `set -o pipefail\n${code}`], options)
  return { status, output: stdout + stderr }
}

describe('the guide', () => {
  test('has no block of code that is not followed', () => {
    expect(steps).toHaveLength(blocks)
  })

  test('quotes messages of the code', () => {
    const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
      .join('\n')
    const table = GUIDE.slice(GUIDE.indexOf('| message | next step |'), GUIDE.indexOf('## On an NPU'))
    const cells = [...table.matchAll(/^\| (?<message>[^|]+) \|/gm)].map(({ groups }) => groups!.message!)
    const quoted = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!))
    expect(quoted.length).toBeGreaterThan(10)
    // A name stands for `…`, a number for `N`.
    const unknown = quoted.filter((text) => !source.includes(text.replace(/: (token N|…)$/, '')))
    expect(unknown).toEqual([])
  })

  test.skipIf(!hasTorch || !hasShell)(
    'leads from two builds to a gate, to a failure and to its layer',
    { timeout: 600_000 },
    () => {
      const outputs: string[] = []
      for (const { how, code } of steps) {
        const file = /^writes (\S+)$/.exec(how)?.[1]
        if (how === 'installs') install()
        else if (file !== undefined) {
          mkdirSync(dirname(join(folder, file)), { recursive: true })
          writeFileSync(join(folder, file), code)
        } else if (how === 'prints') expect(outputs.at(-1)).toContain(code.trim())
        else {
          const { status, output } = run(code)
          expect(status, output).toBe(how === 'runs' ? 0 : 1)
          outputs.push(output)
        }
      }
      const all = outputs.join('\n')
      expect(all).toContain('all 34 tokens have the same logits on both sides, bit for bit')
      expect(all).toContain('Calibration of tiny: bf16 against fp32, tensor-parallel 1, cpu')
      expect(all).toContain('Snapshots  3 written')
      expect(all.match(/Tests {2}3 passed \(3\)/g)).toHaveLength(2)
      expect(all).toContain('Tests  3 failed (3)')
      expect(all).toContain('First token over threshold: token 0')
    },
  )
})
