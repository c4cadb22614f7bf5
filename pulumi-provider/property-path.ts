/** A place in a resource's properties: keys of objects, indices of lists. */
export type PropertyPath = readonly (string | number)[]

/** `tags.env`, `names[1]`, `tags["dotted.key"]`, `["a.b"].c`: as Pulumi writes and reads it. */
export function formatPath(path: PropertyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    if (step === '' || /[.[\]"]/.test(step)) return `${text}["${step.replaceAll('"', '\\"')}"]`
    return text === '' ? step : `${text}.${step}`
  }, '')
}

/** The reverse of `formatPath`; undefined for what is no path. Only a quote is escaped: Pulumi has it so. */
export function parsePath(text: string): PropertyPath | undefined {
  const step = /\[(\d+)\]|\["((?:\\"|[^"])*)"\]|(\.?)([^.[\]"]+)/y
  const path: (string | number)[] = []
  while (step.lastIndex < text.length) {
    const { lastIndex } = step
    const [, index, quoted, dot, key] = step.exec(text) ?? []
    if (index !== undefined) path.push(Number(index))
    else if (quoted !== undefined) path.push(quoted.replaceAll('\\"', '"'))
    else if (key !== undefined && (dot === '.') === lastIndex > 0) path.push(key)
    else return undefined
  }
  return path
}

/** The property that a path begins in: what `diffs` and `replaces` name. What is no path is taken as a whole. */
export function topLevel(text: string): string {
  const [first] = parsePath(text) ?? []
  return first === undefined ? text : String(first)
}
