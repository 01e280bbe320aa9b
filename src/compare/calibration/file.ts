import { TextDecoder } from 'node:util'
import { GoldenLogitsError } from '../../errors.js'
import { readBytes } from '../../io/byte-source.js'
import { withFile } from '../../io/file-source.js'
import { repeatedKey } from '../../lib/json-keys.js'
import { checkCalibration } from './check.js'
import type { Calibration } from './types.js'

/** A calibration has some 5 kB. */
const MOST_BYTES = 256 * 1024

/**
 * Reads a calibration file.
 * @throws GoldenLogitsError `bad-calibration` for another kind of file, another version, wrong types or a size over the limit;
 * what `openFile` throws
 */
export function readCalibration(path: string): Calibration {
  const text = textOf(path)
  const bad = (message: string, cause?: unknown) =>
    new GoldenLogitsError('bad-calibration', `${message}; calibrate again`, { file: path, cause })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw bad('is no JSON: was it cut off, or left with a merge conflict?', error)
  }
  const twice = repeatedKey(text)
  if (twice !== undefined) throw bad(`has the key ${JSON.stringify(twice).slice(0, 60)} twice`)
  return checkCalibration(value, path)
}

function textOf(path: string): string {
  return withFile(path, (source) => {
    if (source.size > MOST_BYTES) {
      const message = `has ${source.size} bytes, and a calibration at most ${MOST_BYTES}: is this another file?`
      throw new GoldenLogitsError('bad-calibration', message, { file: path })
    }
    return new TextDecoder().decode(readBytes(source, 0, source.size))
  })
}
