import { openFile } from '../io/file-source.js'
import { kindOf } from '../io/folder.js'
import { badSnapshot } from './bad-snapshot.js'
import { parseSnapshot } from './parse.js'
import { MAX_TEXT } from './render.js'
import { dataPath, type Snapshot } from './types.js'

/**
 * Reads a golden's text file; the rows of a full one stay in its `.npz` file.
 * @throws GoldenLogitsError `bad-snapshot`, `snapshot-version`, and what `openFile` throws
 */
export function readSnapshot(path: string): Snapshot {
  const source = openFile(path)
  try {
    if (source.size > MAX_TEXT) throw badSnapshot(path, `it has ${source.size} bytes, expected at most ${MAX_TEXT}`)
    const bytes = new Uint8Array(source.size)
    source.read(0, bytes)
    const golden = parseSnapshot(path, new TextDecoder().decode(bytes))
    if (golden.fidelity === 'full' && kindOf(dataPath(path)) !== 'file') {
      throw badSnapshot(path, 'the .npz file with its rows is not beside it')
    }
    return golden
  } finally {
    source.close()
  }
}
