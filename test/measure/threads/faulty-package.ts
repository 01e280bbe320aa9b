import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'
import { builtDist } from '../../io/built.js'

const REPOSITORY = join(import.meta.dirname, '../../..')

const made: string[] = []
afterAll(() => {
  for (const root of made) rmSync(root, { recursive: true, force: true })
})

export const CHILD = join(import.meta.dirname, 'child')

/**
 * A copy of the built package whose workers suffer a fault.
 * @param slow milliseconds that they take to open a file
 * @param program what they run
 */
export function faultyPackage(
  fault: string,
  slow = 1,
  program = 'measure/threads/worker',
): { root: string; marks: string } {
  const root = mkdtempSync(join(tmpdir(), 'golden-logits-threads-'))
  const marks = join(root, 'marks')
  made.push(root)
  cpSync(builtDist(), join(root, 'dist'), { recursive: true })
  cpSync(join(REPOSITORY, 'package.json'), join(root, 'package.json'))
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
  const worker = join(root, 'dist/cjs', `${program}.js`)
  renameSync(worker, worker.replace('worker.js', 'own-worker.js'))
  const [faults, settings] = [JSON.stringify(join(CHILD, 'faults.cjs')), JSON.stringify([fault, marks, slow])]
  writeFileSync(worker, `require(${faults}).inflict(...${settings})\nrequire('./own-worker.js')\n`)
  return { root, marks }
}

export interface Found {
  same: number
  different: number
  marks: number
  after: boolean
  counts: Record<string, number>
  error?: string
}

/** Runs `child/compare.cjs` in a separate process, which must end by itself. */
export async function compareInChild(
  root: string,
  settings: object,
  flags: string[] = [],
  env: object = {},
): Promise<Found> {
  const args = [...flags, join(CHILD, 'compare.cjs'), root, JSON.stringify(settings)]
  const options = { timeout: 60_000, env: { ...process.env, VITEST_POOL_ID: undefined, ...env } }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return JSON.parse(stdout) as Found
}
