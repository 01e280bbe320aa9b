import { basename, dirname, join, relative } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { parseLink, readBinHeader } from '../../../formats/atb-bin.js'
import { detectFormat } from '../../../formats/index.js'
import { type Budgets, resolveBudgets } from '../../../io/budgets.js'
import type { ByteSource } from '../../../io/byte-source.js'
import { listFolder } from '../../../io/folder.js'
import { parseTid } from '../names.js'
import { parseAtbLayer } from './names.js'

/**
 * The file that holds the data of an ATB file without data. msprobe writes equal tensors of an execution once; every other
 * file gets a line `data=2_0_outtensor0.bin`, which means `2_…/0_…/after/outtensor0.bin` (`intensor`: `before/`).
 * @returns undefined if the file is not such a link
 * @throws GoldenLogitsError `no-data` if the link matches no operation folder, or several
 */
export function linkedFile(source: ByteSource, budgets?: Partial<Budgets>): string | undefined {
  if (detectFormat(source).name !== 'atb-bin') return undefined
  const link = parseLink(readBinHeader(source, resolveBudgets(budgets)).attributes.get('data') ?? '')
  const execution = executionOf(source.file)
  if (!link || execution === undefined) return undefined
  let folder = execution
  for (const id of link.operations) folder = join(folder, operation(source, folder, Number(id)))
  return join(folder, link.file)
}

/** The `{TID}` folder that contains a file. */
function executionOf(file: string): string | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (parseTid(basename(folder)) !== undefined) return folder
  }
  return undefined
}

/** The name of the operation folder with this id. */
function operation(source: ByteSource, folder: string, id: number): string {
  const matches = listFolder(folder).filter(({ name, kind }) => kind === 'folder' && parseAtbLayer(name)?.id === id)
  if (matches.length === 1) return matches[0]!.name
  const where = `${matches.length} folders of operation ${id} in ${printable(relative(dirname(source.file), folder), 100)}`
  const message = `holds no data: it refers to another file of the same execution, but there are ${where}, expected 1`
  throw new GoldenLogitsError('no-data', message, { file: source.file })
}
