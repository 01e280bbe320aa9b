import { describe, expect, test, vi } from 'vitest'
import { commonFolder, expand } from '../src/dumps/expand.js'
import { pathOf, startedFrom } from '../src/lib/file-path.js'
import { shortPaths, wholePath } from '../src/report/message/short-paths.js'
import { identify } from '../src/runner/test.js'
import { candidatePath, snapshotFolder, snapshotName } from '../src/snapshots/names.js'
import { refusalOf } from './formats/build/refusal.js'

// The path functions as they work on Windows: with its path module, working directory and file names.

const there = vi.hoisted(() => new Set<string>())

vi.mock('node:path', async (original) => {
  const { win32 } = await original<typeof import('node:path')>()
  return { ...win32, default: win32 }
})
vi.mock('../src/lib/platform.js', async (original) => ({
  ...(await original<typeof import('../src/lib/platform.js')>()),
  nodePath: () => process.getBuiltinModule('node:path').win32,
}))
vi.mock('../src/io/folder.js', async (original) => ({
  ...(await original<typeof import('../src/io/folder.js')>()),
  // Windows ignores the case of names.
  kindOf: (path: string) => (there.has(path.toLowerCase()) ? 'folder' : undefined),
}))
vi.spyOn(process, 'cwd').mockReturnValue('C:\\work\\app')

function within(folders: readonly string[], body: () => void): void {
  for (const folder of folders) there.add(folder.toLowerCase())
  body()
  there.clear()
}

describe('a path of a dump', () => {
  test.each([
    ['dumps\\npu', 'C:\\work\\app\\dumps\\npu'],
    ['dumps/npu', 'C:\\work\\app\\dumps\\npu'],
    ['C:/work/app/dumps/npu', 'C:\\work\\app\\dumps\\npu'],
    ['c:\\WORK\\App\\Dumps\\NPU', 'c:\\WORK\\App\\Dumps\\NPU'],
    ['D:\\dumps\\npu', 'D:\\dumps\\npu'],
    ['\\\\server\\share\\npu', '\\\\server\\share\\npu'],
  ])('%s is %s', (path, expected) => {
    within(['C:\\work\\app\\dumps\\npu', 'D:\\dumps\\npu', '\\\\server\\share\\npu'], () => {
      expect(expand(path)).toEqual([expected])
    })
  })

  test('that is not there: the error names the drive and the folder', () => {
    const { message } = refusalOf(() => expand('dumps/gone'))
    expect(message).toContain('looked for C:\\work\\app\\dumps\\gone, relative to the working directory C:\\work\\app')
    expect(startedFrom('D:\\gone')).toBe('')
    expect(startedFrom('\\\\server\\share\\gone')).toBe('')
  })

  test('as a URL', () => {
    // On this system `fileURLToPath` gives a path of this system: only what is no path is left to this function.
    expect(pathOf('C:\\dumps')).toBe('C:\\dumps')
    expect(refusalOf(() => pathOf('file:///C:/dumps')).message).toContain("'file:///C:/dumps' is the text of a URL")
  })
})

test.each([
  [['C:\\a\\x', 'C:\\a\\y'], 'C:\\a'],
  [['C:\\a\\b\\x', 'C:\\a\\y'], 'C:\\a'],
  [['C:\\x', 'C:\\y'], 'C:\\'],
  [['C:\\a\\x', 'c:\\A\\y'], 'C:\\a'],
  [['\\\\server\\share\\a\\x', '\\\\server\\share\\b\\y'], '\\\\server\\share\\'],
])('the common folder of %j is %s', (folders, expected) => {
  expect(commonFolder(folders)).toBe(expected)
})

describe('paths in messages', () => {
  test('are relative within the working directory, in upper or lower case, and absolute on another drive', () => {
    expect(wholePath('C:\\work\\app\\reports\\x.csv')).toBe('reports\\x.csv')
    expect(wholePath('c:\\Work\\App\\reports\\x.csv')).toBe('reports\\x.csv')
    expect(wholePath('D:\\reports\\x.csv')).toBe('D:\\reports\\x.csv')
  })

  test('keep what differs', () => {
    const path = (build: string) =>
      `D:\\runs\\${build}\\a-long-folder-of-experiments\\msit_dump_20250301_101500\\torch_tensors\\cuda0_1\\3\\head\\output.pth`
    expect(shortPaths([path('gpu'), path('npu')])).toEqual(
      ['gpu', 'npu'].map(
        (build) => `…\\${build}\\…\\msit_dump_20250301_101500\\torch_tensors\\cuda0_1\\3\\head\\output.pth`,
      ),
    )
  })
})

test('a test file is named alike on every system', () => {
  const context = { testPath: 'C:\\work\\app\\test\\gate.test.js', currentTestName: 'x' }
  expect(identify(context, 'run', 'C:\\work\\app').file).toBe('test/gate.test.js')
  expect(identify(context, 'run', 'c:\\Work\\App').file).toBe('test/gate.test.js')
})

describe('the file of a snapshot', () => {
  const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

  test.each(['con', 'NUL', 'aux', 'COM1', 'lpt9', 'prn.x', 'a:b|c?<>*"', 'ends with a dot.', ' ', '..\\..\\x'])(
    'of the test %j has a name that Windows accepts',
    (name) => {
      for (const n of [1, undefined]) {
        const file = snapshotName(name, n, 'con')
        expect(file).toMatch(/^[\w.-]+\.golden$/)
        expect(file).not.toMatch(RESERVED)
        expect(file).not.toMatch(/[. ]$/)
      }
    },
  )

  test('of tests that differ in case only', () => {
    const names = ['Gate', 'gate', 'GATE'].map((name) => snapshotName(name, 1, '').toLowerCase())
    expect(new Set(names).size).toBe(3)
  })

  test('is beside the test file; its candidate is within the working directory, from another drive too', () => {
    const folder = snapshotFolder('C:\\work\\app\\test\\gate.test.js')
    expect(folder).toBe('C:\\work\\app\\test\\__golden__\\gate.test.js')
    const candidates = 'C:\\work\\app\\.golden-logits\\candidates'
    expect(candidatePath(`${folder}\\x.golden`, 'C:\\work\\app')).toBe(
      `${candidates}\\test\\__golden__\\gate.test.js\\x.golden`,
    )
    expect(candidatePath('D:\\other\\x.golden', 'C:\\work\\app')).toBe(`${candidates}\\x.golden`)
  })
})
