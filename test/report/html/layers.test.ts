import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { layersResult } from '../../../src/cli/compare-layers.js'
import { type ComparisonReport, reportDocument } from '../../../src/report/document.js'
import { htmlPage } from '../../../src/report/html/page.js'
import { reportMarkdown } from '../../../src/report/markdown.js'
import { parseReport } from '../../../src/report/parse-report.js'
import { at, layersDump, type Module, model } from '../../build/layers.js'
import { reportJson } from '../report-json.js'

/** The report of token 0 of dumps of these modules. */
function report(dump: Module[], options: { floor?: Module[]; golden?: Module[] } = {}): ComparisonReport {
  const side = (modules: Module[]) => ({ paths: [layersDump(modules)], options: {} })
  const { floor, golden = model(0) } = options
  const sides = { golden: side(golden), dump: side(dump) }
  return layersResult(sides, { token: 0, ...(floor && { floor: layersDump(floor) }) }, 'bf16').report
}

const page = (...reports: ComparisonReport[]) => htmlPage(reportDocument(reports))

/** The heights of a line of the chart; those of higher values are smaller. */
function heights(html: string, name: string): number[] {
  const path = new RegExp(`<path d="M([^"]+)" class="${name}"/>`).exec(html)![1]!
  return path.split(/[LM]/).map((point) => Number(point.split(',')[1]))
}

const NAMED = 'root.layers.1.self_attn.o_proj'
const FAULT = { [NAMED]: [0.05, 0.005] } as const
const fault = report(model(1, FAULT))
const honest = report(model(1))

