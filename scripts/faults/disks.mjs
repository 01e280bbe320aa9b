// Rows, reports, snapshots and candidates on full disks and in read-only folders.
import { deepEqual, equal, match } from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fillUp, onSmallDisk, readOnly } from './mounts.mjs'

const THREE = `test('first', () => gate())
test('second', () => gate('npu-degraded'))
test('third', () => gate())`
const SNAPSHOT = (build = 'npu') => `test('snapshot', () => snapshot('${build}'))`

/** All files below a folder, by their relative paths. */
export function filesIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort()
}

function contentsOf(folder) {
  return Object.fromEntries(filesIn(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]))
}

const folderOf = (suite) => suite.path('__golden__')
const lostIn = (text) => Number(/report is incomplete: (\d+) rows? lost/.exec(text)?.[1] ?? 0)

const SPOOL_FULL = {
  name: 'disk full: rows',
  needsMounts: true,
  isLossy: true,
  async run(suite) {
    suite.test(THREE)
    return onSmallDisk(suite.path('.golden-logits'), 24, async () => {
      const { code, text } = await suite.run()
      const rows = suite.rows().filter(({ token_id }) => token_id !== '')
      equal(rows.length + lostIn(text), 36, 'rows kept and rows counted as lost')
      match(text, /rows cannot be written and will be missing from the report: .*ENOSPC/)
      return { due: 36, kept: rows.length, code, text, isRed: true, note: `${lostIn(text)} counted as lost` }
    })
  },
}

/** The report has no room: nothing of it is left, its rows are kept, and `merge` makes it elsewhere. */
function reportFull(name, reporters, folder, kilobytes, inReport) {
  return {
    name,
    needsMounts: true,
    async run(suite) {
      suite.configure({ reporters })
      suite.test(THREE)
      const { code, text } = await onSmallDisk(suite.path(folder), kilobytes, async () => {
        const ended = await suite.run()
        deepEqual(filesIn(suite.path(folder)), inReport, 'what is left in the folder of the report')
        return ended
      })
      match(text, /golden-logits: the report cannot be written \(ENOSPC.*\); its rows are kept in \/.*run-/)
      const { code: merged } = await suite.command('merge', '.golden-logits', '--output', 'merged.csv')
      equal(merged, 0)
      return { due: 36, kept: suite.rows('merged.csv').length, code, text, isRed: true, note: 'kept by merge' }
    },
  }
}

const NEW_SNAPSHOT_FULL = {
  name: 'disk full: new snapshot',
  needsMounts: true,
  async run(suite) {
    suite.test(SNAPSHOT())
    return onSmallDisk(folderOf(suite), 4, async () => {
      const { code, text } = await suite.run()
      match(text, /GoldenLogitsError: .*\.golden: the snapshot cannot be written \(ENOSPC\); free disk space/)
      deepEqual(filesIn(folderOf(suite)), [], 'nothing half-written is left')
      const rows = suite.rows()
      match(rows[0]?.reason ?? '', /the snapshot cannot be written \(ENOSPC\)/)
      return { due: 1, kept: rows.length, code, text, isRed: true }
    })
  },
}

/** An update that has no room, or no right to write: the old snapshot stays, byte for byte. */
function updateFails(name, within, error) {
  return {
    name,
    needsMounts: true,
    async run(suite) {
      suite.test(SNAPSHOT())
      const body = async () => {
        const before = contentsOf(folderOf(suite))
        suite.test(SNAPSHOT('npu-degraded'))
        const { code, text } = await suite.run(['-u'])
        deepEqual(contentsOf(folderOf(suite)), before, 'the old snapshot stays as it is')
        match(text, new RegExp(`GoldenLogitsError: .*\\.golden: the snapshot cannot be written \\(${error}\\)`))
        const rows = suite.rows()
        equal(rows.filter(({ token_id }) => token_id !== '').length, 12)
        match(rows.at(-1).reason, /the snapshot cannot be written/)
        return { due: 13, kept: rows.length, code, text, isRed: true }
      }
      return within(suite, body)
    },
  }
}

const UPDATE_FULL = updateFails(
  'disk full: update of a snapshot',
  (suite, body) =>
    onSmallDisk(folderOf(suite), 256, async () => {
      equal((await suite.run()).code, 0)
      fillUp(folderOf(suite))
      return body()
    }),
  'ENOSPC',
)

const UPDATE_READ_ONLY = updateFails(
  'read-only: update of a snapshot',
  async (suite, body) => {
    equal((await suite.run()).code, 0)
    return readOnly(folderOf(suite), body)
  },
  'EROFS',
)

const NEW_SNAPSHOT_READ_ONLY = {
  name: 'read-only: new snapshot',
  needsMounts: true,
  async run(suite) {
    suite.test(SNAPSHOT())
    return readOnly(folderOf(suite), async () => {
      const { code, text } = await suite.run()
      match(text, /GoldenLogitsError: .*\.golden: the snapshot cannot be written \(EROFS\); .*grant write permission/)
      return { due: 1, kept: suite.rows().length, code, text, isRed: true }
    })
  },
}

/** In CI, a snapshot that the dump does not match leaves the new logits as a candidate. */
function candidate(name, within, error) {
  return {
    name,
    needsMounts: true,
    async run(suite) {
      suite.test(SNAPSHOT())
      equal((await suite.run()).code, 0)
      suite.test(SNAPSHOT('npu-degraded'))
      const before = contentsOf(folderOf(suite))
      const candidates = suite.path('.golden-logits/candidates')
      return within(candidates, async () => {
        const { code, text } = await suite.run([], { ci: true })
        match(text, new RegExp(`the new logits could not be written: .*\\(${error}\\)`))
        match(text, /First token over threshold: token 3/)
        deepEqual(filesIn(candidates), [], 'nothing half-written is left')
        deepEqual(contentsOf(folderOf(suite)), before, 'the snapshot stays as it is')
        return { due: 12, kept: suite.rows().length, code, text, isRed: true }
      })
    },
  }
}

