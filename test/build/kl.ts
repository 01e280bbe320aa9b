/** KL divergence of two rows of logits in nats, by its definition. */
export function kl(golden: readonly number[], dump: readonly number[]): number {
  const [logP, logQ] = [logSoftmax(golden), logSoftmax(dump)]
  return logP.reduce((sum, log, id) => sum + Math.exp(log) * (log - logQ[id]!), 0)
}

function logSoftmax(row: readonly number[]): number[] {
  const max = Math.max(...row)
  const logSum = max + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0))
  return row.map((logit) => logit - logSum)
}
