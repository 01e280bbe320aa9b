import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtDist } from './io/built.js'

test('without its libraries the package still compares, and says which one a pattern takes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'golden-logits-alone-'))
  try {
    cpSync(builtDist(), join(folder, 'dist'), { recursive: true })
    cpSync(join(import.meta.dirname, '../examples/dumps'), join(folder, 'dumps'), { recursive: true })
    for (const half of ['esm', 'cjs']) {
      const script = `
        import(${JSON.stringify(join(folder, 'dist', half, 'index.js'))}).then(({ compareDumps }) => {
          console.log(compareDumps('dumps/npu', 'dumps/gpu').pass)
          try {
            compareDumps('dumps/n*u', 'dumps/gpu')
          } catch (error) {
            console.log(error.name, error.code, error.message)
          }
        })`
      const out = execFileSync(process.execPath, ['-e', script], { cwd: folder, encoding: 'utf8' })
      expect(out).toMatch(
        /^true\nGoldenLogitsError invalid-argument 'glob' is not installed; it is needed for file name patterns/,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
