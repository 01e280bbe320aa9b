import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTensors } from '../../src/formats/read-tensors.js'
import { openFile } from '../../src/io/file-source.js'
import { bin } from '../formats/build/bin.js'
import { pickle, tensor } from '../formats/build/pickle.js'
import { expectRefusal, refusalOf } from '../formats/build/refusal.js'
import { FOUR, torchZip } from '../formats/build/zip.js'
import { asNobody, canBeNobody } from './nobody.js'

let dir = ''
const at = (...names: string[]) => join(dir, ...names)

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
  chmodSync(dir, 0o755)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const posix = process.platform !== 'win32'
const values = (file: string) => [...readTensors(file)[0]!.toFloat32()]
const unmade = (file: string) => () => readTensors(file)

function write(name: string, bytes: Uint8Array = bin({}, FOUR)): string {
  writeFileSync(at(name), bytes)
  return at(name)
}

describe('not a regular file', () => {
  test('a missing file', () => {
    expectRefusal(unmade(at('none.pth')), 'file-not-found', 'none.pth: there is no such file', at('none.pth'))
    const through = join(write('plain.bin'), 'output.pth')
    expectRefusal(unmade(through), 'file-not-found', 'a part of its path is not a folder', through)
  })

  test('a folder named like a file', () => {
    mkdirSync(at('folder.pth'))
    expectRefusal(unmade(at('folder.pth')), 'not-a-regular-file', 'is a folder, expected a file', at('folder.pth'))
  })

  test.runIf(posix)('a FIFO, without waiting for a writer', () => {
    execFileSync('mkfifo', [at('fifo.pth')])
    const start = performance.now()
    expectRefusal(unmade(at('fifo.pth')), 'not-a-regular-file', 'is a FIFO, expected a file', at('fifo.pth'))
    symlinkSync(at('fifo.pth'), at('fifo-link.pth'))
    expectRefusal(unmade(at('fifo-link.pth')), 'not-a-regular-file', 'is a FIFO, expected', at('fifo-link.pth'))
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test.runIf(posix)('devices', () => {
    for (const device of ['/dev/zero', '/dev/null', '/dev/tty'].filter(existsSync)) {
      expectRefusal(unmade(device), 'not-a-regular-file', 'is a device, expected a file', device)
    }
    symlinkSync('/dev/zero', at('zero.pth'))
    expectRefusal(unmade(at('zero.pth')), 'not-a-regular-file', 'is a device, expected a file', at('zero.pth'))
  })

  test.runIf(posix)('a socket', async () => {
    const server = createServer()
    await new Promise<void>((done) => server.listen(at('socket.pth'), done))
    expectRefusal(unmade(at('socket.pth')), 'not-a-regular-file', 'is a socket, expected a file', at('socket.pth'))
    await new Promise((done) => server.close(done))
  })

  test.runIf(posix)('links to files are followed; broken and circular links are refused', () => {
    symlinkSync(write('target.bin'), at('link.bin'))
    symlinkSync(at('link.bin'), at('link-to-link.bin'))
    expect(values(at('link-to-link.bin'))).toEqual([1, -2, 0.5, 8])
    symlinkSync('itself.pth', at('itself.pth'))
    symlinkSync('b.pth', at('a.pth'))
    symlinkSync('a.pth', at('b.pth'))
    for (const loop of ['itself.pth', 'a.pth', 'b.pth']) {
      expectRefusal(unmade(at(loop)), 'read-failed', 'is a symbolic link that points back to itself', at(loop))
    }
    symlinkSync('gone.pth', at('dangling.pth'))
    expectRefusal(unmade(at('dangling.pth')), 'file-not-found', 'there is no such file', at('dangling.pth'))
    symlinkSync(dir, at('folder-link.pth'))
    expectRefusal(unmade(at('folder-link.pth')), 'not-a-regular-file', 'is a folder', at('folder-link.pth'))
  })

  test.runIf(posix && existsSync('/proc/self/maps'))('a file of the kernel, which says that it is empty', () => {
    expectRefusal(
      unmade('/proc/self/maps'),
      'unsupported-format',
      'is empty, expected one of: a NumPy archive (.npz), a file of torch.save',
      '/proc/self/maps',
    )
  })

  test('a path that is too long for the system', () => {
    const long = at('x'.repeat(5000))
    const error = refusalOf(unmade(long))
    expect(['read-failed', 'file-not-found']).toContain(error.code)
    expect(error.file).toBe(long)
    expect(error.message.length).toBeLessThan(600)
  })
})

describe.runIf(canBeNobody)('permissions', () => {
  test('a file without read permission', () => {
    const file = write('secret.bin')
    chmodSync(file, 0o000)
    asNobody(() => expectRefusal(unmade(file), 'permission-denied', 'this user has no permission to read it', file))
  })

  test('a folder without permission to enter', () => {
    mkdirSync(at('closed'))
    writeFileSync(at('closed', 'output.bin'), bin({}, FOUR))
    chmodSync(at('closed'), 0o000)
    const file = at('closed', 'output.bin')
    asNobody(() => expectRefusal(unmade(file), 'permission-denied', 'this user has no permission to read it', file))
    chmodSync(at('closed'), 0o700)
  })
})

describe('a file that changes', () => {
  test('shrinks between opening and reading', () => {
    const file = write('shrinks.bin')
    const source = openFile(file)
    truncateSync(file, 50)
    const error = expectRefusal(
      () => source.read(40, new Uint8Array(20)),
      'file-changed',
      'ended at byte 50 while it was read, expected 114 bytes: something is writing to it',
      file,
    )
    expect(error.offset).toBe(50)
    source.close()
  })

  test('shrinks, grows or is replaced before its elements are read', () => {
    const file = write('replaced.pth', torchZip(pickle(tensor())))
    const message = 'was changed after it was opened; read it again'
    const read = () => readTensors(file)[0]!

    const shrunk = read()
    truncateSync(file, 300)
    expectRefusal(() => shrunk.toFloat32(), 'file-changed', message, file)
    write('replaced.pth', torchZip(pickle(tensor())))
    const grown = read()
    appendFileSync(file, 'x')
    expectRefusal(() => grown.readRaw(0, 1, new Uint8Array(4)), 'file-changed', message, file)
    write('replaced.pth', torchZip(pickle(tensor())))
    const touched = read()
    utimesSync(file, 1, 1)
    expectRefusal(() => touched.toFloat32(), 'file-changed', message, file)
    const removed = read()
    renameSync(file, at('elsewhere.pth'))
    expectRefusal(() => removed.toFloat32(), 'file-not-found', 'there is no such file', file)
  })
})

test('a file that is closed', () => {
  const file = write('closed.bin')
  const source = openFile(file)
  source.close()
  expectRefusal(() => source.read(0, new Uint8Array(1)), 'read-failed', 'cannot be read (EBADF)', file)
})

describe.runIf(posix)('names that would break a terminal', () => {
  test.each([
    ['line\nbreak.pth', 'line\\x0abreak.pth'],
    ['\u001b[31mred\u001b[0m.pth', '\\x1b[31mred\\x1b[0m.pth'],
    ['\u001b]0;title\u0007.pth', '\\x1b]0;title\\x07.pth'],
    ['tab\tand\rreturn.pth', 'tab\\x09and\\x0dreturn.pth'],
    ['right\u202eto-left.pth', 'right\\u202eto-left.pth'],
    ['zero\u200bwidth\ufeff.pth', 'zero\\u200bwidth\\ufeff.pth'],
    ['line\u2028separator.pth', 'line\\u2028separator.pth'],
    ['c1\u009b31m.pth', 'c1\\x9b31m.pth'],
  ])('%j is escaped in the message and unchanged in error.file', (name, shown) => {
    const error = expectRefusal(unmade(at(name)), 'file-not-found', `${shown}: there is no such file`, at(name))
    expect(error.file).toBe(at(name))
    writeFileSync(at(name), torchZip(pickle(tensor())))
    expect(values(at(name))).toEqual([1, -2, 0.5, 8])
    writeFileSync(at(name), bin({ dims: '5' }, FOUR))
    expectRefusal(unmade(at(name)), 'bad-bin', `${shown}: broken .bin file`, at(name))
  })
})

describe('invalid arguments', () => {
  test.each([
    ['', "''"],
    ['a\0b', "'a\\x00b'"],
    [42, '42'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('x'), 'Symbol(x)'],
    [Object.create(null), 'an object'],
  ])('the path %o', (path, shown) => {
    const error = refusalOf(() => readTensors(path as string))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toBe(`readTensors expects the path of a file, got ${shown}`)
  })
})

test.each([null, 5, 'budgets'])('options that are %j', (options) => {
  const error = refusalOf(() => readTensors(at('none.pth'), options as unknown as object))
  expect(error.code).toBe('invalid-argument')
  expect(error.message).toBe('readTensors expects options such as { budgets: { elements: 1000 } }')
})

describe('sizes', () => {
  test('a file over the budget is refused before it is read', () => {
    const file = write('sparse.bin')
    truncateSync(file, 16 * 2 ** 30 + 1)
    const message = 'the size of the file: 17179869185 is over the budget fileBytes of 17179869184'
    expect(expectRefusal(unmade(file), 'limit-exceeded', message, file).budget).toBe('fileBytes')
    const own = () => readTensors(write('small.bin'), { budgets: { fileBytes: 113 } })
    expectRefusal(own, 'limit-exceeded', '114 is over the budget fileBytes of 113', at('small.bin'))
  })

  test('a sparse file of 5 GB without an end record is refused quickly', () => {
    const file = write('zeros.pth', torchZip(pickle(tensor())))
    truncateSync(file, 5 * 2 ** 30)
    const start = performance.now()
    expectRefusal(unmade(file), 'bad-archive', 'it has no end record, so it was cut short', file)
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test('file descriptors are always closed', () => {
    const good = write('good.bin')
    const bad = write('bad.bin', bin({ dims: '5' }, FOUR))
    for (let i = 0; i < 5000; i++) {
      readTensors(good)[0]!.toFloat32()
      expect(unmade(bad)).toThrow('broken .bin file')
    }
  })
})
