import { describe, expect, test } from 'vitest'
import { bin } from './build/bin.js'
import { bytesOf, utf8 } from './build/pickle.js'
import { expectRefused, readAll } from './build/refusal.js'
import { FOUR } from './build/zip.js'

const four = [{ name: '', values: [1, -2, 0.5, 8] }]

describe('ATB files are read', () => {
  test.each<[string, Uint8Array]>([
    ['as ATB writes them', bin({}, FOUR)],
    ['with the lines in another order', bytesOf(utf8('dims=4\ndtype=0\nformat=2\n$Version=1.0\n$End=1\n'), FOUR)],
    ['with the least of headers', bytesOf(utf8('dtype=0\ndims=4\n$End=1\n'), FOUR)],
    ['with a length in elements, as some tools write', bin({ '$Object.Length': '4' }, FOUR)],
    ['with lines of no account', bin({ max: '8.0', note: '' }, FOUR)],
    ['with an empty value', bin({ name: '' }, FOUR)],
    ['with a header longer than the first look', bin({ note: 'x'.repeat(2000) }, FOUR)],
    ['of four dimensions', bin({ dims: '1,2,1,2' }, FOUR)],
  ])('%s', (_, bytes) => {
    expect(readAll(bytes)).toEqual(four)
  })

  test.each<[string, ArrayBufferView<ArrayBuffer>, number[]]>([
    ['0', Float32Array.of(1.5, -2), [1.5, -2]],
    ['1', Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ['2', Int8Array.of(-128, 127), [-128, 127]],
    ['3', Int32Array.of(-(2 ** 31), 5), [-(2 ** 31), 5]],
    ['4', Uint8Array.of(0, 255), [0, 255]],
    ['6', Int16Array.of(-32768, 5), [-32768, 5]],
    ['9', BigInt64Array.of(-5n, 2n ** 40n), [-5, 2 ** 40]],
    ['11', Float64Array.of(0.1, 1e300), [Math.fround(0.1), Number.POSITIVE_INFINITY]],
    ['12', Uint8Array.of(0, 1), [0, 1]],
    ['27', Uint16Array.of(0x3f80, 0xc000), [1, -2]],
  ])('of dtype %s', (dtype, view, values) => {
    const data = new Uint8Array(view.buffer)
    const length = String(data.length)
    const bytes = bin({ dtype, dims: '2', '$Object.Length': length, '$Object.data': `0,${length}` }, data)
    expect(readAll(bytes)[0]!.values).toEqual(values)
  })

  test('without elements', () => {
    const none = { dims: '0,5', '$Object.Length': '0', '$Object.data': '0,0' }
    expect(readAll(bin(none, new Uint8Array(0)))).toEqual([{ name: '', values: [] }])
    const huge = Array.from({ length: 40 }, () => '999999999999999').join(',')
    expect(readAll(bin({ ...none, dims: `${huge},0` }, new Uint8Array(0)))).toEqual([{ name: '', values: [] }])
  })
})

describe('headers', () => {
  const header = (text: string) => bytesOf(utf8(text), FOUR)

  test.each<[string, string, string]>([
    ['a line without =', 'dtype=0\nno sign\n$End=1\n', "a line is 'no sign', expected name=value"],
    ['an empty line', 'dtype=0\n\n$End=1\n', "a line is '', expected name=value"],
    ['a line without a name', 'dtype=0\n=1\n$End=1\n', "a line is '=1', expected name=value"],
    ['a name with a space', 'dtype=0\na b=1\n$End=1\n', "a line is 'a b=1', expected name=value"],
    ['Windows line ends', 'dtype=0\r\ndims=4\r\n$End=1\r\n', "a line is 'dtype=0\\x0d', expected name=value"],
    ['control characters', 'dtype=0\nx=\u001b[2J\n$End=1\n', "a line is 'x=\\x1b[2J', expected name=value"],
    ['letters beyond ASCII', 'dtype=0\nx=ö\n$End=1\n', "a line is 'x=Ã¶', expected name=value"],
    ['a line twice', 'dtype=0\ndtype=1\ndims=4\n$End=1\n', 'the line dtype appears twice'],
    ['a line twice, the same', 'dtype=0\ndtype=0\ndims=4\n$End=1\n', 'the line dtype appears twice'],
    ['another end', 'dtype=0\ndims=4\n$End=2\n', '$End=2, expected $End=1'],
    ['an end of nothing', 'dtype=0\ndims=4\n$End=\n', '$End=, expected $End=1'],
    ['__proto__ twice', '__proto__=0\n__proto__=0\n$End=1\n', 'the line __proto__ appears twice'],
  ])('with %s', (_, text, what) => {
    const error = expectRefused(header(text), 'bad-header', `broken .bin header: ${what}`)
    expect(error.offset).toBeGreaterThanOrEqual(0)
  })

  test('names of inherited object properties are ordinary lines', () => {
    expect(readAll(header('__proto__=0\nconstructor=1\ntoString=2\ndtype=0\ndims=4\n$End=1\n'))).toEqual(four)
    expectRefused(header('__proto__=0\ndims=4\n$End=1\n'), 'bad-bin', 'the header has no dtype')
  })

  test.each(['dtype=0', 'dtype=0\n', 'dtype=0\ndims=4\n$End', 'dtype=0\ndims=4\n$End=1'])('cut short: %j', (text) => {
    const what = 'it ends without the line $End=1, so the file was cut short'
    expectRefused(utf8(text), 'bad-header', what)
    const long = utf8(`note=${'x'.repeat(1000)}\n${text}`)
    expectRefused(long, 'bad-header', what)
  })

  test('are limited by their budgets', () => {
    const line = `note=${'x'.repeat(5000)}\ndtype=0\ndims=4\n$End=1\n`
    const overLine = expectRefused(
      header(line),
      'limit-exceeded',
      'bytes of a header line: 5005 is over the budget binLine',
    )
    expect(overLine.budget).toBe('binLine')
    const endless = expectRefused(utf8(`x=${'y'.repeat(200_000)}`), 'limit-exceeded', 'over the budget binLine of 4096')
    expect(endless.budget).toBe('binLine')
    const lines = Array.from({ length: 64 }, (_, i) => `line${i}=1\n`).join('')
    const many = expectRefused(
      header(`${lines}$End=1\n`),
      'limit-exceeded',
      'lines of the header: 65 is over the budget',
    )
    expect(many.budget).toBe('binAttributes')
    const wide = Array.from({ length: 20 }, (_, i) => `line${i}=${'x'.repeat(4000)}\n`).join('')
    const flood = expectRefused(
      header(wide),
      'limit-exceeded',
      'bytes of the header: 65537 is over the budget binHeader',
    )
    expect(flood.budget).toBe('binHeader')
    expectRefused(bin({}, FOUR), 'limit-exceeded', '98 is over the budget binHeader of 97', { binHeader: 97 })
    expectRefused(bin({}, FOUR), 'limit-exceeded', 'over the budget binLine of 5', { binLine: 5 })
    expectRefused(bin({}, FOUR), 'limit-exceeded', '3 is over the budget binAttributes of 2', { binAttributes: 2 })
  })
})

describe('header values', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['no dtype', { dtype: undefined }, 'the header has no dtype'],
    ['a dtype that is a name', { dtype: 'float16' }, 'dtype=float16, expected a number'],
    ['a dtype below 0', { dtype: '-1' }, 'dtype=-1, expected a number'],
    ['a dtype of many digits', { dtype: '00000000' }, 'dtype=00000000, expected a number'],
    ['a dtype in colour', { dtype: '<script>'.repeat(20) }, 'dtype=<script>'],
    ['no dims', { dims: undefined }, 'the header has no dims'],
    ['empty dims', { dims: '' }, 'dims=, expected whole numbers such as 1,32000'],
    ['dims below 0', { dims: '-1,-4' }, 'dims=-1,-4, expected whole numbers'],
    ['dims with a plus', { dims: '+4' }, 'dims=+4, expected whole numbers'],
    ['dims with a space', { dims: '1, 4' }, 'dims=1, 4, expected whole numbers'],
    ['dims with a fraction', { dims: '4.0' }, 'dims=4.0, expected whole numbers'],
    ['dims with an exponent', { dims: '4e0' }, 'dims=4e0, expected whole numbers'],
    ['dims in another base', { dims: '0x4' }, 'dims=0x4, expected whole numbers'],
    ['dims with a leading 0', { dims: '04' }, 'dims=04, expected whole numbers'],
    ['dims with an empty part', { dims: '1,,4' }, 'dims=1,,4, expected whole numbers'],
    ['dims beyond 2^53', { dims: '9007199254740993' }, 'dims=9007199254740993, expected whole numbers'],
    [
      'dims that wrap at 2^64',
      { dims: '4294967296,4294967296' },
      'dims 4294967296,4294967296 of float32 take 73786976294838206464 bytes, but 16',
    ],
    [
      'dims that are too small',
      { dims: '3' },
      'dims 3 of float32 take 12 bytes, but 16 follow the header: the file is longer',
    ],
    [
      'dims that are too large',
      { dims: '5' },
      'dims 5 of float32 take 20 bytes, but 16 follow the header: the file was',
    ],
    [
      'a dtype that is too small',
      { dtype: '1' },
      'dims 1,4 of float16 take 8 bytes, but 16 follow the header: the file',
    ],
    ['two objects', { '$Object.Count': '2' }, '$Object.Count=2, expected 1'],
    ['a count of nothing', { '$Object.Count': '' }, '$Object.Count=, expected 1'],
    ['no objects, but data', { '$Object.Count': '0' }, '$Object.Count=0, expected 1'],
    ['a length beyond the file', { '$Object.Length': '17' }, '$Object.Length=17, but 16 bytes follow the header'],
    ['a length that is no number', { '$Object.Length': 'NaN' }, '$Object.Length=NaN, expected a whole number'],
    ['a length below 0', { '$Object.Length': '-16' }, '$Object.Length=-16, expected a whole number'],
    ['data elsewhere', { '$Object.data': '4,12' }, '$Object.data=4,12, expected 0 and at most 16 bytes'],
    ['data beyond the file', { '$Object.data': '0,17' }, '$Object.data=0,17, expected 0 and at most 16 bytes'],
    ['data of three parts', { '$Object.data': '0,16,1' }, '$Object.data=0,16,1, expected 0 and at most 16 bytes'],
    ['data of one part', { '$Object.data': '0' }, '$Object.data=, expected a whole number'],
    ['data of no part', { '$Object.data': '' }, '$Object.data=, expected a whole number'],
  ])('%s', (_, lines, what) => {
    expectRefused(bin(lines, FOUR), 'bad-bin', `broken .bin file: ${what}`)
  })

  test.each(['5', '8', '10', '13', '16', '26', '28', '999', '01'])(
    'dtype %s is known or not, but not read',
    (dtype) => {
      const message = `dtype=${dtype}; expected one of 0 float32, 1 float16, 2 int8, 3 int32`
      expectRefused(bin({ dtype }, FOUR), 'unsupported-dtype', message)
    },
  )

  test.each(['0', '1', '29', 'ND', ''])('format %j is not row-major', (format) => {
    const message = `format=${format}: the elements are not in row-major order; expected format=2 (ND)`
    expectRefused(bin({ format }, FOUR), 'unsupported-format', message)
  })

  test('a rank over 64', () => {
    const dims = Array.from({ length: 65 }, () => '1').join(',')
    const error = expectRefused(
      bin({ dims }, FOUR),
      'limit-exceeded',
      'dimensions of a tensor: 65 is over the budget rank',
    )
    expect(error.budget).toBe('rank')
  })

  test('a file cut at any byte of its data', () => {
    const whole = bin({}, FOUR)
    for (let length = 1; length < whole.length; length++) {
      expect(() => readAll(whole.subarray(0, length))).toThrow(/cut short|expected/)
    }
  })
})

