// The exact divergences of two rows, by their definitions, in float64 with compensated sums.

/** ln p of each id. */
export function logSoftmax(logits) {
  let max = Number.NEGATIVE_INFINITY
  for (const logit of logits) max = Math.max(max, logit)
  const total = new Sum()
  for (const logit of logits) total.add(Math.exp(logit - max))
  const log = Math.log(total.value)
  return Float64Array.from(logits, (logit) => logit - max - log)
}

/** Of two rows of ln p: Σ p·ln(p/q), ½·Σ|p − q|, and ½·Σ(p·ln(p/m) + q·ln(q/m)) with m = (p + q)/2. */
export function exactDivergences(golden, dump) {
  const [kl, distance, js] = [new Sum(), new Sum(), new Sum()]
  let isInfinite = false
  for (let id = 0; id < golden.length; id++) {
    const [p, q] = [Math.exp(golden[id]), Math.exp(dump[id])]
    const m = (p + q) / 2
    if (p > 0 && dump[id] === Number.NEGATIVE_INFINITY) isInfinite = true
    else if (p > 0) kl.add(p * (golden[id] - dump[id]))
    distance.add(Math.abs(p - q))
    if (p > 0) js.add(p * Math.log(p / m))
    if (q > 0) js.add(q * Math.log(q / m))
  }
  return {
    klDivergence: isInfinite ? Number.POSITIVE_INFINITY : Math.max(0, kl.value),
    totalVariation: distance.value / 2,
    jensenShannonDivergence: js.value / 2,
  }
}

/** A sum that also keeps what each addition rounds away (Neumaier). */
class Sum {
  #sum = 0
  #lost = 0

  add(term) {
    const sum = this.#sum + term
    this.#lost += Math.abs(this.#sum) >= Math.abs(term) ? this.#sum - sum + term : term - sum + this.#sum
    this.#sum = sum
  }

  get value() {
    return this.#sum + this.#lost
  }
}
