import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const PYTHON = process.env.PYTHON ?? 'python3'
const STORY = join(import.meta.dirname, '../../../examples/story/story.mjs')
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0
if (!hasTorch) console.warn(`skipped: ${PYTHON} has no PyTorch, so the story of examples/story is not tested`)

function tell(...args: string[]): { status: number | null; output: string } {
  const { GOLDEN_LOGITS_RUN_DIR: _, FORCE_COLOR: __, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [STORY, ...args], {
    encoding: 'utf8',
    env: { ...env, NO_COLOR: '1' },
  })
  return { status, output: stdout + stderr }
}

describe.skipIf(!hasTorch)('the story of examples/story', () => {
  test('of the small model: the gate names token 3, the comparison of layers the layer with the fault', () => {
    const out = mkdtempSync(join(tmpdir(), 'story-'))
    const { status, output } = tell('--small', '--out', out)
    expect(status, output).toBe(0)
    expect(output).toContain('Tests  1 failed | 1 passed (2)')
    expect(output).toContain('First token over threshold: token 3     (8 tokens compared, 5 over, 0 missing)')
    expect(output).toContain('The gate names token 3: every layer of this token is collected')
    expect(output).toContain('No layer stands out: the error grows as rounding does     (token 3; 159 layers')
    expect(output).toContain('First layer that diverges: root.layers.4.self_attn     (token 3; 159 layers')
    // What the Python script says where it has planted the fault.
    expect(readFileSync(join(out, 'fault.txt'), 'utf8')).toBe('root.layers.4.self_attn')
    const page = readFileSync(join(out, 'report/new/report.html'), 'utf8')
    expect(page).toContain('First layer that diverges: <strong>root.layers.4.self_attn</strong>')
  })

  test('never replaces the files of a folder that it did not make', () => {
    const out = mkdtempSync(join(tmpdir(), 'story-'))
    writeFileSync(join(out, 'logits'), 'mine')
    const { status, output } = tell('--small', '--out', out)
    expect(status).toBe(1)
    expect(output).toContain('holds other files: choose another folder')
    expect(readFileSync(join(out, 'logits'), 'utf8')).toBe('mine')
  })
})

test('without PyTorch it says what to install', () => {
  const run = spawnSync(process.execPath, [STORY], { encoding: 'utf8', env: { ...process.env, PYTHON: 'no-python' } })
  expect(run.status).toBe(1)
  expect(run.stderr).toContain('no-python has no PyTorch: pip install torch, or set PYTHON')
})
