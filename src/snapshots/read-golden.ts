import { openFile } from '../io/file-source.js'
import { kindOf } from '../io/folder.js'
import { badGolden } from './bad-golden.js'
import { parseGolden } from './parse.js'
import { MAX_TEXT } from './render.js'
import { dataPath, type Golden } from './types.js'

/**
 * Reads a golden's text file; the rows of a full one stay in its `.npz` file.
 * @throws GoldenLogitsError `bad-snapshot`, `snapshot-version`, and what `openFile` throws
 */
export function readGolden(path: string): Golden {
  const source = openFile(path)
  try {
    if (source.size > MAX_TEXT) throw badGolden(path, `it has ${source.size} bytes, expected at most ${MAX_TEXT}`)
    const bytes = new Uint8Array(source.size)
    source.read(0, bytes)
    const golden = parseGolden(path, new TextDecoder().decode(bytes))
    if (golden.fidelity === 'full' && kindOf(dataPath(path)) !== 'file') {
      throw badGolden(path, 'the .npz file with its rows is not beside it')
    }
    return golden
  } finally {
    source.close()
  }
}
