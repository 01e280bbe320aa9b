import { deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { memorySource } from '../../src/io/memory-source.js'
import { npy } from './build/arrays.js'
import { openTensors } from './build/open.js'
import { utf8 } from './build/pickle.js'
import { expectRefused, readAll } from './build/refusal.js'
import { FOUR, zip } from './build/zip.js'

const FLOATS = [1, -2, 0.5, 8]
const compressed = (content: Uint8Array) => new Uint8Array(deflateRawSync(content))

describe('members', () => {
  test('have names without their ending, also in folders', () => {
    const records = ['logits.npy', 'a/b.npy', '日本.npy'].map((name) => ({ name, content: npy(FOUR) }))
    expect(readAll(zip(records))).toEqual(['logits', 'a/b', '日本'].map((name) => ({ name, values: FLOATS })))
  })

  test('over the budget of tensors are refused', () => {
    const records = ['a.npy', 'b.npy'].map((name) => ({ name, content: npy(FOUR) }))
    expectRefused(zip(records), 'limit-exceeded', 'tensors in the file: 2 is over the budget tensors of 1', {
      tensors: 1,
    })
  })

  test('text beside arrays is no tensor', () => {
    const text = npy(FOUR, { descr: "'<U4'", shape: '(1,)' })
    const records = [
      { name: 'prompt.npy', content: text },
      { name: 'logits.npy', content: npy(FOUR) },
    ]
    expect(readAll(zip(records))).toEqual([{ name: 'logits', values: FLOATS }])
  })

  test('logits that damage has turned into text are refused, not left out', () => {
    const records = ['logits.npy', 'scores.npy'].map((name) => ({ name, content: npy(FOUR) }))
    const bytes = zip(records)
    expect(readAll(bytes)).toHaveLength(2)
    // The first '<f4' of the file is the dtype of the logits.
    const at = Buffer.from(bytes).indexOf('<f4')
    bytes.set(utf8('<U4'), at)
    expectRefused(bytes, 'crc-mismatch', "record 'logits.npy'")
  })

  test('an array of objects beside arrays is refused, and the advice is about that array', () => {
    const records = [
      { name: 'logits.npy', content: npy(FOUR) },
      { name: 'meta.npy', content: npy(FOUR, { descr: "'|O'", shape: '()' }) },
    ]
    const advice =
      "member 'meta.npy': is an array of Python objects ('|O'), a pickle; nothing was run; save it as numbers or text, or leave it out of the archive"
    expectRefused(zip(records), 'unsupported-dtype', advice)
  })
})

describe('compressed members', () => {
  const content = npy(FOUR)

  test('with a long header are inflated as far as it goes', () => {
    const noise = Array.from({ length: 3000 }, (_, i) => ((i * 7919) % 10).toString()).join('')
    const long = npy(FOUR, { shape: `(4,)${' '.repeat(60_000)}`, descr: "'<f4'" })
    expect(readAll(zip([{ name: 'logits.npy', content: long, packed: compressed(long) }]))[0]!.values).toEqual(FLOATS)
    const wrong = npy(FOUR, { descr: `'${noise}'` })
    const file = zip([{ name: 'logits.npy', content: wrong, packed: compressed(wrong) }])
    expectRefused(file, 'bad-header', "member 'logits.npy': broken .npy header: its descr is ")
  })

  test('that end inside their header are refused', () => {
    const file = zip([{ name: 'logits.npy', content, packed: compressed(content.subarray(0, 60)) }])
    expectRefused(file, 'bad-archive', "record 'logits.npy' ends early")
    const short = zip([{ name: 'logits.npy', content: utf8('PK'), packed: compressed(utf8('PK')) }])
    expectRefused(short, 'bad-header', 'the first bytes are not the signature of a NumPy array')
  })

  test('are inflated once for all their rows', () => {
    const data = new Uint8Array(Float32Array.from({ length: 40_000 }, (_, i) => Math.sin(i)).buffer)
    const array = npy(data, { shape: '(400, 100)' })
    const bytes = zip([{ name: 'logits.npy', content: array, packed: compressed(array) }])
    const source = memorySource(bytes, 'many-rows.npz')
    let bytesRead = 0
    const counted = {
      ...source,
      file: source.file,
      size: source.size,
      read(offset: number, into: Uint8Array) {
        bytesRead += into.length
        source.read(offset, into)
      },
    }
    const [tensor] = openTensors(counted).tensors
    const row = new Uint8Array(400)
    for (let i = 0; i < 400; i++) {
      tensor!.readRaw(i * 100, 100, row)
      expect(row).toEqual(data.subarray(i * 400, (i + 1) * 400))
    }
    expect(bytesRead).toBeLessThan(2 * bytes.length)
  })
})
