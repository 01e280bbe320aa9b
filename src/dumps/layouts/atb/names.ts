/** The name of a layer folder, in its two parts. */
export interface LayerName {
  id: number
  op: string
}

/** `33_LmHead`, or `LmHead_33` as some documents write it. */
export function parseAtbLayer(name: string): LayerName | undefined {
  const front = /^(\d{1,9})_(.+)$/s.exec(name)
  if (front) return { id: Number(front[1]), op: front[2]! }
  const back = /^(.+)_(\d{1,9})$/s.exec(name)
  return back ? { id: Number(back[2]), op: back[1]! } : undefined
}
