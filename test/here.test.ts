import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { builtDist } from './io/built.js'

test.each([
  ['esm', 'import(process.argv[1])'],
  ['cjs', 'Promise.resolve(require(require("node:url").fileURLToPath(process.argv[1])))'],
])('the %s half knows where its files are', (half, load) => {
  const file = pathToFileURL(join(builtDist(), half, 'here.js')).href
  const script = `${load}.then(({ here }) => process.stdout.write(here))`
  expect(execFileSync(process.execPath, ['-e', script, file], { encoding: 'utf8' })).toBe(file)
})
