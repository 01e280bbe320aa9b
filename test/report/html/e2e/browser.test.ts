import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { layersResult } from '../../../../src/cli/compare-layers.js'
import { csv } from '../../../../src/report/csv.js'
import { type ComparisonReport, reportDocument } from '../../../../src/report/document.js'
import { htmlPage } from '../../../../src/report/html/page.js'
import { layersDump, model } from '../../../build/layers.js'
import { rowsOf } from '../../../e2e/project.js'
import { inconclusive, longReport, partlyMissing, treeReport } from '../build.js'
import { BrowserPage, CHROMIUM } from './chromium.js'

const folder = mkdtempSync(join(tmpdir(), 'golden-logits-page-'))

function pageOf(name: string, ...reports: ComparisonReport[]): string {
  const file = join(folder, name)
  writeFileSync(file, htmlPage(reportDocument(reports)))
  return file
}

/** Waits until the page has such an element. */
const seen = (selector: string) => `new Promise((resolve) => {
  const look = () => (document.querySelector('${selector}') ? resolve() : requestAnimationFrame(look))
  look()
})`

/** Whether the row where the table begins is in view within the table. */
const IN_VIEW = `(() => {
  const [row, box] = ['tr.at', '.scroll'].map((name) => document.querySelector('#c0 ' + name).getBoundingClientRect())
  return row.top > box.top && row.bottom < box.bottom
})()`

const name = 'root.layers.1.self_attn.o_proj'

/** A report of layers, with one layer that diverges. */
function layersReport(): ComparisonReport {
  const [golden, dump] = [model(0), model(1, { [name]: [0.05, 0.005] })].map((modules) => {
    return { paths: [layersDump(modules)], options: {} }
  })
  return layersResult({ golden: golden!, dump: dump! }, { token: 0 }, 'bf16').report
}

/** The width of a page in CSS pixels. */
const A4 = 794

const evil = '<img src=x onerror="document.title=1">'
const bad = treeReport('b_token3_degraded', evil)

