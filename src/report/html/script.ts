/**
 * The page's script: sorting, filtering, and a cursor that links the chart with the table. Everything is on the page
 * without it. It reads the table that is there, and makes no request.
 */
export const SCRIPT = `
'use strict'
for (const section of document.querySelectorAll('.comparison')) {
  const table = section.querySelector('.tokens')
  if (!table) continue
  const svg = section.querySelector('.chart')
  const body = table.tBodies[0]
  const rows = [...body.rows]
  const filters = section.querySelector('.filters')
  const [search, failing] = filters.querySelectorAll('input')
  const output = filters.querySelector('output')
  filters.hidden = false

  const value = (row, column) => {
    const cell = row.cells[column]
    const text = cell.title || cell.textContent
    if (text === '') return Number.NEGATIVE_INFINITY
    const number = Number(text.replace('\\u221e', 'Infinity').replace('\\u2212', '-'))
    return Number.isNaN(number) ? text : number
  }
  const headers = [...table.tHead.rows[0].cells]
  headers.forEach((header, column) => {
    header.querySelector('button').addEventListener('click', () => {
      const down = header.getAttribute('aria-sort') !== 'descending'
      for (const other of headers) other.setAttribute('aria-sort', 'none')
      header.setAttribute('aria-sort', down ? 'descending' : 'ascending')
      const keys = new Map(rows.map((row) => [row, value(row, column)]))
      const order = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === 'string' ? -1 : 1)
      rows.sort((a, b) => (down ? -1 : 1) * order(keys.get(a), keys.get(b)) || a.dataset.s - b.dataset.s)
      body.append(...rows)
    })
  })

  const filter = () => {
    const wanted = search.value.trim().toLowerCase()
    let shown = 0
    for (const row of rows) {
      const fits = (!failing.checked || row.classList.contains('bad')) && row.textContent.toLowerCase().includes(wanted)
      row.hidden = !fits
      if (fits) shown++
    }
    output.textContent = shown === rows.length ? '' : shown + ' of ' + rows.length + ' ' + (table.dataset.unit || 'tokens')
  }
  search.addEventListener('input', filter)
  failing.addEventListener('change', filter)

  const cursor = svg.querySelector('.cursor')
  const { first, last, left, right } = svg.dataset
  const steps = rows.map((row) => Number(row.dataset.s)).sort((a, b) => a - b)
  const bySteps = new Map(rows.map((row) => [Number(row.dataset.s), row]))
  let at
  const go = (step, scroll) => {
    if (at) at.classList.remove('at')
    at = bySteps.get(step)
    if (!at) return
    at.classList.add('at')
    const x = Number(left) + ((step - first) / (last - first)) * (right - left)
    cursor.setAttribute('x1', x)
    cursor.setAttribute('x2', x)
    cursor.setAttribute('visibility', 'visible')
    if (!scroll) return
    const box = at.closest('.scroll')
    box.scrollTop += at.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 2
  }
  const stepAt = (event) => {
    const box = svg.getBoundingClientRect()
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width
    const step = Number(first) + ((x - left) / (right - left)) * (last - first)
    let near = steps[0]
    for (const other of steps) if (Math.abs(other - step) < Math.abs(near - step)) near = other
    return near
  }
  svg.addEventListener('mousemove', (event) => go(stepAt(event), true))
  svg.addEventListener('click', (event) => {
    table.closest('details').open = true
    go(stepAt(event), true)
  })
  body.addEventListener('mouseover', (event) => {
    const row = event.target.closest('tr')
    if (row) go(Number(row.dataset.s), false)
  })
  // When it is seen: to scroll all tables at once takes the layout of the whole page.
  if (table.dataset.at) {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return
      observer.disconnect()
      if (at) return
      go(Number(table.dataset.at), true)
      // On a narrow screen, the chart is wider than its frame.
      const figure = svg.parentElement
      figure.scrollLeft += cursor.getBoundingClientRect().left - figure.getBoundingClientRect().left - figure.clientWidth / 2
    })
    observer.observe(table)
  }
  table.closest('.scroll').addEventListener('keydown', (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key]
    if (move === undefined || event.target.closest('button')) return
    event.preventDefault()
    const shown = [...body.rows].filter((row) => !row.hidden)
    if (shown.length === 0) return
    const next = Math.min(Math.max(shown.indexOf(at) + move, 0), shown.length - 1)
    go(Number(shown[next].dataset.s), true)
  })
}
`
