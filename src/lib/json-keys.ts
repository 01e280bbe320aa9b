/**
 * The keys of the outermost object of a JSON text, in its order and with duplicates, neither of which `JSON.parse` keeps.
 * @param text valid JSON
 */
export function* topLevelKeys(text: string): Generator<string> {
  let depth = 0
  let expectsKey = false
  for (const [token] of text.matchAll(/"(?:[^"\\]+|\\.)*"|[{}[\],]/gs)) {
    if (token === '{' || token === '[') {
      depth++
      expectsKey = depth === 1 && token === '{'
    } else if (token === '}' || token === ']') depth--
    else if (token === ',') expectsKey = depth === 1
    else if (expectsKey && depth === 1) {
      expectsKey = false
      yield JSON.parse(token) as string
    }
  }
}