describe.skipIf(CHROMIUM === undefined)('in Chromium (skipped where no browser is installed)', () => {
  let page: BrowserPage
  const texts = (expression: string) => page.value<string[]>(`[...${expression}].map((node) => node.textContent)`)
  const shown = () =>
    page.value<string[]>(
      `[...document.querySelectorAll('#c0 .tokens tbody tr')].filter((row) => !row.hidden).map((row) => row.dataset.s)`,
    )

  beforeAll(async () => {
    page = await BrowserPage.open(pageOf('bad.html', bad, treeReport('a_clean_f32_vs_f16'), partlyMissing()))
  })
  afterAll(() => page.close())

  test('makes no request, and shows names as text', async () => {
    expect(page.requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([])
    expect(page.requests.filter((url) => url.startsWith('file:'))).toHaveLength(1)
    expect(await page.value('document.images.length')).toBe(0)
    expect((await texts(`document.querySelectorAll('#c0 h2')`))[0]).toContain(evil)
  })

  test('table and CSV agree for every token', async () => {
    const rows = await page.value<string[][]>(
      `[...document.querySelectorAll('#c0 .tokens tbody tr')].map((row) => [...row.cells].map((cell) => cell.title || cell.textContent))`,
    )
    const place = {
      project: '',
      file: '',
      test: '',
      testIsSure: true,
      ordinal: 1,
      repetition: 1,
      attempt: 1,
      matcher: '',
      isNot: false,
    }
    const comparison = { ...place, soft: false, poll: false, thresholds: bad.thresholds }
    bad.tokens.forEach((token, index) => {
      const [row] = rowsOf(csv.header + csv.row({ comparison, token: { ...token, index }, reportRows: 1 }))
      const cell = (name: string) => row![name]!
      expect(rows[index]![0]).toBe(cell('token_id'))
      expect(rows[index]![1]).toBe(cell('verdict'))
      expect(Number(rows[index]![2])).toBe(Number(cell('kl_divergence')))
      expect(Number(rows[index]![3])).toBe(Number(cell('cosine_similarity')))
      expect(rows[index]!.slice(4, 6)).toEqual([cell('golden_top1'), cell('my_top1')])
    })
  })

  test('the chart has each value where the table says', async () => {
    const points = await page.value<[number, number][]>(`(() => {
      const path = document.querySelector('#c0 .values').getAttribute('d')
      return path.slice(1).split('L').map((point) => point.split(',').map(Number))
    })()`)
    expect(points).toHaveLength(bad.tokens.length)
    const byKl = bad.tokens.map(({ metrics }, i) => ({ kl: metrics!.klDivergence, y: points[i]![1] }))
    byKl.sort((a, b) => a.kl - b.kl)
    for (let i = 1; i < byKl.length; i++) expect(byKl[i]!.y).toBeLessThanOrEqual(byKl[i - 1]!.y)
    const steps = points.map(([x]) => x)
    expect(new Set(steps.slice(1).map((x, i) => Math.round(x - steps[i]!)))).toHaveProperty('size', 1)
  })

  test('sorts by any column', async () => {
    const click = (column: number) =>
      page.value(`document.querySelectorAll('#c0 .tokens th button')[${column}].click()`)
    await click(2)
    const order = [...bad.tokens].sort((a, b) => b.metrics!.klDivergence - a.metrics!.klDivergence)
    expect(await shown()).toEqual(order.map(({ step }) => String(step)))
    expect(await page.value(`document.querySelectorAll('#c0 .tokens th')[2].getAttribute('aria-sort')`)).toBe(
      'descending',
    )
    await click(0)
    await click(0)
    expect(await shown()).toEqual(bad.tokens.map(({ step }) => String(step)))
  })

  test('filters by text and by failure', async () => {
    const set = (text: string, failing: boolean) =>
      page.value(`(() => {
        const [search, box] = document.querySelectorAll('#c0 .filters input')
        search.value = ${JSON.stringify(text)}
        search.dispatchEvent(new Event('input'))
        box.checked = ${failing}
        box.dispatchEvent(new Event('change'))
      })()`)
    await set('', true)
    expect(await shown()).toEqual(['3'])
    expect(await texts(`document.querySelectorAll('#c0 output')`)).toEqual(['1 of 12 tokens'])
    await set('589', false)
    expect(await shown()).toContain('3')
    await set('', false)
    expect(await shown()).toHaveLength(12)
  })

  test('moves through the tokens by keys, with a cursor in the chart', async () => {
    await page.value(`document.querySelector('#c0 .scroll').focus()`)
    await page.key('Home')
    for (let i = 0; i < 2; i++) await page.key('ArrowDown')
    expect(await page.value(`document.querySelector('#c0 tr.at').dataset.s`)).toBe('2')
    expect(await page.value(`document.querySelector('#c0 .cursor').getAttribute('visibility')`)).toBe('visible')
    await page.key('End')
    expect(await page.value(`document.querySelector('#c0 tr.at').dataset.s`)).toBe('11')
  })

  test('names chart and table for a screen reader', async () => {
    const { nodes } = (await page.send('Accessibility.getFullAXTree')) as {
      nodes: { role?: { value: string }; name?: { value: string } }[]
    }
    const named = (role: string) => nodes.filter((node) => node.role?.value === role).map((node) => node.name?.value)
    expect([...named('image'), ...named('img'), ...named('SvgRoot')].join('\n')).toContain(
      'KL divergence and cosine similarity by token',
    )
    expect(named('table').join('\n')).toContain('Every token of')
    expect(named('region').join('\n')).toContain('Tokens of ')
  })

  test('a report of layers begins at the layer that diverges, and links chart and table', async () => {
    const report = layersReport()
    const tokens = report.tokens.map((token, i) =>
      i === 2 ? { ...token, layer: { ...token.layer!, name: evil } } : token,
    )
    const view = await BrowserPage.open(pageOf('layers.html', { ...report, tokens }))
    try {
      expect(await view.value('document.images.length')).toBe(0)
      const at = `document.querySelector('#c0 tr.at')`
      await view.value(seen('#c0 tr.at'))
      expect(await view.value(`${at}.cells[1].textContent`)).toBe(name)
      // In view, without scrolling.
      expect(await view.value(IN_VIEW)).toBe(true)
      const cursor = () => view.value<string>(`document.querySelector('#c0 .cursor').getAttribute('x1')`)
      const diamond = await view.value<string>(`document.querySelector('#c0 .mark.bad').getAttribute('d')`)
      expect(Number(await cursor())).toBeCloseTo(Number(/^M([\d.]+)/.exec(diamond)![1]), 0)
      await view.value(`document.querySelector('#c0 .scroll').focus()`)
      await view.key('ArrowUp')
      expect(await view.value(`${at}.cells[1].textContent`)).toBe('root.layers.1.self_attn.k_proj')
      // By the error of the output, the largest first.
      await view.value(`document.querySelectorAll('#c0 .layers th button')[3].click()`)
      expect(await view.value(`document.querySelector('#c0 .layers tbody tr').cells[1].textContent`)).toBe(name)
      const { nodes } = (await view.send('Accessibility.getFullAXTree')) as { nodes: { name?: { value: string } }[] }
      const names = nodes.map((node) => node.name?.value).join('\n')
      expect(names).toContain('Output error by layer 31 layers; the first layer that diverges is')
      expect(names).toContain('Layers of layers of token 0')
    } finally {
      view.close()
    }
    const printed = await BrowserPage.open(join(folder, 'layers.html'), A4, { media: 'print' })
    try {
      expect(await printed.value('document.documentElement.scrollWidth')).toBeLessThanOrEqual(A4)
    } finally {
      printed.close()
    }
  })

  test('a long table begins at the first failing token, once it is seen', async () => {
    const report = longReport(1000, 'long')
    const tokens = report.tokens.map((token) => (token.pass || token.step > 600 ? token : { ...token, pass: true }))
    const view = await BrowserPage.open(pageOf('begins.html', { ...report, tokens }))
    try {
      await view.value(`document.querySelector('#c0 .filters').scrollIntoView()`)
      await view.value(seen('#c0 tr.at'))
      expect(await view.value(`document.querySelector('#c0 tr.at').dataset.s`)).toBe('603')
      expect(await view.value(IN_VIEW)).toBe(true)
    } finally {
      view.close()
    }
  })

  test('a report of 20 comparisons of 1,000 tokens opens', async () => {
    const reports = Array.from({ length: 20 }, (_, i) => longReport(1000, `prompt ${i}`))
    const file = pageOf('long.html', ...reports)
    const long = await BrowserPage.open(file)
    try {
      expect(await long.value(`document.querySelectorAll('.tokens tbody tr').length`)).toBe(20_000)
      const paint = await long.value<number>(
        `performance.getEntriesByType('paint').find(({ name }) => name === 'first-contentful-paint')?.startTime ?? -1`,
      )
      const bytes = htmlPage(reportDocument(reports)).length
      console.log(
        `20 comparisons of 1,000 tokens: ${(bytes / 1e6).toFixed(1)} MB, first paint after ${Math.round(paint)} ms`,
      )
      expect(paint).toBeGreaterThan(0)
    } finally {
      long.close()
    }
  })

  test('printed on A4, no column is cut off', async () => {
    const file = pageOf('print.html', bad, inconclusive(), partlyMissing())
    const view = await BrowserPage.open(file, A4, { media: 'print' })
    try {
      expect(await view.value('document.documentElement.scrollWidth')).toBeLessThanOrEqual(A4)
    } finally {
      view.close()
    }
  })

  test('of a long table, only the tokens that need a look are printed, and the page says so', async () => {
    const file = pageOf('long-print.html', longReport(1000, 'long'), bad)
    for (const [media, long] of [
      ['print', 10],
      ['screen', 1000],
    ] as const) {
      const view = await BrowserPage.open(file, A4, { media })
      try {
        const printed = (id: string) =>
          view.value(
            `[...document.querySelectorAll('#${id} .tokens tbody tr')].filter((row) => row.offsetHeight > 0).length`,
          )
        expect([await printed('c0'), await printed('c1')]).toEqual([long, bad.tokens.length])
        const note = await view.value(`getComputedStyle(document.querySelector('#c0 caption'), '::after').content`)
        expect(note).toEqual(media === 'print' ? expect.stringContaining('Printed are only those that fail') : 'none')
      } finally {
        view.close()
      }
    }
  })

  test('on a telephone, the page is as wide as the screen, and names have room', async () => {
    const late = longReport(100, 'late')
    const tokens = late.tokens.map((token) => ({ ...token, step: 99 - token.step })).reverse()
    const file = pageOf('narrow.html', bad, layersReport(), inconclusive(), partlyMissing(), { ...late, tokens })
    const view = await BrowserPage.open(file, 420)
    try {
      expect(await view.value('document.documentElement.scrollWidth')).toBeLessThanOrEqual(420)
      await view.value(`document.querySelector('#c4 .filters').scrollIntoView()`)
      await view.value(seen('#c4 tr.at'))
      // Token 96 of 100 is in view, although the chart is wider than the screen.
      const x = await view.value<number>(`document.querySelector('#c4 .mark.bad').getBoundingClientRect().left`)
      expect(x).toBeGreaterThan(0)
      expect(x).toBeLessThan(420)
      const width = `document.querySelector('.summary tbody tr > :first-child').getBoundingClientRect().width`
      expect(await view.value(width)).toBeGreaterThan(140)
    } finally {
      view.close()
    }
  })

  const shots = process.env.SCREENSHOTS
  test.skipIf(!shots)('screenshots, into the folder that SCREENSHOTS names', async () => {
    mkdirSync(shots!, { recursive: true })
    const file = pageOf(
      'shots.html',
      bad,
      layersReport(),
      treeReport('a_clean_f32_vs_f16'),
      inconclusive(),
      partlyMissing(),
    )
    for (const [name, width, media] of [
      ['light', 1100, {}],
      ['dark', 1100, { features: [{ name: 'prefers-color-scheme', value: 'dark' }] }],
      ['narrow', 420, {}],
      ['printed', A4, { media: 'print' }],
    ] as const) {
      const view = await BrowserPage.open(file, width, media)
      writeFileSync(join(shots!, `${name}.png`), await view.screenshot())
      view.close()
    }
    expect(readdirSync(shots!)).toEqual(['dark.png', 'light.png', 'narrow.png', 'printed.png'])
  })
})
