import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { builtDist } from '../../io/built.js'

const root = mkdtempSync(join(tmpdir(), 'golden-logits-memory-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A dump of links to one file. loadDump does not read it. */
function makeDump(folder: string, steps: number, fileOf: (step: number) => string): string {
  const path = join(root, folder)
  mkdirSync(path)
  writeFileSync(join(path, 'file'), '')
  for (let step = 0; step < steps; step++) {
    const file = join(path, fileOf(step))
    mkdirSync(dirname(file), { recursive: true })
    linkSync(join(path, 'file'), file)
  }
  rmSync(join(path, 'file'))
  return path
}

/** The increase of peak memory in MB when a new process loads two dumps. */
function raisedBy(steps: number, ...paths: [string, string]): number {
  const args = [join(import.meta.dirname, 'peak.cjs'), builtDist(), ...paths]
  const found = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
  expect(found.steps).toEqual([steps, steps])
  return found.raised
}

// As objects with their paths these steps would take 10 to 30 MB, and V8 would reserve as much again.
test('dumps of many steps take little memory in every layout', () => {
  const torch = makeDump('torch', 3000, (step) => `torch_tensors/cuda0_1/${step}/root.lm_head/output.pth`)
  const atb = makeDump('atb', 3000, (step) => `tensors/0_1/${step}/67_LmHead/after/outtensor0.bin`)
  expect(raisedBy(3000, torch, atb)).toBeLessThan(20)
  const flat = makeDump('flat', 20_000, (step) => `logits_gsm8k_0_${step}.pth`)
  expect(raisedBy(20_000, flat, flat)).toBeLessThan(20)
})
