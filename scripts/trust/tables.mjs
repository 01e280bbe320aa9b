export function markdown(header, rows) {
  return [header, header.map(() => '---'), ...rows].map(cells).join('\n')
}

export function cells(row) {
  return `| ${row.join(' | ')} |`
}

export function shares({ pass, warned, fail, inconclusive, count }) {
  return [pass, warned, fail, inconclusive].map((part) => Math.round((100 * part) / count)).join(' / ')
}

/** A share with Wilson's 95 % interval. */
export function percent(part, all) {
  const z = 1.96
  const p = part / all
  const middle = (p + (z * z) / (2 * all)) / (1 + (z * z) / all)
  const half = (z / (1 + (z * z) / all)) * Math.sqrt((p * (1 - p)) / all + (z * z) / (4 * all * all))
  const [low, high] = [Math.max(0, middle - half), Math.min(1, middle + half)]
  const digits = all < 1000 ? 0 : 1
  const text = (share) => (100 * share).toFixed(part === 0 || part === all ? 1 : digits)
  return `${(100 * p).toFixed(part === 0 || part === all ? 0 : digits)} % (${text(low)} to ${text(high)})`
}
