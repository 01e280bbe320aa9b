/** What a module computes of one vector, by its name in messages. */
export interface Formula {
  readonly text: string
  apply(input: Float32Array): Float64Array
}

/** RMSNorm and LayerNorm add a small number under the root, which no checkpoint names. */
const SMALL = [1e-5, 1e-6, 1e-8, 0]

/** The norms that a weight may belong to. Some models store what is added to 1. */
export function norms(weight: Float32Array, bias: Float32Array | undefined, text: string): Formula[] {
  const added = weight.map((value) => value + 1)
  return SMALL.flatMap((small) => [
    { text: `RMSNorm with ${text}`, apply: (x) => scaled(normalised(x, 0, small), weight, bias) },
    { text: `RMSNorm with 1 + ${text}`, apply: (x) => scaled(normalised(x, 0, small), added, bias) },
    { text: `LayerNorm with ${text}`, apply: (x) => scaled(normalised(x, mean(x), small), weight, bias) },
  ])
}

/** The RMSNorm whose weight fits these inputs and outputs best, element by element. */
export function fittedNorms(inputs: readonly Float32Array[], outputs: readonly Float32Array[]): Formula[] {
  return SMALL.map((small) => {
    const made = inputs.map((x) => normalised(x, 0, small))
    const weight = bestWeight(made, outputs)
    return {
      text: 'RMSNorm with the weight that the golden shows',
      apply: (x) => scaled(normalised(x, 0, small), weight, undefined),
    }
  })
}

/** By least squares for each element; 0 where all inputs are 0. */
function bestWeight(inputs: readonly Float64Array[], outputs: readonly Float32Array[]): Float32Array {
  const width = outputs[0]!.length
  const [products, squares] = [new Float64Array(width), new Float64Array(width)]
  inputs.forEach((input, position) => {
    const output = outputs[position]!
    for (let i = 0; i < width; i++) {
      products[i]! += input[i]! * output[i]!
      squares[i]! += input[i]! * input[i]!
    }
  })
  const weight = new Float32Array(width)
  for (let i = 0; i < width; i++) weight[i] = squares[i] === 0 ? 0 : products[i]! / squares[i]!
  return weight
}

function mean(x: Float32Array): number {
  return x.reduce((sum, value) => sum + value, 0) / x.length
}

function normalised(x: Float32Array, middle: number, small: number): Float64Array {
  let squares = 0
  for (let i = 0; i < x.length; i++) squares += (x[i]! - middle) * (x[i]! - middle)
  const size = Math.sqrt(squares / x.length + small)
  return new Float64Array(x).map((value) => (value - middle) / size)
}

/** Changes `x`. */
function scaled(x: Float64Array, weight: Float32Array, bias: Float32Array | undefined): Float64Array {
  for (let i = 0; i < x.length; i++) x[i] = x[i]! * weight[i]! + (bias ? bias[i]! : 0)
  return x
}

const ACTIVATIONS: Readonly<Record<string, (x: number) => number>> = {
  SiLU: (x) => x / (1 + Math.exp(-x)),
  GELU: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  'GELU by tanh': (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
  'GELU by sigmoid': (x) => x / (1 + Math.exp(-1.702 * x)),
  ReLU: (x) => Math.max(x, 0),
  'squared ReLU': (x) => Math.max(x, 0) ** 2,
}

/** The activations that work element by element. */
export function activations(): Formula[] {
  return Object.entries(ACTIVATIONS).map(([text, apply]) => ({ text, apply: (x) => new Float64Array(x).map(apply) }))
}

const FACTORS = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
  0.17087277,
]

/** The error function to 1.2e-7 (Numerical Recipes, erfc as a Chebyshev fit). */
function erf(x: number): number {
  const t = 1 / (1 + Math.abs(x) / 2)
  let power = 0
  for (let i = FACTORS.length - 1; i >= 0; i--) power = power * t + FACTORS[i]!
  const rest = t * Math.exp(-x * x + power)
  return x >= 0 ? 1 - rest : rest - 1
}
