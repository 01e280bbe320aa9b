import type { StepLayers } from '../../dumps/layers/index.js'
import { printable } from '../../errors.js'
import { groupBy } from '../../lib/group-by.js'
import { info, type Note } from '../../lib/note.js'
import { counted } from '../../lib/number-text.js'
import { isEmbedding } from './names.js'
import type { ComparedLayer } from './types.js'

type Sides = Readonly<Record<'golden' | 'dump', StepLayers>>

/** What was done to tensors before they were compared, so that both sides hold the same numbers in the same order. */
export function readingNotes(entries: readonly ComparedLayer[], layers: Sides): Note[] {
  return [...textNotes(entries), ...joiningNotes(entries, layers), ...swapNotes(entries), ...postNormNotes(entries)]
}

function textNotes(entries: readonly ComparedLayer[]): Note[] {
  const isProof = ({ golden, measured }: ComparedLayer) => measured !== undefined && isEmbedding(golden!)
  if (entries.some(isProof)) return []
  return [info('no embedding was compared, so nothing shows that both sides read the same text')]
}

function swapNotes(entries: readonly ComparedLayer[]): Note[] {
  const swapped = entries.filter(({ measured }) => measured?.output.isSwapped)
  const [first] = swapped
  if (!first) return []
  const [golden, dump] = first.measured!.output.shapes.map((shape) => `[${shape.join(', ')}]`)
  const text = `batch and sequence are swapped in ${counted(swapped.length, 'layer')}: golden ${golden}, dump ${dump} in ${printable(first.golden!.name, 120)}`
  return [info(`${text}; the positions are compared in the golden's order`)]
}

function postNormNotes(entries: readonly ComparedLayer[]): Note[] {
  return entries.flatMap(({ golden, postNorm }) =>
    postNorm === undefined ? [] : [info(`${printable(golden!.name, 120)}: ${postNorm}`)],
  )
}

/** What was done to the ranks of each side, and to fused modules, with the number of layers. */
function joiningNotes(entries: readonly ComparedLayer[], layers: Sides): Note[] {
  return (['golden', 'dump'] as const).flatMap((side) => {
    const texts = entries.map(({ measured }) => measured?.reading[side] ?? '').filter((text) => text !== '')
    if (texts.length === 0) return []
    const ranks = layers[side].layers.find((layer) => layer.ranks)?.ranks?.length ?? 1
    const holder = ranks > 1 ? `the ${side} has ${ranks} ranks` : `the ${side}`
    const byText = [...groupBy(texts, (text) => text)].sort((a, b) => b[1].length - a[1].length)
    const done = byText.map(([text, { length }]) => `${text} (${counted(length, 'layer')})`)
    return [info(`${holder}: the outputs are ${done.join('; ')}`)]
  })
}