describe('files without data', () => {
  test('a link to an equal tensor', () => {
    const link = { data: '2_0_outtensor0.bin', '$Object.Length': undefined, '$Object.data': undefined }
    const message = (where: string) => `its data are in another file of the same execution, ${where}; use that file`
    expectRefused(bin(link, new Uint8Array(0)), 'no-data', message('2_*/0_*/after/outtensor0.bin'))
    const input = { ...link, data: '17_intensor2.bin' }
    expectRefused(bin(input, new Uint8Array(0)), 'no-data', message('17_*/before/intensor2.bin'))
    const wild = { ...link, data: '../../etc/passwd' }
    expectRefused(bin(wild, new Uint8Array(0)), 'no-data', "'../../etc/passwd'")
  })

  test('a null pointer of the device', () => {
    const lines = { '$Object.Count': '0', '$Object.Length': '0', '$Object.data': undefined }
    expectRefused(bin(lines, new Uint8Array(0)), 'no-data', 'ATB had no tensor to write ($Object.Count=0)')
  })

  test.each(['mean', 'l2norm'])('a statistics dump with %s', (name) => {
    const lines = { [name]: '0.5', '$Object.Length': undefined, '$Object.data': undefined }
    expectRefused(bin(lines, new Uint8Array(0)), 'no-data', 'it belongs to a statistics dump; dump again with tensors')
  })

  test('an empty data part', () => {
    const lines = { '$Object.Length': undefined, '$Object.data': undefined }
    expectRefused(bin(lines, new Uint8Array(0)), 'bad-bin', 'take 16 bytes, but 0 follow the header: the file was cut')
  })
})

