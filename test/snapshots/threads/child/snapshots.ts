// Writes and checks compact snapshots on one thread and on several, over and over until the workers have left so many
// marks, and writes as JSON what it found. Bundled by the test into a copy of the package. Arguments: the folder of the
// package, the options of the test.
import { existsSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { checkOptions } from '../../../../src/compare/options.js'
import type { Dump } from '../../../../src/dumps/types.js'
import { compareSnapshot } from '../../../../src/snapshots/compare-snapshot.js'
import { readSnapshot } from '../../../../src/snapshots/read-snapshot.js'
import { writeSnapshot } from '../../../../src/snapshots/write-snapshot.js'

export interface Settings {
  readonly threads: number
  /** The kinds of the pairs of files, as `mixedDumps` has them. */
  readonly kinds?: readonly (readonly [string, string])[]
  /** A file that vanishes once it was listed. */
  readonly vanish?: string
  readonly marks?: number
  readonly rounds?: number
  readonly options?: object
  /** The folder of the tests of threads. */
  readonly helpers: string
}

const [root, json] = process.argv.slice(2) as [string, string]
const settings: Settings = JSON.parse(json)
const { threads, marks = 1, rounds = 10, options = {}, helpers } = settings
const kinds = settings.kinds ?? [
  ['plain', 'plain'],
  ['plain', 'noisy'],
  ['negative', 'plain'],
  ['suppressed', 'suppressed'],
  ['plain', 'suppressed'],
  ['plain', 'nan'],
  ['plain', 'cut'],
  ['plain', 'wide'],
  ['plain', 'absent'],
  ['noisy', 'empty'],
]
const require = createRequire(import.meta.url)
const { mixedDumps } = require(join(helpers, 'dumps.cjs'))
const { slowDown } = require(join(helpers, 'patches.cjs'))

const { golden, dump }: { golden: Dump; dump: Dump } = mixedDumps(join(root, 'dumps'), 150, kinds)
// Such a step cannot be stored.
const whole = { ...golden, steps: [...golden.steps].filter(({ problem }) => problem === undefined) }
if (settings.vanish !== undefined) rmSync(join(root, 'dumps', settings.vanish))

function write(name: string, count: number): unknown {
  const path = join(root, `${name}.golden`)
  const compare = checkOptions({ ...options, threads: count })
  try {
    const written = writeSnapshot(path, whole, { fidelity: 'compact', k: 20, test: 'a', provenance: {}, compare })
    if (written.kind === 'written') return readFileSync(path, 'utf8')
    return written
  } catch (error) {
    return String(error)
  }
}

function check(count: number): unknown {
  const path = join(root, 'one.golden')
  try {
    return existsSync(path) && compareSnapshot(readSnapshot(path), dump, checkOptions({ ...options, threads: count }))
  } catch (error) {
    return String(error)
  }
}

function marksLeft(): number {
  const file = join(root, 'marks')
  return existsSync(file) ? new Set(readFileSync(file, 'utf8').trim().split('\n')).size : 0
}

const written = write('one', 1)
const checked = check(1)
slowDown(1)
let [same, different, found] = [0, 0, 0]
for (let round = 0; round < rounds && found < marks; round++) {
  const isSame = isDeepStrictEqual(write('several', threads), written) && isDeepStrictEqual(check(threads), checked)
  if (isSame) same++
  else different++
  found = marksLeft()
}
// Once more with the workers that are left.
const after = isDeepStrictEqual(write('several', threads), written) && isDeepStrictEqual(check(threads), checked)
const kind = typeof written === 'string' && written.startsWith('golden-logits') ? 'snapshot' : written
const { counts, maxima } = { counts: undefined, maxima: undefined, ...(checked as object) }
writeSync(1, JSON.stringify({ same, different, marks: found, after, written: kind, counts, maxima }))
