import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { checkOptions } from '../../src/compare/options.js'
import { loadDump } from '../../src/index.js'
import { snapshotFolder } from '../../src/snapshots/names.js'
import { noteUsed, obsoleteSnapshots, removeSnapshot, usedSnapshots } from '../../src/snapshots/obsolete.js'
import { readSnapshot } from '../../src/snapshots/read-snapshot.js'
import { dataPath, type Fidelity } from '../../src/snapshots/types.js'
import { writeSnapshot } from '../../src/snapshots/write-snapshot.js'
import { tree } from '../fixtures/trees.js'
import { refusalOf } from '../formats/build/refusal.js'

const root = mkdtempSync(join(tmpdir(), 'foreign-'))
afterAll(() => rmSync(root, { recursive: true }))

const dump = loadDump(tree('a_clean_f32_vs_f16', 'my'))

function fresh(): string {
  return join(mkdtempSync(join(root, 'x-')), 'x.golden')
}

function write(path: string, fidelity: Fidelity = 'full', onReplace?: () => void) {
  const settings = { fidelity, k: 8, test: 't', provenance: {}, compare: checkOptions({ dtype: 'fp16' }) }
  return writeSnapshot(path, dump, settings, onReplace ? { onReplace } : {})
}

const REFUSAL =
  'is not part of a snapshot of golden-logits, so it is not overwritten; move or delete it, or give the snapshot another name'
// A NumPy archive of somebody else has members of other names.
const OTHER_ARCHIVE = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(26), Buffer.from('weights.npy')])

describe.each(['full', 'compact'] as const)('a %s snapshot', (fidelity) => {
  test.each([
    ['a text', (path: string) => path, Buffer.from('notes of mine\n')],
    ['a Git LFS pointer', (path: string) => path, Buffer.from('version https://git-lfs.github.com/spec/v1\n')],
    ['an archive of another program', dataPath, OTHER_ARCHIVE],
    ['bytes', dataPath, Buffer.from([1, 2, 3])],
  ])('never replaces or removes %s', (_, pathOf, bytes) => {
    const path = fresh()
    writeFileSync(pathOf(path), bytes)
    const error = refusalOf(() => write(path, fidelity))
    expect([error.code, error.file]).toEqual(['write-failed', pathOf(path)])
    expect(error.message).toContain(`this file ${REFUSAL}`)
    expect(readFileSync(pathOf(path)).equals(bytes)).toBe(true)
    // Neither a temporary file nor a lock.
    expect(readdirSync(dirname(path))).toHaveLength(1)
  })

  test('never replaces a folder', () => {
    const path = fresh()
    mkdirSync(dataPath(path))
    expect(refusalOf(() => write(path, fidelity)).message).toContain(`this device or folder ${REFUSAL}`)
  })

  test('replaces a snapshot, also one that was cut off, and an empty file', () => {
    for (const other of ['full', 'compact'] as const) {
      const path = fresh()
      write(path, other)
      const [text, data] = [readFileSync(path), other === 'full' ? readFileSync(dataPath(path)) : Buffer.alloc(0)]
      for (const length of [0, 1, 20, 33, 40]) {
        writeFileSync(path, text.subarray(0, length))
        writeFileSync(dataPath(path), data.subarray(0, length))
        expect(write(path, fidelity).kind).toBe('written')
        expect(readSnapshot(path).fidelity).toBe(fidelity)
      }
    }
  })

  test.skipIf(process.platform === 'win32')('replaces a link, and leaves what it points to', () => {
    const path = fresh()
    const target = `${path}-of-mine`
    writeFileSync(target, 'mine')
    symlinkSync(target, path)
    expect(write(path, fidelity).kind).toBe('written')
    expect(readFileSync(target, 'utf8')).toBe('mine')
    expect(readSnapshot(path).fidelity).toBe(fidelity)
  })

  test('stays if it cannot be recorded that a test writes it', () => {
    const path = fresh()
    write(path, fidelity)
    const before = readFileSync(path)
    const failing = () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    }
    expect(refusalOf(() => write(path, 'compact', failing)).message).toContain(
      'the snapshot cannot be written (ENOSPC)',
    )
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})

test('a text that is not a snapshot is refused with the advice to delete it; one that was cut off, with -u', () => {
  const path = fresh()
  writeFileSync(path, 'notes')
  expect(refusalOf(() => readSnapshot(path)).message).toMatch(/or delete the file, which no update overwrites$/)
  writeFileSync(path, 'golden-logits gol')
  expect(refusalOf(() => readSnapshot(path)).message).toMatch(/write a new one with the option -u$/)
})

test('a file that is not ours is never obsolete, and never removed with one that is', () => {
  const file = join(root, 'o', 'model.test.ts')
  const folder = snapshotFolder(file)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, '')
  const [ours, mine] = [join(folder, 'a-1-00000000.golden'), join(folder, 'notes.golden')]
  write(ours)
  writeFileSync(mine, 'mine')
  writeFileSync(dataPath(ours), OTHER_ARCHIVE)
  expect(obsoleteSnapshots(new Map(), [file])).toEqual([ours])
  for (const path of [ours, mine]) removeSnapshot(path)
  expect(readdirSync(folder).sort()).toEqual(['a-1-00000000.golden.npz', 'notes.golden'])
})

test('a line that a full disk cut off is left out, and the next one does not continue it', () => {
  const runDir = join(root, 'run')
  noteUsed(runDir, '/a.test.ts', '/a.golden')
  const [name] = readdirSync(runDir)
  const file = join(runDir, name!)
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n["/b.test.ts","/b.gol`)
  noteUsed(runDir, '/c.test.ts', '/c.golden')
  expect([...usedSnapshots(runDir).keys()]).toEqual(['/a.test.ts', '/c.test.ts'])
})

test('no room for the records of a run is one error', () => {
  const file = join(root, 'a-file')
  writeFileSync(file, '')
  const error = refusalOf(() => noteUsed(join(file, 'run'), '/a.test.ts', '/a.golden'))
  expect(error.code).toBe('write-failed')
  expect(error.message).toMatch(
    /which test uses which snapshot cannot be recorded \(\w+\); free disk space, or grant write permission$/,
  )
})
