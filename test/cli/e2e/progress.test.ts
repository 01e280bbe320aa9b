import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../../..')
const GPU = join(ROOT, 'examples/dumps/gpu')

/** Runs the command with a clock on which six seconds pass between two looks. @returns the lines of its progress */
function progressOf(args: readonly string[], folder: string, variable = ''): string[] {
  const clock = join(folder, 'clock.mjs')
  writeFileSync(clock, 'let time = 0\nprocess.uptime = () => (time += 6)\n')
  const command = ['--import', clock, join(ROOT, 'dist/esm/cli.js'), ...args]
  const env = { ...process.env, GOLDEN_LOGITS_PROGRESS: variable }
  const { status, stderr } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', env })
  expect(status, stderr).toBe(0)
  return stderr.split('\n').filter((line) => / of \d+ tokens /.test(line))
}

test.each(['full', 'compact'])('a long write and a long check of a %s snapshot print their progress', (fidelity) => {
  const folder = mkdtempSync(join(tmpdir(), 'progress-'))
  const write = ['snapshot', GPU, 'a.golden', '--fidelity', fidelity, '--threads', '1']
  // Token n of 12 ends 6 n seconds after the start; a token takes 6 seconds. The last prints nothing.
  const lines = (doing: string) =>
    Array.from({ length: 11 }, (_, i) => `golden-logits: ${i + 1} of 12 tokens ${doing}, about ${6 * (11 - i)} s left`)
  expect(progressOf([...write, '--write'], folder)).toEqual(lines('stored'))
  expect(progressOf(write, folder)).toEqual(lines('compared'))
  expect(progressOf(['snapshot', GPU, 'b.golden', '--write'], folder, 'off')).toEqual([])
})
