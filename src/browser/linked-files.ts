/** Logits in memory have no files. */
export function isLinked(): boolean {
  return false
}
