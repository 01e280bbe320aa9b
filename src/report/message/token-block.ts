import { relative, sep } from 'node:path'
import { isFlip, isNearTie, knowsTop1, NEAR_TIE_ULPS } from '../../compare/divergence.js'
import { cosineText, roundedAway } from '../../compare/rounded-away.js'
import type { ListedComparison, TokenComparison, TokenSide } from '../../compare/types.js'
import { printable } from '../../errors.js'
import { sparkline } from './sparkline.js'

/** What is known of one token, a few indented lines: metrics against their limits, top-1s, files. */
export function tokenBlock(comparison: ListedComparison, token: TokenComparison): string[] {
  const top = knowsTop1(token) ? [`  top-1               ${topLine(comparison, token)}`] : []
  const facts = token.metrics ? metricLines(comparison, token) : [`  ${printable(token.reason, 400)}`, ...top]
  return [...facts, ...sideLines(token)]
}

function metricLines(comparison: ListedComparison, token: TokenComparison): string[] {
  const { thresholds } = comparison
  const { cosineSimilarity, klDivergence } = token.metrics!
  const cosine = cosineText(cosineSimilarity, thresholds.cosineSimilarity)
  const kl = roundedAway(klDivergence, thresholds.klDivergence)
  const width = Math.max(cosine.length, kl.length, 10)
  return [
    `  cosine similarity   ${cosine.padEnd(width)}  must be > ${thresholds.cosineSimilarity}`,
    `  KL divergence       ${kl.padEnd(width)}  must be < ${thresholds.klDivergence} (${thresholds.precision})`,
    `  top-1               ${topLine(comparison, token)}`,
    ...supportLines(token),
    `  KL by token         ${sparkLine(comparison)}`,
  ]
}

function topLine({ thresholds }: ListedComparison, token: TokenComparison): string {
  const [golden, dump] = [token.golden!, token.dump!]
  if (!isFlip(token))
    return `${golden.top1} on both sides (golden ${short(golden.top1Logit!)}, dump ${short(dump.top1Logit!)})`
  const flip = `golden ${golden.top1} (${short(golden.top1Logit!)}) → dump ${dump.top1} (${short(dump.top1Logit!)})   flipped`
  if (golden.logitAtOtherTop1 === undefined) return flip
  const gap = short(golden.top1Logit! - golden.logitAtOtherTop1)
  const tie = isNearTie(token, thresholds.precision)
    ? `a near-tie (within ${NEAR_TIE_ULPS} ULP of ${thresholds.precision})`
    : 'not a near-tie'
  return `${flip}; golden gap ${gap}, ${tie}`
}

function supportLines({ support }: TokenComparison): string[] {
  if (!support || support.firstMismatch < 0) return []
  const parts = [
    support.dumpOnly > 0 ? `${support.dumpOnly} in the dump only` : '',
    support.goldenOnly > 0 ? `${support.goldenOnly} in the golden only` : '',
  ].filter(Boolean)
  return [`  -Inf                ${parts.join(', ')}; first at vocab id ${support.firstMismatch}`]
}

function sparkLine(comparison: ListedComparison): string {
  const { marks, tokensPerMark } = sparkline(comparison)
  return tokensPerMark === 1 ? marks : `${marks}  (${tokensPerMark} tokens a mark, the worst of them)`
}

function sideLines(token: TokenComparison): string[] {
  const sides = (['golden', 'dump'] as const).flatMap((name) => {
    const side = token[name]
    return side ? [{ name, path: fileText(side), type: typeText(side) }] : []
  })
  const width = Math.max(...sides.map(({ path }) => path.length))
  return sides.map(({ name, path, type }) =>
    `  ${name.padEnd(6)}  ${type ? path.padEnd(width) : path}  ${type}`.trimEnd(),
  )
}

function fileText({ files, layer }: TokenSide): string {
  const [first, ...others] = files
  if (first === undefined) return layer === '' ? '(no file)' : `(no file of ${printable(layer)})`
  const more = others.length === 0 ? '' : ` and ${others.length} more ${others.length === 1 ? 'rank' : 'ranks'}`
  return shortPath(first) + more
}

function typeText({ dtype, shape, fileShape }: TokenSide): string {
  if (dtype === undefined) return ''
  const row = shape ?? fileShape
  const file = shape && fileShape && String(fileShape) !== String(shape) ? ` of [${fileShape.join(', ')}]` : ''
  return row ? `${dtype} [${row.join(', ')}]${file}` : dtype
}

const MAX_PATH = 84

/** A path from the working directory on where it lies below; whole folders cut from its front where it is long. */
export function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path)
  const text = fromHere === '' || fromHere.startsWith('..') ? path : fromHere
  if (text.length <= MAX_PATH) return printable(text, MAX_PATH)
  const parts = text.split(sep)
  while (parts.length > 1 && parts.join(sep).length > MAX_PATH - 2) parts.shift()
  return printable(`…${sep}${parts.join(sep)}`, MAX_PATH)
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)))
}