describe('two dumps in one file, which ATB appends', () => {
  const message = 'it contains two dumps, one after the other: dump again into an empty folder'
  const least = bytesOf(utf8('dtype=0\ndims=4\n$End=1\n'), FOUR)

  test.each<[string, Uint8Array]>([
    ['as ATB writes them', bytesOf(bin({}, FOUR), bin({}, FOUR))],
    ['with the least of headers', bytesOf(least, least)],
    ['of different sizes', bytesOf(bin({}, FOUR), least)],
  ])('%s', (_, bytes) => {
    expectRefused(bytes, 'bad-bin', message)
  })

  test('the first without data', () => {
    const none = { '$Object.Length': undefined, '$Object.data': undefined }
    const empty = new Uint8Array(0)
    expectRefused(bytesOf(bin({ ...none, '$Object.Count': '0' }, empty), bin({}, FOUR)), 'bad-bin', message)
    expectRefused(bytesOf(bin({ ...none, mean: '0.5' }, empty), bin({}, FOUR)), 'bad-bin', message)
    const noise = bytesOf(bin({ ...none, '$Object.Count': '0' }, empty), FOUR)
    expectRefused(noise, 'bad-bin', '$Object.Count=0, expected 1')
  })

  test('are distinguished from data that are too long', () => {
    const cut = bytesOf(bin({}, FOUR), utf8('$Ver'))
    expectRefused(cut, 'bad-bin', 'take 16 bytes, but 20 follow the header: the file is longer than its header says')
    const bytes = bytesOf(bin({}, FOUR), new Uint8Array(4))
    expectRefused(bytes, 'bad-bin', 'take 16 bytes, but 20 follow the header: the file is longer than its header says')
    const short = bytesOf(bin({ '$Object.Length': '4' }, FOUR), utf8('$Version=1.0\n'))
    expectRefused(short, 'bad-bin', 'the file is longer than its header says')
  })
})
