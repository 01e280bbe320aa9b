/** The matrix as a table: one row per runner, one column per Node. */
export function tableOf(runners, majors, nodes, cells) {
  const header = ['', ...majors.map((major) => `Node ${nodes.get(major)?.version ?? major}`)]
  const rows = runners.map(({ name }) => [name, ...majors.map((major) => cells.get(`${name} ${major}`))])
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => row[i].length)))
  const line = (row) => `| ${row.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`
  return [line(header), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}
