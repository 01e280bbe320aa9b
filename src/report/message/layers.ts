import { limitOf } from '../../compare/layers/local-standing.js'
import type { ComparedLayer, LayersComparison } from '../../compare/layers/types.js'
import type { Precision } from '../../compare/types.js'
import { printable } from '../../errors.js'
import { counted, significant } from '../../lib/number-text.js'
import { noteLines } from './failure.js'
import { shortPaths } from './short-paths.js'

/** Names of layers that a list shows. */
const MAX_NAMES = 5

/** Explains a comparison of layers, in at most about 40 lines. Follows the matcher's hint. */
export function layersText(comparison: LayersComparison): string {
  const { finding, layers, notes } = comparison
  const lines = [headLine(comparison), '']
  if (finding.kind === 'layer') lines.push(...namedLines(comparison, layers[finding.index]!))
  if (finding.kind === 'none' && finding.largest.length > 0) {
    lines.push('  The layers that stand out most:', ...finding.largest.map((i) => `    ${shortLine(layers[i]!)}`))
  }
  if ('reason' in finding) lines.push(`  ${printable(finding.reason, 600)}`)
  if (finding.kind !== 'identical') lines.push(...chartLines(comparison))
  lines.push(...leftoverLines(comparison))
  if (notes.length > 0) lines.push('', ...noteLines(notes))
  return lines.join('\n').replaceAll(/\n{3,}/g, '\n\n')
}

/** `214 layers: 200 compared, 14 without a partner, 0 not comparable` */
export function layerCounts({ counts }: LayersComparison): string {
  const { total, compared, unpaired, failed } = counts
  return `${counted(total, 'layer')}: ${compared} compared, ${unpaired} without a partner, ${failed} not comparable`
}

function headLine(comparison: LayersComparison): string {
  const { finding, layers, step } = comparison
  const counts = `(token ${step}; ${layerCounts(comparison)})`
  if (finding.kind === 'layer') return `First layer that diverges: ${nameOf(layers[finding.index]!)}     ${counts}`
  if (finding.kind === 'identical') return `Every layer that was compared has the same bits on both sides     ${counts}`
  if (finding.kind === 'not-aligned') return `The two sides cannot be compared layer by layer     ${counts}`
  if (finding.kind === 'unexplained') return `The error is more than rounding, and no rule names a layer     ${counts}`
  return `No layer stands out: the error grows as rounding does     ${counts}`
}

function namedLines({ finding, layers, precision }: LayersComparison, layer: ComparedLayer): string[] {
  if (finding.kind !== 'layer') return []
  const { output, inputs } = layer.measured!
  const { score } = layer
  const [goldenPath, dumpPath] = shortPaths([layer.golden!.outputs[0]!, layer.dump!.outputs[0]!])
  const type = layer.golden!.type ?? layer.dump!.type
  const nonFinite = output.nonFinite.dump
  const lines = [
    `  rule                ${ruleText(layer, finding.rule, precision)}`,
    ...(type === undefined ? [] : [`  type                ${printable(type, 60)}`]),
    `  positions           ${score!.positions} of ${output.positions} used; values are medians over positions`,
    `  error of output     ${number(score!.output)}     relative Euclidean distance`,
    ...(score!.input === undefined
      ? []
      : [
          `  error of input      ${number(score!.input)}${inputs.length === 0 ? '     (output of the layer before)' : ''}`,
        ]),
    ...(output.positions > 1
      ? [`  largest error       ${number(Math.max(...output.errors))}     at one position`]
      : []),
    `  norm ratio          ${number(output.normRatio)}     dump / golden`,
    `  cosine similarity   ${number(output.cosineSimilarity)}`,
    `  max error           ${number(output.maxAbsoluteError)}`,
    ...(nonFinite > 0 ? [`  NaN or infinite     ${nonFinite} of ${output.elements} elements in the dump`] : []),
    `  golden  ${goldenPath}  ${output.dtypes[0]} [${output.shapes[0].join(', ')}]`,
    `  dump    ${dumpPath}  ${output.dtypes[1]} [${output.shapes[1].join(', ')}]`,
  ]
  const before = layers.slice(0, finding.index).filter(({ measured }) => measured)
  if (before.length > 0)
    lines.push('', '  The layers before it:', ...before.slice(-3).map((other) => `    ${shortLine(other)}`))
  return lines
}