describe('the layers of a comparison in the HTML report', () => {
  test('the layer that is named leads the section, has a diamond in the chart, and the table begins at it', () => {
    const html = page(fault)
    const index = model(1).findIndex(({ name }) => name === NAMED)
    expect(html).toContain(
      `<a href="#c0-t${index}">First layer that diverges: <strong>${NAMED}</strong></a> <span class="verdict">rule amplification</span> its output error is 0.05, its input error 0.005; rounding alone makes 0.0075`,
    )
    expect(html.match(/class="mark bad"/g)).toHaveLength(1)
    expect(html).toContain(`class="here-text mid">${NAMED}: 0.05</text>`)
    expect(html).toContain(`data-unit="layers" data-at="${index}">`)
    expect(html).toContain(`<tr id="c0-t${index}" class="bad" data-s="${index}">`)
    expect(html).toContain(`the first layer that diverges is ${NAMED}, layer ${index} of 30: its output error is 0.05`)
  })

  test('an honest run has no diamond, no headline and no line that leads to a layer', () => {
    const html = page(honest)
    expect(honest.pass).toBe(true)
    expect(html).toContain('✓ no layer diverges')
    expect(html).toContain('31 layers: 31 compared')
    expect(html).toContain('31 layers; no layer is named; 0 without an error.')
    for (const mark of [
      'class="mark bad"',
      'class="here"',
      'class="headline"',
      'data-at=',
      '◆</span>',
      '▲</span>',
      '▭</span>',
      '▬</span>',
    ]) {
      expect(html).not.toContain(mark)
    }
  })

  test('the chart has the error of each layer, in the order of execution', () => {
    // The error that was planted in each layer.
    const planted = model(1, FAULT).map(({ name }, i) => {
      const part = i === 0 ? 0.0015 : name === NAMED ? 0.05 : undefined
      const stream = 0.003 + 0.002 * Number(/\d/.exec(name)?.[0])
      if (part !== undefined) return part
      if (name === 'root.norm') return 0.012
      if (name === 'root.lm_head') return 0.015
      return /layers\.\d$/.test(name) ? stream + 0.002 : 1.5 * stream
    })
    const drawn = heights(page(fault), 'values')
    expect(drawn).toHaveLength(planted.length)
    // The scale is logarithmic, so equal ratios are equal distances; coordinates have one digit.
    const unit = (drawn[0]! - Math.min(...drawn)) / Math.log(0.05 / 0.0015)
    planted.forEach((error, i) => {
      expect(Math.abs(drawn[0]! - drawn[i]! - unit * Math.log(error / 0.0015))).toBeLessThan(0.3)
    })
    const ids = [...page(fault).matchAll(/<tr id="c0-t(\d+)"/g)].map(([, id]) => Number(id))
    expect(ids).toEqual(planted.map((_, i) => i))
  })

  test("beside it the floor's error, or what layers of the kind make of such an input", () => {
    const withFloor = report(model(1, FAULT), { floor: model(0.9) })
    const natural = (one: ComparisonReport, name: string) =>
      one.tokens.find(({ layer }) => layer!.name === name)!.layer!
    expect(natural(withFloor, NAMED).naturalError).toBeCloseTo(0.9 * 1.5 * 0.005, 6)
    expect(natural(withFloor, 'root.embed_tokens').naturalError).toBeCloseTo(0.9 * 0.0015, 6)
    expect(natural(fault, NAMED).naturalError).toBeCloseTo(1.5 * 0.005, 6)
    expect(natural(fault, 'root.embed_tokens')).not.toHaveProperty('naturalError')
    const [floor, kind] = [page(withFloor), page(fault)]
    expect(heights(floor, 'natural')).toHaveLength(31)
    expect(floor).toContain('natural growth: error of the floor, a second run of the golden in the precision')
    expect(kind).toContain('natural growth: error that layers of the same kind make of such an input')
  })

  test('layers without a partner and layers that cannot be compared are marked below the chart, and in the table', () => {
    const golden = model(0).filter(({ name }) => name !== 'root.layers.2.mlp')
    const dump = model(1).filter(({ name }) => name !== 'root.layers.3.mlp')
    dump[2] = { ...dump[2]!, output: at(1, 3, 7) }
    dump[3] = { ...dump[3]!, output: { values: [1, 2, 3], shape: [1, 3] } }
    const html = page(report(dump, { golden }))
    // Only the golden has one, only the dump has one: side by side at the end.
    expect(html.match(/class="alone bad"/g)).toHaveLength(1)
    expect(html.match(/class="absent bad"/g)).toHaveLength(1)
    expect(html).toContain('<title>root.layers.3.mlp, root.layers.2.mlp</title>')
    expect(html).toContain('▭</span> only one side holds it')
    expect(html).toContain('▬</span> could not be compared')
    for (const verdict of ['missing', 'extra', 'shape-mismatch']) expect(html).toContain(`<td>${verdict}<td>`)
  })

  test('an error that is not finite is a triangle at the upper end, also after it was saved as JSON', () => {
    const modules = model(1)
    const broken = modules.findIndex(({ name }) => name === 'root.layers.2.mlp')
    const values = [...(modules[broken]!.output.values as number[])]
    values[40] = Number.NaN
    modules[broken] = { ...modules[broken]!, output: { ...modules[broken]!.output, values } }
    const infinite = fault.tokens.map((token, i) =>
      i === 5 ? { ...token, layer: { ...token.layer!, outputError: Number.POSITIVE_INFINITY } } : token,
    )
    for (const one of [report(modules), { ...fault, tokens: infinite }]) {
      const document = reportDocument([one])
      expect(parseReport('report.json', reportJson(document))).toEqual(document)
    }
    expect(page({ ...fault, tokens: infinite })).toContain('class="infinite"')
    expect(page({ ...fault, tokens: infinite })).toContain('▲</span> NaN or infinite')
    expect(page(report(modules))).toContain('rule non-finite</span>')
  })

  test('equal layers are at the lower end of the scale, which says 0', () => {
    const modules = model(1)
    modules[0] = model(0)[0]!
    expect(page(report(modules))).toContain('class="tick end">0</text>')
    expect(page(honest)).not.toContain('class="tick end">0</text>')
  })

  test('runs that cannot be aligned have the reason, and no layer', () => {
    const other = model(0).map((module, i) => ({ ...module, output: at(0, 900 + i), inputs: module.inputs ?? [] }))
    const html = page(report(other))
    expect(html).toContain('<p class="headline"><span class="verdict">undecided</span>')
    expect(html).toContain('have nothing in common at')
    expect(html).not.toContain('First layer that diverges')
  })

  test('a report that was saved as JSON makes the same page', () => {
    const document = reportDocument([fault, honest])
    const file = join(layersDump(model(0)), 'report.json')
    writeFileSync(file, reportJson(document))
    expect(htmlPage(parseReport(file, reportJson(document)))).toBe(htmlPage(document))
  })

  test('a table of comparisons and the step summary name the layer', () => {
    expect(page(fault, honest)).toContain(`<td>✗<td>${NAMED} at token 0: over-threshold<td>`)
    expect(reportMarkdown(reportDocument([fault]))).toContain(
      '0, root.layers.1.self&#95;attn.o&#95;proj: over-threshold',
    )
  })

  test('names of layers stay text', () => {
    const evil = '<img src=x onerror=alert(1)>"\'&\u202e</script>'
    const tokens = fault.tokens.map((token) => ({
      ...token,
      reason: evil,
      layer: { ...token.layer!, name: evil, type: evil },
      golden: { ...token.golden!, layer: evil, files: [evil] },
    }))
    for (const rule of [undefined, evil]) {
      const some = tokens.map((token, i) =>
        i === 3 ? { ...token, layer: { ...token.layer, ...(rule && { rule }) } } : token,
      )
      const html = page({ ...fault, tokens: some }, honest)
      expect(html).not.toContain('<img')
      expect(html.match(/<\/script>/g)).toHaveLength(1)
      expect(html).not.toContain('\u202e')
    }
  })
})
