import { changed, type Json } from './answer-grammar.js'
import { type Choices, chance, pick, times } from './choices.js'
import { Finding } from './examine.js'
import type { Input } from './inputs.js'

const NUMBERS = [0, -0, 1, -2.5, 0.1, 1e39, -1e-30, 3.4028234663852886e38]

/** Golden logits of MaxText with some of their values replaced, removed or doubled. */
export function generateGolden(choices: Choices, faults: number): Input {
  const count = 1 + choices.int(3)
  const prompts = times(count, () => promptOf(choices))
  let value: Json = prompts
  for (let i = 0; i < (faults === 0 ? 0 : choices.int(4)); i++) value = changed(value, choices)
  const points = Array.isArray(value) ? value : [value]
  const lines = points.map((point) => JSON.stringify(chance(choices, 20) ? [point] : point))
  const text = pick(choices, [`${lines.join('\n')}\n`, lines.join('\r\n'), JSON.stringify(points)])
  const isPython = chance(choices, 15)
  const written = isPython ? text.replaceAll('0.1', pick(choices, ['NaN', '-Infinity', 'Infinity'])) : text
  if (faults > 0 && chance(choices, 15)) return { bytes: Buffer.from(written.slice(0, choices.int(written.length))) }
  const bytes = Buffer.from(pick(choices, ['', '\ufeff']) + written)
  return faults > 0 ? { bytes } : { bytes, judge: (outcome) => judge(outcome, prompts) }
}

interface Prompt {
  [key: string]: Json
  tokens: number[]
  logits: number[][]
}

function promptOf(choices: Choices): Prompt {
  const [rows, width] = [1 + choices.int(3), 2 + choices.int(4)]
  const logits = times(rows, () => times(width, () => pick(choices, NUMBERS)))
  return { prompt: pick(choices, ['I', '"logits": [', '\u2028']), tokens: times(rows, () => choices.int(99)), logits }
}

/** Every prompt is read, with its shape and its tokens. */
function judge(outcome: Parameters<NonNullable<Input['judge']>>[0], prompts: readonly Prompt[]): void {
  if (!('reading' in outcome)) throw new Finding(`good golden logits were refused: ${outcome.code}: ${outcome.message}`)
  const expected = prompts.map(({ tokens, logits }) => ({
    shape: `[${tokens.length},${logits[0]!.length}]`,
    ids: ` ${tokens}`,
  }))
  const isRight = expected.every(({ shape, ids }, i) => {
    const line = outcome.reading[i]
    return line?.includes(shape) && line.endsWith(ids)
  })
  if (!isRight || outcome.reading.length !== prompts.length) throw new Finding(`read ${outcome.reading}`)
}
