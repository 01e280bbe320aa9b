// Builds the folder named (dist) with tsc alone: Jest loads its CommonJS half, Vitest its ES module half.
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '..')
const out = process.argv[2] ?? join(root, 'dist')
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
const run = (...args) =>
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...args], { cwd: root, stdio: 'inherit' })

rmSync(out, { recursive: true, force: true })
run('--outDir', join(out, 'esm'))
run('--outDir', join(out, 'cjs'), '--module', 'commonjs', '--moduleResolution', 'bundler')
writeFileSync(join(out, 'cjs/package.json'), '{ "type": "commonjs" }\n')
writeFileSync(
  join(out, 'cjs/here.js'),
  `"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.here = require("node:url").pathToFileURL(__filename).href;
`,
)
