// Builds dist/esm and dist/cjs with tsc alone: Jest loads the CommonJS half, Vitest the ES module half.
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
const run = (...args) =>
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...args], { stdio: 'inherit' })

rmSync('dist', { recursive: true, force: true })
run('--outDir', 'dist/esm')
run('--outDir', 'dist/cjs', '--module', 'commonjs', '--moduleResolution', 'bundler')
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n')
