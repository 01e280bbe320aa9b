/** `token 3`, `tokens 3 and 5`, `tokens 0 to 4, 7 and 9 to 11`; at most six parts. Takes ascending steps. */
export function stepRanges(steps: readonly number[]): string {
  const parts: string[] = []
  for (let i = 0; i < steps.length; ) {
    let end = i
    while (steps[end + 1] === steps[end]! + 1) end++
    if (end - i < 2) {
      parts.push(...steps.slice(i, end + 1).map(String))
    } else parts.push(`${steps[i]} to ${steps[end]}`)
    i = end + 1
  }
  const noun = steps.length === 1 ? 'token' : 'tokens'
  if (parts.length > 6) return `${noun} ${parts.slice(0, 5).join(', ')} … (${steps.length} in all)`
  const last = parts.at(-1)
  return parts.length < 2 ? `${noun} ${last}` : `${noun} ${parts.slice(0, -1).join(', ')} and ${last}`
}
