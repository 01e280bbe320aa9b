/**
 * The records of a CSV (RFC 4180), as strings. It shares no code with the package, so that it can check its reports.
 * @returns {string[][]}
 */
export function recordsOf(text) {
  const records = []
  let cells = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex
    const match = cell.exec(text)
    if (!match) throw new Error(`not a CSV: ${text.slice(at, at + 80)}`)
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2])
    if (match[3] === ',') continue
    records.push(cells)
    cells = []
  }
  return records
}

/** The rows of a CSV as objects, by column name. */
export function rowsOf(text) {
  const [header, ...records] = recordsOf(text)
  return records.map((cells) => {
    if (cells.length !== header.length) throw new Error(`${cells.length} cells under ${header.length} columns`)
    return Object.fromEntries(header.map((name, i) => [name, cells[i]]))
  })
}