function ruleText({ score, measured, local }: ComparedLayer, rule: string, precision: Precision): string {
  const { amplification, overFloor, inputOverFloor } = score!
  const { differing, elements } = measured!.output
  if (rule === 'non-finite') return 'non-finite: its inputs are finite, its output is not'
  if (rule === 'exact') {
    return `exact: its inputs are equal bit by bit, and ${differing} of ${elements} elements of its output differ; other layers with equal inputs have equal outputs`
  }
  if (rule === 'embedding')
    return 'embedding: a lookup is exact but for rounding, and at one position or more its error is larger'
  if (rule === 'local') {
    return `local: its output is ${number(local!.dump)} from ${local!.formula}, over ${number(limitOf(local!, precision))} (${precision}); the golden's is ${number(local!.golden)} from it`
  }
  const times = `its output error is ${number(amplification ?? 1)} times what layers of its kind make of such an input`
  if (rule === 'amplification') return `amplification: ${times}`
  return `floor: its output error is ${number(overFloor!)} times the floor's, its input error ${number(inputOverFloor!)} times; ${times}`
}

function shortLine(layer: ComparedLayer): string {
  const { score } = layer
  const input = score?.input === undefined ? '' : `, input ${number(score.input)}`
  const amplification = score?.amplification === undefined ? '' : `, ${number(score.amplification)} times its kind`
  const floor = score?.overFloor === undefined ? '' : `, ${number(score.overFloor)} times the floor`
  return `${nameOf(layer)}: output error ${number(score?.output ?? Number.NaN)}${input}${amplification}${floor}`
}

function chartLines({ layers }: LayersComparison): string[] {
  const errors = layers.flatMap(({ score }) => (score ? [score.output] : []))
  return errors.length < 2 ? [] : ['', `  error by layer      ${marksOf(errors)}`]
}

const MARKS = '▁▂▃▄▅▆▇█'
const MAX_MARKS = 60

/** Errors in at most 60 marks, on a logarithmic scale from the smallest to the largest; `!` for one that is not finite. */
function marksOf(errors: readonly number[]): string {
  const logs = errors.map((error) => (error > 0 ? Math.log2(error) : Number.NEGATIVE_INFINITY))
  const finite = logs.filter(Number.isFinite)
  const [low, high] = [Math.min(...finite), Math.max(...finite)]
  const size = Math.ceil(errors.length / MAX_MARKS)
  let marks = ''
  for (let i = 0; i < errors.length; i += size) {
    const worst = errors.slice(i, i + size)
    const log = Math.max(...logs.slice(i, i + size))
    const place = high > low ? (log - low) / (high - low) : 0
    const mark = MARKS[Math.max(0, Math.min(MARKS.length - 1, Math.floor(place * MARKS.length)))]
    marks += worst.every(Number.isFinite) ? mark : '!'
  }
  return marks
}

function leftoverLines({ layers, pass }: LayersComparison): string[] {
  const lines: string[] = []
  const add = (title: string, verdicts: readonly string[]) => {
    const some = layers.filter(({ verdict }) => verdicts.includes(verdict))
    if (some.length === 0) return
    const names = some.slice(0, MAX_NAMES).map(nameOf)
    const more = some.length > MAX_NAMES ? ` and ${some.length - MAX_NAMES} more` : ''
    lines.push(`  ${title}: ${names.join(', ')}${more}`)
  }
  add('only in the golden', ['golden-only'])
  add('only in the dump', ['dump-only'])
  for (const layer of layers.filter(({ verdict }) => FAILED.includes(verdict)).slice(0, MAX_NAMES)) {
    lines.push(`  ${layer.verdict}: ${nameOf(layer)}: ${printable(layer.reason, 200)}`)
  }
  const failed = layers.filter(({ verdict }) => FAILED.includes(verdict)).length
  if (failed > MAX_NAMES) lines.push(`  and ${failed - MAX_NAMES} more that could not be compared`)
  if (lines.length === 0) return []
  const advice = pass ? [] : ["  Name pairs with the option mapping, or accept the rest with unpaired: 'allow'."]
  return ['', ...lines, ...advice]
}

const FAILED: readonly string[] = ['unreadable', 'shape-mismatch', 'no-output']

function nameOf({ golden, dump }: ComparedLayer): string {
  return printable((golden ?? dump)!.name, 120)
}

function number(value: number): string {
  return significant(value, 3)
}