/** The rows go to the system's temporary folder. */
const SPOOL_READ_ONLY = {
  name: 'read-only: .golden-logits',
  needsMounts: true,
  async run(suite) {
    suite.test(THREE)
    return readOnly(suite.path('.golden-logits'), async () => {
      const { code, text } = await suite.run()
      return { due: 36, kept: suite.rows().length, code, text, isRed: true }
    })
  },
}

const NO_ROOM = {
  name: 'read-only: .golden-logits and the temporary folder',
  needsMounts: true,
  isLossy: true,
  async run(suite) {
    suite.test(THREE.replace(/test\('second.*\n/, ''))
    mkdirSync(suite.path('tmp'))
    return readOnly(suite.path('.golden-logits'), () =>
      readOnly(suite.path('tmp'), async () => {
        const env = Object.fromEntries(['TMPDIR', 'TEMP', 'TMP'].map((variable) => [variable, suite.path('tmp')]))
        const { code, text } = await suite.run(suite.isJest ? ['--cacheDirectory', suite.path('cache')] : [], { env })
        match(text, /there is no room for the rows of this run, so there will be no report \(EROFS/)
        return { due: 24, kept: suite.rows().length, code, text, isRed: true }
      }),
    )
  },
}

const REPORT_READ_ONLY = {
  name: 'read-only: folder of the report',
  needsMounts: true,
  async run(suite) {
    suite.test(THREE)
    const { code, text } = await readOnly(suite.path('out'), () => suite.run())
    match(text, /golden-logits: the report cannot be written \(EROFS.*\); its rows are kept in \/.*run-/)
    equal((await suite.command('merge', '.golden-logits', '--output', 'merged.csv')).code, 0)
    return { due: 36, kept: suite.rows('merged.csv').length, code, text, isRed: true, note: 'kept by merge' }
  },
}

/** As in a container whose only writable place is the temporary folder. */
const ROOT_READ_ONLY = {
  name: 'read-only: root',
  needsMounts: true,
  async run(suite) {
    suite.test(THREE)
    mkdirSync(suite.path('../away'), { recursive: true })
    const args = suite.isJest ? ['--cacheDirectory', suite.path('../away')] : ['--configLoader', 'runner']
    const { code, text } = await readOnly(suite.path(), () => suite.run(args))
    const [, dir] =
      /golden-logits: the report cannot be written \(EROFS.*\); its rows are kept in (\S+)/.exec(text) ?? []
    equal((await suite.command('merge', dir ?? 'nowhere', '--output', 'merged.csv')).code, 0)
    return { due: 36, kept: suite.rows('merged.csv').length, code, text, isRed: true, note: 'kept by merge' }
  },
}

/** There is no room to record which test wrote which snapshot, so none is written. */
const CLAIMS_FULL = {
  name: 'disk full: rows, beside a snapshot',
  needsMounts: true,
  isLossy: true,
  async run(suite) {
    suite.test(SNAPSHOT())
    return onSmallDisk(suite.path('.golden-logits'), 4, async () => {
      fillUp(suite.path('.golden-logits'))
      const { code, text } = await suite.run()
      match(
        text,
        /GoldenLogitsError: .*: which test uses which snapshot cannot be recorded \(ENOSPC\); free disk space/,
      )
      deepEqual(filesIn(folderOf(suite)), [])
      return { due: 1, kept: suite.rows().length, code, text, isRed: true }
    })
  },
}

/** The report of an earlier run is there and cannot be deleted: nobody may take it for the report of this run. */
const STALE_READ_ONLY = {
  name: 'read-only: folder of the report, with an earlier report',
  needsMounts: true,
  async run(suite) {
    suite.test(`test('good', () => gate())`)
    equal((await suite.run()).code, 0)
    suite.test(THREE)
    const { code, text } = await readOnly(suite.path('out'), () => suite.run())
    match(text, /golden-logits: a report of an earlier run cannot be deleted \(EROFS.*report\.csv'\)/)
    match(text, /golden-logits: the report cannot be written \(EROFS.*\); its rows are kept in \/.*run-/)
    equal((await suite.command('merge', '.golden-logits', '--output', 'merged.csv')).code, 0)
    return { due: 36, kept: suite.rows('merged.csv').length, code, text, isRed: true, note: 'kept by merge' }
  },
}

export const DISKS = [
  SPOOL_FULL,
  CLAIMS_FULL,
  reportFull('disk full: CSV', [{ csv: 'out/report.csv', html: false }], 'out', 4, []),
  reportFull('disk full: HTML', [{ csv: 'report.csv', html: 'out/report.html' }], 'out', 4, []),
  reportFull('disk full: JSON', [{ csv: 'report.csv', json: 'out/report.json', html: false }], 'out', 4, []),
  NEW_SNAPSHOT_FULL,
  UPDATE_FULL,
  candidate('disk full: candidate', (folder, body) => onSmallDisk(folder, 4, body), 'ENOSPC'),
  SPOOL_READ_ONLY,
  NO_ROOM,
  REPORT_READ_ONLY,
  STALE_READ_ONLY,
  ROOT_READ_ONLY,
  NEW_SNAPSHOT_READ_ONLY,
  UPDATE_READ_ONLY,
  candidate('read-only: candidate', readOnly, 'EROFS'),
]
